//! What a session does next.

use std::time::Duration;

use http::Response;

use super::Update;
use super::handler_queue::HandlerQueue;
use crate::call::{Call, Step};
use crate::endpoint::Endpoint;
use crate::error::{Error, TransportError};
use crate::poller::{self, Checkpoint, Notice, Outgoing, Poller, RequestId, Status};
use crate::time::Now;

/// A session without its I/O: a [`Poller`], and whose handlers are called when.
///
/// Messages of one conversation are handled in the order of their arrival, those of
/// different ones side by side, up to a limit. When too many wait for their handlers,
/// nothing more is asked for. A checkpoint covers what was handled.
///
/// ```
/// use bilibili_session::poller::{Poller, PollerConfig};
/// use bilibili_session::session::{SessionMachine, Output};
/// use bilibili_session::{Context, Credential, Now, UnixMicros};
/// # use std::time::Duration;
///
/// # let answer = || http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec());
/// # let mut elapsed = Duration::ZERO;
/// let context = Context::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let mut machine = SessionMachine::new(Poller::new(context, PollerConfig::new())?);
/// let result = loop {
///     # elapsed += Duration::from_millis(1);
///     let now = Now { monotonic: elapsed, wall: UnixMicros(1_700_000_000_000_000) };
///     match machine.poll(now) {
///         Output::Send(outgoing) => machine.handle_response(now, outgoing.id, Ok(answer())),
///         Output::Handle(dispatch) => {
///             println!("{:?}", dispatch.update());
///             machine.handle_done(dispatch, Vec::new());
///         }
///         // Until then, until an answer comes, or until a handler returns.
///         Output::Wait(until) => machine.handle_timeout(Now { monotonic: until, ..now }),
///         Output::Busy => unreachable!("nothing is handled beside this loop"),
///         Output::Finished(result) => break result,
///     }
/// };
/// assert!(result.is_err(), "the login is dead");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SessionMachine {
    poller: Poller,
    queue: HandlerQueue,
    result: Option<Result<(), Error>>,
}

/// What a session does next.
#[derive(Debug)]
#[must_use]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub enum Output {
    /// Send this request; its answer goes to [`SessionMachine::handle_response`].
    Send(Outgoing),
    /// Call the handlers of this; that they returned goes to [`SessionMachine::handle_done`].
    Handle(Dispatch),
    /// Nothing to do until this monotonic reading, or until an answer comes, a handler
    /// returns, or it is to close.
    Wait(Duration),
    /// Nothing to do until a handler returns, or it is to close.
    Busy,
    /// It is over, and nothing is being handled any more.
    Finished(Result<(), Error>),
}

/// An update that is being handled: to be given back, one way or the other.
#[derive(Debug)]
#[must_use = "what follows it in its conversation waits"]
pub struct Dispatch(Update);

impl Dispatch {
    /// What is to be handled.
    pub const fn update(&self) -> &Update {
        &self.0
    }
}

impl SessionMachine {
    /// A session of this poller. Unless [limited](Self::set_limits) in another way, all
    /// conversations are handled side by side, and nothing is asked for while something
    /// waits for its handlers.
    pub const fn new(poller: Poller) -> Self {
        Self {
            poller,
            queue: HandlerQueue::new(usize::MAX, 1),
            result: None,
        }
    }

    /// How many conversations are handled side by side, and how many updates wait for their
    /// handlers before nothing more is asked for; each at least one.
    pub fn set_limits(&mut self, side_by_side: usize, waiting: usize) {
        self.queue.max_at_work = side_by_side.max(1);
        self.queue.max_waiting = waiting.max(1);
    }

    /// How it stands.
    pub const fn status(&self) -> Status {
        self.poller.status()
    }

    /// How it ended, once it has.
    pub const fn result(&self) -> Option<&Result<(), Error>> {
        self.result.as_ref()
    }

    /// Where it stands: covers exactly the messages that were handled. `None` before the
    /// base line is taken.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let mut checkpoint = self.poller.checkpoint()?;
        for event in self.queue.unhandled() {
            checkpoint.rewind(event);
        }
        Some(checkpoint)
    }

    /// What to do next. Call it again until it says to wait, or that it is over.
    pub fn poll(&mut self, now: Now) -> Output {
        loop {
            // What was not begun when it was closed is left to a later session.
            let is_closed = matches!(self.status(), Status::Closing | Status::Closed);
            if let Some(update) = self.queue.take(!is_closed) {
                return Output::Handle(Dispatch(update));
            }
            if let Some(result) = &self.result {
                return match self.queue.is_at_work() {
                    true => Output::Busy,
                    false => Output::Finished(result.clone()),
                };
            }
            if !is_closed && !self.queue.has_room() {
                return Output::Busy;
            }
            match self.poller.poll_output(now) {
                poller::Output::Send(outgoing) => return Output::Send(outgoing),
                poller::Output::Wait(until) => return Output::Wait(until),
                poller::Output::Event(event) => self.queue.put(event.into()),
                poller::Output::Notice(notice) => self.queue.put(notice.into()),
                poller::Output::Status(change) => self.queue.put(change.into()),
                poller::Output::Finished(result) => self.result = Some(result),
            }
        }
    }

    /// Takes what came of a request. An answer that nobody waits for came late, and is dropped.
    pub fn handle_response(
        &mut self,
        now: Now,
        id: RequestId,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let _ = self.poller.handle_response(now, id, answer);
    }

    /// Begins a call with the login of this session, and within its pauses: see
    /// [`Poller::start_call`]. Whoever drives the session is to be woken when the call is over.
    pub fn start_call<E: Endpoint>(&mut self, now: Now, call: &mut Call<E>) -> Step<E::Output> {
        self.poller.start_call(now, call)
    }

    /// Takes what came of the request that a call of [`start_call`](Self::start_call) was to
    /// send last.
    pub fn handle_call_response<E: Endpoint>(
        &mut self,
        now: Now,
        call: &mut Call<E>,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Step<E::Output> {
        self.poller.handle_call_response(now, call, answer)
    }

    /// Takes that time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.poller.handle_timeout(now);
    }

    /// Ends it, whatever is in flight.
    pub fn handle_close(&mut self) {
        self.poller.handle_close();
    }

    /// Takes that all handlers of this have returned, and what those said that failed: each
    /// becomes a notice.
    pub fn handle_done(&mut self, dispatch: Dispatch, failures: Vec<String>) {
        self.queue.handled(&dispatch.0);
        if let Update::Event(event) = dispatch.0 {
            for reason in failures {
                let conversation = event.conversation;
                let failed = Notice::HandlerFailed {
                    conversation,
                    reason,
                };
                self.queue.put(failed.into());
            }
        }
    }

    /// Takes that the handlers of this were given up: it is to be handled again.
    pub fn handle_dropped(&mut self, dispatch: &Dispatch) {
        self.queue.give_back(&dispatch.0);
    }

    /// Hands it to whoever asked for it: that is all the handling there is.
    pub fn hand_out(&mut self, dispatch: Dispatch) -> Update {
        let update = dispatch.0.clone();
        self.handle_done(dispatch, Vec::new());
        update
    }
}
