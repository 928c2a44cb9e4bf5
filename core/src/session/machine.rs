//! What a session does next.

use std::time::Duration;

use http::Response;

use super::Update;
use super::desk::Desk;
use crate::call::{Call, Step};
use crate::endpoint::Endpoint;
use crate::error::{Error, TransportError};
use crate::poller::{Checkpoint, Notice, Outgoing, Output, Poller, RequestId, Status};
use crate::time::Now;

/// A session without its I/O: a [`Poller`], and whose handlers are called when.
///
/// Messages of one conversation are handled in the order of their arrival, those of
/// different ones side by side, up to a limit. When too many wait for their handlers,
/// nothing more is asked for. A checkpoint covers what was handled.
///
/// ```
/// use bilibili_session::poller::{Poller, PollerConfig};
/// use bilibili_session::session::{Machine, Turn};
/// use bilibili_session::{Context, Credential, Now, UnixMicros};
/// # use std::time::Duration;
///
/// # let answer = || http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec());
/// # let mut elapsed = Duration::ZERO;
/// let context = Context::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let mut machine = Machine::new(Poller::new(context, PollerConfig::new())?);
/// let result = loop {
///     # elapsed += Duration::from_millis(1);
///     let now = Now { monotonic: elapsed, wall: UnixMicros(1_700_000_000_000_000) };
///     match machine.poll(now) {
///         Turn::Send(outgoing) => machine.handle_response(now, outgoing.id, Ok(answer())),
///         Turn::Handle(task) => {
///             println!("{:?}", task.update());
///             machine.handle_done(task, Vec::new());
///         }
///         // Until then, until an answer comes, or until a handler returns.
///         Turn::Wait(until) => machine.handle_timeout(Now { monotonic: until, ..now }),
///         Turn::Busy => unreachable!("nothing is handled beside this loop"),
///         Turn::Finished(result) => break result,
///     }
/// };
/// assert!(result.is_err(), "the login is dead");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Machine {
    poller: Poller,
    desk: Desk,
    result: Option<Result<(), Error>>,
}

/// What a session does next.
#[derive(Debug)]
#[must_use]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
pub enum Turn {
    /// Send this request; its answer goes to [`Machine::handle_response`].
    Send(Outgoing),
    /// Call the handlers of this; that they returned goes to [`Machine::handle_done`].
    Handle(Task),
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
pub struct Task(Update);

impl Task {
    /// What is to be handled.
    pub const fn update(&self) -> &Update {
        &self.0
    }
}

impl Machine {
    /// A session of this poller. Unless [limited](Self::set_limits) in another way, all
    /// conversations are handled side by side, and nothing is asked for while something
    /// waits for its handlers.
    pub const fn new(poller: Poller) -> Self {
        Self {
            poller,
            desk: Desk::new(usize::MAX, 1),
            result: None,
        }
    }

    /// How many conversations are handled side by side, and how many updates wait for their
    /// handlers before nothing more is asked for; each at least one.
    pub fn set_limits(&mut self, side_by_side: usize, waiting: usize) {
        self.desk.max_at_work = side_by_side.max(1);
        self.desk.max_waiting = waiting.max(1);
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
        for event in self.desk.unhandled() {
            checkpoint.rewind(event);
        }
        Some(checkpoint)
    }

    /// What to do next. Call it again until it says to wait, or that it is over.
    pub fn poll(&mut self, now: Now) -> Turn {
        loop {
            // What was not begun when it was closed is left to a later session.
            let is_closed = matches!(self.status(), Status::Closing | Status::Closed);
            if let Some(update) = self.desk.take(!is_closed) {
                return Turn::Handle(Task(update));
            }
            if let Some(result) = &self.result {
                return match self.desk.is_at_work() {
                    true => Turn::Busy,
                    false => Turn::Finished(result.clone()),
                };
            }
            if !is_closed && !self.desk.has_room() {
                return Turn::Busy;
            }
            match self.poller.poll_output(now) {
                Output::Send(outgoing) => return Turn::Send(outgoing),
                Output::Wait(until) => return Turn::Wait(until),
                Output::Event(event) => self.desk.put(event.into()),
                Output::Notice(notice) => self.desk.put(notice.into()),
                Output::Status(change) => self.desk.put(change.into()),
                Output::Finished(result) => self.result = Some(result),
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
    pub fn handle_done(&mut self, task: Task, failures: Vec<String>) {
        self.desk.handled(&task.0);
        if let Update::Event(event) = task.0 {
            for reason in failures {
                let conversation = event.conversation;
                let failed = Notice::HandlerFailed {
                    conversation,
                    reason,
                };
                self.desk.put(failed.into());
            }
        }
    }

    /// Takes that the handlers of this were given up: it is to be handled again.
    pub fn handle_dropped(&mut self, task: &Task) {
        self.desk.give_back(&task.0);
    }

    /// Hands it to whoever asked for it: that is all the handling there is.
    pub fn hand_out(&mut self, task: Task) -> Update {
        let update = task.0.clone();
        self.handle_done(task, Vec::new());
        update
    }
}
