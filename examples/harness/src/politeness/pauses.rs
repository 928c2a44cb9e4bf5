//! Checks that each trouble leads to a pause that is announced, and longer than the last.

use std::time::Duration;

use bilibili_session::poller::Warning;

use super::Politeness;
use crate::adversary::Meaning;
use crate::violation::{Breach, Property};

/// Pauses that double end here (s).
pub(super) const RETRY_CAP: f64 = 300.0;
pub(super) const RISK_CAP: f64 = 3600.0;
/// Pause of sends after 21046.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The last pauses after risk control and throttling that one kind of request met.
#[derive(Debug, Default)]
pub(super) struct Graver {
    pub(super) risk: Option<f64>,
    pub(super) throttled: Option<f64>,
}

/// Announced pauses of sends.
#[derive(Debug, Default)]
pub(super) struct Sends {
    pub(super) paused_until: Duration,
    pub(super) last: Option<f64>,
}

impl Politeness {
    /// Checks a warning that announces a pause.
    pub(crate) fn warns(&mut self, now: Duration, warning: &Warning) -> Result<(), Breach> {
        let Some(delay) = warning.delay() else {
            return Ok(());
        };
        if let Warning::FeedRetry { .. } | Warning::FeedsPaused { .. } = warning {
            return self.feeds.warns(now, warning);
        }
        self.feeds_hindered(now, warning)?;
        self.keys.pause(warning)?;
        self.interrupt_reading(now, warning);
        let until = now + delay;
        let seconds = delay.as_secs_f64();
        let interval = self.interval.as_secs_f64();
        let graver = match self.ends_good_round() {
            true => &mut self.replies,
            false => &mut self.polls,
        };
        let (last, least, cap) = match warning {
            Warning::RiskControl { .. } => {
                self.risk_until = until;
                self.paused_until = self.paused_until.max(until);
                (graver.risk.replace(seconds), 300.0, RISK_CAP)
            }
            Warning::Throttled { .. } => {
                self.paused_until = self.paused_until.max(until);
                (graver.throttled.replace(seconds), 30.0, RETRY_CAP)
            }
            Warning::Retry {
                conversation: Some(id),
                error,
                ..
            } => {
                self.conversations_paused_until.insert(*id, until);
                let last = self.last_conversation.insert(*id, seconds);
                // What trying again hardly mends is tried more and more seldom.
                let is_callers_fault = error.code() == Some(2);
                let cap = if is_callers_fault {
                    RISK_CAP
                } else {
                    RETRY_CAP
                };
                (last, interval, cap)
            }
            Warning::SendsPaused { error, .. } => {
                self.sends.paused_until = self.sends.paused_until.max(until);
                match error.code() {
                    Some(21_046) => (None, DAY.as_secs_f64(), RISK_CAP),
                    _ => (self.sends.last.replace(seconds), 30.0, RETRY_CAP),
                }
            }
            Warning::ListIncomplete { .. } => {
                // Of a whole list no rest is read: what an earlier round left stays due.
                match self.walk.is_whole {
                    true => self.walk.whole_due = Some(until),
                    false => self.walk.rest_due = Some(until),
                }
                (None, interval, RETRY_CAP)
            }
            Warning::Retry { error, .. } if error.code() == Some(-403) && !self.nav_failed => {
                self.paused_until = self.paused_until.max(until);
                (self.last_signature.replace(seconds), interval, RETRY_CAP)
            }
            _ => {
                self.lists_paused_until = self.lists_paused_until.max(until);
                (self.last_retry.replace(seconds), interval, RETRY_CAP)
            }
        };
        self.round_paused |= !matches!(
            warning,
            Warning::Retry { .. } | Warning::SendsPaused { .. } | Warning::ListIncomplete { .. }
        );
        grows(last, seconds, least, cap, warning)
    }

    /// Notes a pause of all, which is none that a feed may have asked for.
    fn feeds_hindered(&mut self, now: Duration, warning: &Warning) -> Result<(), Breach> {
        let is_of_one = match warning {
            Warning::SendsPaused { .. } | Warning::ListIncomplete { .. } => true,
            Warning::Retry { conversation, .. } => conversation.is_some(),
            _ => false,
        };
        if !is_of_one {
            self.feeds
                .hinders(now + warning.delay().unwrap_or_default());
        }
        Breach::unless(is_of_one || !self.feeds.was_last, Property::Polite, || {
            format!("a feed was answered, and more than the feeds pauses: {warning}")
        })
    }

    /// Leaves for later what is being read, where the warning concerns lists.
    fn interrupt_reading(&mut self, now: Duration, warning: &Warning) {
        let is_of_one = match warning {
            Warning::SendsPaused { .. } => true,
            Warning::Retry { conversation, .. } => conversation.is_some(),
            _ => false,
        };
        if is_of_one {
            return;
        }
        self.walk.refused = None;
        // A page that comes after the warning of a reply's trouble is not taken any more.
        if self.walk.left > 0 || self.lists > 0 {
            self.walk.breaks_off(now);
        }
    }

    /// Returns whether a reply met the trouble; if so, the round before was over, and a success.
    fn ends_good_round(&mut self) -> bool {
        let by_reply = std::mem::take(&mut self.answered_beside);
        let is_read = self.walk.left == 0 || self.walk.has_failed;
        let is_idle = self.fetches == 0 && self.lists == 0 && is_read;
        if by_reply && is_idle && !self.round_paused {
            self.polls = Graver::default();
        }
        by_reply
    }

    /// Checks, once all outputs were taken, that the last answer led to the pause it asks for.
    pub(crate) fn drained(&mut self, now: Duration) -> Result<(), Breach> {
        self.feeds.drained(now)?;
        let owed = self.owed.take();
        let paused_until = match owed {
            Some(Meaning::RiskControl) => self.risk_until,
            Some(Meaning::Throttled) => self.paused_until,
            Some(Meaning::SendsTooOften) => self.sends.paused_until,
            Some(Meaning::SendsForADay) => self.sends.paused_until.saturating_sub(DAY / 2),
            _ => return Ok(()),
        };
        Breach::unless(paused_until > now, Property::Polite, || {
            format!("{owed:?} was answered, and it does not pause")
        })
    }
}

/// Checks that each pause is longer than the last, until the longest is reached.
pub(super) fn grows(
    last: Option<f64>,
    delay: f64,
    least: f64,
    cap: f64,
    warning: &Warning,
) -> Result<(), Breach> {
    let has_grown = last.is_none_or(|last| delay > last || last >= cap && delay >= cap);
    Breach::unless(delay >= least && has_grown, Property::Polite, || {
        format!("{delay:.1} s after {last:?}, at least {least}: {warning}")
    })
}
