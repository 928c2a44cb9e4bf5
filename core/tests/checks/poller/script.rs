//! The fate of a poller, as fuzzers and proptest make it up.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use bilibili_session::poller::PollerConfig;

/// Number of conversations that are remembered.
const MAX_CONVERSATIONS: usize = 100;

/// The configuration of a poller, and what happens to it.
#[derive(Debug, Clone, Default, Arbitrary)]
pub struct Script {
    pub settings: Settings,
    pub steps: Vec<Step>,
}

/// The configuration; numbers are folded into their range.
#[derive(Debug, Clone, Default, Arbitrary)]
pub struct Settings {
    pub page_size: u8,
    pub backlog: u8,
    pub kept_events: u8,
    pub max_parallel: u8,
    pub interval: u8,
    pub with_own: bool,
    pub seed: u64,
}

/// One thing that happens. `pick` chooses among the requests that are on their way.
#[derive(Debug, Clone, Arbitrary)]
pub enum Step {
    /// The server answers as one that works.
    Serve { pick: u8 },
    /// Messages arrive at the server.
    Arrive { talker: u8, count: u8, kind: u8 },
    /// The driver sleeps as long as it was told.
    Wait,
    /// The driver wakes after this time.
    Pass { millis: u32 },
    /// The wall clock is off by this much from now on.
    Wall { micros: i64 },
    /// The request is lost.
    Lose { pick: u8, how: u8 },
    /// The server refuses.
    Refuse { pick: u8, code: u8 },
    /// Something that is no envelope.
    Http { pick: u8, status: u8, body: Vec<u8> },
    /// An answer to a request that is not on its way.
    Again { pick: u8 },
    /// The process is killed and goes on from a checkpoint.
    Resume { rewind: bool },
    /// The user wants it to end.
    Close,
    /// A list of anything.
    List {
        pick: u8,
        entries: Vec<ListEntry>,
        has_more: bool,
    },
    /// A page of anything.
    Page {
        pick: u8,
        messages: Vec<PageEntry>,
        has_more: bool,
        ends: Option<(Number, Number)>,
    },
    /// Success, with `data` as it is.
    Data { pick: u8, data: Vec<u8> },
    /// The server's clock is off by this much from now on, or not shown.
    Date { seconds: Option<i64> },
    /// A list of conversations that were never seen before.
    Flood { pick: u8, count: u16, kind: u8 },
}

/// An entry of a list.
#[derive(Debug, Clone, Arbitrary)]
pub struct ListEntry {
    pub talker: u8,
    pub max_seqno: Number,
    /// Seconds from now.
    pub at: i16,
    pub shape: u8,
}

/// An item of a page.
#[derive(Debug, Clone, Arbitrary)]
pub struct PageEntry {
    pub seqno: Number,
    pub key: u8,
    /// Seconds from now.
    pub at: i16,
    pub kind: u8,
    pub shape: u8,
}

/// Mostly small, so that numbers meet; sometimes at an edge.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub u64);

impl<'a> Arbitrary<'a> for Number {
    fn arbitrary(from: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self(match u8::arbitrary(from)? {
            255 => u64::MAX,
            254 => i64::MAX.unsigned_abs(),
            253 => i64::MAX.unsigned_abs() + 1,
            252 => u64::MAX - 1,
            251 => u64::arbitrary(from)?,
            small => u64::from(small),
        }))
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (1, Some(9))
    }
}

impl Script {
    /// Rounds against a server that works.
    pub fn default_rounds() -> Self {
        let round = [
            Step::Serve { pick: 0 },
            Step::Serve { pick: 0 },
            Step::Arrive {
                talker: 1,
                count: 3,
                kind: 0,
            },
            Step::Wait,
        ];
        Self {
            settings: Settings::default(),
            steps: round.iter().cycle().take(16).cloned().collect(),
        }
    }
}

impl Settings {
    pub(super) fn page_size(&self) -> usize {
        2 + usize::from(self.page_size % 7)
    }

    pub(super) fn max_parallel(&self) -> usize {
        1 + usize::from(self.max_parallel % 3)
    }

    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs(1 + u64::from(self.interval % 8))
    }

    pub(super) fn config(&self) -> PollerConfig {
        PollerConfig::new()
            .page_size(u32::try_from(self.page_size()).unwrap())
            .backlog(usize::from(self.backlog % 16))
            .kept_events(usize::from(self.kept_events % 16))
            .max_parallel(self.max_parallel())
            .interval(self.interval())
            .exclude_self(!self.with_own)
            .max_conversations(MAX_CONVERSATIONS)
            .seed(self.seed)
    }

    /// Events, and the room that queues keep once they had it.
    pub(super) fn held_at_most(&self) -> usize {
        (usize::from(self.backlog % 16) + usize::from(self.kept_events % 16)) * 4096 + (224 << 10)
    }
}
