//! Points in time, each with its unit in its type.
//!
//! The service counts some times in seconds and others in microseconds;
//! here they cannot be mixed up, and nothing in this crate asks a clock.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize};

use crate::json::lenient;

/// Whole seconds since the Unix epoch: `timestamp` of a message, `wts` of a signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a number with its unit, nothing else"
)]
pub struct UnixSeconds(pub i64);

/// Microseconds since the Unix epoch: every `*_ts` of a conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a number with its unit, nothing else"
)]
pub struct UnixMicros(pub i64);

const MICROS: i64 = 1_000_000;

impl UnixSeconds {
    /// Returns the first microsecond of this second.
    pub const fn to_micros(self) -> UnixMicros {
        UnixMicros(self.0.saturating_mul(MICROS))
    }

    /// Adds `span`, cut to whole seconds.
    pub fn plus(self, span: Duration) -> Self {
        self.to_micros().plus(span).to_seconds()
    }

    /// Parses the HTTP `Date` header, for instance `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn from_http_date(value: &str) -> Option<Self> {
        let time = httpdate::parse_http_date(value).ok()?;
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok().map(Self)
    }
}

impl UnixMicros {
    /// Returns the second that contains this time.
    pub const fn to_seconds(self) -> UnixSeconds {
        UnixSeconds(self.0.div_euclid(MICROS))
    }

    /// Adds `span`; saturates.
    pub fn plus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Subtracts `span`; saturates.
    pub fn minus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }
}

/// Reads a wall clock.
impl From<SystemTime> for UnixMicros {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(0).plus(since),
            Err(before) => Self(0).minus(before.duration()),
        }
    }
}

impl fmt::Debug for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

impl fmt::Debug for UnixMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}µs", self.0)
    }
}

/// The number alone, as on the wire.
impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number alone, as on the wire.
impl fmt::Display for UnixMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for UnixSeconds {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl FromStr for UnixMicros {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl<'de> Deserialize<'de> for UnixSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::int(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for UnixMicros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::int(deserializer).map(Self)
    }
}

/// Readings of the driver's clocks, passed in with every input of a machine.
///
/// The two are kept apart because they fail differently: the monotonic reading
/// times waits and deadlines, the wall clock may jump and only dates a request
/// until an answer of the server has shown its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "every driver makes it from its two clocks"
)]
pub struct Now {
    /// Time since any fixed point of the driver's choice. It never goes back;
    /// a reading that does is taken as no time having passed.
    pub monotonic: Duration,
    /// Reading of the wall clock, which may be wrong by any amount.
    pub wall: UnixMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_and_saturate() {
        assert_eq!(UnixSeconds(2).to_micros(), UnixMicros(2_000_000));
        assert_eq!(UnixMicros(-1).to_seconds(), UnixSeconds(-1));
        assert_eq!(
            UnixMicros(i64::MAX).plus(Duration::MAX),
            UnixMicros(i64::MAX)
        );
        assert_eq!(
            UnixMicros(5_000_000).minus(Duration::from_secs(2)),
            UnixMicros(3_000_000)
        );
    }

    #[test]
    fn a_text_is_the_number() {
        let times = (UnixSeconds(-1), UnixMicros(i64::MAX));
        assert_eq!(times.0.to_string().parse(), Ok(times.0));
        assert_eq!(times.1.to_string().parse(), Ok(times.1));
        assert!("1.5".parse::<UnixSeconds>().is_err());
    }

    #[test]
    fn http_dates() {
        assert_eq!(
            UnixSeconds::from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(UnixSeconds(784_111_777))
        );
        assert_eq!(UnixSeconds::from_http_date("yesterday"), None);
    }
}
