//! The loop that drives the machine of a session, and the way to wake it.

mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use bilibili_session::call;
use bilibili_session::poller::{Outgoing, Poller, RequestId};
use bilibili_session::session::{
    Dispatch, HandlerResult, Output, SessionMachine, Sleep, Update, handler_failure,
};
use bilibili_session::{CallMachine, Error, Now, TransportError, TransportErrorKind};
use http::Response;

use self::workers::Workers;
use crate::clock;
#[cfg(feature = "push")]
use crate::push::Push;
use crate::transport::Transport;
use crate::watched::Watched;

/// The machine of a session, and the way to whoever drives it.
pub(crate) struct Engine {
    /// Never locked while anything is waited for or a handler runs.
    machine: Watched<SessionMachine>,
    outbox: Sender<Input>,
    workers: Workers,
    /// Set while somebody drives the machine, and may wait by now.
    is_driven: AtomicBool,
    /// Set while a nudge lies in the inbox. One is enough, however many come.
    is_nudged: AtomicBool,
    /// Time that the session was told, instead of the clocks'.
    time: Mutex<Option<Now>>,
    /// Lets time pass for a session that was told the time.
    sleep: Mutex<Option<Sleep>>,
    #[cfg(feature = "push")]
    pub(crate) push: Mutex<Option<Push>>,
}

/// Inbox of the driver. Locked by the one who drives, as long as there is nothing to deliver:
/// the others wait for the lock, and drive when that one has got something.
pub(crate) type Inbox = Mutex<Receiver<Input>>;

/// End of a wait.
pub(crate) enum Input {
    Answer(RequestId, Result<Response<Vec<u8>>, TransportError>),
    /// The machine has changed under the driver.
    Nudge,
}

impl Engine {
    pub(crate) fn new(poller: Poller) -> (Self, Inbox) {
        let (outbox, inbox) = mpsc::channel();
        let mut machine = SessionMachine::new(poller);
        // So many may wait behind a message that somebody has in hand, and the other takers get
        // what is behind them. One taker alone has nothing waiting.
        machine.set_limits(usize::MAX, 256);
        let engine = Self {
            machine: Watched::new(machine),
            workers: Workers::new(outbox.clone()),
            outbox,
            is_driven: AtomicBool::new(false),
            is_nudged: AtomicBool::new(false),
            time: Mutex::default(),
            sleep: Mutex::default(),
            #[cfg(feature = "push")]
            push: Mutex::default(),
        };
        (engine, Mutex::new(inbox))
    }

    /// Locks the machine. Its word may be old when the lock is gone. Whoever changes what there
    /// is to do calls [`change`](Self::change).
    pub(crate) fn machine(&self) -> MutexGuard<'_, SessionMachine> {
        self.machine.lock()
    }

    /// Returns the time that counts for this session.
    pub(crate) fn now(&self) -> Now {
        lock(&self.time).unwrap_or_else(clock::now)
    }

    /// Makes this the time, until another is set.
    pub(crate) fn set_time(&self, now: Now) {
        *lock(&self.time) = Some(now);
    }

    /// Sets the function by which time passes, for a session that is told the time.
    pub(crate) fn set_sleep(&self, sleep: Sleep) {
        *lock(&self.sleep) = Some(sleep);
    }

    /// Changes the machine from outside of the loop that drives it. Whoever waits there is
    /// woken: there may be something to do now, or nothing any more.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut SessionMachine) -> T) -> T {
        let result = self.machine.change(change);
        // Whoever has begun to drive before the change says so before the machine is asked.
        if self.is_driven.load(Ordering::Acquire) && !self.is_nudged.swap(true, Ordering::AcqRel) {
            // Fails when nobody can wait any more.
            let _ = self.outbox.send(Input::Nudge);
        }
        result
    }

    /// Returns the next thing to do for a call; waits meanwhile where it is not its turn.
    pub(crate) fn poll_call<M: CallMachine>(&self, call: &mut M) -> call::Output<M::Output> {
        let sleep = lock(&self.sleep).clone();
        if let Some(sleep) = sleep {
            return self.poll_call_by_hand(call, &sleep);
        }
        let now = || self.now();
        self.machine
            .poll(now, |machine, now| machine.poll_call(now, call))
    }

    fn poll_call_by_hand<M: CallMachine>(
        &self,
        call: &mut M,
        sleep: &Sleep,
    ) -> call::Output<M::Output> {
        loop {
            let output = self.machine().poll_call(self.now(), call);
            let call::Output::Wait(until) = output else {
                return output;
            };
            self.set_time(sleep(until));
        }
    }

    /// Drives the machine until there is an update to handle; `None` when the session is over.
    pub(crate) fn next(&self, inbox: &Inbox, transport: &Arc<dyn Transport>) -> Option<Dispatch> {
        let inbox = lock(inbox);
        let _driven = Driving::begin(&self.is_driven);
        loop {
            match self.turn(&inbox, transport) {
                Output::Handle(dispatch) => return Some(dispatch),
                Output::Wait(until) => {
                    let wait = until.saturating_sub(self.now().monotonic);
                    if let Ok(input) = inbox.recv_timeout(wait) {
                        self.take(input);
                    }
                }
                // Somebody else has a message in hand, and nudges when that is over. Never
                // fails, the engine holds the other end.
                Output::Busy => self.take(inbox.recv().ok()?),
                Output::Finished(_) => return None,
                Output::Send(_) => {}
            }
        }
    }

    /// Drives the machine, and returns an update to handle if there is one without waiting.
    pub(crate) fn try_next(
        &self,
        inbox: &Inbox,
        transport: &Arc<dyn Transport>,
    ) -> Option<Dispatch> {
        let inbox = match inbox.try_lock() {
            Ok(inbox) => inbox,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody else waits for whatever there will be.
            Err(TryLockError::WouldBlock) => return None,
        };
        let _driven = Driving::begin(&self.is_driven);
        match self.turn(&inbox, transport) {
            Output::Handle(dispatch) => Some(dispatch),
            _ => None,
        }
    }

    /// Drives the machine until it has something else to do than to send.
    fn turn(&self, inbox: &Receiver<Input>, transport: &Arc<dyn Transport>) -> Output {
        loop {
            // What has come in counts before what has run out.
            while let Ok(input) = inbox.try_recv() {
                self.take(input);
            }
            // A statement of its own: the lock is not held while something is sent.
            let output = self.machine().poll_output(self.now());
            #[cfg(feature = "push")]
            self.follow_push();
            match output {
                Output::Send(outgoing) => self.send(outgoing, Arc::clone(transport)),
                Output::Finished(_) => {
                    self.workers.end();
                    return output;
                }
                _ => return output,
            }
        }
    }

    /// Calls a handler; returns how it failed, if it did.
    pub(crate) fn failure_of(&self, handler: impl FnOnce() -> HandlerResult) -> Option<String> {
        let thread = thread::current().id();
        self.machine().begin_handler(thread);
        let result = catch_unwind(AssertUnwindSafe(handler));
        let was_refused = self.machine().end_handler(thread);
        handler_failure(result, was_refused)
    }

    /// Checks that no handler of this session wants to wait for it.
    pub(crate) fn check_wait(&self) -> Result<(), Error> {
        self.machine().check_wait(thread::current().id())
    }

    /// Delivers an update to a loop that asked for it.
    pub(crate) fn deliver(&self, dispatch: Dispatch) -> Update {
        self.change(|machine| machine.deliver(dispatch))
    }

    fn take(&self, input: Input) {
        match input {
            Input::Answer(id, answer) => {
                let now = self.now();
                self.machine
                    .change(|machine| machine.handle_response(now, id, answer));
            }
            Input::Nudge => drop(self.is_nudged.swap(false, Ordering::AcqRel)),
        }
    }

    /// Sends on another thread. If it hangs, nobody waits for it: the poller gives the request
    /// up when its time is over, and the thread goes on after its transport's timeout.
    fn send(&self, outgoing: Outgoing, transport: Arc<dyn Transport>) {
        let Outgoing { id, request, .. } = outgoing;
        if let Err(error) = self.workers.send((id, request, transport)) {
            let error = TransportError::new(TransportErrorKind::Other, error.to_string());
            self.take(Input::Answer(id, Err(error)));
        }
    }
}

/// Time in which somebody drives the machine. Begins and ends under the lock of the inbox.
struct Driving<'a>(&'a AtomicBool);

impl<'a> Driving<'a> {
    fn begin(is_driven: &'a AtomicBool) -> Self {
        is_driven.store(true, Ordering::Release);
        Self(is_driven)
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Locks a mutex, also after a panic: the values behind these locks are whole at any time.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
