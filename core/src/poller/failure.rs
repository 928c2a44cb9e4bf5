//! What follows from a failure: a pause for all, a pause for one conversation, or the end.

use std::time::Duration;

use super::pauses::{Cause, Refused, Source};
use super::request::{InFlight, Purpose};
use super::track::Ended;
use super::{Notice, Phase, Poller};
use crate::error::{Error, ErrorClass, TransportErrorKind};
use crate::identity::{Generation, Refusal};
use crate::ids::ConversationId;
use crate::time::Now;

impl Poller {
    /// Draws the consequence of a request that failed.
    pub(super) fn handle_failure(&mut self, now: Now, in_flight: &InFlight, error: Error) {
        let purpose = in_flight.purpose;
        let pause = |poller: &mut Self, cause, error| {
            poller.pause(now, in_flight.refused(cause), purpose.conversation(), error);
        };
        match (error.class(), purpose) {
            (ErrorClass::LoginLost, _) => self.fail(error),
            (ErrorClass::RiskControl, _) => {
                if purpose.is_list() && in_flight.signed_with.is_none() {
                    self.account.unsigned_list_refused(ErrorClass::RiskControl);
                }
                pause(self, Cause::RiskControl, error);
            }
            (ErrorClass::Throttled, _) => pause(self, Cause::Throttled, error),
            // Mistakes before anything is sent do not go away.
            (_, Purpose::Nav) if matches!(error, Error::Build(_)) => self.fail(error),
            (_, Purpose::Nav) => pause(self, Cause::Fault, error),
            (ErrorClass::Signature, Purpose::BaseLine | Purpose::List) => {
                self.handle_refused_list(now, in_flight, error);
            }
            (_, Purpose::BaseLine | Purpose::List) => self.retry_list(now, error),
            (ErrorClass::Signature, Purpose::Fetch(id, _)) => {
                self.handle_refused_fetch(now, id, in_flight, error);
            }
            (_, Purpose::Fetch(id, size)) => self.handle_failed_fetch(id, size, error),
        }
        self.end_round_if_done();
    }

    /// Stops all asking for a while, and what the user asks for as well. What is on its way
    /// may still come.
    pub(super) fn pause(
        &mut self,
        now: Now,
        refused: Refused,
        conversation: Option<ConversationId>,
        error: Error,
    ) {
        self.queue.clear();
        self.break_off_list(now, now.monotonic);
        if let Some(delay) = self.pauses.begin(self.clock, refused) {
            self.tell(match refused.cause {
                Cause::Fault | Cause::Signature => Notice::Retry {
                    delay,
                    conversation,
                    error,
                },
                Cause::Throttled => Notice::Throttled {
                    delay,
                    conversation,
                    error,
                },
                Cause::RiskControl => Notice::RiskControl {
                    delay,
                    conversation,
                    error,
                },
            });
        }
        self.end_round_if_done();
    }

    /// A list was refused for want of a signature, or with one. Where it is not paused, it is
    /// asked for again at once.
    fn handle_refused_list(&mut self, now: Now, in_flight: &InFlight, error: Error) {
        let refusal = match in_flight.signed_with {
            None => {
                self.account.unsigned_list_refused(error.class());
                return;
            }
            Some(generation) => self.account.refuse(generation, now),
        };
        if refusal != Refusal::SignAgain {
            // After the pause it is tried without a signature first.
            self.account.sign_lists(false);
            self.pause(now, in_flight.refused(Cause::Signature), None, error);
        }
    }

    /// A signature was refused. New keys that are refused to two conversations, and served
    /// nobody between, are the account's trouble: one pause for all. To one alone they are its own.
    fn handle_refused_fetch(
        &mut self,
        now: Now,
        id: ConversationId,
        in_flight: &InFlight,
        error: Error,
    ) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        let generation = in_flight.signed_with.unwrap_or_default();
        match self.account.refuse(generation, now) {
            Refusal::SignAgain if !track.signed_again => {
                track.signed_again = true;
                self.queue.push_front(id);
            }
            Refusal::Account if self.refused_to.is_some_and(|other| other != id) => {
                self.pause(now, in_flight.refused(Cause::Signature), None, error);
            }
            _ => {
                self.refused_to = Some(id);
                self.retry_conversation(id, error);
            }
        }
    }

    /// A signature was taken.
    pub(super) fn accept(&mut self, generation: Option<Generation>) {
        if let Some(generation) = generation {
            self.account.accept(generation);
            self.pauses.signature_taken();
            self.refused_to = None;
        }
    }

    /// The list failed. What is known to be behind can be fetched all the same.
    fn retry_list(&mut self, now: Now, error: Error) {
        let delay = self.pauses.next(Cause::Fault, Source::Poll);
        self.tell(Notice::Retry {
            delay,
            conversation: None,
            error,
        });
        if let Phase::Start = self.phase {
            self.pauses.hold(self.clock, delay, Cause::Fault);
        } else {
            let due = self.clock.saturating_add(delay);
            self.round_due = self.round_due.max(due);
            self.lists.hold(due);
            self.break_off_list(now, due);
            self.begin_fetching();
        }
    }

    /// Leaves the rest of a list for later: it is owed from then on.
    fn break_off_list(&mut self, now: Now, due: Duration) {
        if let Phase::Listing(_) = self.phase
            && let Phase::Listing(listing) = std::mem::replace(&mut self.phase, Phase::Fetching)
        {
            let latest = self.latest_now(now);
            self.lists.interrupt(&listing, due, latest);
        }
    }

    fn handle_failed_fetch(&mut self, id: ConversationId, size: u32, error: Error) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        match (&error, error.class()) {
            (_, ErrorClass::ConversationGone) => self.end_conversation(id, error),
            // A smaller page may do.
            (Error::Transport(failed), _)
                if failed.kind == TransportErrorKind::BodyTooLarge && track.shrink_page(size) =>
            {
                self.queue.push_front(id);
            }
            _ => self.retry_conversation(id, error),
        }
    }

    /// The service says that a conversation is over.
    fn end_conversation(&mut self, id: ConversationId, error: Error) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        match track.end() {
            Ended::AskAgain { held, is_first } => {
                if is_first {
                    self.tell(Notice::ConversationFailed {
                        conversation: id,
                        held,
                        error: error.clone(),
                    });
                }
                self.retry_conversation(id, error);
            }
            Ended::Over(lost) => {
                self.ready.push_back(id);
                self.tell(Notice::ConversationFailed {
                    conversation: id,
                    held: 0,
                    error,
                });
                self.tell_lost(id, lost);
            }
        }
    }

    fn retry_conversation(&mut self, id: ConversationId, error: Error) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        track.signed_again = false;
        let rng = &mut self.pauses.rng;
        let delay = match error.class() {
            ErrorClass::CallerMistake | ErrorClass::Refused => {
                track.backoff.next_after_refusal(rng)
            }
            _ => track.backoff.next(rng),
        };
        track.retry_at = self.clock.saturating_add(delay);
        self.tell(Notice::Retry {
            delay,
            conversation: Some(id),
            error,
        });
    }
}
