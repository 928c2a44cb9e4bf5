//! Calls of the user beside the poller, with its login and at its pace.

use std::time::Duration;

use http::Response;

use super::output::Output;
use super::pauses::{Cause, Refused, SendLimit, Source};
use super::state::State;
use super::{Poller, Warning};
use crate::auth_state::AuthState;
use crate::call::{self, Call};
use crate::call_machine::{CallLogin, CallMachine};
use crate::credential::Credential;
use crate::endpoint::Endpoint;
use crate::error::{BuildError, Error, ErrorClass, TransportError};
use crate::time::Now;

impl Poller {
    /// Replaces the cookies by those of another login of the same account: a login that was
    /// renewed. Requests in flight go on with the old ones, so end that login a little later.
    ///
    /// # Errors
    /// Fails when the credential names another account than this one.
    pub fn set_credential(&mut self, credential: Credential) -> Result<(), BuildError> {
        match (credential.uid(), self.uid) {
            (Some(given), Some(actual)) if given != actual => {
                Err(BuildError::UidMismatch { given, actual })
            }
            _ => self.account.set_credential(credential),
        }
    }

    /// Returns the next thing to do for a call that shares the poller's login and its pauses:
    /// risk control or throttling of one is a pause for both, and keys are asked for once.
    ///
    /// The call is a [`Call`], or a [`ConfirmedSend`](crate::send::ConfirmedSend).
    ///
    /// While the poller pauses for these reasons, the call ends at once with [`Error::Paused`],
    /// and nothing is sent. [`Call::poll_output`] is for calls without a poller.
    ///
    /// After [`call::Output::Wait`] the call is to be polled again when an answer came, to the
    /// poller or to another call, when a call was over or dropped half way, or at that time.
    pub fn poll_call<M: CallMachine>(&mut self, now: Now, call: &mut M) -> call::Output<M::Output> {
        let now = self.at(now);
        call.poll_with(self, now)
    }

    /// Takes the answer to the last request of a call of [`poll_call`](Self::poll_call).
    ///
    /// Outputs of the poller are to be polled afterwards: a refusal begins a pause, with a
    /// warning, and the poller may have waited for the keys.
    pub fn handle_call_response<M: CallMachine>(
        &mut self,
        now: Now,
        call: &mut M,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let now = self.at(now);
        call.handle_with(self, now, answer);
    }

    /// Returns the deadline of the poller's own nav, if it is in flight.
    pub(crate) fn nav_deadline(&self) -> Option<Duration> {
        self.in_flight.nav_deadline()
    }

    fn note_failed_call(&mut self, now: Now, error: &Error, sends: bool) {
        if let State::Ended(_) = self.state {
            return;
        }
        let limit = match error.code() {
            Some(21020) if sends => Some(SendLimit::TooOften),
            Some(21046) if sends => Some(SendLimit::Day),
            _ => None,
        };
        if let Some(limit) = limit {
            let delay = self.pauses.hold_sends(self.clock, limit);
            let error = error.clone();
            self.warn(Warning::SendsPaused { delay, error });
            return;
        }
        let cause = match error.class() {
            ErrorClass::LoginLost => return self.fail(error.clone()),
            ErrorClass::RiskControl => Cause::RiskControl,
            ErrorClass::Throttled => Cause::Throttled,
            _ => return,
        };
        let refused = Refused {
            cause,
            source: match sends {
                true => Source::Send,
                false => Source::Call,
            },
            // The call was begun before a pause that holds now, so one pause serves for both.
            sent_at: self.pauses.count().wrapping_sub(1),
        };
        self.pause(now, refused, None, error.clone());
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.counters.warnings = self.counters.warnings.saturating_add(1);
        self.round.warn(&warning);
        self.outbox.push_back(Output::Warning(warning));
    }
}

impl CallLogin for Poller {
    fn account(&mut self) -> &mut AuthState {
        &mut self.account
    }

    /// Polls a call, unless the poller pauses.
    fn poll_one<E: Endpoint>(&mut self, now: Now, call: &mut Call<E>) -> call::Output<E::Output> {
        // Another request may have met trouble since the call began.
        if !call.is_in_flight()
            && !call.is_over()
            && let Err(paused) = self.pauses.check(now.monotonic, call.sends())
        {
            return call.end(Err(paused.into()));
        }
        call.poll_output(&mut self.account, now)
    }

    /// Takes the answer to a request of a call, and draws the consequences for the poller.
    fn handle_one<E: Endpoint>(
        &mut self,
        now: Now,
        call: &mut Call<E>,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        if !call.is_in_flight() {
            return;
        }
        let sends = call.sends();
        call.handle_response(&mut self.account, now, answer);
        if let Some(result) = call.result() {
            let failure = result.as_ref().err();
            self.counters.calls.count(failure);
        }
        match call.result() {
            Some(Ok(_)) => {
                self.pauses.answered(sends);
                if sends {
                    // Whoever is written to may well answer.
                    self.schedule.quicken();
                }
            }
            // What follows from it is between the call and who made it.
            Some(Err(_)) if E::DISPENSABLE => {}
            Some(Err(error)) => self.note_failed_call(now, error, sends),
            None => {}
        }
    }
}
