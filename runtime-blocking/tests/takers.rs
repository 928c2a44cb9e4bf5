//! Several who take from one session at a time: loops, handlers, and both.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Notice, PollerConfig, Status};
use bilibili_session::{Context, Credential, Error, Event, Hosts, TransportError};
use bilibili_session_blocking::{Session, Transport, now};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use http::Request;

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);

const CONVERSATIONS: i64 = 3;
/// What arrives in each of them between two rounds: more than one waits behind the one in hand.
const AT_ONCE: u64 = 4;
const ROUNDS: u64 = 60;

/// A service in which the next messages arrive just before somebody looks for them.
fn rounds(simulator: &Arc<Mutex<Simulator>>) -> impl Transport + use<> {
    let simulator = Arc::clone(simulator);
    let sent = AtomicU64::new(0);
    move |request: Request<Vec<u8>>| {
        let mut simulator = simulator.lock().unwrap();
        if request.uri().path().ends_with("new_sessions")
            && sent.fetch_add(1, Ordering::Relaxed) < ROUNDS
        {
            for _ in 0..AT_ONCE {
                receive(&mut simulator, 20001..20001 + CONVERSATIONS);
            }
        }
        match simulator.handle(now().wall.0, &request) {
            Answer::Respond(response) => Ok(response),
            _ => Err(TransportError::timeout()),
        }
    }
}

/// The next message from each of these: its text is its number in the conversation.
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
    let context = context(simulator);
    let next = NewMessage::text(20001, "next");
    let world = Arc::clone(simulator);
    let transport =
        move |request: Request<Vec<u8>>| match world.lock().unwrap().handle(now().wall.0, &request)
        {
            Answer::Respond(response) => Ok(response),
            _ => Err(TransportError::timeout()),
        };
    let config = PollerConfig::new().interval(Duration::from_millis(1));
    let session = Session::resume(context, transport, config, checkpoint).unwrap();
    let mut simulator = simulator.lock().unwrap();
    simulator.receive(now().wall.0, next).unwrap();
    drop(simulator);
    let event = session.events().next().unwrap();
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

/// Loops and handlers on threads of their own take all that arrives, and end when the session
/// is closed at the last message.
fn all_comes_out_once(loops: usize, starts: usize) {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator));
    let total = ROUNDS * AT_ONCE * CONVERSATIONS.unsigned_abs();
    let count = Arc::new(AtomicU64::new(0));
    let (done, ended) = mpsc::channel::<Result<Taken, Error>>();
    let close_at_the_last = move |session: &Session| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == total {
            session.close();
        }
    };

    // However many threads call it, the order in which a handler sees them is one.
    let handled = Arc::new(Mutex::new(Taken::default()));
    let (close, taken) = (close_at_the_last.clone(), Arc::clone(&handled));
    session.on_any(move |event, session| {
        taken.lock().unwrap().note(event);
        close(session);
    });
    for _ in 0..starts {
        let (session, done) = (session.clone(), done.clone());
        thread::spawn(move || done.send(session.start().map(|()| Taken::default())));
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
    let case = format!("{loops} loops, {starts} with handlers");
    let mut all: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for _ in 0..loops + starts {
        let taken = ended.recv_timeout(SOON);
        let taken = taken.unwrap_or_else(|_| panic!("{case}: stuck, {:?}", session.status()));
        for (from, numbers) in taken.unwrap().0 {
            all.entry(from).or_default().extend(numbers);
        }
    }
    for (from, numbers) in std::mem::take(&mut handled.lock().unwrap().0) {
        all.entry(from).or_default().extend(numbers);
    }
    assert_eq!(session.status(), Status::Closed, "{case}");
    let last = nothing_is_left(&simulator, &session.checkpoint().unwrap());
    assert_eq!(last, None, "{case}: it was handled already");
    let each = usize::try_from(ROUNDS * AT_ONCE).unwrap();
    let senders: Vec<_> = all.keys().copied().collect();
    assert_eq!(
        senders,
        (20001..20001 + CONVERSATIONS).collect::<Vec<_>>(),
        "{case}"
    );
    for (from, mut numbers) in all {
        numbers.sort_unstable();
        assert_eq!(numbers.len(), each, "{case}: of {from}");
        numbers.dedup();
        assert_eq!(numbers.len(), each, "{case}: twice of {from}");
    }
}

#[test]
fn two_loops() {
    all_comes_out_once(2, 0);
}

#[test]
fn three_loops() {
    all_comes_out_once(3, 0);
}

#[test]
fn handlers_beside_a_loop() {
    all_comes_out_once(1, 1);
}

#[test]
fn handlers_on_two_threads_beside_two_loops() {
    all_comes_out_once(2, 2);
}

#[test]
fn handlers_on_three_threads() {
    all_comes_out_once(0, 3);
}

/// Each taker gets something while all others keep what they have in hand.
fn each_gets_something(loops: usize, handlers: bool) {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator));
    let (holds, held) = mpsc::channel();
    let hold = move |taker: usize| {
        let (go_on, goes_on) = mpsc::channel::<()>();
        // Fails when nobody asks any more.
        let _ = holds.send((taker, go_on));
        let _ = goes_on.recv_timeout(SOON);
    };
    if handlers {
        let hold = hold.clone();
        session.on_any(move |_, _| hold(loops));
        session.run().unwrap();
    }
    for taker in 0..loops {
        let (events, hold) = (session.events(), hold.clone());
        thread::spawn(move || events.for_each(|_| hold(taker)));
    }
    let mut all = BTreeMap::new();
    for _ in 0..loops + usize::from(handlers) {
        let (taker, go_on) = held.recv_timeout(SOON).unwrap();
        all.insert(taker, go_on);
    }
    assert_eq!(all.len(), loops + usize::from(handlers), "one each");
    session.close();
}

#[test]
fn each_of_three_loops_gets_something() {
    each_gets_something(3, false);
}

#[test]
fn handlers_and_two_loops_get_something_each() {
    each_gets_something(2, true);
}

/// What a handler is told that waits for its own session, and what the notice says afterwards.
fn refused(wait: impl Fn(&Session) -> Option<Result<(), Error>> + Send + 'static) {
    let simulator = Arc::default();
    let session = session(&simulator, rounds(&simulator));
    let (answers, answered) = mpsc::channel();
    // Others may be called after the end of this test.
    session.on_any(move |_, session| {
        let answer = wait(session);
        let _ = answers.send(answer.clone());
        answer.transpose()?;
        Ok(())
    });
    let (notices, noticed) = mpsc::channel();
    session.on_notice(move |notice, session| {
        session.close();
        let _ = notices.send(notice.clone());
    });
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(session.start()));
    let answer = answered.recv_timeout(SOON).unwrap();
    assert!(matches!(answer, None | Some(Err(Error::WithinHandler))));
    let Ok(Notice::HandlerFailed { reason, .. }) = noticed.recv_timeout(SOON) else {
        panic!("another notice came first");
    };
    assert_eq!(reason, Error::WithinHandler.to_string());
    assert_eq!(ended.recv_timeout(SOON).unwrap(), Ok(()));
}

#[test]
fn a_handler_cannot_start_its_own_session() {
    refused(|session| Some(session.start()));
}

#[test]
fn a_handler_cannot_wait_for_the_end_of_its_own_session() {
    refused(|session| Some(session.run().unwrap().join()));
}

#[test]
fn a_handler_gets_nothing_from_its_own_session() {
    refused(|session| {
        assert_eq!(session.events().next(), None);
        assert_eq!(session.updates().next(), None);
        None
    });
}

#[test]
fn a_handler_can_start_another_session_and_give_its_own_to_a_thread() {
    let (one, two) = Default::default();
    let session_one = session(&one, rounds(&one));
    let session_two = session(&two, rounds(&two));
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
    let (said, notices) = mpsc::channel();
    session_one.on_notice(move |notice, _| Ok(said.send(notice.to_string())?));
    thread::spawn(move || done.send(session_one.start()));
    for _ in 0..2 {
        assert_eq!(ended.recv_timeout(SOON).unwrap(), Ok(()));
    }
    assert_eq!(notices.try_iter().collect::<Vec<_>>(), [""; 0]);
}
