//! One process: a poller, from its start to its death.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Poller, RequestId};
use bilibili_session::{ConversationId, Now, UnixMicros};

use crate::delivery_log::{InHand, Proven};
use crate::politeness::Politeness;
use crate::reply::Replies;
use crate::request_kind::RequestKind;

/// When the run begins, by the server's clock (µs since the epoch).
pub(crate) const EPOCH_US: u64 = 1_700_000_000_000_000;

/// A poller and what the harness knows of it.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: u64,
    pub(crate) poller: Poller,
    pub(crate) politeness: Politeness,
    pub(crate) in_flight: BTreeMap<RequestId, (RequestKind, Duration)>,
    /// It wants to be woken then (µs of the run).
    pub(crate) wakes_us: u64,
    /// The monotonic clock began then (µs of the run).
    pub(crate) began_us: u64,
    /// How far the wall clock is off (µs).
    pub(crate) skew_us: i64,
    /// It was asked to close.
    pub(crate) closing: bool,
    /// It was told that the login is dead.
    pub(crate) login_lost: bool,
    /// The entries of lists that it was ever shown: when and what changed.
    pub(crate) listed: BTreeSet<(i64, ConversationId)>,
    /// The newest message of each conversation that a list told it of.
    pub(crate) told: BTreeMap<ConversationId, u64>,
    /// The messages that it was ever shown.
    pub(crate) seen: BTreeSet<(ConversationId, u64)>,
    pub(crate) in_hand: InHand,
    /// What the last `Date` said, and when that came (s, µs of the run).
    pub(crate) date: Option<(i64, u64)>,
    /// When a page of messages came last (µs of the run).
    pub(crate) fetched_us: Option<u64>,
    pub(crate) replies: Replies,
}

impl Life {
    /// What its clocks show.
    pub(crate) fn now(&self, at_us: u64) -> Now {
        let wall = i64::try_from(EPOCH_US + at_us).unwrap_or(i64::MAX);
        Now {
            monotonic: Duration::from_micros(at_us.saturating_sub(self.began_us)),
            wall: UnixMicros(wall.saturating_add(self.skew_us)),
        }
    }

    /// A monotonic reading of its clock, in the time of the run (µs).
    pub(crate) fn run_time(&self, monotonic: Duration) -> u64 {
        let micros = monotonic.as_nanos().div_ceil(1000);
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        micros.saturating_add(self.began_us)
    }
}

/// A checkpoint on disk.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) checkpoint: Checkpoint,
    /// How many messages it covers.
    pub(crate) covers: usize,
    /// What lists had proven to be new.
    pub(crate) proven: Proven,
    /// When the last round had begun.
    pub(crate) round_began: Option<Duration>,
}

impl Saved {
    /// Through the text that stands on disk.
    pub(crate) fn read(&self) -> Option<Checkpoint> {
        Checkpoint::from_json(&self.checkpoint.to_json()).ok()
    }
}
