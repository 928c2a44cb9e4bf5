//! Checks that hints make rounds come sooner, and how much sooner.

use std::time::Duration;

use bilibili_session::poller::Hint;

use crate::violation::{Breach, Property};

/// Least distance between two rounds.
const LEAST: Duration = Duration::from_secs(3);
/// Distance of rounds that go on for long.
const LASTING: Duration = Duration::from_secs(6);
/// Greatest time that rounds are ahead of that, all together.
const CREDIT: Duration = Duration::from_secs(60);
/// Number of rounds out of turn that a hint leads to while they bring nothing.
const LOOKS: u32 = 5;
/// Longest time that a round out of turn may be late.
const LATE: Duration = Duration::from_millis(200);

/// Hints, and the rounds that they lead to.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Number of rounds out of turn that there is a reason for.
    looks: u32,
    /// Set if a hint came since the last round began.
    has_come: bool,
    /// Time of the last request for the newest page of all.
    newest_at: Duration,
    /// Time of the first hint that no round has followed.
    waits_since: Option<Duration>,
    /// Time that rounds are ahead of the lasting distance.
    ahead: Duration,
}

impl Hints {
    pub(super) fn hint(&mut self, now: Duration, hint: Hint) {
        self.looks = match hint {
            Hint::Messages | Hint::Other => LOOKS,
            Hint::Connected => self.looks.max(1),
            _ => return,
        };
        self.has_come = true;
        self.waits_since.get_or_insert(now);
    }

    /// Notes a message: what the hints before told of has been found.
    pub(super) fn found(&mut self) {
        self.looks = self.looks.min(u32::from(self.has_come));
    }

    /// Notes a request that shows what the hints before told of.
    pub(super) fn newest_is_read(&mut self, now: Duration) {
        self.waits_since = None;
        self.newest_at = now;
    }

    /// Checks the distance of a round to the last one of the same life.
    pub(super) fn round_begins(
        &mut self,
        since: Duration,
        interval: Duration,
    ) -> Result<(), Breach> {
        (self.has_come, self.waits_since) = (false, None);
        let usual = interval.min(LASTING);
        self.ahead = (self.ahead + usual).saturating_sub(since);
        if since >= interval {
            return Ok(());
        }
        let impolite = |what: String| Err(Breach::new(Property::Polite, what));
        if self.looks == 0 {
            return impolite(format!("a round {since:?} after the last, and no hint"));
        }
        self.looks -= 1;
        if since < LEAST {
            return impolite(format!("a round {since:?} after the last, after a hint"));
        }
        Breach::unless(self.ahead <= CREDIT, Property::Polite, || {
            format!("rounds come too fast for too long: {:?} ahead", self.ahead)
        })
    }

    /// Checks that a poller which waits until then, with nothing in its way since `free_since`,
    /// follows the hints so far; `began` is the beginning of the last round.
    pub(super) fn are_followed(
        &self,
        began: Duration,
        free_since: Duration,
        until: Duration,
    ) -> Result<(), Breach> {
        let Some(hinted) = self.waits_since else {
            return Ok(());
        };
        let began = began.max(self.newest_at);
        let latest = hinted.max(began + LASTING).max(free_since) + LATE;
        Breach::unless(until <= latest, Property::Polite, || {
            format!("a hint of {hinted:?} is not followed before {until:?}")
        })
    }
}
