//! Streams that are given up again and again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_std::future::timeout;
use async_std::task::{self, block_on, sleep};
use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, Event, Hosts, TransportError};
use bilibili_session_async_std::{Session, Transport, Update, now};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use futures_util::StreamExt;
use futures_util::future::FutureExt;
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

fn context(simulator: &Arc<Mutex<Simulator>>) -> ClientConfig {
    let login = simulator.lock().unwrap().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    ClientConfig::new(credential).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
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
                Ok(Some(Update::Warning(notice))) => panic!("{notice}"),
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
