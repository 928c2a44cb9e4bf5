//! Calls of the user beside the poller, with its login and at its pace.

use http::Response;

use super::output::Output;
use super::pauses::{Cause, Refused, SendLimit, Source};
use super::state::State;
use super::{Poller, Warning};
use crate::call::{Call, Step};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorClass, TransportError};
use crate::time::Now;

impl Poller {
    /// Begins a call that shares the poller's login and its pauses: risk control or throttling of
    /// one is a pause for both.
    ///
    /// While the poller pauses for these reasons, the call ends at once with [`Error::Paused`],
    /// and nothing is sent. [`Call::start`] is for calls without a poller.
    pub fn start_call<E: Endpoint>(&mut self, now: Now, call: &mut Call<E>) -> Step<E::Output> {
        let now = self.at(now);
        match self.pauses.check(now.monotonic, E::SENDS) {
            Ok(()) => call.start(&mut self.account, now),
            Err(paused) => Step::Done(Err(paused.into())),
        }
    }

    /// Takes the outcome of the last request of a call of [`start_call`](Self::start_call).
    ///
    /// Outputs are to be polled afterwards: a refusal begins a pause, with a warning.
    pub fn handle_call_response<E: Endpoint>(
        &mut self,
        now: Now,
        call: &mut Call<E>,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Step<E::Output> {
        let now = self.at(now);
        match call.handle_response(&mut self.account, now, answer) {
            Step::Send(request) => match self.pauses.check(now.monotonic, E::SENDS) {
                Ok(()) => Step::Send(request),
                // Another request met trouble while this call fetched keys.
                Err(paused) => Step::Done(Err(paused.into())),
            },
            Step::Done(Err(error)) => {
                self.note_failed_call(now, &error, E::SENDS);
                Step::Done(Err(error))
            }
            Step::Done(Ok(output)) => {
                self.pauses.answered(E::SENDS);
                Step::Done(Ok(output))
            }
        }
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
            self.tell(Warning::SendsPaused { delay, error });
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

    pub(super) fn tell(&mut self, notice: Warning) {
        self.outbox.push_back(Output::Warning(notice));
    }
}
