//! The five states, and every way from one to another.

use std::fmt;

use crate::error::Error;

/// How the poller stands. The numbers are those of the Python module's `get_status`.
///
/// ```text
///            base line taken
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
    /// 0: who is logged in and where the conversations stand is not known yet.
    Init,
    /// 1: the base line is taken; what arrives from now on comes out.
    Connected,
    /// 2: closing; nothing more is asked for.
    Closing,
    /// 3: over, as it was asked to be.
    Closed,
    /// 4: over, because going on makes no sense; the reason comes along.
    Error,
}

/// What moves the poller from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The base line is taken.
    BaseLine,
    /// The user wants it to end.
    Close,
    /// Nothing is left to be waited for.
    Drained,
    /// Going on makes no sense.
    Fatal,
}

impl Status {
    /// 0 to 4.
    pub const fn code(self) -> u8 {
        match self {
            Self::Init => 0,
            Self::Connected => 1,
            Self::Closing => 2,
            Self::Closed => 3,
            Self::Error => 4,
        }
    }

    /// Whether the poller still asks the service.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Init | Self::Connected)
    }

    /// The one table of transitions; `None` where a trigger changes nothing.
    pub(super) const fn after(self, trigger: Trigger) -> Option<Self> {
        match (self, trigger) {
            (Self::Init, Trigger::BaseLine) => Some(Self::Connected),
            (Self::Init | Self::Connected, Trigger::Close) => Some(Self::Closing),
            (Self::Closing, Trigger::Drained) => Some(Self::Closed),
            (Self::Init | Self::Connected, Trigger::Fatal) => Some(Self::Error),
            _ => None,
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

/// A new state, and for [`Status::Error`] why.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatusChange {
    /// The state from now on.
    pub status: Status,
    /// Why it is [`Status::Error`].
    pub reason: Option<Error>,
}

/// The state, and why it is an error.
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
            for trigger in [
                Trigger::BaseLine,
                Trigger::Close,
                Trigger::Drained,
                Trigger::Fatal,
            ] {
                if let Some(to) = from.after(trigger) {
                    assert!(to > from, "{from} to {to}");
                    assert!(
                        from.is_running() || (from, to) == (Status::Closing, Status::Closed),
                        "{from} to {to}"
                    );
                }
            }
        }
    }

    #[test]
    fn codes_are_those_of_the_python_module() {
        assert_eq!(ALL.map(Status::code), [0, 1, 2, 3, 4]);
    }
}
