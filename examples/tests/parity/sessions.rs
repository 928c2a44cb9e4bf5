//! A session over a service that is called, not connected to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::EventType;
use bilibili_session::poller::Warning;
use bilibili_session::session::Update;
use http::Request;

use super::runtime::{Session, on_every_runtime};
use super::world::{A_WHILE, SOON, World, is_connected, numbers, often, text, when_connected};

on_every_runtime! {
    handlers_that_fail_are_reported_and_stop_nobody,
    a_handler_is_called_until_it_is_removed,
    a_handle_that_is_dropped_leaves_handler_and_session_in_place,
    fetches_of_a_round_are_on_their_way_together,
    two_runs_share_the_work_and_keep_the_order,
    nothing_is_asked_while_nobody_takes,
    an_answer_that_came_while_nobody_looked_came_in_time,
}

fn handlers_that_fail_are_reported_and_stop_nobody<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (warnings, warned) = mpsc::channel();
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
    session.on_warning(move |warning, _| -> () {
        warnings.send(warning.clone()).unwrap();
        panic!("this one too");
    });
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "ping"));

    assert_eq!(session.start(), Ok(()));
    drop(calls);
    drop(session);
    assert_eq!(called.iter().collect::<Vec<_>>(), ["text", "any"]);
    let failures: Vec<_> = warned
        .iter()
        .filter_map(|warning| match warning {
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
            Update::Warning(warning) => panic!("{warning}"),
            Update::Feed(_) | Update::Status(_) => {}
        }
        if texts.len() == 2 {
            session.close();
        }
    }
    assert_eq!(texts, ["at once", "late"]);
}
