//! Nav once: a session and its calls, or the calls of a client, ask for the keys one at a time.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bilibili_session::Uid;
use bilibili_session_simulator::{Fault, FaultKind};

use super::runtime::{Client, Session, on_every_runtime};
use super::world::{World, often};

on_every_runtime! {
    calls_side_by_side_ask_once,
    a_session_and_its_calls_ask_once,
    a_nav_of_the_session_that_hangs_holds_no_call_up_for_ever,
}

/// Long enough for all to ask meanwhile.
const DELAY: Duration = Duration::from_millis(300);
const CALLS: usize = 4;

fn slow_nav() -> World {
    let world = World::default();
    world.fault(Fault::once("nav", FaultKind::Delay(DELAY)));
    world
}

/// Replies of so many threads, all at one instant.
fn send_side_by_side<C: Client>(client: &C) {
    let barrier = Arc::new(Barrier::new(CALLS));
    let threads: Vec<_> = (0..CALLS)
        .map(|_| {
            let (client, barrier) = (client.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                client.send_text(Uid(20001), "hi").unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn calls_side_by_side_ask_once<S: Session>() {
    let world = slow_nav();
    send_side_by_side(&S::Client::new(world.context(), world.transport()));
    assert_eq!((world.requests("nav"), world.receivers().len()), (1, CALLS));
}

fn a_session_and_its_calls_ask_once<S: Session>() {
    let world = slow_nav();
    let session: S = world.session();
    let running = session.run();
    send_side_by_side(&session.client());
    session.close();
    running.join().unwrap();
    assert_eq!((world.requests("nav"), world.receivers().len()), (1, CALLS));
}

fn a_nav_of_the_session_that_hangs_holds_no_call_up_for_ever<S: Session>() {
    let world = World::default();
    world.fault(Fault::once("nav", FaultKind::Hang));
    let config = often().request_timeout(DELAY);
    let session = S::new(world.context(), world.transport(), config);
    let running = session.run();
    while world.requests("nav") == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    session.client().send_text(Uid(20001), "hi").unwrap();
    session.close();
    running.join().unwrap();
    assert_eq!(world.receivers(), [20001]);
}
