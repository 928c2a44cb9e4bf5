//! Hints of a push channel in a run.

use bilibili_session::poller::Hint;

use super::Run;
use crate::channel::{Coming, hint_of};
use crate::happening::Happening;
use crate::violation::Breach;

impl Run<'_> {
    /// Lets the channel tell of the messages and notifications since there were so many.
    pub(super) fn tell_since(&mut self, (messages, notifications): (u64, usize)) {
        let Some(channel) = &mut self.channel else {
            return;
        };
        let arrived = self.population.ledger.serial().saturating_sub(messages);
        let mut coming = channel.tell(Hint::Messages, arrived);
        if let Some(crowd) = &self.crowd {
            for (_, happened) in crowd.ledger.all().skip(notifications) {
                coming.extend(channel.tell(hint_of(happened.kind), 1));
            }
        }
        for hint in coming {
            self.put_hint(hint);
        }
    }

    /// Returns the number of messages and notifications so far.
    pub(super) fn told(&self) -> (u64, usize) {
        let crowd = self.crowd.as_ref();
        let notifications = crowd.map_or(0, |crowd| crowd.ledger.len());
        (self.population.ledger.serial(), notifications)
    }

    /// Lets a hint about nothing come, unless it is quiet, and the next one after it.
    pub(super) fn noise(&mut self) -> Result<(), Breach> {
        let is_quiet = self.quiet_since.is_some();
        let Some(channel) = self.channel.as_mut().filter(|_| !is_quiet) else {
            return Ok(());
        };
        let (after_us, hint) = channel.noise();
        self.agenda.put(self.at_us + after_us, Happening::Noise);
        self.hint(hint)
    }

    /// Lets a new process have its connection.
    pub(super) fn channel_connects(&mut self) {
        if let Some(channel) = &mut self.channel {
            let after_us = channel.connects();
            self.put_hint((after_us, Hint::Connected));
        }
    }

    fn put_hint(&mut self, (after_us, hint): Coming) {
        self.agenda
            .put(self.at_us + after_us, Happening::Hint(hint));
    }

    /// Passes a hint to the poller.
    pub(super) fn hint(&mut self, hint: Hint) -> Result<(), Breach> {
        let (at_us, time) = (self.at_us, self.time());
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        self.report.hints += 1;
        self.trace.add(time, || format!("   hint: {hint:?}"));
        life.politeness.hinted(time, hint);
        let now = life.now(at_us);
        life.poller.handle_hint(now, hint);
        self.drain()
    }
}
