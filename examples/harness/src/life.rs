//! One process: a poller, from its start to its death.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Journal, Poller, RequestId, Status};
use bilibili_session::{ConversationId, FeedKind, Now, UnixMicros};

use crate::delivery_log::{Base, InHand, Proven};
use crate::page::Page;
use crate::politeness::Politeness;
use crate::reply::Replies;
use crate::request_kind::RequestKind;

/// Beginning of the run, by the server's clock (µs since the epoch).
pub(crate) const EPOCH_US: u64 = 1_700_000_000_000_000;

/// A poller, and the harness's knowledge of it.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: u64,
    pub(crate) poller: Poller,
    pub(crate) politeness: Politeness,
    pub(crate) in_flight: BTreeMap<RequestId, (RequestKind, Duration)>,
    /// Time at which the poller wants to be woken (µs of the run).
    pub(crate) wakes_us: u64,
    /// The monotonic clock began then (µs of the run).
    pub(crate) began_us: u64,
    /// Error of the wall clock (µs).
    pub(crate) skew_us: i64,
    /// Set once the poller was asked to close.
    pub(crate) closing: bool,
    /// Set once an answer said that the login is dead.
    pub(crate) login_lost: bool,
    /// Entries of lists that the poller was ever shown: time and conversation.
    pub(crate) listed: BTreeSet<(i64, ConversationId)>,
    /// The newest message of each conversation that a list has shown.
    pub(crate) listed_newest: BTreeMap<ConversationId, u64>,
    /// Messages that the poller was ever shown.
    pub(crate) seen: BTreeSet<(ConversationId, u64)>,
    pub(crate) in_hand: InHand,
    /// Value of the last `Date`, and time of its arrival (s, µs of the run).
    pub(crate) date: Option<(i64, u64)>,
    /// Time of the last page of messages (µs of the run).
    pub(crate) fetched_us: Option<u64>,
    pub(crate) replies: Replies,
    /// Baseline that the last list means while the poller has not begun, and its time (µs of the
    /// run).
    pub(crate) base: Option<(Base, u64)>,
    /// Times at which the server made the last newest page of each feed that was taken (µs since
    /// the epoch).
    pub(crate) feeds_read_us: BTreeMap<FeedKind, u64>,
    pub(crate) journal: Journal,
}

impl Life {
    /// Returns the time that the poller's clocks show.
    pub(crate) fn now(&self, at_us: u64) -> Now {
        let wall = i64::try_from(EPOCH_US + at_us).unwrap_or(i64::MAX);
        Now {
            monotonic: Duration::from_micros(at_us.saturating_sub(self.began_us)),
            wall: UnixMicros(wall.saturating_add(self.skew_us)),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.poller.status() == Status::Connected
    }

    /// Notes the items of a page, and returns the number of those that are new; of messages all if `counts_all`.
    pub(crate) fn note_page(&mut self, asked: RequestKind, page: &Page, counts_all: bool) -> u64 {
        for entry in &page.entries {
            let newest = self.listed_newest.entry(entry.id).or_default();
            *newest = entry.newest.max(*newest);
        }
        let entries = page.entries.iter();
        let items = match asked.conversation() {
            Some(id) => {
                let mut is_new = |seqno| self.seen.insert((id, seqno)) || counts_all;
                let messages = page.messages.iter();
                messages.filter(|(seqno, _)| is_new(*seqno)).count()
            }
            None => entries
                .filter(|it| self.listed.insert((it.session_ts, it.id)))
                .count(),
        };
        u64::try_from(items).unwrap_or(u64::MAX)
    }

    /// Converts a monotonic reading of the poller's clock to the time of the run (µs).
    pub(crate) fn run_time(&self, monotonic: Duration) -> u64 {
        let micros = monotonic.as_nanos().div_ceil(1000);
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        micros.saturating_add(self.began_us)
    }
}

/// A checkpoint on disk.
#[derive(Debug)]
pub(crate) struct Saved {
    /// `None`: it is in a file that grew.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Number of events that the checkpoint covers.
    pub(crate) covers: usize,
    /// Number of notifications that it covers.
    pub(crate) covers_feeds: usize,
    /// Conversations that lists had proven to be new.
    pub(crate) proven: Proven,
    /// Beginning of the last round.
    pub(crate) round_began: Option<Duration>,
}

impl Saved {
    /// Reads the checkpoint back from the text that stands on disk.
    pub(crate) fn read(&self, file: &str) -> Option<Checkpoint> {
        let text = self.checkpoint.as_ref().map(Checkpoint::to_json);
        Checkpoint::from_json(text.as_deref().unwrap_or(file)).ok()
    }
}
