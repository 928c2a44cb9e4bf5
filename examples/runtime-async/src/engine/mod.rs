//! The machine of a session, and the way to wake those that drive it.

mod driver;

pub(crate) use driver::{Driver, Timer};

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::{Outgoing, Poller, RequestId};
use bilibili_session::session::{HandlerResult, SessionMachine, Sleep, handler_failure};
use bilibili_session::{Error, Now};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, StreamExt};

use crate::clock::Clock;
#[cfg(feature = "push")]
use crate::push::Push;
use crate::transport::{Answer, AnyTransport, send_caught};

/// The machine of a session, and all that drive it.
pub(crate) struct Engine {
    /// Never locked while anything is waited for or a handler runs.
    machine: Mutex<SessionMachine>,
    pub(crate) drivers: Arc<Drivers>,
    pub(crate) clock: Clock,
    /// Time that the session was told, instead of the clocks'.
    time: Mutex<Option<Now>>,
    /// Lets time pass for a session that was told the time.
    sleep: Mutex<Option<Sleep>>,
    #[cfg(feature = "push")]
    pub(crate) push: Mutex<Option<Push>>,
}

impl Engine {
    pub(crate) fn new(poller: Poller, clock: Clock) -> Self {
        let mut machine = SessionMachine::new(poller);
        machine.set_limits(16, 256);
        Self {
            machine: Mutex::new(machine),
            drivers: Arc::default(),
            clock,
            time: Mutex::default(),
            sleep: Mutex::default(),
            #[cfg(feature = "push")]
            push: Mutex::default(),
        }
    }

    /// Locks the machine. Its word may be old when the lock is gone. Whoever changes what there
    /// is to do calls [`change`](Self::change).
    pub(crate) fn machine(&self) -> MutexGuard<'_, SessionMachine> {
        lock(&self.machine)
    }

    /// Returns the time that counts for this session.
    pub(crate) fn now(&self) -> Now {
        lock(&self.time).unwrap_or_else(|| self.clock.now())
    }

    /// Returns whether somebody else tells the time: no timer is of use then.
    pub(crate) fn is_by_hand(&self) -> bool {
        lock(&self.time).is_some()
    }

    /// Makes this the time, until another is set.
    pub(crate) fn set_time(&self, now: Now) {
        *lock(&self.time) = Some(now);
    }

    /// Sets the function by which time passes, for a session that is told the time.
    pub(crate) fn set_sleep(&self, sleep: Sleep) {
        *lock(&self.sleep) = Some(sleep);
    }

    /// Lets time pass for a session that is told the time; returns whether it did.
    pub(crate) fn sleeps_until(&self, until: Duration) -> bool {
        let sleep = lock(&self.sleep).clone();
        let slept = sleep.map(|sleep| self.set_time(sleep(until)));
        slept.is_some()
    }

    /// Changes the machine from outside of the loop that drives it. Whoever waits there is
    /// woken: there may be something to do now, or nothing any more.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut SessionMachine) -> T) -> T {
        let result = change(&mut self.machine());
        self.drivers.wake_but(None);
        result
    }

    /// Calls a handler and waits for it; returns how it failed, if it did.
    pub(crate) async fn failure_of(
        &self,
        mut handler: impl Future<Output = HandlerResult> + Unpin,
    ) -> Option<String> {
        let mut was_refused = false;
        let result = poll_fn(|cx| {
            let thread = thread::current().id();
            self.machine().begin_handler(thread);
            let step = catch_unwind(AssertUnwindSafe(|| handler.poll_unpin(cx)));
            was_refused |= self.machine().end_handler(thread);
            match step {
                Ok(step) => step.map(Ok),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        });
        let result = result.await;
        handler_failure(result, was_refused)
    }

    /// Checks that no handler of this session wants to wait for it.
    pub(crate) fn check_wait(&self) -> Result<(), Error> {
        self.machine().check_wait(thread::current().id())
    }

    /// Returns a waker of all drivers.
    fn waker(&self) -> Waker {
        Arc::clone(&self.drivers).into()
    }
}

/// All that drive a session: its streams, the loops that call its handlers, and the calls that
/// wait.
#[derive(Default)]
pub(crate) struct Drivers(Mutex<Vec<Weak<AtomicWaker>>>);

impl Drivers {
    /// Adds one that is woken as well from now on, as long as it is there.
    pub(crate) fn watch(&self) -> Arc<AtomicWaker> {
        let driver = Arc::default();
        let mut drivers = lock(&self.0);
        drivers.retain(|known| known.strong_count() > 0);
        drivers.push(Arc::downgrade(&driver));
        driver
    }

    pub(crate) fn wake_but(&self, one: Option<&Arc<AtomicWaker>>) {
        let is_other = |driver: &Arc<_>| one.is_none_or(|one| !Arc::ptr_eq(one, driver));
        let drivers = lock(&self.0);
        let others = drivers.iter().filter_map(Weak::upgrade).filter(is_other);
        let others: Vec<_> = others.collect();
        drop(drivers);
        // Without the lock: what is woken may look for its session at once.
        others.iter().for_each(|driver| driver.wake());
    }
}

impl Wake for Drivers {
    fn wake(self: Arc<Self>) {
        self.wake_but(None);
    }
}

/// The requests that are on their way. They belong to the session and go on side by side
/// whenever one of its drivers is polled, so one that is dropped ends none of them.
#[derive(Default)]
pub(crate) struct Requests(Mutex<FuturesUnordered<BoxFuture<'static, (RequestId, Answer)>>>);

impl Requests {
    fn send(&self, transport: AnyTransport, outgoing: Outgoing) {
        let Outgoing { id, request, .. } = outgoing;
        let exchange = send_caught(transport, request).map(move |answer| (id, answer));
        lock(&self.0).push(exchange.boxed());
    }

    /// Polls all requests, and gives the machine the answers that came. Whichever driver polls,
    /// all are woken when one of them can go on: this driver may be gone by then. The others are
    /// woken by an answer as well. Returns whether one came.
    pub(crate) fn drive(&self, engine: &Engine, own: &Arc<AtomicWaker>) -> bool {
        let mut requests = lock(&self.0);
        let waker = engine.waker();
        let mut context = Context::from_waker(&waker);
        let mut has_answer = false;
        while let Poll::Ready(Some((id, answer))) = requests.poll_next_unpin(&mut context) {
            engine.machine().handle_response(engine.now(), id, answer);
            has_answer = true;
        }
        drop(requests);
        if has_answer {
            engine.drivers.wake_but(Some(own));
        }
        has_answer
    }

    /// Ends all requests. When they are just being polled, by a driver that then sees that the
    /// session is over, that driver ends them.
    pub(crate) fn end(&self) {
        if let Ok(mut requests) = self.0.try_lock() {
            requests.clear();
        }
    }
}

/// Locks a mutex, also after a panic: the values behind these locks are whole at any time.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
