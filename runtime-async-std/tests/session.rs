//! A session over a simulator that is called, not connected to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_std::future::timeout;
use async_std::task::{block_on, sleep};
use bilibili_session::endpoints::GetSessions;
use bilibili_session::error::BuildError;
use bilibili_session::poller::{Checkpoint, Notice, PollerConfig, Status};
use bilibili_session::{
    Context, Credential, Error, ErrorClass, Event, EventType, Hosts, TransportError,
    TransportErrorKind, Uid,
};
use bilibili_session_async_std::{Client, Session, Transport, Update, now};
use bilibili_session_simulator::{Answer, Fault, FaultKind, NewMessage, Simulator};
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response};

type Shared = Arc<Mutex<Simulator>>;

/// Far more than any machine is late, far less than what must not be waited for.
const SOON: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(600);
/// Several rounds.
const A_WHILE: Duration = Duration::from_millis(300);

/// Runs a test, which must come to an end.
fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(timeout(SOON, test)).expect("it takes too long")
}

fn simulator() -> Shared {
    Arc::default()
}

async fn answer(
    simulator: Shared,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, TransportError> {
    let answer = {
        let mut simulator = simulator.lock().unwrap();
        simulator.handle(now().wall.0, &request)
    };
    match answer {
        Answer::Respond(response) => Ok(response),
        Answer::Delayed(delay, response) => {
            sleep(delay).await;
            Ok(response)
        }
        Answer::Hang => pending().await,
        Answer::Truncated(_) | Answer::Reset => Err(TransportError::new(
            TransportErrorKind::Interrupted,
            "cut off",
        )),
    }
}

fn transport(simulator: &Shared) -> impl Transport + use<> {
    let simulator = Arc::clone(simulator);
    move |request| answer(Arc::clone(&simulator), request)
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

fn resumed(simulator: &Shared, checkpoint: &Checkpoint) -> Session {
    Session::resume(
        context(simulator),
        transport(simulator),
        often(),
        checkpoint,
    )
    .unwrap()
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
fn when_connected(session: &Session, act: impl Fn() + Send + 'static) {
    session.on_status(move |change, _| {
        if change.status == Status::Connected {
            act();
        }
        async {}
    });
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        sleep(Duration::from_millis(2)).await;
    }
}

fn fail(words: &str) {
    panic!("{words}");
}

/// A list that handlers write to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn text(event: &Event) -> String {
    event.text().unwrap().to_owned()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// Says when it is dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn events_come_in_order_and_a_checkpoint_covers_those_that_were_taken() {
    let simulator = simulator();
    let first = session(&simulator);
    run(async {
        let mut taken = Vec::new();
        let mut checkpoint = None;
        let mut updates = first.updates();
        while let Some(update) = updates.next().await {
            match update {
                Update::Status(change) if change.status == Status::Connected => {
                    numbers(0..45)
                        .iter()
                        .for_each(|text| receive(&simulator, 20001, text));
                }
                Update::Event(event) => taken.push(text(&event)),
                _ => {}
            }
            if taken.len() == 10 && checkpoint.is_none() {
                checkpoint = first.checkpoint();
            }
            if taken.len() == 45 {
                first.close();
            }
        }
        assert_eq!(taken, numbers(0..45));
        assert_eq!(first.status(), Status::Closed);
        assert_eq!(first.result(), Some(Ok(())));
        assert_eq!(first.events().next().await, None, "it stays over");

        let second = resumed(&simulator, &checkpoint.unwrap());
        let rest = second.events().take(35).map(|event| text(&event));
        assert_eq!(rest.collect::<Vec<_>>().await, numbers(10..45));
    });
}

#[test]
fn handlers_that_fail_are_reported_and_stop_nobody() {
    let simulator = simulator();
    let session = session(&simulator);
    let (called, noticed) = (Log::default(), Log::default());
    session.on(EventType::Text, async |_, _| Err("out of order".into()));
    session.on_any(|_, _| async { fail("out of words") });
    session.on_any(|_, _| -> std::future::Ready<()> { panic!("out of luck") });
    let log = called.clone();
    session.on(EventType::Picture, move |_, _| {
        log.push("picture");
        async {}
    });
    let log = called.clone();
    session.on(EventType::Text, move |event, session| {
        log.push("text");
        async move {
            session.reply(&event, "pong").await?;
            Ok(())
        }
    });
    let log = called.clone();
    session.on_any(move |_, session| {
        log.push("any");
        async move { session.close() }
    });
    let log = noticed.clone();
    session.on_notice(move |notice, _| {
        let log = log.clone();
        async move {
            if let Notice::HandlerFailed { reason, .. } = &*notice {
                log.push(reason);
            }
            fail("this one too");
        }
    });
    let world = Arc::clone(&simulator);
    when_connected(&session, move || receive(&world, 20001, "ping"));

    assert_eq!(run(session.start()), Ok(()));
    assert_eq!(called.all(), ["text", "any"]);
    let reasons = [
        "out of order",
        "it panicked: out of words",
        "it panicked: out of luck",
    ];
    assert_eq!(noticed.all(), reasons);
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
    run(async {
        let running = session.run();
        until(|| requests(&simulator, "get_sessions") == 1).await;
        assert_eq!(session.status(), Status::Init);
        session.close();
        assert_eq!(running.await, Ok(()));
    });
    assert_eq!(session.status(), Status::Closed);
}

#[test]
fn a_close_waits_for_no_interval() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    run(async {
        let running = session.run();
        until(|| session.status() == Status::Connected).await;
        sleep(Duration::from_millis(50)).await;
        session.close();
        assert_eq!(running.await, Ok(()));
    });
}

#[test]
fn a_close_before_the_start_is_a_close() {
    let simulator = simulator();
    let session = session(&simulator);
    session.close();
    assert_eq!(run(session.start()), Ok(()));
    assert_eq!(requests(&simulator, ""), 0);
}

#[test]
fn a_transport_that_panics_is_a_request_that_failed() {
    let simulator = simulator();
    let panics = AtomicUsize::new(0);
    let world = Arc::clone(&simulator);
    let transport = move |request: Request<Vec<u8>>| {
        let is_second = panics.fetch_add(1, Ordering::Relaxed) == 1;
        let answer = answer(Arc::clone(&world), request);
        async move {
            assert!(!is_second, "with SESSDATA=…");
            answer.await
        }
    };
    let session = Session::new(context(&simulator), transport, often()).unwrap();
    let updates = session.updates().take_while(|update| {
        std::future::ready(
            !matches!(update, Update::Status(change) if change.status == Status::Connected),
        )
    });
    let updates: Vec<Update> = run(updates.collect());
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
    let error = run(session.start()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::LoginLost);
    assert_eq!(session.status(), Status::Error);
    assert_eq!(session.result(), Some(Err(error)));
}

#[test]
fn fetches_of_a_round_are_on_their_way_together() {
    let simulator = simulator();
    let in_flight = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (world, top) = (Arc::clone(&simulator), Arc::clone(&most));
    let transport = move |request: Request<Vec<u8>>| {
        let (flying, top, world) = (in_flight.clone(), top.clone(), world.clone());
        async move {
            let together = flying.fetch_add(1, Ordering::SeqCst) + 1;
            top.fetch_max(together, Ordering::SeqCst);
            sleep(Duration::from_millis(100)).await;
            flying.fetch_sub(1, Ordering::SeqCst);
            answer(world, request).await
        }
    };
    let session = Session::new(context(&simulator), transport, often().max_parallel(3)).unwrap();
    run(async {
        let mut updates = session.updates();
        let mut events = 0;
        while events < 8 {
            match updates.next().await.unwrap() {
                Update::Status(change) if change.status == Status::Connected => {
                    (20001..20009).for_each(|from| receive(&simulator, from, "hi"));
                }
                Update::Event(_) => events += 1,
                _ => {}
            }
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn conversations_are_handled_side_by_side_and_each_in_order() {
    let simulator = simulator();
    let session = session(&simulator);
    let log = Log::default();
    let writer = log.clone();
    session.on_any(move |event, session| {
        let log = writer.clone();
        async move {
            if text(&event) == "first" {
                // Waits for another conversation, and holds up its own.
                until(|| log.all().contains(&String::from("other"))).await;
            }
            log.push(text(&event));
            if text(&event) == "second" {
                session.close();
            }
        }
    });
    let world = Arc::clone(&simulator);
    when_connected(&session, move || {
        receive(&world, 20001, "first");
        receive(&world, 20001, "second");
        receive(&world, 20002, "other");
    });
    assert_eq!(run(session.start()), Ok(()));
    assert_eq!(log.all(), ["other", "first", "second"]);
}

#[test]
fn a_slow_handler_stops_the_polling_when_the_queue_is_full_and_nothing_is_lost() {
    let simulator = simulator();
    let session = session(&simulator);
    session.limits(1, 3);
    let log = Log::default();
    let go_on = Arc::new(AtomicBool::new(false));
    let (writer, gate) = (log.clone(), Arc::clone(&go_on));
    session.on_any(move |event, session| {
        let (log, gate) = (writer.clone(), Arc::clone(&gate));
        async move {
            until(|| gate.load(Ordering::SeqCst)).await;
            log.push(text(&event));
            if log.len() == 10 {
                session.close();
            }
        }
    });
    run(async {
        let running = session.run();
        until(|| session.status() == Status::Connected).await;
        receive(&simulator, 20001, "0");
        let before = requests(&simulator, "");
        // One slow handler stops no polling.
        until(|| requests(&simulator, "") > before + 5).await;
        for text in numbers(1..10) {
            receive(&simulator, 20001, &text);
        }
        sleep(A_WHILE).await;
        let full = requests(&simulator, "");
        sleep(A_WHILE).await;
        assert_eq!(requests(&simulator, ""), full, "a full queue does");
        assert_eq!(log.len(), 0);
        go_on.store(true, Ordering::SeqCst);
        assert_eq!(running.await, Ok(()));
    });
    assert_eq!(log.all(), numbers(0..10));
}

/// Messages 0 to 9 for a handler that closes the session at the third; its log, and a
/// checkpoint of the time when the third was in hand.
fn closed_in_the_middle(simulator: &Shared) -> (Log, Session, Checkpoint) {
    let session = session(simulator);
    let log = Log::default();
    let writer = log.clone();
    let during = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&during);
    session.on_any(move |event, session| {
        let (log, kept) = (writer.clone(), Arc::clone(&kept));
        async move {
            if log.len() == 2 {
                *kept.lock().unwrap() = session.checkpoint();
                session.close();
                // What is at work when the session is closed is finished.
                sleep(Duration::from_millis(20)).await;
            }
            log.push(text(&event));
        }
    });
    let world = Arc::clone(simulator);
    when_connected(&session, move || {
        for text in numbers(0..10) {
            receive(&world, 20001, &text);
        }
    });
    assert_eq!(run(session.start()), Ok(()));
    let during = during.lock().unwrap().take().unwrap();
    (log, session, during)
}

#[test]
fn a_checkpoint_covers_what_was_handled() {
    let simulator = simulator();
    let (log, session, during) = closed_in_the_middle(&simulator);
    assert_eq!(log.all(), numbers(0..3));
    let rest = |checkpoint: &Checkpoint, count| {
        let events = resumed(&simulator, checkpoint).events().take(count);
        run(events.map(|event| text(&event)).collect::<Vec<_>>())
    };
    assert_eq!(rest(&during, 8), numbers(2..10));
    assert_eq!(rest(&session.checkpoint().unwrap(), 7), numbers(3..10));
}

#[test]
fn a_start_that_is_dropped_leaves_what_it_was_about() {
    let simulator = simulator();
    let session = session(&simulator);
    let log = Log::default();
    let is_first = Arc::new(AtomicBool::new(true));
    let dropped = Arc::new(AtomicBool::new(false));
    let (writer, first, gone) = (log.clone(), is_first, Arc::clone(&dropped));
    session.on_any(move |event, session| {
        let (log, guard) = (writer.clone(), Guard(Arc::clone(&gone)));
        let is_first = first.swap(false, Ordering::SeqCst);
        async move {
            let _guard = guard;
            if is_first {
                log.push("begun");
                pending::<()>().await;
            }
            log.push(text(&event));
            if text(&event) == "2" {
                session.close();
            }
        }
    });
    let world = Arc::clone(&simulator);
    when_connected(&session, move || {
        for text in numbers(0..3) {
            receive(&world, 20001, &text);
        }
    });
    run(async {
        let start = session.clone();
        let start = async_std::task::spawn(async move { start.start().await });
        until(|| log.len() == 1).await;
        assert_eq!(start.cancel().await, None);
        until(|| dropped.load(Ordering::SeqCst)).await;
        let polls = requests(&simulator, "");
        sleep(A_WHILE).await;
        assert_eq!(requests(&simulator, ""), polls, "nobody asks any more");

        let checkpoint = session.checkpoint().unwrap();
        let again = resumed(&simulator, &checkpoint).events().take(3);
        let again = again.map(|event| text(&event)).collect::<Vec<_>>().await;
        assert_eq!(again, numbers(0..3));

        assert_eq!(
            session.start().await,
            Ok(()),
            "the same session goes on, too"
        );
    });
    assert_eq!(log.all(), ["begun", "0", "1", "2"]);
}

#[test]
fn requests_outlive_their_stream_and_end_with_the_session() {
    let simulator = simulator();
    let dropped = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(AtomicBool::new(false));
    let (world, gone, go_on) = (
        Arc::clone(&simulator),
        Arc::clone(&dropped),
        Arc::clone(&answers),
    );
    let transport = move |request: Request<Vec<u8>>| {
        let (world, guard) = (Arc::clone(&world), Guard(Arc::clone(&gone)));
        let go_on = Arc::clone(&go_on);
        async move {
            until(|| go_on.load(Ordering::SeqCst)).await;
            let answer = answer(world, request).await;
            std::mem::forget(guard);
            answer
        }
    };
    let session = Session::new(context(&simulator), transport, often()).unwrap();
    run(async {
        let mut updates = session.updates();
        assert!(timeout(A_WHILE, updates.next()).await.is_err());
        drop(updates);
        answers.store(true, Ordering::SeqCst);
        sleep(A_WHILE).await;
        assert_eq!(requests(&simulator, ""), 0, "nobody goes on");

        let mut updates = session.updates();
        while session.status() != Status::Connected {
            let update = updates.next().await.unwrap();
            assert!(update.notice().is_none(), "{update:?}");
        }
        assert_eq!(requests(&simulator, "nav"), 1, "it was not asked again");
        // One that is given up between two items loses nothing.
        receive(&simulator, 20001, "hi");
        assert!(updates.next().now_or_never().is_none());
        let mut events = session.events();
        drop(updates);
        assert_eq!(text(&events.next().await.unwrap()), "hi");

        answers.store(false, Ordering::SeqCst);
        assert!(timeout(A_WHILE, events.next()).await.is_err());
        drop(session);
        assert!(!dropped.load(Ordering::SeqCst), "the stream is a handle");
        drop(events);
        assert!(dropped.load(Ordering::SeqCst), "the last handle is gone");
    });
}

#[test]
fn a_close_ends_the_requests() {
    let simulator = simulator();
    let dropped = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&dropped);
    let transport = move |_: Request<Vec<u8>>| {
        let guard = Guard(Arc::clone(&gone));
        async move {
            let _guard = guard;
            pending().await
        }
    };
    let session = Session::new(context(&simulator), transport, often()).unwrap();
    run(async {
        assert!(timeout(A_WHILE, session.updates().next()).await.is_err());
        assert!(!dropped.load(Ordering::SeqCst));
        session.close();
        assert!(dropped.load(Ordering::SeqCst));
    });
}

#[test]
fn nothing_is_asked_while_nobody_takes() {
    let simulator = simulator();
    let session = session(&simulator);
    run(async {
        let mut updates = session.updates();
        while session.status() != Status::Connected {
            updates.next().await.unwrap();
        }
        let before = requests(&simulator, "");
        sleep(A_WHILE).await;
        assert_eq!(requests(&simulator, ""), before);
        receive(&simulator, 20001, "hi");
        let events = updates.filter_map(|update| {
            std::future::ready(match update {
                Update::Event(event) => Some(text(&event)),
                _ => None,
            })
        });
        assert_eq!(events.take(1).collect::<Vec<_>>().await, ["hi"]);
    });
}

#[test]
fn an_answer_that_came_while_nobody_looked_came_in_time() {
    let simulator = simulator();
    let world = Arc::clone(&simulator);
    let transport = move |request: Request<Vec<u8>>| {
        let is_late = request.uri().to_string().contains("talker_id=20002");
        let answer = answer(Arc::clone(&world), request);
        async move {
            if is_late {
                sleep(Duration::from_millis(50)).await;
            }
            answer.await
        }
    };
    let config = often().request_timeout(Duration::from_millis(500));
    let session = Session::new(context(&simulator), transport, config).unwrap();
    let mut texts = Vec::new();
    run(async {
        let mut updates = session.updates();
        while let Some(update) = updates.next().await {
            match update {
                Update::Status(change) if change.status == Status::Connected => {
                    receive(&simulator, 20001, "at once");
                    receive(&simulator, 20002, "late");
                }
                Update::Event(event) => {
                    texts.push(text(&event));
                    sleep(Duration::from_millis(800)).await;
                }
                Update::Notice(notice) => panic!("{notice}"),
                Update::Status(_) => {}
            }
            if texts.len() == 2 {
                session.close();
            }
        }
    });
    assert_eq!(texts, ["at once", "late"]);
}

#[test]
fn a_session_sees_at_once_what_its_calls_meet() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    let noticed = Log::default();
    let log = noticed.clone();
    session.on_notice(move |notice, _| {
        log.push(notice.kind());
        async {}
    });
    run(async {
        let running = session.run();
        until(|| session.status() == Status::Connected).await;
        let refuse = Fault::once("send_msg", FaultKind::Code(-352));
        simulator.lock().unwrap().push_fault(refuse);
        let client = session.client().clone();
        let send = async || client.send_text(Uid(20001), "hi").await.unwrap_err();
        assert_eq!(send().await.code(), Some(-352));
        until(|| noticed.all() == ["risk_control"]).await;
        let before = requests(&simulator, "");
        let paused = send().await;
        assert!(matches!(&paused, Error::Paused(it) if it.remaining > SOON));
        assert_eq!(paused.class(), ErrorClass::RiskControl);
        assert_eq!(requests(&simulator, ""), before);
        assert_eq!(requests(&simulator, "nav"), 1, "one login");
        session.close();
        assert_eq!(running.await, Ok(()));
    });
}

#[test]
fn a_dead_login_that_a_call_meets_ends_the_session() {
    let simulator = simulator();
    let config = PollerConfig::new().interval(NEVER);
    let session = Session::new(context(&simulator), transport(&simulator), config).unwrap();
    run(async {
        let running = session.run();
        until(|| session.status() == Status::Connected).await;
        let uid = simulator.lock().unwrap().login().uid;
        simulator.lock().unwrap().log_out(uid).unwrap();
        let error = session.client().call(GetSessions::new()).await.unwrap_err();
        assert_eq!(running.await, Err(error));
    });
}

#[test]
fn a_call_before_the_start_brings_the_login() {
    let simulator = simulator();
    let session = session(&simulator);
    run(async {
        session.client().send_text(Uid(20001), "hi").await.unwrap();
        let mut updates = session.updates();
        while session.status() != Status::Connected {
            updates.next().await.unwrap();
        }
    });
    assert_eq!(requests(&simulator, "nav"), 1);
}

#[test]
fn the_client_of_a_session_outlives_it() {
    let simulator = simulator();
    let session = session(&simulator);
    let client = session.client().clone();
    session.close();
    run(async {
        client.send_text(Uid(20001), "hi").await.unwrap();
        drop(session);
        client.send_text(Uid(20001), "hi").await.unwrap();
    });
    assert_eq!(simulator.lock().unwrap().sent().count(), 2);
}

#[test]
fn a_client_is_shared_between_tasks() {
    let simulator = simulator();
    let client = Client::new(context(&simulator), transport(&simulator));
    run(async {
        let tasks: Vec<_> = (20001..20005_i64)
            .map(|to| {
                let client = client.clone();
                async_std::task::spawn(async move { client.send_text(Uid(to), "hi").await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        simulator.lock().unwrap().rotate_keys();
        client.send_text(Uid(20005), "hi").await.unwrap();
        client.call(GetSessions::new()).await.unwrap();
    });
    assert_eq!(simulator.lock().unwrap().sent().count(), 5);
}

#[test]
fn a_call_that_cannot_be_built_sends_nothing() {
    let transport =
        |_: Request<Vec<u8>>| -> std::future::Ready<_> { panic!("nothing is to be sent") };
    let reader = Credential::builder().sessdata("made-up").build().unwrap();
    let client = Client::new(Context::new(reader), transport);
    let error = run(client.send_text(Uid(20001), "hi")).unwrap_err();
    assert_eq!(error, Error::Build(BuildError::MissingBiliJct));
    // What is sent, panics: that is a failure too.
    let error = run(client.call(GetSessions::new())).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transport);
    assert!(!format!("{client:?} {error:?}").contains("made-up"));
}

#[test]
fn transports_can_be_shared_and_asynchronous() {
    fn takes(_: impl Transport) {}
    let closure = |_: Request<Vec<u8>>| async { Ok(Response::new(Vec::new())) };
    takes(closure);
    let borrowed = &closure;
    takes(borrowed);
    takes(Box::new(closure));
    takes(Arc::new(closure));
    takes(async |_: Request<Vec<u8>>| Ok(Response::new(Vec::new())));

    struct Own;
    impl Transport for Own {
        async fn send(&self, _: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
            Ok(Response::new(Vec::new()))
        }
    }
    takes(Own);
    takes(Arc::new(Own));
}
