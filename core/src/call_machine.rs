//! One loop of a driver for both: a call, and a row of calls.

use http::Response;

use crate::auth_state::AuthState;
use crate::call::{Call, Output};
use crate::endpoint::Endpoint;
use crate::error::TransportError;
use crate::time::Now;

/// Machine that sends one request at a time with a login: a [`Call`], or a
/// [`ConfirmedSend`](crate::send::ConfirmedSend), which makes several calls.
///
/// A driver has one loop for both: see [`Poller::poll_call`](crate::poller::Poller::poll_call).
pub trait CallMachine {
    /// Result of a success.
    type Output;

    /// Returns the next thing to do with this login.
    fn poll_with<L: CallLogin>(&mut self, login: &mut L, now: Now) -> Output<Self::Output>;

    /// Takes the answer to the request that was sent last.
    fn handle_with<L: CallLogin>(
        &mut self,
        login: &mut L,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    );
}

/// Login that calls are made with: an [`AuthState`] alone, or a
/// [`Poller`](crate::poller::Poller), whose pauses hold for its calls.
pub trait CallLogin {
    /// Returns the state of the account.
    fn account(&mut self) -> &mut AuthState;

    /// Returns the next thing to do for one call.
    fn poll_one<E: Endpoint>(&mut self, now: Now, call: &mut Call<E>) -> Output<E::Output>;

    /// Takes the answer to the last request of one call.
    fn handle_one<E: Endpoint>(
        &mut self,
        now: Now,
        call: &mut Call<E>,
        answer: Result<Response<Vec<u8>>, TransportError>,
    );
}

impl CallLogin for AuthState {
    fn account(&mut self) -> &mut AuthState {
        self
    }

    fn poll_one<E: Endpoint>(&mut self, now: Now, call: &mut Call<E>) -> Output<E::Output> {
        call.poll_output(self, now)
    }

    fn handle_one<E: Endpoint>(
        &mut self,
        now: Now,
        call: &mut Call<E>,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        call.handle_response(self, now, answer);
    }
}

impl<E: Endpoint> CallMachine for Call<E> {
    type Output = E::Output;

    fn poll_with<L: CallLogin>(&mut self, login: &mut L, now: Now) -> Output<E::Output> {
        login.poll_one(now, self)
    }

    fn handle_with<L: CallLogin>(
        &mut self,
        login: &mut L,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        login.handle_one(now, self, answer);
    }
}
