//! One process: a poller, from its start to its death.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Poller, RequestId};
use bilibili_session::{ConversationId, Now, UnixMicros};

use super::delivery_log::{InHand, Proven};
use super::politeness::Politeness;
use super::reply::Replies;
use super::request_kind::RequestKind;

/// When the run begins, by the server's clock (µs since the epoch).
pub(super) const EPOCH_US: u64 = 1_700_000_000_000_000;

/// A poller and what the harness knows of it.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) number: u64,
    pub(super) poller: Poller,
    pub(super) politeness: Politeness,
    pub(super) in_flight: BTreeMap<RequestId, (RequestKind, Duration)>,
    /// It wants to be woken then (µs of the run).
    pub(super) wakes_us: u64,
    /// The monotonic clock began then (µs of the run).
    pub(super) began_us: u64,
    /// How far the wall clock is off (µs).
    pub(super) skew_us: i64,
    /// It was asked to close.
    pub(super) closing: bool,
    /// It was told that the login is dead.
    pub(super) login_lost: bool,
    /// The entries of lists that it was ever shown: when and what changed.
    pub(super) listed: BTreeSet<(i64, ConversationId)>,
    /// The newest message of each conversation that a list told it of.
    pub(super) told: BTreeMap<ConversationId, u64>,
    /// The messages that it was ever shown.
    pub(super) seen: BTreeSet<(ConversationId, u64)>,
    pub(super) in_hand: InHand,
    /// What the last `Date` said, and when that came (s, µs of the run).
    pub(super) date: Option<(i64, u64)>,
    /// When a page of messages came last (µs of the run).
    pub(super) fetched_us: Option<u64>,
    pub(super) replies: Replies,
}

impl Life {
    /// What its clocks show.
    pub(super) fn now(&self, at_us: u64) -> Now {
        let wall = i64::try_from(EPOCH_US + at_us).unwrap_or(i64::MAX);
        Now {
            monotonic: Duration::from_micros(at_us.saturating_sub(self.began_us)),
            wall: UnixMicros(wall.saturating_add(self.skew_us)),
        }
    }

    /// A monotonic reading of its clock, in the time of the run (µs).
    pub(super) fn run_time(&self, monotonic: Duration) -> u64 {
        let micros = monotonic.as_nanos().div_ceil(1000);
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        micros.saturating_add(self.began_us)
    }
}

/// A checkpoint on disk.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) checkpoint: Checkpoint,
    /// How many messages it covers.
    pub(super) covers: usize,
    /// What lists had proven to be new.
    pub(super) proven: Proven,
    /// When the last round had begun.
    pub(super) round_began: Option<Duration>,
}

impl Saved {
    /// Through the text that stands on disk.
    pub(super) fn read(&self) -> Option<Checkpoint> {
        Checkpoint::from_json(&self.checkpoint.to_json()).ok()
    }
}
