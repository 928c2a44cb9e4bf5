//! Tests of a bot, in virtual time.

mod sent;
mod surroundings;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bilibili_session::poller::{
    Checkpoint, Hint, Journal, JournalEntry, Outgoing, RequestId, Status, StatusChange, Warning,
};
use bilibili_session::session::{Driven, Output, Update};
use bilibili_session::{ClientConfig, Credential, Event, Hosts, Now, Uid};

use crate::{Arrived, ControlError, NewMessage, Simulator};
use surroundings::{Answer, Surroundings};

pub use sent::Sent;
pub use surroundings::VirtualTransport;

/// Time in which a new bot takes its baseline.
const TO_CONNECT: Duration = Duration::from_secs(1);

/// A bot, the service that it talks to, and the time that both live in.
///
/// The bot is a session of any runtime with the handlers that it has in production. Nothing sleeps and no socket is
/// opened: hours pass in milliseconds, and the same test comes out the same each time.
///
/// ```
/// use std::time::Duration;
///
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{Event, Uid};
/// use bilibili_session_blocking::{HandlerResult, Session};
/// use bilibili_session_simulator::{Fault, FaultKind, Simulator, VirtualBot};
///
/// /// Part of the bot, which knows nothing of tests.
/// fn echo(text: &str, event: &Event, session: &Session) -> HandlerResult {
///     session.reply(event, &format!("收到：{text}"))?;
///     Ok(())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut bot = VirtualBot::new(Simulator::default(), |setup| {
///     let send = move |request| setup.transport.send(request);
///     let session = Session::new(setup.context, send, PollerConfig::new())?;
///     session.on_text(echo);
///     Ok(session.by_hand())
/// })?;
///
/// bot.receive_text(Uid(20001), "你好")?;
/// bot.run_for(Duration::from_secs(10))?;
/// assert_eq!(bot.sent(), [(Uid(20001), "收到：你好")]);
///
/// // The service fails three times, and the message is answered all the same.
/// bot.simulator().push_fault(Fault::once("fetch_session_msgs", FaultKind::Hang).times(3));
/// bot.receive_text(Uid(20002), "hello")?;
/// bot.run_for(Duration::from_secs(600))?;
/// assert_eq!(bot.sent().last().unwrap(), &(Uid(20002), "收到：hello"));
/// assert!(!bot.warnings().is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # What a test controls
///
/// - **The service**, through [`simulator`](Self::simulator): faults, logins that die, keys that change, users that
///   refuse messages, oddities; a [`Script`](crate::Script) in its configuration plays by itself.
/// - **Time**: [`run_for`](Self::run_for) and [`run_until`](Self::run_until) let it pass. Exchanges take none unless
///   the service delays an answer, or a [latency](Self::set_latency) is set.
/// - **The process**: [`stop`](Self::stop) ends it, [`restart`](Self::restart) starts another one from the checkpoint.
///
/// # Other runtimes
///
/// Whatever implements [`Driven`] can be the bot, so the core alone is tested in the same way. A handler of the async
/// runtime that waits for a timer of its executor, or for another task, waits in real time, not in this one.
pub struct VirtualBot<S> {
    surroundings: Arc<Surroundings>,
    start: Start<S>,
    session: Option<S>,
    /// Answers to the session's requests, by the time when they come, then in the order of the requests.
    answers: BTreeMap<(Duration, u64), (RequestId, Answer)>,
    requests: u64,
    updates: Vec<Update>,
    /// Checkpoint of the last session that was stopped.
    saved: Option<Checkpoint>,
    result: Option<Result<(), bilibili_session::Error>>,
}

/// Beginning of a process of the bot.
type Start<S> = Box<dyn FnMut(Setup) -> Result<S, Box<dyn Error>>>;

/// Parts to start a bot from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Login of the simulator's first account.
    pub context: ClientConfig,
    /// Way to the simulator, for the calls that handlers make.
    pub transport: VirtualTransport,
    /// Checkpoint to resume from; `None` at the first start, and after a stop before the baseline was taken.
    pub checkpoint: Option<Checkpoint>,
}

impl<S: Driven> VirtualBot<S> {
    /// Starts a bot, and lets the first second pass: whatever arrives from then on is new to the bot. What is to be
    /// there before, or to fail at the start, is set on the simulator beforehand.
    ///
    /// `start` is called again by each [`restart`](Self::restart). It does what the bot does when its process begins:
    /// it makes a session and registers the handlers.
    ///
    /// # Errors
    /// Fails when `start` does.
    pub fn new(
        simulator: Simulator,
        start: impl FnMut(Setup) -> Result<S, Box<dyn Error>> + 'static,
    ) -> Result<Self, Box<dyn Error>> {
        let mut bot = Self {
            surroundings: Arc::new(Surroundings::new(simulator)),
            start: Box::new(start),
            session: None,
            answers: BTreeMap::new(),
            requests: 0,
            updates: Vec::new(),
            saved: None,
            result: None,
        };
        bot.restart()?;
        // A start that fails is a result like any other.
        let _ = bot.run_for(TO_CONNECT);
        Ok(bot)
    }

    /// Returns the service, to change and to read. Let go of it before time is to pass.
    pub fn simulator(&self) -> MutexGuard<'_, Simulator> {
        self.surroundings.simulator()
    }

    /// Returns the time; the monotonic reading counts from the start of the first bot.
    pub fn now(&self) -> Now {
        self.surroundings.now()
    }

    /// Sets how long every exchange takes from now on; nothing unless set.
    pub fn set_latency(&mut self, latency: Duration) {
        self.surroundings.set_latency(latency);
    }

    /// Lets a text from this user arrive.
    ///
    /// # Errors
    /// Fails when the user cannot write to the account.
    pub fn receive_text(&self, from: Uid, text: &str) -> Result<Arrived, ControlError> {
        self.receive(NewMessage::text(from.0, text))
    }

    /// Lets a message of any kind arrive.
    ///
    /// # Errors
    /// Fails like [`Simulator::receive`].
    pub fn receive(&self, message: NewMessage) -> Result<Arrived, ControlError> {
        let now = self.now().wall.0;
        self.simulator().receive(now, message)
    }

    /// Lets a hint of a push channel come: the bot looks soon. No connection is played.
    pub fn receive_hint(&mut self, hint: Hint) {
        let now = self.now();
        if let Some(session) = &mut self.session {
            session.machine_mut().handle_hint(now, hint);
        }
    }

    /// Lets so much time pass, in which the bot does what there is to do.
    ///
    /// # Errors
    /// Fails when the session has ended by itself, with the reason.
    pub fn run_for(&mut self, span: Duration) -> Result<(), bilibili_session::Error> {
        self.run_until(span, |_| false).map(drop)
    }

    /// Lets time pass until `is_reached`, at most so much; returns whether it was reached.
    ///
    /// # Errors
    /// Fails when the session has ended by itself, with the reason.
    pub fn run_until(
        &mut self,
        at_most: Duration,
        mut is_reached: impl FnMut(&Self) -> bool,
    ) -> Result<bool, bilibili_session::Error> {
        let end = self.now().monotonic + at_most;
        let mut reached = is_reached(self);
        while !reached && self.turn(end) {
            reached = is_reached(self);
        }
        if !reached {
            self.surroundings.advance_to(end);
            reached = is_reached(self);
        }
        match &self.result {
            Some(Err(error)) if !reached => Err(error.clone()),
            _ => Ok(reached),
        }
    }

    /// Closes the session as the bot itself would, and lets running handlers come to their end.
    ///
    /// # Errors
    /// Fails when the session has ended by itself before, with the reason.
    pub fn close(&mut self) -> Result<(), bilibili_session::Error> {
        if let Some(session) = &mut self.session {
            session.machine_mut().handle_close();
        }
        self.run_for(Duration::ZERO)
    }

    /// Ends the process, in the middle of whatever it is about. The checkpoint of that moment is kept.
    pub fn stop(&mut self) {
        self.saved = self.checkpoint();
        self.session = None;
        self.answers.clear();
    }

    /// Starts the bot again, from its checkpoint; [stops](Self::stop) the running one first.
    ///
    /// # Errors
    /// Fails when the function that starts it does.
    pub fn restart(&mut self) -> Result<(), Box<dyn Error>> {
        self.restart_from(self.checkpoint())
    }

    /// Starts the bot again, from a checkpoint of an earlier moment, or from none.
    ///
    /// # Errors
    /// Fails when the function that starts it does.
    pub fn restart_from(&mut self, checkpoint: Option<Checkpoint>) -> Result<(), Box<dyn Error>> {
        self.stop();
        // By way of its text, as between two processes.
        let checkpoint = match checkpoint {
            Some(checkpoint) => Some(Checkpoint::from_json(&checkpoint.to_json())?),
            None => None,
        };
        let login = self.simulator().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()?;
        // The simulator does not look at hosts; this one keeps a mistake from reaching the service.
        let context = ClientConfig::new(credential).hosts(Hosts::origin("http://localhost")?);
        self.saved.clone_from(&checkpoint);
        self.result = None;
        let mut session = (self.start)(Setup {
            context,
            transport: VirtualTransport(Arc::clone(&self.surroundings)),
            checkpoint,
        })?;
        let surroundings = Arc::clone(&self.surroundings);
        session.set_sleep(Arc::new(move |until| {
            surroundings.advance_to(until);
            surroundings.now()
        }));
        self.session = Some(session);
        Ok(())
    }

    /// Returns the running bot.
    pub fn session(&self) -> Option<&S> {
        self.session.as_ref()
    }

    /// Returns the current status; `None` while the bot is stopped.
    pub fn status(&self) -> Option<Status> {
        self.session.as_ref().map(|it| it.machine().status())
    }

    /// Returns the result of the session, once it has ended.
    pub fn result(&self) -> Option<&Result<(), bilibili_session::Error>> {
        self.result.as_ref()
    }

    /// Returns the current checkpoint, or the one that the last session left.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        match &self.session {
            Some(session) => session.machine().checkpoint(),
            None => self.saved.clone(),
        }
    }

    /// Returns the text that brings a file of checkpoints up to date; `None` while the bot is stopped,
    /// and before the baseline is taken.
    pub fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        self.session.as_mut()?.machine_mut().save(journal)
    }

    /// Returns the messages that the account has sent through the service, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.simulator().sent().map(Sent::of).collect()
    }

    /// Returns everything that handlers were called for, in all lives of the bot.
    pub fn updates(&self) -> &[Update] {
        &self.updates
    }

    /// Returns the messages that handlers were called for.
    pub fn events(&self) -> Vec<&Event> {
        let events = self.updates.iter().filter_map(Update::event);
        events.map(AsRef::as_ref).collect()
    }

    /// Returns the warnings that handlers were called for.
    pub fn warnings(&self) -> Vec<&Warning> {
        let warnings = self.updates.iter().filter_map(Update::warning);
        warnings.map(AsRef::as_ref).collect()
    }

    /// Returns the status changes that handlers were called for.
    pub fn status_changes(&self) -> Vec<&StatusChange> {
        let changes = self.updates.iter().filter_map(Update::status);
        changes.map(AsRef::as_ref).collect()
    }

    /// Does one thing. False when there is nothing more to do until `end`.
    fn turn(&mut self, end: Duration) -> bool {
        let Some(session) = self.session.as_mut().filter(|_| self.result.is_none()) else {
            return false;
        };
        let now = self.surroundings.now();
        while let Some(answer) = self.answers.first_entry()
            && answer.key().0 <= now.monotonic
        {
            let (id, answer) = answer.remove();
            session.machine_mut().handle_response(now, id, answer);
        }
        let wait = match session.poll_output(now, &mut |update| self.updates.push(update.clone())) {
            Output::Send(outgoing) => {
                self.send(outgoing);
                return true;
            }
            Output::Finished(result) => {
                self.result = Some(result);
                return true;
            }
            // Of a session without handlers.
            Output::Handle(dispatch) => {
                let update = session.machine_mut().deliver(dispatch);
                self.updates.push(update);
                return true;
            }
            Output::Wait(until) => Some(until),
            // A handler waits for something outside of this world, until which only time passes.
            Output::Busy => None,
        };
        // A handler's call may have taken time.
        if self.surroundings.now().monotonic > now.monotonic {
            return true;
        }
        if now.monotonic >= end {
            return false;
        }
        let answer = self.answers.first_key_value().map(|((due, _), _)| *due);
        let next = wait.into_iter().chain(answer).fold(end, Duration::min);
        self.surroundings.advance_to(next);
        true
    }

    fn send(&mut self, outgoing: Outgoing) {
        let (delay, answer) = self.surroundings.exchange(&outgoing.request);
        let due = self.now().monotonic + delay;
        self.requests += 1;
        self.answers
            .insert((due, self.requests), (outgoing.id, answer));
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for VirtualBot<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualBot")
            .field("now", &self.surroundings.now())
            .field("session", &self.session)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}
