//! The machine of a session.

use std::thread::ThreadId;
use std::time::Duration;

use http::Response;

use super::Update;
use super::handler_queue::HandlerQueue;
use super::running_handlers::RunningHandlers;
use crate::call;
use crate::call_machine::CallMachine;
use crate::credential::Credential;
use crate::error::{BuildError, Error, TransportError};
use crate::names::Names;
use crate::poller::{
    self, Checkpoint, Counters, Hint, Journal, JournalEntry, Outgoing, Poller, RequestId, Status,
    Warning,
};
use crate::time::Now;

/// A session without its I/O: a [`Poller`], and the order in which handlers are called.
///
/// Messages of one conversation are handled in the order of their arrival, those of different
/// ones side by side, up to a limit. When too many wait for their handlers, nothing more is asked
/// for. A checkpoint covers the messages that were handled.
///
/// ```
/// use bilibili_session::poller::{Poller, PollerConfig};
/// use bilibili_session::session::{SessionMachine, Output};
/// use bilibili_session::{ClientConfig, Credential, Now, UnixMicros};
/// # use std::time::Duration;
///
/// # let answer = || http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec());
/// # let mut elapsed = Duration::ZERO;
/// let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let mut machine = SessionMachine::new(Poller::new(context, PollerConfig::new())?);
/// let result = loop {
///     # elapsed += Duration::from_millis(1);
///     let now = Now { monotonic: elapsed, wall: UnixMicros(1_700_000_000_000_000) };
///     match machine.poll_output(now) {
///         Output::Send(outgoing) => machine.handle_response(now, outgoing.id, Ok(answer())),
///         Output::Handle(dispatch) => {
///             println!("{:?}", dispatch.update());
///             machine.handle_done(dispatch, Vec::new());
///         }
///         // Until then, until an answer comes, or until a handler returns.
///         Output::Wait(until) => {
///             # elapsed = until;
///         }
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
    running: RunningHandlers,
    result: Option<Result<(), Error>>,
}

/// The next thing to do.
#[derive(Debug)]
#[must_use]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
pub enum Output {
    /// Send this request; its answer goes to [`SessionMachine::handle_response`].
    Send(Outgoing),
    /// Call the handlers for this update, and pass it to [`SessionMachine::handle_done`].
    Handle(Dispatch),
    /// Nothing is to be done until this monotonic reading, or until an answer comes, a handler
    /// returns, or the session is closed.
    Wait(Duration),
    /// Nothing is to be done until a handler returns, or the session is closed.
    Busy,
    /// The session has ended, and no update is being handled any more.
    Finished(Result<(), Error>),
}

/// An update that is being handled. The driver gives it back to the machine in any case.
#[derive(Debug)]
#[must_use = "the next updates of its conversation wait for it"]
pub struct Dispatch(Update);

impl Dispatch {
    /// Returns the update to handle.
    pub const fn update(&self) -> &Update {
        &self.0
    }
}

impl SessionMachine {
    /// Creates a session of this poller.
    ///
    /// Unless [limited](Self::set_limits) in another way, all conversations are handled side by
    /// side, and nothing is asked for while an update waits for its handlers.
    pub const fn new(poller: Poller) -> Self {
        Self {
            poller,
            queue: HandlerQueue::new(usize::MAX, 1),
            running: RunningHandlers::new(),
            result: None,
        }
    }

    /// Sets the number of conversations that are handled side by side, and the number of waiting
    /// updates from which on nothing more is asked for; each at least one.
    pub fn set_limits(&mut self, side_by_side: usize, waiting: usize) {
        self.queue.max_at_work = side_by_side.max(1);
        self.queue.max_waiting = waiting.max(1);
    }

    /// Returns the current status.
    pub const fn status(&self) -> Status {
        self.poller.status()
    }

    /// Returns the result of the session, once it has ended.
    pub const fn result(&self) -> Option<&Result<(), Error>> {
        self.result.as_ref()
    }

    /// Returns counts of what this session has done so far.
    pub const fn counters(&self) -> &Counters {
        self.poller.counters()
    }

    /// Returns a checkpoint that covers exactly the messages that were handled; `None` before the
    /// baseline is taken.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let mut checkpoint = self.poller.checkpoint()?;
        for event in self.queue.unhandled() {
            checkpoint.rewind(event);
        }
        for event in self.queue.unhandled_feeds() {
            checkpoint.rewind_feed(event);
        }
        Some(checkpoint)
    }

    /// Returns the text that brings a file of checkpoints up to date: the file then covers exactly
    /// the messages that were handled. Returns `None` before the baseline is taken.
    ///
    /// The first entry of a journal replaces the file, and so does one of a journal that did not
    /// take the last entry of this session.
    pub fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        let unhandled = self.queue.unhandled();
        self.poller
            .save_without(journal, unhandled, self.queue.unhandled_feeds())
    }

    /// Advances the time, and returns the next thing to do. To be called again until [`Output::Wait`], [`Output::Busy`]
    /// or [`Output::Finished`] comes.
    pub fn poll_output(&mut self, now: Now) -> Output {
        self.poller.fail_overdue(now);
        loop {
            // Updates that were not begun before the close are left to a later session.
            let is_closed = matches!(self.status(), Status::Closing | Status::Closed);
            // A call of a handler would wait for this answer, which may come only when the handler
            // has returned.
            let nav_deadline = self.poller.nav_deadline();
            if nav_deadline.is_none()
                && let Some(update) = self.queue.take(!is_closed)
            {
                return Output::Handle(Dispatch(update));
            }
            if let Some(result) = &self.result {
                return match self.queue.is_at_work() {
                    true => Output::Busy,
                    false => Output::Finished(result.clone()),
                };
            }
            if !is_closed && !self.queue.has_room() {
                return nav_deadline.map_or(Output::Busy, Output::Wait);
            }
            match self.poller.poll_output(now) {
                poller::Output::Send(outgoing) => return Output::Send(outgoing),
                poller::Output::Wait(until) => return Output::Wait(until),
                poller::Output::Event(event) => self.queue.put(event.into()),
                poller::Output::Feed(event) => {
                    self.poller.hold_feed(event.kind(), true);
                    self.queue.put(event.into());
                }
                poller::Output::Warning(warning) => self.queue.put(warning.into()),
                poller::Output::Status(change) => self.queue.put(change.into()),
                poller::Output::Finished(result) => self.result = Some(result),
            }
        }
    }

    /// Takes the answer to a request. A late answer, for which nothing waits, is dropped.
    pub fn handle_response(
        &mut self,
        now: Now,
        id: RequestId,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let _ = self.poller.handle_response(now, id, answer);
    }

    /// Returns the next thing to do for a call with the login of this session, and within its
    /// pauses: see [`Poller::poll_call`].
    pub fn poll_call<M: CallMachine>(&mut self, now: Now, call: &mut M) -> call::Output<M::Output> {
        self.poller.poll_call(now, call)
    }

    /// Takes the answer to the last request of a call of [`poll_call`](Self::poll_call). The
    /// driver of the session is to be woken: there may be something to do now.
    pub fn handle_call_response<M: CallMachine>(
        &mut self,
        now: Now,
        call: &mut M,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        self.poller.handle_call_response(now, call, answer);
    }

    /// Takes a hint that something has changed: see [`Poller::handle_hint`]. The driver of the
    /// session is to be woken.
    pub fn handle_hint(&mut self, now: Now, hint: Hint) {
        self.poller.handle_hint(now, hint);
    }

    /// Takes a report of a push channel, as a warning to deliver. The driver of the session is to
    /// be woken.
    pub fn handle_push(&mut self, connected: bool, reason: Option<String>) {
        if self.result.is_none() {
            self.queue.put(Warning::Push { connected, reason }.into());
        }
    }

    /// Creates the push channel of this session's login. The seed makes the ids of its connections:
    /// take a random one.
    #[cfg(feature = "push")]
    pub fn push_machine(&self, seed: u64) -> crate::push::PushMachine {
        crate::push::PushMachine::new(self.poller.context().clone(), seed)
    }

    /// Gives the push channel the login that this session has now, for its next connection: the
    /// cookies may have been [replaced](Self::set_credential) since.
    #[cfg(feature = "push")]
    pub fn lend_login(&self, push: &mut crate::push::PushMachine) {
        push.set_credential(&self.poller.context().credential);
    }

    /// Replaces the cookies by those of a renewed login: see [`Poller::set_credential`].
    ///
    /// # Errors
    /// Fails when the credential names another account.
    pub fn set_credential(&mut self, credential: Credential) -> Result<(), BuildError> {
        self.poller.set_credential(credential)
    }

    /// Tells a cache of names what lists have shown: see [`Poller::tell_names`].
    pub fn tell_names(&mut self, now: Now, names: &mut Names) {
        self.poller.tell_names(now, names);
    }

    /// Hands out a warning of the driver's own, in its turn.
    pub fn report(&mut self, warning: Warning) {
        self.queue.put(warning.into());
    }

    /// Ends the session, whatever is in flight.
    pub fn handle_close(&mut self) {
        self.poller.handle_close();
    }

    /// Takes back an update whose handlers have all returned, with the
    /// [failures](super::handler_failure) of those that failed: each becomes a warning.
    pub fn handle_done(&mut self, dispatch: Dispatch, failures: Vec<String>) {
        self.queue.handled(&dispatch.0);
        match &dispatch.0 {
            Update::Event(event) => self.poller.event_handled(event.conversation),
            Update::Feed(event) => {
                let kind = event.kind();
                self.poller.hold_feed(kind, self.queue.holds_feed(kind));
            }
            Update::Warning(_) | Update::Status(_) => {}
        }
        for reason in failures {
            if let Some(warning) = handler_failed(&dispatch.0, reason) {
                self.queue.put(warning.into());
            }
        }
    }

    /// Takes back an update whose handlers were dropped in the middle: it is handled again.
    pub fn handle_dropped(&mut self, dispatch: &Dispatch) {
        self.queue.give_back(&dispatch.0);
    }

    /// Takes back an update that a loop or a stream takes: its delivery counts as its handling.
    pub fn deliver(&mut self, dispatch: Dispatch) -> Update {
        let update = dispatch.0.clone();
        self.handle_done(dispatch, Vec::new());
        update
    }

    /// Notes that a handler, or a step of one, runs on this thread until
    /// [`end_handler`](Self::end_handler).
    pub fn begin_handler(&mut self, thread: ThreadId) {
        self.running.begin(thread);
    }

    /// Notes that the handler on this thread runs no more. Returns whether
    /// [`check_wait`](Self::check_wait) had to refuse a wait to that handler.
    pub fn end_handler(&mut self, thread: ThreadId) -> bool {
        self.running.end(thread)
    }

    /// Checks that no handler of this session runs on this thread: a handler that waits for its
    /// own session would wait for ever.
    ///
    /// # Errors
    /// Fails with [`Error::WithinHandler`] within a handler of this session.
    pub fn check_wait(&mut self, thread: ThreadId) -> Result<(), Error> {
        self.running.check_wait(thread)
    }
}

/// Returns the warning of a handler that failed on this update; those of warnings and changes of
/// the status report nothing, lest they go round in circles.
fn handler_failed(update: &Update, reason: String) -> Option<Warning> {
    match update {
        Update::Event(event) => Some(Warning::HandlerFailed {
            conversation: event.conversation,
            reason,
        }),
        Update::Feed(event) => Some(Warning::FeedHandlerFailed {
            feed: event.kind(),
            reason,
        }),
        Update::Warning(_) | Update::Status(_) => None,
    }
}
