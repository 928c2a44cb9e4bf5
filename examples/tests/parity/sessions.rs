//! A session over a service that is called, not connected to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use async_std::task::sleep;
use bilibili_session::error::BuildError;
use bilibili_session::poller::{Checkpoint, PollerConfig, Status, Warning};
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Error, ErrorClass, Event, EventType, Uid};
use bilibili_session_simulator::{Fault, FaultKind};
use http::Request;

use super::runtime::{Client, Session, on_every_runtime};
use super::world::{World, often, when_connected};

/// Far more than any machine is late, far less than what must not be waited for.
const SOON: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(600);
/// Several rounds.
const A_WHILE: Duration = Duration::from_millis(300);

on_every_runtime! {
    events_come_in_order_and_a_checkpoint_covers_those_that_were_taken,
    handlers_that_fail_are_reported_and_stop_nobody,
    a_handler_is_called_until_it_is_removed,
    a_handle_that_is_dropped_leaves_handler_and_session_in_place,
    a_close_waits_for_no_request,
    a_close_waits_for_no_interval,
    a_close_before_the_start_is_a_close,
    a_transport_that_panics_is_a_request_that_failed,
    a_dead_login_ends_it,
    fetches_of_a_round_are_on_their_way_together,
    a_checkpoint_leaves_out_the_message_in_hand,
    a_checkpoint_covers_what_was_handled_and_a_close_leaves_the_rest,
    two_runs_share_the_work_and_keep_the_order,
    nothing_is_asked_while_nobody_takes,
    an_answer_that_came_while_nobody_looked_came_in_time,
    a_session_sees_at_once_what_its_calls_meet,
    a_dead_login_that_a_call_meets_ends_the_session,
    a_call_before_the_start_brings_the_login,
    the_client_of_a_session_outlives_it,
    a_client_is_shared_between_threads,
    a_call_that_cannot_be_built_sends_nothing,
}

fn text(event: &Event) -> String {
    event.text().unwrap().to_owned()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn resumed<S: Session>(world: &World, checkpoint: &Checkpoint) -> S {
    S::resume(world.context(), world.transport(), often(), checkpoint)
}

/// A session that does nothing after its baseline, which is taken.
fn idle<S: Session>(world: &World) -> (S, super::runtime::Running) {
    let config = PollerConfig::new().interval(NEVER);
    let session = S::new(world.context(), world.transport(), config);
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    let running = session.run();
    is_connected.recv_timeout(SOON).unwrap();
    (session, running)
}

fn is_connected(update: &Update) -> bool {
    matches!(update, Update::Status(change) if change.status == Status::Connected)
}

fn events_come_in_order_and_a_checkpoint_covers_those_that_were_taken<S: Session>() {
    let world = World::default();
    let first: S = world.session();
    let mut taken = Vec::new();
    let mut checkpoint = None;
    for update in first.updates() {
        if is_connected(&update) {
            for text in numbers(0..45) {
                world.receive(20001, &text);
            }
        }
        taken.extend(update.event().map(|event| text(event)));
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
    assert_eq!(first.events().next(), None, "it stays over");

    let second: S = resumed(&world, &checkpoint.unwrap());
    let rest: Vec<String> = second.events().take(35).map(|event| text(&event)).collect();
    assert_eq!(rest, numbers(10..45));
}

fn handlers_that_fail_are_reported_and_stop_nobody<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (notices, noticed) = mpsc::channel();
    let (calls, called) = mpsc::channel();
    let log = |name: &'static str| {
        let calls = calls.clone();
        move || calls.send(name).unwrap()
    };
    let (on_text, on_picture, on_any) = (log("text"), log("picture"), log("any"));
    session.on(EventType::Text, |_, _| Err("out of order".into()));
    session.on_any(|_, _| -> () { panic!("out of words") });
    session.on(EventType::Picture, move |_, _| on_picture());
    session.on_text(move |text, event, session| {
        assert_eq!(text, "ping");
        on_text();
        session.reply(event, "pong")?;
        Ok(())
    });
    session.on_any(move |_, session| {
        on_any();
        session.close();
    });
    session.on_warning(move |notice, _| -> () {
        notices.send(notice.clone()).unwrap();
        panic!("this one too");
    });
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "ping"));

    assert_eq!(session.start(), Ok(()));
    drop(calls);
    drop(session);
    assert_eq!(called.iter().collect::<Vec<_>>(), ["text", "any"]);
    let failures: Vec<_> = noticed
        .iter()
        .filter_map(|notice| match notice {
            Warning::HandlerFailed { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(failures, ["out of order", "it panicked: out of words"]);
    assert_eq!(world.receivers(), [20001]);
}

/// One is removed by the handler before it, at the second of three messages.
fn a_handler_is_called_until_it_is_removed<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (log, logged) = mpsc::channel();
    let (handle, handed) = mpsc::channel::<super::runtime::Handler>();
    session.on_text(move |text, _, _| {
        if text == "1" {
            handed.recv().unwrap().remove();
        }
    });
    let calls = log.clone();
    let removed = session.on_text(move |text, _, _| Ok(calls.send(format!("removed {text}"))?));
    handle.send(removed).unwrap();
    session.on_text(move |text, _, session| {
        log.send(format!("kept {text}"))?;
        if text == "2" {
            session.close();
        }
        Ok(())
    });
    let service = world.clone();
    when_connected(&session, move || {
        for text in numbers(0..3) {
            service.receive(20001, &text);
        }
    });
    assert_eq!(session.start(), Ok(()));
    drop(session);
    let logged: Vec<_> = logged.iter().collect();
    assert_eq!(logged, ["removed 0", "kept 0", "kept 1", "kept 2"]);
}

fn a_handle_that_is_dropped_leaves_handler_and_session_in_place<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (log, logged) = mpsc::channel();
    drop(session.on_text(move |text, _, _| Ok(log.send(text.to_owned())?)));
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    drop(session.run());
    is_connected.recv_timeout(SOON).unwrap();
    world.receive(20001, "hi");
    assert_eq!(logged.recv_timeout(SOON).as_deref(), Ok("hi"));
    let last = session.clone();
    drop(session);
    world.receive(20001, "still here");
    assert_eq!(logged.recv_timeout(SOON).as_deref(), Ok("still here"));
    last.close();
    // The handlers go with the last of the session.
    drop(last);
    assert_eq!(
        logged.recv_timeout(SOON),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}

fn a_close_waits_for_no_request<S: Session>() {
    let world = World::default();
    world.fault(Fault::once("get_sessions", FaultKind::Hang));
    let session: S = world.session();
    let running = session.run();
    while world.requests("get_sessions") == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(session.status(), Status::Init);
    let start = Instant::now();
    session.close();
    assert_eq!(running.join(), Ok(()));
    assert!(start.elapsed() < SOON);
    assert_eq!(session.status(), Status::Closed);
}

fn a_close_waits_for_no_interval<S: Session>() {
    let (session, running) = idle::<S>(&World::default());
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    session.close();
    assert_eq!(running.join(), Ok(()));
    assert!(start.elapsed() < SOON);
}

fn a_close_before_the_start_is_a_close<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    session.close();
    assert_eq!(session.start(), Ok(()));
    assert_eq!(world.requests(""), 0);
}

fn a_transport_that_panics_is_a_request_that_failed<S: Session>() {
    let world = World::default();
    let sent = AtomicUsize::new(0);
    let service = world.clone();
    let transport = move |request: Request<Vec<u8>>| {
        let is_second = sent.fetch_add(1, Ordering::Relaxed) == 1;
        let headers = format!("{:?}, with SESSDATA=…", request.headers());
        let answer = service.clone().answer(request);
        async move {
            assert!(!is_second, "{headers}");
            answer.await
        }
    };
    let session = S::new(world.context(), transport, often());
    let updates = session.updates().take_while(|update| !is_connected(update));
    let updates: Vec<Update> = updates.collect();
    let [Update::Warning(notice)] = &updates[..] else {
        panic!("{updates:?}");
    };
    assert_eq!(notice.kind(), "retry");
    assert!(!format!("{notice:?}").contains("SESSDATA"));
}

fn a_dead_login_ends_it<S: Session>() {
    let world = World::default();
    world.log_out();
    let session: S = world.session();
    let error = session.start().unwrap_err();
    assert_eq!(error.class(), ErrorClass::LoginLost);
    assert_eq!(session.status(), Status::Error);
    assert_eq!(session.result(), Some(Err(error)));
}

fn fetches_of_a_round_are_on_their_way_together<S: Session>() {
    let world = World::default();
    let in_flight = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (service, top) = (world.clone(), Arc::clone(&most));
    let transport = move |request: Request<Vec<u8>>| {
        let (flying, top, service) = (in_flight.clone(), top.clone(), service.clone());
        async move {
            let together = flying.fetch_add(1, Ordering::SeqCst) + 1;
            top.fetch_max(together, Ordering::SeqCst);
            sleep(Duration::from_millis(100)).await;
            flying.fetch_sub(1, Ordering::SeqCst);
            service.answer(request).await
        }
    };
    let session = S::new(world.context(), transport, often().max_parallel(3));
    let service = world.clone();
    when_connected(&session, move || {
        (20001..20009).for_each(|from| service.receive(from, "hi"));
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

fn a_checkpoint_leaves_out_the_message_in_hand<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "hi"));
    let (in_hand, go_on) = (mpsc::channel(), mpsc::channel::<()>());
    session.on_any(move |_, session| {
        in_hand.0.send(()).unwrap();
        go_on.1.recv_timeout(SOON).unwrap();
        session.close();
    });
    let running = session.run();
    in_hand.1.recv_timeout(SOON).unwrap();
    let during = session.checkpoint().unwrap();
    go_on.0.send(()).unwrap();
    assert_eq!(running.join(), Ok(()));
    let after = session.checkpoint().unwrap();

    let resume = |checkpoint| {
        let resumed: S = resumed(&world, checkpoint);
        world.receive(20001, "the end");
        let mut events = resumed.events();
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != "the end") {
            texts.push(text(&events.next().unwrap()));
        }
        texts
    };
    assert!(resume(&during).contains(&String::from("hi")));
    assert!(!resume(&after).contains(&String::from("hi")));
}

/// The handler closes the session at the third of ten messages, and goes on for a while.
fn a_checkpoint_covers_what_was_handled_and_a_close_leaves_the_rest<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (log, logged) = mpsc::channel();
    let (keep, kept) = mpsc::channel();
    session.on_text(move |text, _, session| {
        if text == "2" {
            keep.send(session.checkpoint())?;
            session.close();
            thread::sleep(Duration::from_millis(20));
        }
        Ok(log.send(text.to_owned())?)
    });
    let service = world.clone();
    when_connected(&session, move || {
        for text in numbers(0..10) {
            service.receive(20001, &text);
        }
    });
    assert_eq!(session.start(), Ok(()));
    let during = kept.recv().unwrap().unwrap();
    let after = session.checkpoint().unwrap();
    drop(session);
    assert_eq!(logged.iter().collect::<Vec<_>>(), numbers(0..3));
    let rest = |checkpoint, count| {
        let events = resumed::<S>(&world, checkpoint).events().take(count);
        events.map(|event| text(&event)).collect::<Vec<_>>()
    };
    assert_eq!(rest(&during, 8), numbers(2..10));
    assert_eq!(rest(&after, 7), numbers(3..10));
}

fn two_runs_share_the_work_and_keep_the_order<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (log, logged) = mpsc::channel();
    let count = AtomicUsize::new(0);
    session.on_any(move |event, session| {
        log.send((event.talker_id(), text(event))).unwrap();
        if count.fetch_add(1, Ordering::Relaxed) == 99 {
            session.close();
        }
    });
    let service = world.clone();
    when_connected(&session, move || {
        for text in numbers(0..50) {
            for from in [20001, 20002] {
                service.receive(from, &text);
            }
        }
    });
    for other in [session.run(), session.run()] {
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

fn nothing_is_asked_while_nobody_takes<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let mut updates = session.updates();
    updates.find(is_connected).unwrap();
    let before = world.requests("");
    thread::sleep(A_WHILE);
    assert_eq!(world.requests(""), before);
    world.receive(20001, "hi");
    let event = updates.find_map(|update| update.event().cloned());
    assert_eq!(event.unwrap().text(), Some("hi"));
}

fn an_answer_that_came_while_nobody_looked_came_in_time<S: Session>() {
    let world = World::default();
    let service = world.clone();
    let transport = move |request: Request<Vec<u8>>| {
        let is_late = request.uri().to_string().contains("talker_id=20002");
        let answer = service.clone().answer(request);
        async move {
            if is_late {
                sleep(Duration::from_millis(50)).await;
            }
            answer.await
        }
    };
    let config = often().request_timeout(Duration::from_millis(500));
    let session = S::new(world.context(), transport, config);
    let mut texts = Vec::new();
    for update in session.updates() {
        match update {
            Update::Status(_) if is_connected(&update) => {
                world.receive(20001, "at once");
                world.receive(20002, "late");
            }
            Update::Event(event) => {
                texts.push(text(&event));
                thread::sleep(Duration::from_millis(800));
            }
            Update::Warning(notice) => panic!("{notice}"),
            Update::Status(_) => {}
        }
        if texts.len() == 2 {
            session.close();
        }
    }
    assert_eq!(texts, ["at once", "late"]);
}

fn a_session_sees_at_once_what_its_calls_meet<S: Session>() {
    let world = World::default();
    let (session, running) = idle::<S>(&world);
    let (notices, noticed) = mpsc::channel();
    session.on_warning(move |notice, _| Ok(notices.send(notice.kind())?));
    world.fault(Fault::once("send_msg", FaultKind::Code(-352)));
    let client = session.client();
    let send = || client.send_text(Uid(20001), "hi").unwrap_err();
    assert_eq!(send().code(), Some(-352));
    assert_eq!(noticed.recv_timeout(SOON), Ok("risk_control"));
    let before = world.requests("");
    let paused = send();
    assert!(matches!(&paused, Error::Paused(it) if it.remaining > SOON));
    assert_eq!(paused.class(), ErrorClass::RiskControl);
    assert_eq!(world.requests(""), before);
    assert_eq!(world.requests("nav"), 1, "one login");
    session.close();
    assert_eq!(running.join(), Ok(()));
}

fn a_dead_login_that_a_call_meets_ends_the_session<S: Session>() {
    let world = World::default();
    let (session, running) = idle::<S>(&world);
    world.log_out();
    let start = Instant::now();
    let error = session.client().get_sessions().unwrap_err();
    assert_eq!(running.join(), Err(error));
    assert!(start.elapsed() < SOON);
}

fn a_call_before_the_start_brings_the_login<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    session.client().send_text(Uid(20001), "hi").unwrap();
    session.updates().find(is_connected).unwrap();
    assert_eq!(world.requests("nav"), 1);
}

fn the_client_of_a_session_outlives_it<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let client = session.client();
    session.close();
    client.send_text(Uid(20001), "hi").unwrap();
    drop(session);
    client.send_text(Uid(20001), "hi").unwrap();
    assert_eq!(world.receivers().len(), 2);
}

fn a_client_is_shared_between_threads<S: Session>() {
    let world = World::default();
    let client = S::Client::new(world.context(), world.transport());
    world.0.lock().unwrap().rotate_keys();
    thread::scope(|scope| {
        for to in 20001..20005_i64 {
            let client = client.clone();
            scope.spawn(move || client.send_text(Uid(to), "hi").unwrap());
        }
    });
    world.0.lock().unwrap().rotate_keys();
    client.send_text(Uid(20005), "hi").unwrap();
    assert_eq!(world.receivers().len(), 5);
    client.get_sessions().unwrap();
}

fn a_call_that_cannot_be_built_sends_nothing<S: Session>() {
    let transport =
        |_: Request<Vec<u8>>| -> std::future::Ready<_> { panic!("nothing is to be sent") };
    let reader = Credential::builder().sessdata("made-up").build().unwrap();
    let client = S::Client::new(ClientConfig::new(reader), transport);
    let error = client.send_text(Uid(20001), "hi").unwrap_err();
    assert_eq!(error, Error::Build(BuildError::MissingBiliJct));
    // What is sent, panics: that is a failure too.
    let error = client.get_sessions().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transport);
    assert!(!format!("{client:?} {error:?}").contains("made-up"));
}
