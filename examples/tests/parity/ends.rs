//! The end of a session: closed, failed, or with a dead login.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::ErrorClass;
use bilibili_session::poller::Status;
use bilibili_session::session::Update;
use bilibili_session_simulator::{Fault, FaultKind};
use http::Request;

use super::runtime::{Session, on_every_runtime};
use super::world::{SOON, World, idle, is_connected, often};

on_every_runtime! {
    a_close_waits_for_no_request,
    a_close_waits_for_no_interval,
    a_close_before_the_start_is_a_close,
    a_transport_that_panics_is_a_request_that_failed,
    a_dead_login_ends_it,
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
    let [Update::Warning(warning)] = &updates[..] else {
        panic!("{updates:?}");
    };
    assert_eq!(warning.kind(), "retry");
    assert!(!format!("{warning:?}").contains("SESSDATA"));
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
