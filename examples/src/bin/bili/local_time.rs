//! Times of the service, on the local clock.

use bilibili_session::UnixSeconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Length of every time in columns.
pub(crate) const COLUMNS: usize = 19;

/// Formats a local time, `2026-01-31 08:15:00`; blank where there is no time.
pub(crate) fn local_time(seconds: UnixSeconds) -> String {
    match Timestamp::from_second(seconds.0) {
        Ok(time) if seconds.0 != 0 => time
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        _ => " ".repeat(COLUMNS),
    }
}
