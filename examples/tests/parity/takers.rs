//! Several that take from one session at a time: loops, handlers, and both.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, PollerConfig, Status, Warning};
use bilibili_session::{Error, Event};
use futures_util::FutureExt;
use http::Request;

use super::runtime::{Session, on_every_runtime};
use super::world::{Carry, World};

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(50);

const CONVERSATIONS: i64 = 3;
/// Number of messages in each of them between two rounds: more than one waits behind the one in hand.
const AT_ONCE: u64 = 4;
const ROUNDS: u64 = 60;

/// Limits of a session: many at a time, or one.
const WIDE: (usize, usize) = (16, 256);
const NARROW: (usize, usize) = (1, 1);

on_every_runtime! {
    two_loops,
    three_loops,
    handlers_beside_a_loop,
    two_runs_beside_two_loops,
    three_runs,
    each_of_three_loops_gets_something,
    handlers_and_two_loops_get_something_each,
    a_handler_cannot_start_its_own_session,
    a_handler_cannot_wait_for_the_end_of_its_own_session,
    a_handler_gets_nothing_from_its_own_session,
    a_handler_can_start_another_session_and_give_its_own_to_a_thread,
}

/// A service in which the next messages arrive just before somebody looks for them: the text of
/// each is its number. Before it answers it waits for the pause.
pub(crate) fn rounds<P, F>(world: &World, pause: P) -> impl Carry + use<P, F>
where
    P: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let world = world.clone();
    let (sent, number) = (AtomicU64::new(0), AtomicU64::new(0));
    move |request: Request<Vec<u8>>| {
        if request.uri().path().ends_with("new_sessions")
            && sent.fetch_add(1, Ordering::Relaxed) < ROUNDS
        {
            for _ in 0..AT_ONCE {
                for from in 20001..20001 + CONVERSATIONS {
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    world.receive(from, &number.to_string());
                }
            }
        }
        let (pause, answer) = (pause(), world.clone().answer(request));
        async move {
            pause.await;
            answer.await
        }
        .boxed()
    }
}

pub(crate) fn config() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(1))
}

fn session<S: Session>(world: &World) -> S {
    let at_once = || std::future::ready(());
    S::new(world.context(), rounds(world, at_once), config())
}

/// Does this at the last message.
pub(crate) fn at_the_last<S>(act: impl Fn(&S) + Clone + Send) -> impl Fn(&S) + Clone + Send {
    let total = ROUNDS * AT_ONCE * CONVERSATIONS.unsigned_abs();
    let count = Arc::new(AtomicU64::new(0));
    move |session| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == total {
            act(session);
        }
    }
}

/// Returns what comes after a resume from here before the next message that arrives.
fn what_is_left<S: Session>(world: &World, checkpoint: &Checkpoint) -> Option<String> {
    let session = S::resume(world.context(), world.transport(), config(), checkpoint);
    world.receive(20001, "next");
    let event = session.events().next().unwrap();
    let text = event.text().unwrap();
    (text != "next").then(|| text.to_owned())
}

/// The messages that one taker got: rising numbers in each conversation.
#[derive(Default)]
pub(crate) struct Taken(BTreeMap<i64, Vec<u64>>);

impl Taken {
    pub(crate) fn note(&mut self, event: &Event) {
        let number = event.text().unwrap().parse().unwrap();
        let numbers = self.0.entry(event.talker_id()).or_default();
        assert!(numbers.last() < Some(&number), "out of order: {event:?}");
        numbers.push(number);
    }
}

/// All of them together got each message once.
#[track_caller]
pub(crate) fn whole(case: &str, taken: impl IntoIterator<Item = Taken>) {
    let mut all: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for (from, numbers) in taken.into_iter().flat_map(|taken| taken.0) {
        all.entry(from).or_default().extend(numbers);
    }
    let each = usize::try_from(ROUNDS * AT_ONCE).unwrap();
    let senders: Vec<_> = all.keys().copied().collect();
    let expected: Vec<_> = (20001..20001 + CONVERSATIONS).collect();
    assert_eq!(senders, expected, "{case}");
    for (from, mut numbers) in all {
        numbers.sort_unstable();
        assert_eq!(numbers.len(), each, "{case}: of {from}");
        numbers.dedup();
        assert_eq!(numbers.len(), each, "{case}: twice of {from}");
    }
}

/// Loops and handlers, each beside the others, take all that arrives, and end when the session is
/// closed at the last message.
fn all_comes_out_once<S: Session>(loops: usize, runs: usize, limits: (usize, usize)) {
    let world = World::default();
    let session: S = session(&world);
    session.limits(limits.0, limits.1);
    let close_at_the_last = at_the_last(S::close);

    // However many call it, the order within a conversation is one.
    let handled = Arc::new(Mutex::new(Taken::default()));
    let (close, taken) = (close_at_the_last.clone(), Arc::clone(&handled));
    session.on_any(move |event, session| {
        taken.lock().unwrap().note(event);
        close(session);
    });
    let (done, ended) = mpsc::channel::<Result<Taken, Error>>();
    for _ in 0..runs {
        let (running, done) = (session.run(), done.clone());
        thread::spawn(move || done.send(running.join().map(|()| Taken::default())));
    }
    for _ in 0..loops {
        let (session, done, close) = (session.clone(), done.clone(), close_at_the_last.clone());
        thread::spawn(move || {
            let mut taken = Taken::default();
            for event in session.events() {
                taken.note(&event);
                close(&session);
            }
            done.send(Ok(taken))
        });
    }
    let case = format!("{loops} loops, {runs} with handlers, {limits:?}");
    let mut all = Vec::new();
    for _ in 0..loops + runs {
        let taken = ended.recv_timeout(SOON);
        let taken = taken.unwrap_or_else(|_| panic!("{case}: stuck, {:?}", session.status()));
        all.push(taken.unwrap());
    }
    all.push(std::mem::take(&mut handled.lock().unwrap()));
    assert_eq!(session.status(), Status::Closed, "{case}");
    let left = what_is_left::<S>(&world, &session.checkpoint().unwrap());
    assert_eq!(left, None, "{case}: it was handled already");
    whole(&case, all);
}

fn two_loops<S: Session>() {
    all_comes_out_once::<S>(2, 0, WIDE);
    all_comes_out_once::<S>(2, 0, NARROW);
}

fn three_loops<S: Session>() {
    all_comes_out_once::<S>(3, 0, WIDE);
    all_comes_out_once::<S>(3, 0, NARROW);
}

fn handlers_beside_a_loop<S: Session>() {
    all_comes_out_once::<S>(1, 1, WIDE);
    all_comes_out_once::<S>(1, 1, NARROW);
}

fn two_runs_beside_two_loops<S: Session>() {
    all_comes_out_once::<S>(2, 2, WIDE);
    all_comes_out_once::<S>(2, 2, (2, 1));
}

fn three_runs<S: Session>() {
    all_comes_out_once::<S>(0, 3, WIDE);
    all_comes_out_once::<S>(0, 3, NARROW);
}

/// Each taker gets something while all others keep what they have in hand.
fn each_gets_something<S: Session>(loops: usize, handlers: bool) {
    let world = World::default();
    let session: S = session(&world);
    let (holds, held) = mpsc::channel();
    let hold = move |taker: usize| {
        let (go_on, goes_on) = mpsc::channel::<()>();
        // Fails when nobody asks any more.
        let _ = holds.send((taker, go_on));
        let _ = goes_on.recv_timeout(SOON);
    };
    for taker in 0..loops {
        let (events, hold) = (session.events(), hold.clone());
        thread::spawn(move || events.for_each(|_| hold(taker)));
    }
    let mut all = BTreeMap::new();
    for _ in 0..loops {
        let (taker, go_on) = held.recv_timeout(SOON).unwrap();
        all.insert(taker, go_on);
    }
    if handlers {
        // On an async runtime these take all conversations that there are, so they come last.
        session.on_any(move |_, _| hold(loops));
        drop(session.run());
        let (taker, go_on) = held.recv_timeout(SOON).unwrap();
        all.insert(taker, go_on);
    }
    assert_eq!(all.len(), loops + usize::from(handlers), "one each");
    session.close();
}

fn each_of_three_loops_gets_something<S: Session>() {
    each_gets_something::<S>(3, false);
}

fn handlers_and_two_loops_get_something_each<S: Session>() {
    each_gets_something::<S>(2, true);
}

/// Returns what a handler is told that waits for its own session, and what the warning says afterwards.
fn refused<S: Session>(wait: impl Fn(&S) -> Option<Result<(), Error>> + Send + 'static) {
    let world = World::default();
    let session: S = session(&world);
    let (answers, answered) = mpsc::channel();
    // Others may be called after the end of this test.
    session.on_any(move |_, session| {
        let answer = wait(session);
        let _ = answers.send(answer.clone());
        answer.transpose()?;
        Ok(())
    });
    let (warnings, warned) = mpsc::channel();
    session.on_warning(move |warning, session| {
        session.close();
        let _ = warnings.send(warning.clone());
    });
    let running = session.run();
    let answer = answered.recv_timeout(SOON).unwrap();
    assert!(matches!(answer, None | Some(Err(Error::WithinHandler))));
    let Ok(Warning::HandlerFailed { reason, .. }) = warned.recv_timeout(SOON) else {
        panic!("another warning came first");
    };
    assert_eq!(reason, Error::WithinHandler.to_string());
    assert_eq!(running.join(), Ok(()));
}

fn a_handler_cannot_start_its_own_session<S: Session>() {
    refused::<S>(|session| Some(session.start()));
}

fn a_handler_cannot_wait_for_the_end_of_its_own_session<S: Session>() {
    refused::<S>(|session| Some(session.run().join()));
}

fn a_handler_gets_nothing_from_its_own_session<S: Session>() {
    refused::<S>(|session| {
        assert_eq!(session.events().next(), None);
        assert_eq!(session.updates().next(), None);
        None
    });
}

fn a_handler_can_start_another_session_and_give_its_own_to_a_thread<S: Session>() {
    let (session_one, session_two): (S, S) =
        (session(&World::default()), session(&World::default()));
    session_two.on_any(|_, session| session.close());
    let (done, ended) = mpsc::channel();
    let taken = done.clone();
    session_one.on_any(move |_, session| {
        let (session, taken) = (session.clone(), taken.clone());
        thread::spawn(move || {
            // None, if another one of these has closed it already.
            let _ = session.events().next();
            session.close();
            taken.send(Ok(()))
        });
        Ok(session_two.start()?)
    });
    let (said, warnings) = mpsc::channel();
    session_one.on_warning(move |warning, _| Ok(said.send(warning.to_string())?));
    thread::spawn(move || done.send(session_one.start()));
    for _ in 0..2 {
        assert_eq!(ended.recv_timeout(SOON).unwrap(), Ok(()));
    }
    assert_eq!(warnings.try_iter().collect::<Vec<_>>(), [""; 0]);
}
