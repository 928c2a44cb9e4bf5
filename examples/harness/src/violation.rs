//! A promise that was not kept.

use std::fmt;
use std::time::Duration;

use bilibili_session::ConversationId;

use crate::scenario::Scenario;

/// What a poller promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// 1: every message that arrives comes out.
    NothingLost,
    /// 2: nothing comes twice, and nothing old.
    NothingTwice,
    /// 3: in order within a conversation.
    InOrder,
    /// 4: one bad item is one bad item.
    OneBadItem,
    /// 5: it does not ask too often.
    Polite,
    /// 6: its memory is bounded, and its work.
    Bounded,
    /// 7: it ends.
    ItEnds,
    /// 8: the wall clock does no harm.
    WallClock,
}

impl Property {
    /// 1 to 8.
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

/// A promise that was not kept: which, when, and how it came to that.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// Which promise.
    pub property: Property,
    /// In which conversation, if it is about one.
    pub about: Option<ConversationId>,
    /// When it began, if that is known: a message arrived that never came out.
    pub since: Option<Duration>,
    /// What happened.
    pub what: String,
    /// When, since the beginning of the run.
    pub at: Duration,
    /// The run.
    pub scenario: Scenario,
    /// The last inputs and outputs before it, where the run was traced.
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

/// What was found wrong, before it is known in which run.
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

    /// It is about this conversation.
    pub(crate) fn about(mut self, id: ConversationId) -> Self {
        self.about = Some(id);
        self
    }

    /// It began then.
    pub(crate) fn since(mut self, since: Option<Duration>) -> Self {
        self.since = since;
        self
    }

    /// Fails unless it holds.
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
