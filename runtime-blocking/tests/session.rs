//! A session over a simulator that is called, not connected to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::endpoints::GetSessions;
use bilibili_session::error::BuildError;
use bilibili_session::poller::{Notice, PollerConfig, Status};
use bilibili_session::{
    Context, Credential, Error, ErrorClass, EventType, Hosts, TransportError, TransportErrorKind,
    Uid,
};
use bilibili_session_blocking::{Client, Session, Transport, Update, now};
use bilibili_session_simulator::{Answer, Fault, FaultKind, NewMessage, Simulator};
use http::{Request, Response};

type Shared = Arc<Mutex<Simulator>>;

/// Far more than any machine is late, far less than what must not be waited for.
const SOON: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(600);

fn simulator() -> Shared {
    Arc::default()
}

fn ask(simulator: &Shared, request: &Request<Vec<u8>>) -> Answer {
    let mut simulator = simulator.lock().unwrap();
    simulator.handle(now().wall.0, request)
}

fn transport(simulator: &Shared) -> impl Transport + use<> {
    let simulator = Arc::clone(simulator);
    move |request: Request<Vec<u8>>| match ask(&simulator, &request) {
        Answer::Respond(response) => Ok(response),
        Answer::Delayed(delay, response) => {
            thread::sleep(delay);
            Ok(response)
        }
        Answer::Hang => {
            thread::sleep(NEVER);
            Err(TransportError::timeout())
        }
        Answer::Truncated(_) | Answer::Reset => Err(TransportError::new(
            TransportErrorKind::Interrupted,
            "cut off",
        )),
    }
}

fn context(simulator: &Shared) -> Context {
    let login = simulator.lock().unwrap().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    Context::new(credential).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
}

fn often() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(20))
}

fn session(simulator: &Shared) -> Session {
    Session::new(context(simulator), transport(simulator), often()).unwrap()
}

fn receive(simulator: &Shared, from: i64, text: &str) {
    let mut simulator = simulator.lock().unwrap();
    simulator
        .receive(now().wall.0, NewMessage::text(from, text))
        .unwrap();
}

/// How many requests came, to paths with this part.
fn requests(simulator: &Shared, part: &str) -> u64 {
    let state = simulator.lock().unwrap().state();
    let requests = state["requests"].as_object().unwrap();
    requests
        .iter()
        .filter(|(path, _)| path.contains(part))
        .map(|(_, count)| count.as_u64().unwrap())
        .sum()
}

/// Calls this when the base line is taken: what it sends comes out.
fn when_connected(session: &Session, mut act: impl FnMut() + Send + 'static) {
    session.on_status(move |change, _| {
        if change.status == Status::Connected {
            act();
        }
    });
}

#[test]
fn events_come_in_order_and_a_checkpoint_covers_those_that_were_taken() {
    let simulator = simulator();
    let first = session(&simulator);
    let mut taken = Vec::new();
    let mut checkpoint = None;
    for update in first.updates() {
        match update {
            Update::Status(change) if change.status == Status::Connected => {
                for number in 0..45 {
                    receive(&simulator, 20001, &format!("{number}"));
                }
            }
            Update::Event(event) => taken.push(event.text().unwrap().to_owned()),
            _ => {}
        }
        if taken.len() == 10 && checkpoint.is_none() {
            checkpoint = first.checkpoint();
        }
        if taken.len() == 45 {
            first.close();
        }
    }
    let all: Vec<String> = (0..45).map(|number| number.to_string()).collect();
    assert_eq!(taken, all);
    assert_eq!(first.status(), Status::Closed);
    assert_eq!(first.result(), Some(Ok(())));
    assert_eq!(first.events().next(), None, "it stays over");

    let second = Session::resume(
        context(&simulator),
        transport(&simulator),
        often(),
        &checkpoint.unwrap(),
    )
    .unwrap();
    let rest: Vec<String> = second
        .events()
        .take(35)
        .map(|event| event.text().unwrap().to_owned())
        .collect();
    assert_eq!(rest, all[10..]);
}

#[test]
fn handlers_that_fail_are_reported_and_stop_nobody() {
    let simulator = simulator();
    let session = session(&simulator);
    let (notices, noticed) = mpsc::channel();
    let (calls, called) = mpsc::channel();
    let log = |name: &'static str| {
        let calls = calls.clone();
        move || calls.send(name).unwrap()
    };
    let (text, other, any) = (log("text"), log("picture"), log("any"));
    session.on(EventType::Text, |_, _| Err("out of order".into()));
    session.on_any(|_, _| -> () { panic!("out of words") });
    session.on(EventType::Picture, move |_, _| other());
    session.on(EventType::Text, move |event, session| {
        text();
        session.reply(event, "pong")?;
        Ok(())
    });
    session.on_any(move |_, session| {
        any();
        session.close();
    });
    session.on_notice(move |notice, _| -> () {
        notices.send(notice.clone()).unwrap();
        panic!("this one too");
    });
    let world = Arc::clone(&simulator);
    when_connected(&session, move || receive(&world, 20001, "ping"));

    assert_eq!(session.start(), Ok(()));
    drop(calls);
    drop(session);
    assert_eq!(called.iter().collect::<Vec<_>>(), ["text", "any"]);
    let failures: Vec<_> = noticed
        .iter()
        .filter_map(|notice| match notice {
            Notice::HandlerFailed { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(failures, ["out of order", "it panicked: out of words"]);
    let simulator = simulator.lock().unwrap();
    let sent: Vec<_> = simulator.sent().map(|sent| sent.receiver_id).collect();
    assert_eq!(sent, [20001]);
}

#[test]
fn a_close_waits_for_no_request() {
    let simulator = simulator();
    let hang = Fault::once("get_sessions", FaultKind::Hang);
    simulator.lock().unwrap().push_fault(hang);
    let session = session(&simulator);
    let running = session.run().unwrap();
    while requests(&simulator, "get_sessions") == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(session.status(), Status::Init);
    let start = Instant::now();
    session.close();
    assert_eq!(running.join(), Ok(()));
    assert!(start.elapsed() < SOON);
    assert_eq!(session.status(), Status::Closed);
}

#[test]
fn a_close_waits_for_no_interval() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    let running = session.run().unwrap();
    is_connected.recv_timeout(SOON).unwrap();
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    session.close();
    assert_eq!(running.join(), Ok(()));
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_close_before_the_start_is_a_close() {
    let simulator = simulator();
    let session = session(&simulator);
    session.close();
    assert_eq!(session.start(), Ok(()));
    assert_eq!(requests(&simulator, ""), 0);
}

#[test]
fn a_transport_that_panics_is_a_request_that_failed() {
    let simulator = simulator();
    let inner = transport(&simulator);
    let panics = AtomicUsize::new(0);
    let session = Session::new(
        context(&simulator),
        move |request: Request<Vec<u8>>| {
            if panics.fetch_add(1, Ordering::Relaxed) == 1 {
                panic!("with {:?}", request.headers());
            }
            inner.send(request)
        },
        often(),
    )
    .unwrap();
    let updates: Vec<Update> = session
        .updates()
        .take_while(|update| {
            !matches!(update, Update::Status(change) if change.status == Status::Connected)
        })
        .collect();
    let [Update::Notice(notice)] = &updates[..] else {
        panic!("{updates:?}");
    };
    assert_eq!(notice.kind(), "retry");
    assert!(!format!("{notice:?}").contains("SESSDATA"));
}

#[test]
fn a_dead_login_ends_it() {
    let simulator = simulator();
    let uid = simulator.lock().unwrap().login().uid;
    simulator.lock().unwrap().log_out(uid).unwrap();
    let session = session(&simulator);
    let error = session.start().unwrap_err();
    assert_eq!(error.class(), ErrorClass::LoginLost);
    assert_eq!(session.status(), Status::Error);
    assert_eq!(session.result(), Some(Err(error)));
}

#[test]
fn fetches_of_a_round_are_on_their_way_together() {
    let simulator = simulator();
    let inner = transport(&simulator);
    let in_flight = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (flying, top) = (in_flight, Arc::clone(&most));
    let session = Session::new(
        context(&simulator),
        move |request: Request<Vec<u8>>| {
            let together = flying.fetch_add(1, Ordering::SeqCst) + 1;
            top.fetch_max(together, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(100));
            let answer = inner.send(request);
            flying.fetch_sub(1, Ordering::SeqCst);
            answer
        },
        often().max_parallel(3),
    )
    .unwrap();
    let world = Arc::clone(&simulator);
    when_connected(&session, move || {
        for from in 20001..20009 {
            receive(&world, from, "hi");
        }
    });
    let seen = AtomicUsize::new(0);
    session.on_any(move |_, session| {
        if seen.fetch_add(1, Ordering::Relaxed) == 7 {
            session.close();
        }
    });
    assert_eq!(session.start(), Ok(()));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_checkpoint_leaves_out_the_message_in_hand() {
    let simulator = simulator();
    let session = session(&simulator);
    let world = Arc::clone(&simulator);
    when_connected(&session, move || receive(&world, 20001, "hi"));
    let (in_hand, go_on) = (mpsc::channel(), mpsc::channel::<()>());
    session.on_any(move |_, session| {
        in_hand.0.send(()).unwrap();
        go_on.1.recv_timeout(SOON).unwrap();
        session.close();
    });
    let running = session.run().unwrap();
    in_hand.1.recv_timeout(SOON).unwrap();
    let during = session.checkpoint().unwrap();
    go_on.0.send(()).unwrap();
    assert_eq!(running.join(), Ok(()));
    let after = session.checkpoint().unwrap();

    let resume = |checkpoint| {
        let context = context(&simulator);
        let resumed = Session::resume(context, transport(&simulator), often(), checkpoint);
        let resumed = resumed.unwrap();
        receive(&simulator, 20001, "the end");
        let mut events = resumed.events();
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != "the end") {
            texts.push(events.next().unwrap().text().unwrap().to_owned());
        }
        texts
    };
    assert!(resume(&during).contains(&String::from("hi")));
    assert!(!resume(&after).contains(&String::from("hi")));
}

#[test]
fn two_threads_share_the_work_and_keep_the_order() {
    let simulator = simulator();
    let session = session(&simulator);
    let (log, logged) = mpsc::channel();
    let count = AtomicUsize::new(0);
    session.on_any(move |event, session| {
        log.send((event.talker_id(), event.text().unwrap().to_owned()))
            .unwrap();
        if count.fetch_add(1, Ordering::Relaxed) == 99 {
            session.close();
        }
    });
    let world = Arc::clone(&simulator);
    when_connected(&session, move || {
        for number in 0..50 {
            for from in [20001, 20002] {
                receive(&world, from, &number.to_string());
            }
        }
    });
    let others: Vec<_> = (0..2).map(|_| session.run().unwrap()).collect();
    for other in others {
        assert_eq!(other.join(), Ok(()));
    }
    drop(session);
    let logged: Vec<_> = logged.iter().collect();
    assert_eq!(logged.len(), 100);
    for from in [20001, 20002] {
        let texts = logged.iter().filter(|(talker, _)| *talker == from);
        let numbers = texts.map(|(_, text)| text.parse::<usize>().unwrap());
        assert!(numbers.eq(0..50), "{from}");
    }
}

#[test]
fn nothing_is_asked_while_nobody_takes() {
    let simulator = simulator();
    let session = session(&simulator);
    let mut updates = session.updates();
    updates.find(
        |update| matches!(update, Update::Status(change) if change.status == Status::Connected),
    );
    let before = requests(&simulator, "");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(requests(&simulator, ""), before);
    receive(&simulator, 20001, "hi");
    let event = updates.find_map(|update| match update {
        Update::Event(event) => Some(event),
        _ => None,
    });
    assert_eq!(event.unwrap().text(), Some("hi"));
}

#[test]
fn an_answer_that_came_while_nobody_looked_came_in_time() {
    let simulator = simulator();
    let inner = transport(&simulator);
    let session = Session::new(
        context(&simulator),
        move |request: Request<Vec<u8>>| {
            let answer = inner.send(request.clone());
            if request.uri().to_string().contains("talker_id=20002") {
                thread::sleep(Duration::from_millis(50));
            }
            answer
        },
        often().request_timeout(Duration::from_millis(500)),
    )
    .unwrap();
    let mut texts = Vec::new();
    for update in session.updates() {
        match update {
            Update::Status(change) if change.status == Status::Connected => {
                receive(&simulator, 20001, "at once");
                receive(&simulator, 20002, "late");
            }
            Update::Event(event) => {
                texts.push(event.text().unwrap().to_owned());
                thread::sleep(Duration::from_millis(800));
            }
            Update::Notice(notice) => panic!("{notice}"),
            Update::Status(_) => {}
        }
        if texts.len() == 2 {
            session.close();
        }
    }
    assert_eq!(texts, ["at once", "late"]);
}

#[test]
fn a_session_sees_at_once_what_its_calls_meet() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    let (notices, noticed) = mpsc::channel();
    session.on_notice(move |notice, _| Ok(notices.send(notice.kind())?));
    let running = session.run().unwrap();
    is_connected.recv_timeout(SOON).unwrap();

    let refuse = Fault::once("send_msg", FaultKind::Code(-352));
    simulator.lock().unwrap().push_fault(refuse);
    let client = session.client().clone();
    let send = || client.send_text(Uid(20001), "hi").unwrap_err();
    assert_eq!(send().code(), Some(-352));
    assert_eq!(noticed.recv_timeout(SOON), Ok("risk_control"));
    let before = requests(&simulator, "");
    let paused = send();
    assert!(matches!(&paused, Error::Paused(it) if it.remaining > SOON));
    assert_eq!(paused.class(), ErrorClass::RiskControl);
    assert_eq!(requests(&simulator, ""), before);
    assert_eq!(requests(&simulator, "nav"), 1, "one login");
    session.close();
    assert_eq!(running.join(), Ok(()));
}

#[test]
fn a_dead_login_that_a_call_meets_ends_the_session() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    let running = session.run().unwrap();
    is_connected.recv_timeout(SOON).unwrap();
    let uid = simulator.lock().unwrap().login().uid;
    simulator.lock().unwrap().log_out(uid).unwrap();
    let start = Instant::now();
    let error = session.client().call(GetSessions::new()).unwrap_err();
    assert_eq!(running.join(), Err(error));
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_call_before_the_start_brings_the_login() {
    let simulator = simulator();
    let session = session(&simulator);
    session.client().send_text(Uid(20001), "hi").unwrap();
    for update in session.updates() {
        if matches!(update, Update::Status(change) if change.status == Status::Connected) {
            session.close();
        }
    }
    assert_eq!(requests(&simulator, "nav"), 1);
}

#[test]
fn the_client_of_a_session_outlives_it() {
    let simulator = simulator();
    let session = session(&simulator);
    let client = session.client().clone();
    session.close();
    client.send_text(Uid(20001), "hi").unwrap();
    drop(session);
    client.send_text(Uid(20001), "hi").unwrap();
    assert_eq!(simulator.lock().unwrap().sent().count(), 2);
}

#[test]
fn a_client_is_shared_between_threads() {
    let simulator = simulator();
    let client = Client::new(context(&simulator), transport(&simulator));
    simulator.lock().unwrap().rotate_keys();
    thread::scope(|scope| {
        for to in 20001..20005_i64 {
            let client = client.clone();
            scope.spawn(move || client.send_text(Uid(to), "hi").unwrap());
        }
    });
    simulator.lock().unwrap().rotate_keys();
    client.send_text(Uid(20005), "hi").unwrap();
    assert_eq!(simulator.lock().unwrap().sent().count(), 5);
    client.call(GetSessions::new()).unwrap();
}

#[test]
fn a_call_that_cannot_be_built_sends_nothing() {
    let transport = |_: Request<Vec<u8>>| -> Result<Response<Vec<u8>>, TransportError> {
        panic!("nothing is to be sent")
    };
    let reader = Credential::builder().sessdata("made-up").build().unwrap();
    let client = Client::new(Context::new(reader), transport);
    let error = client.send_text(Uid(20001), "hi").unwrap_err();
    assert_eq!(error, Error::Build(BuildError::MissingBiliJct));
    // What is sent, panics: that is a failure too.
    let error = client.call(GetSessions::new()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transport);
    assert!(!format!("{client:?} {error:?}").contains("made-up"));
}

#[test]
fn transports_can_be_shared_and_boxed() {
    fn takes(_: impl Transport) {}
    let closure = |_: Request<Vec<u8>>| Ok(Response::new(Vec::new()));
    takes(closure);
    let borrowed = &closure;
    takes(borrowed);
    takes(Box::new(closure));
    takes(Arc::new(closure));
    let dynamic: Arc<dyn Transport> = Arc::new(closure);
    takes(dynamic.clone());
    takes(&*dynamic);
    let boxed: Box<dyn Transport> = Box::new(closure);
    takes(boxed);
}
