//! A promise that was not kept.

use std::fmt;
use std::time::Duration;

use bilibili_session::ConversationId;

use crate::scenario::Scenario;

/// Promise of a poller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// 1: every message that arrives is delivered.
    NothingLost,
    /// 2: nothing is delivered twice, and nothing old.
    NothingTwice,
    /// 3: messages are delivered in order within a conversation.
    InOrder,
    /// 4: one unreadable item harms no other.
    OneBadItem,
    /// 5: requests are not too frequent.
    Polite,
    /// 6: memory and work are bounded.
    Bounded,
    /// 7: the poller ends.
    ItEnds,
    /// 8: the wall clock does no harm.
    WallClock,
}

impl Property {
    /// Returns the number of the promise, 1 to 8.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::NothingLost => "nothing lost",
            Self::NothingTwice => "nothing twice, nothing old",
            Self::InOrder => "in order",
            Self::OneBadItem => "one bad item is one bad item",
            Self::Polite => "polite",
            Self::Bounded => "bounded",
            Self::ItEnds => "it ends",
            Self::WallClock => "wall-clock jumps",
        };
        write!(f, "{} ({words})", self.number())
    }
}

/// Promise that was not kept: time, reason, and the way there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// The promise.
    pub property: Property,
    /// The conversation concerned, if any.
    pub about: Option<ConversationId>,
    /// Time at which it began, if that is known: a message arrived that was never delivered.
    pub since: Option<Duration>,
    /// Description of the failure.
    pub what: String,
    /// Time since the beginning of the run.
    pub at: Duration,
    /// The run.
    pub scenario: Scenario,
    /// The last inputs and outputs before the failure, where the run was traced.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: property {} is broken after {:.3} s: {}",
            self.scenario.seed,
            self.property,
            self.at.as_secs_f64(),
            self.what
        )?;
        writeln!(f, "{:?}", self.scenario)?;
        self.trace
            .iter()
            .try_for_each(|line| writeln!(f, "    {line}"))
    }
}

impl std::error::Error for Violation {}

/// Failure, before its run is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Breach {
    pub(crate) property: Property,
    pub(crate) about: Option<ConversationId>,
    pub(crate) since: Option<Duration>,
    pub(crate) what: String,
}

impl Breach {
    pub(crate) fn new(property: Property, what: impl Into<String>) -> Self {
        Self {
            property,
            about: None,
            since: None,
            what: what.into(),
        }
    }

    /// Names the conversation concerned.
    pub(crate) fn about(mut self, id: ConversationId) -> Self {
        self.about = Some(id);
        self
    }

    /// Sets the time at which the failure began.
    pub(crate) fn since(mut self, since: Option<Duration>) -> Self {
        self.since = since;
        self
    }

    /// Fails unless the condition holds.
    pub(crate) fn unless(
        holds: bool,
        property: Property,
        what: impl FnOnce() -> String,
    ) -> Result<(), Self> {
        if holds {
            Ok(())
        } else {
            Err(Self::new(property, what()))
        }
    }
}
