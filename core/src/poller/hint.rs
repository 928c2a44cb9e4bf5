//! Hints of a push channel, and what the poller does about them.

use super::Poller;
use super::poke::Look;
use super::state::State;
use crate::time::Now;

/// A hint that something may have changed: a reason to look sooner, never a delivery.
///
/// Hints come from a push channel, which the runtimes open with their feature `push`, or from
/// anywhere else. See [`Poller::handle_hint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// A private message may have arrived.
    Messages,
    /// Somebody may have replied.
    Replies,
    /// Somebody may have mentioned the account.
    At,
    /// Somebody may have liked something.
    Likes,
    /// Something may have changed; the channel does not tell what.
    Other,
    /// The channel has just been connected: changes until now were not told of.
    Connected,
}

impl Poller {
    /// Takes a hint that something has changed, from a [push channel](Hint): the next round
    /// comes at once.
    ///
    /// Not sooner than 3 s after the beginning of the last one (1 s with another origin than the
    /// service itself; up to 3 s more after a resume, as clocks differ), and not while the poller
    /// backs off or pauses. At the service itself hints that go on for minutes lead to a round every
    /// 6 s: it does not bear more for long. Many hints at once lead to one round. For notifications
    /// the same holds: see the [feeds](crate::feeds). A hint may come before the lists show the
    /// change, so that a round that brings nothing is repeated a few times, at a growing distance.
    ///
    /// Hints are never needed: without one all is delivered as well, only later. Outputs of the
    /// poller are to be polled afterwards.
    pub fn handle_hint(&mut self, now: Now, hint: Hint) {
        let now = self.at(now);
        self.hint_feeds(hint);
        let look = match hint {
            Hint::Messages | Hint::Other => Look::Repeated,
            Hint::Connected => Look::Once,
            Hint::Replies | Hint::At | Hint::Likes => return,
        };
        // The baseline is still to be asked for: it shows the change.
        if matches!(self.state, State::Starting) && !self.in_flight.has_list() {
            return;
        }
        self.schedule.poke(now.monotonic, look);
    }
}
