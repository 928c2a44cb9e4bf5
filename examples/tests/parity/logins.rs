//! Calls of a session: one login and one pace with its poller.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use bilibili_session::error::BuildError;
use bilibili_session::{ClientConfig, Credential, Error, ErrorClass, Uid};
use bilibili_session_simulator::{Fault, FaultKind};
use http::Request;

use super::runtime::{Client as _, Session, on_every_runtime};
use super::world::{SOON, World, idle, is_connected};

on_every_runtime! {
    a_session_sees_at_once_what_its_calls_meet,
    a_dead_login_that_a_call_meets_ends_the_session,
    a_call_before_the_start_brings_the_login,
    the_client_of_a_session_outlives_it,
    a_client_is_shared_between_threads,
    a_call_that_cannot_be_built_sends_nothing,
}

fn a_session_sees_at_once_what_its_calls_meet<S: Session>() {
    let world = World::default();
    let (session, running) = idle::<S>(&world);
    let (warnings, warned) = mpsc::channel();
    session.on_warning(move |warning, _| Ok(warnings.send(warning.kind())?));
    world.fault(Fault::once("send_msg", FaultKind::Code(-352)));
    let client = session.client();
    let send = || client.send_text(Uid(20001), "hi").unwrap_err();
    assert_eq!(send().code(), Some(-352));
    assert_eq!(warned.recv_timeout(SOON), Ok("risk_control"));
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
