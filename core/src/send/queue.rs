//! The order and the distance of sends.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::ids::ConversationId;

/// Time after which a send that waits for another looks again, though nothing woke it.
const GLANCE: Duration = Duration::from_secs(1);

/// The sends of a login that are not over, in the order in which they began.
///
/// Those to one conversation go out one after the other; all keep a distance. A send that is
/// dropped half way gives up its place.
#[derive(Debug)]
pub(crate) struct SendQueue {
    spacing: Duration,
    last_sent: Option<Duration>,
    line: VecDeque<Waiting>,
    next: u64,
}

/// A send that is not over.
#[derive(Debug)]
struct Waiting {
    number: u64,
    receiver: ConversationId,
    is_sent: bool,
    /// Gone together with the place.
    owner: Weak<()>,
}

/// A place in the queue, kept until the send is over. Clones are the same place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    number: u64,
    _owner: Arc<()>,
}

impl SendQueue {
    /// Creates a queue of sends that keep this distance.
    pub(super) const fn new(spacing: Duration) -> Self {
        Self {
            spacing,
            last_sent: None,
            line: VecDeque::new(),
            next: 0,
        }
    }

    /// Takes a place behind all others.
    pub(crate) fn enter(&mut self, receiver: ConversationId) -> Place {
        self.leave_out_the_gone();
        let owner = Arc::new(());
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.line.push_back(Waiting {
            number,
            receiver,
            is_sent: false,
            owner: Arc::downgrade(&owner),
        });
        Place {
            number,
            _owner: owner,
        }
    }

    /// Checks that no earlier send to the same conversation goes on; else returns when to look
    /// again.
    pub(crate) fn check_first(&mut self, place: &Place, clock: Duration) -> Result<(), Duration> {
        self.leave_out_the_gone();
        let own = self.line.iter().find(|it| it.number == place.number);
        let receiver = own.map(|it| it.receiver);
        let first = self.line.iter().find(|it| Some(it.receiver) == receiver);
        match first.is_none_or(|first| first.number == place.number) {
            true => Ok(()),
            false => Err(clock.saturating_add(GLANCE)),
        }
    }

    /// Notes that this send goes out now; or returns when to look again.
    pub(crate) fn go(&mut self, place: &Place, clock: Duration) -> Result<(), Duration> {
        self.check_first(place, clock)?;
        let earlier = u32::try_from(self.ready_before(place)).unwrap_or(u32::MAX);
        if let Some(last) = self.last_sent.filter(|_| !self.spacing.is_zero()) {
            let distance = self.spacing.saturating_mul(earlier.saturating_add(1));
            let due = last.saturating_add(distance);
            if clock < due {
                return Err(due);
            }
        }
        self.last_sent = Some(clock);
        let mut line = self.line.iter_mut();
        if let Some(own) = line.find(|it| it.number == place.number) {
            own.is_sent = true;
        }
        Ok(())
    }

    /// Returns the number of earlier sends that could go out now as well.
    fn ready_before(&self, place: &Place) -> usize {
        let mut behind = BTreeSet::new();
        let before = self
            .line
            .iter()
            .take_while(|waiting| waiting.number != place.number);
        before
            .filter(|waiting| behind.insert(waiting.receiver) && !waiting.is_sent)
            .count()
    }

    fn leave_out_the_gone(&mut self) {
        self.line.retain(|it| it.owner.strong_count() > 0);
        if self.line.is_empty() {
            self.line.shrink_to_fit();
        }
    }
}
