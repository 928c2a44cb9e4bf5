//! Checks that new keys are requested no more often than refusals give reason to.

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::ConversationId;
use bilibili_session::poller::Warning;

use crate::adversary::Meaning;
use crate::request_kind::RequestKind;
use crate::violation::{Breach, Property};

/// Number of refusals, with nobody served meanwhile, from which on they concern all.
const ALONE: usize = 2;
/// Keys that served nobody may be asked for again after so many times the interval, or five
/// seconds, whichever is shorter.
const RENEWALS: u32 = 12;
const PACE: Duration = Duration::from_secs(5);

/// State of the keys since a pause was last announced.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Set if a signed request was answered.
    good: bool,
    /// Conversations that were refused for a signature, and not answered otherwise since.
    refused: BTreeSet<Option<ConversationId>>,
    /// Time of the last new keys that a refusal brought; nothing that was signed was
    /// answered since, and nobody was refused for old ones.
    renewed_at: Option<Duration>,
    /// Conversations whose messages are being requested, and were when the last pause was announced.
    asked: BTreeSet<ConversationId>,
    excused: BTreeSet<ConversationId>,
    /// Set if the keys were renewed because others were refused.
    are_new: bool,
    /// Conversations that wait because they were refused, each for itself.
    waiting: BTreeSet<ConversationId>,
}

impl Keys {
    /// Checks a request: new keys once after they were refused, and seldom while they
    /// serve nobody; no more than side by side with keys that are refused throughout.
    pub(super) fn ask(
        &mut self,
        now: Duration,
        asked: RequestKind,
        max_parallel: usize,
        interval: Duration,
    ) -> Result<(), Breach> {
        match asked {
            RequestKind::Nav if !self.refused.is_empty() => {
                (self.good, self.are_new) = (false, true);
                let may_at = |at: Duration| at + RENEWALS * interval.min(PACE);
                let is_soon = self.renewed_at.is_some_and(|at| now < may_at(at));
                Breach::unless(!is_soon, Property::Polite, || {
                    let refused = self.refused.len();
                    format!("keys are asked for again although new ones are refused ({refused})")
                })
            }
            RequestKind::Fetch { id, .. } => {
                self.asked.insert(id);
                // A reply that is refused asks for no pause.
                let refused = self.refused.iter().flatten().count();
                Breach::unless(refused <= max_parallel, Property::Polite, || {
                    format!("{asked} although {refused} were refused a signature, and no pause")
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn answer(&mut self, now: Duration, asked: RequestKind, meaning: Option<Meaning>) {
        let is_signed = asked.is_signed();
        let mut is_excused = false;
        if let Some(id) = asked.conversation() {
            self.asked.remove(&id);
            is_excused = self.excused.remove(&id);
        }
        match meaning {
            Some(Meaning::Right) if asked == RequestKind::Nav => {
                self.renewed_at = Some(now).filter(|_| !self.refused.is_empty());
            }
            Some(Meaning::Right) if is_signed => {
                *self = Self {
                    good: true,
                    asked: std::mem::take(&mut self.asked),
                    ..Self::default()
                }
            }
            Some(Meaning::Refused) if is_signed && !is_excused => {
                self.refused.insert(asked.conversation());
            }
            Some(Meaning::Refused) => {}
            Some(Meaning::OldKeys) => self.renewed_at = None,
            // Another trouble: with the new keys it was not refused.
            _ if is_signed => {
                self.refused.remove(&asked.conversation());
            }
            _ => {}
        }
    }

    /// Checks the pause for all, or for one that was announced: where the others are answered, or where
    /// nobody else was asked for with these keys.
    pub(super) fn pause(&mut self, warning: &Warning) -> Result<(), Breach> {
        let id = match warning {
            Warning::Retry {
                conversation: Some(id),
                error,
                ..
            } if error.code() == Some(-403) => *id,
            Warning::Retry {
                conversation: Some(_),
                ..
            }
            | Warning::SendsPaused { .. }
            | Warning::ListIncomplete { .. } => return Ok(()),
            _ => {
                *self = Self {
                    good: self.good,
                    asked: self.asked.clone(),
                    excused: self.asked.clone(),
                    renewed_at: self.renewed_at,
                    ..Self::default()
                };
                return Ok(());
            }
        };
        self.waiting.insert(id);
        self.refused.remove(&Some(id));
        let most = if self.are_new { 1 } else { ALONE };
        Breach::unless(self.waiting.len() <= most, Property::Polite, || {
            format!("{id} waits, and not all, although others are refused as well: {warning}")
        })
    }
}
