//! The five states, and every way from one to another.

use std::fmt;

use crate::error::Error;

/// The status of a poller. The numbers are those of the Python module's `get_status`.
///
/// ```text
///            baseline taken
///   0 init ─────────────────▶ 1 connected
///     │ │                       │ │
///     │ │ close           close │ │
///     │ └─────▶ 2 closing ◀─────┘ │
///     │             │             │
///     │             ▼             │
///     │         3 closed          │
///     │                           │
///     └────────▶ 4 error ◀────────┘
///               login lost
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the five states are the contract")]
pub enum Status {
    /// 0: the logged-in user and the state of the conversations are not known yet.
    Init,
    /// 1: the baseline is taken; messages that arrive from now on are delivered.
    Connected,
    /// 2: closing; no more requests are sent.
    Closing,
    /// 3: ended as asked.
    Closed,
    /// 4: ended because going on makes no sense; the reason comes along.
    Error,
}

impl Status {
    /// Returns the number of the status, 0 to 4.
    pub const fn code(self) -> u8 {
        match self {
            Self::Init => 0,
            Self::Connected => 1,
            Self::Closing => 2,
            Self::Closed => 3,
            Self::Error => 4,
        }
    }

    /// Returns whether the poller still sends requests.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Init | Self::Connected)
    }

    /// Returns the reports on the way to another status: the one table of transitions.
    ///
    /// An error is reported when all messages that are held were delivered.
    pub(super) const fn way_to(self, status: Self) -> &'static [Self] {
        match (self, status) {
            (Self::Init, Self::Connected) => &[Self::Connected],
            (Self::Init | Self::Connected, Self::Closed) => &[Self::Closing, Self::Closed],
            _ => &[],
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "init",
            Self::Connected => "connected",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Error => "error",
        })
    }
}

/// A new status, and for [`Status::Error`] the reason.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatusChange {
    /// The status from now on.
    pub status: Status,
    /// The reason for [`Status::Error`].
    pub reason: Option<Error>,
}

/// Formats the status, and the reason of an error.
impl fmt::Display for StatusChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}: {reason}", self.status),
            None => self.status.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Status; 5] = [
        Status::Init,
        Status::Connected,
        Status::Closing,
        Status::Closed,
        Status::Error,
    ];

    #[test]
    fn no_state_jumps() {
        for from in ALL {
            for to in ALL {
                let way = from.way_to(to);
                assert!(way.is_empty() || from.is_running(), "{from} to {to}");
                assert!(way.is_sorted(), "{from} to {to}");
                assert!(way.last().is_none_or(|last| *last == to), "{from} to {to}");
            }
        }
    }

    #[test]
    fn codes_are_those_of_the_python_module() {
        assert_eq!(ALL.map(Status::code), [0, 1, 2, 3, 4]);
    }
}
