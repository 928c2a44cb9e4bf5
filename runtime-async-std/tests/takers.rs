//! Several who take from one session at a time, and some who give up again and again: streams,
//! handlers, and both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_std::channel;
use async_std::future::timeout;
use async_std::task::{self, block_on, sleep};
use bilibili_session::poller::{Checkpoint, Notice, PollerConfig, Status};
use bilibili_session::{Context, Credential, Error, Event, Hosts, TransportError};
use bilibili_session_async_std::{Session, Transport, Update, now};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use http::Request;

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);

const CONVERSATIONS: i64 = 3;
/// What arrives in each of them between two rounds: more than one waits behind the one in hand.
const AT_ONCE: u64 = 4;
const ROUNDS: u64 = 60;

/// Runs a test, which must come to an end.
fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(timeout(SOON, test)).expect("it is stuck")
}

/// A service in which the next messages arrive just before somebody looks for them. Before it
/// answers it waits.
fn rounds<P, F>(simulator: &Arc<Mutex<Simulator>>, pause: P) -> impl Transport + use<P, F>
where
    P: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let simulator = Arc::clone(simulator);
    let sent = AtomicU64::new(0);
    move |request: Request<Vec<u8>>| {
        let mut world = simulator.lock().unwrap();
        if request.uri().path().ends_with("new_sessions")
            && sent.fetch_add(1, Ordering::Relaxed) < ROUNDS
        {
            for _ in 0..AT_ONCE {
                receive(&mut world, 20001..20001 + CONVERSATIONS);
            }
        }
        let pause = pause();
        let simulator = Arc::clone(&simulator);
        async move {
            pause.await;
            match simulator.lock().unwrap().handle(now().wall.0, &request) {
                Answer::Respond(response) => Ok(response),
                _ => Err(TransportError::timeout()),
            }
        }
    }
}

/// The next message from each of these: its text is a number that rises.
fn receive(simulator: &mut Simulator, from: impl IntoIterator<Item = i64>) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    for uid in from {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
        let message = NewMessage::text(uid, &number);
        simulator.receive(now().wall.0, message).unwrap();
    }
}

fn session(simulator: &Arc<Mutex<Simulator>>, transport: impl Transport + 'static) -> Session {
    let config = PollerConfig::new().interval(Duration::from_millis(1));
    Session::new(context(simulator), transport, config).unwrap()
}

fn context(simulator: &Arc<Mutex<Simulator>>) -> Context {
    let login = simulator.lock().unwrap().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    Context::new(credential).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
}

/// What comes after a resume from here before the next message that arrives.
fn nothing_is_left(simulator: &Arc<Mutex<Simulator>>, checkpoint: &Checkpoint) -> Option<String> {
    let world = Arc::clone(simulator);
    let transport = move |request: Request<Vec<u8>>| {
        let answer = world.lock().unwrap().handle(now().wall.0, &request);
        std::future::ready(match answer {
            Answer::Respond(response) => Ok(response),
            _ => Err(TransportError::timeout()),
        })
    };
    let config = PollerConfig::new().interval(Duration::from_millis(1));
    let session = Session::resume(context(simulator), transport, config, checkpoint).unwrap();
    let next = NewMessage::text(20001, "next");
    simulator
        .lock()
        .unwrap()
        .receive(now().wall.0, next)
        .unwrap();
    let event = run(session.events().next()).unwrap();
    let text = event.text().unwrap();
    (text != "next").then(|| text.to_owned())
}

/// What one taker got: rising numbers in each conversation.
#[derive(Default)]
struct Taken(BTreeMap<i64, Vec<u64>>);

impl Taken {
    fn note(&mut self, event: &Event) {
        let number = event.text().unwrap().parse().unwrap();
        let numbers = self.0.entry(event.talker_id()).or_default();
        assert!(numbers.last() < Some(&number), "out of order: {event:?}");
        numbers.push(number);
    }
}

/// All of them together got each message once.
#[track_caller]
fn whole(case: &str, taken: impl IntoIterator<Item = Taken>) {
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

/// Closes the session at the last message.
fn closer() -> impl Fn(&Session) + Clone + Send + 'static {
    let total = ROUNDS * AT_ONCE * CONVERSATIONS.unsigned_abs();
    let count = Arc::new(AtomicU64::new(0));
    move |session| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == total {
            session.close();
        }
    }
}

/// Streams and handlers, in tasks of their own, take all that arrives, and end when the session
/// is closed at the last message.
fn all_comes_out_once(streams: usize, starts: usize, limits: (usize, usize)) {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator, || async {}));
    session.limits(limits.0, limits.1);
    let close_at_the_last = closer();
    // However many tasks call it, the order within a conversation is one.
    let handled = Arc::new(Mutex::new(Taken::default()));
    let (close, taken) = (close_at_the_last.clone(), Arc::clone(&handled));
    session.on_any(move |event, session| {
        let (close, taken) = (close.clone(), Arc::clone(&taken));
        async move {
            task::yield_now().await;
            taken.lock().unwrap().note(&event);
            close(&session);
        }
    });
    let case = format!("{streams} streams, {starts} with handlers, {limits:?}");
    let mut takers: Vec<BoxFuture<'static, Result<Taken, Error>>> = Vec::new();
    for _ in 0..starts {
        takers.push(
            session
                .run()
                .map(|end| end.map(|()| Taken::default()))
                .boxed(),
        );
    }
    for _ in 0..streams {
        let (session, close) = (session.clone(), close_at_the_last.clone());
        let take = async move {
            let mut taken = Taken::default();
            let mut events = session.events();
            while let Some(event) = events.next().await {
                taken.note(&event);
                close(&session);
            }
            Ok(taken)
        };
        takers.push(task::spawn(take).boxed());
    }
    let taken = block_on(timeout(SOON, join_all(takers)));
    let taken = taken.unwrap_or_else(|_| panic!("{case}: stuck, {:?}", session.status()));
    let mut taken: Vec<Taken> = taken.into_iter().map(Result::unwrap).collect();
    taken.push(std::mem::take(&mut handled.lock().unwrap()));
    assert_eq!(session.status(), Status::Closed, "{case}");
    let last = nothing_is_left(&simulator, &session.checkpoint().unwrap());
    assert_eq!(last, None, "{case}: it was handled already");
    whole(&case, taken);
}

#[test]
fn two_streams() {
    all_comes_out_once(2, 0, (16, 256));
    all_comes_out_once(2, 0, (1, 1));
}

#[test]
fn three_streams() {
    all_comes_out_once(3, 0, (16, 256));
    all_comes_out_once(3, 0, (1, 1));
}

#[test]
fn handlers_beside_a_stream() {
    all_comes_out_once(1, 1, (16, 256));
    all_comes_out_once(1, 1, (1, 1));
}

#[test]
fn handlers_in_two_tasks_beside_two_streams() {
    all_comes_out_once(2, 2, (16, 256));
    all_comes_out_once(2, 2, (2, 1));
}

#[test]
fn handlers_in_three_tasks() {
    all_comes_out_once(0, 3, (16, 256));
    all_comes_out_once(0, 3, (1, 1));
}

/// The natural loop of a program with something else to do: each turn has a stream and a time
/// limit of its own, and the service is slower than that.
#[test]
fn a_stream_of_its_own_for_each_turn() {
    let simulator = Arc::default();
    let turns = Arc::new(AtomicUsize::new(0));
    // A turn ends two waits before an answer comes.
    let count = Arc::clone(&turns);
    let slow = move || {
        let turns = Arc::clone(&count);
        async move {
            let begin = turns.load(Ordering::Relaxed);
            while turns.load(Ordering::Relaxed) < begin + 2 {
                sleep(Duration::from_micros(50)).await;
            }
        }
    };
    let session = session(&simulator, rounds(&simulator, slow));
    let close = closer();
    let mut taken = Taken::default();
    run(async {
        while session.result().is_none() {
            let mut updates = session.updates();
            match timeout(Duration::from_millis(1), updates.next()).await {
                Ok(Some(Update::Event(event))) => {
                    taken.note(&event);
                    close(&session);
                }
                Ok(Some(Update::Notice(notice))) => panic!("{notice}"),
                Ok(_) => {}
                Err(_) => drop(turns.fetch_add(1, Ordering::Relaxed)),
            }
        }
    });
    whole("a stream for each turn", [taken]);
}

/// One that was about to go on is given up: another goes on in its place.
#[test]
fn streams_that_are_given_up_beside_one_that_is_not() {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator, task::yield_now));
    let close = closer();
    let (other, close_too) = (session.clone(), close.clone());
    let patient = task::spawn(async move {
        let mut taken = Taken::default();
        let mut events = other.events();
        while let Some(event) = events.next().await {
            taken.note(&event);
            close_too(&other);
        }
        taken
    });
    let mut taken = Taken::default();
    run(async {
        while session.result().is_none() {
            if let Some(Some(event)) = session.events().next().now_or_never() {
                taken.note(&event);
                close(&session);
            }
            task::yield_now().await;
        }
        whole("two", [taken, patient.await]);
    });
}

/// Each taker gets something while all others keep what they have in hand.
fn each_gets_something(streams: usize, handlers: bool) {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator, || async {}));
    let (holds, held) = channel::unbounded();
    let hold = async move |taker: usize| {
        let _ = holds.send(taker).await;
        std::future::pending::<()>().await;
    };
    let mut tasks = Vec::new();
    for taker in 0..streams {
        let (mut events, hold) = (session.events(), hold.clone());
        tasks.push(task::spawn(async move {
            while events.next().await.is_some() {
                hold(taker).await;
            }
        }));
    }
    let mut held = held;
    let holding = run(held.by_ref().take(streams).collect::<BTreeSet<_>>());
    assert_eq!(holding.len(), streams, "one each");
    if handlers {
        // These take all conversations that there are, so they come last.
        session.on_any(move |_, _| {
            let hold = hold.clone();
            async move { hold(streams).await }
        });
        let _running = session.run();
        assert_eq!(run(held.next()), Some(streams));
    }
    run(join_all(tasks.into_iter().map(task::JoinHandle::cancel)));
}

#[test]
fn each_of_three_streams_gets_something() {
    each_gets_something(3, false);
}

#[test]
fn handlers_and_two_streams_get_something_each() {
    each_gets_something(2, true);
}

/// What a handler is told that waits for its own session, and what the notice says afterwards.
fn refused<F>(wait: impl Fn(Session) -> F + Send + 'static)
where
    F: Future<Output = Option<Result<(), Error>>> + Send + 'static,
{
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator, || async {}));
    let (answers, answered) = channel::unbounded();
    // Others may be called after the end of this test.
    session.on_any(move |_, session| {
        let (answers, answer) = (answers.clone(), wait(session));
        async move {
            let answer = answer.await;
            let _ = answers.try_send(answer.clone());
            answer.transpose()?;
            Ok(())
        }
    });
    let (notices, noticed) = channel::unbounded();
    session.on_notice(move |notice, session| {
        session.close();
        let _ = notices.try_send(notice);
        async {}
    });
    run(async {
        let running = session.run();
        let answer = answered.recv().await.unwrap();
        assert!(matches!(answer, None | Some(Err(Error::WithinHandler))));
        let notice = noticed.recv().await.unwrap();
        let Notice::HandlerFailed { reason, .. } = &*notice else {
            panic!("{notice}");
        };
        assert_eq!(*reason, Error::WithinHandler.to_string());
        assert_eq!(running.await, Ok(()));
    });
}

#[test]
fn a_handler_cannot_start_its_own_session() {
    refused(|session| async move { Some(session.start().await) });
}

#[test]
fn a_handler_cannot_wait_for_the_end_of_its_own_session() {
    refused(|session| async move { Some(session.run().await) });
}

#[test]
fn a_handler_gets_nothing_from_its_own_session() {
    refused(|session| async move {
        assert_eq!(session.events().next().await, None);
        assert_eq!(session.updates().next().await, None);
        None
    });
}

#[test]
fn a_handler_can_start_another_session_and_give_its_own_to_a_task() {
    let (one, two) = Default::default();
    let session_one = session(&one, rounds(&one, || async {}));
    let session_two = session(&two, rounds(&two, || async {}));
    session_two.on_any(|_, session| async move { session.close() });
    session_one.on_any(move |_, session| {
        let session_two = session_two.clone();
        async move {
            let events = session.events();
            task::spawn(async move {
                // None, if another one of these has closed it already.
                let _ = { events }.next().await;
                session.close();
            });
            Ok(session_two.start().await?)
        }
    });
    let notices = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&notices);
    session_one.on_notice(move |notice, _| {
        log.lock().unwrap().push(notice.to_string());
        async {}
    });
    assert_eq!(run(session_one.start()), Ok(()));
    assert_eq!(*notices.lock().unwrap(), [""; 0]);
}
