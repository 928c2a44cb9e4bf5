//! Messages that are sent: at a distance, of known outcome, and once over a crash.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::poller::{Checkpoint, PollerConfig};
use bilibili_session::{Error, MsgKey, Uid};
use bilibili_session_simulator::{Fault, FaultKind};

use super::runtime::{Client, Session, on_every_runtime};
use super::world::{NEVER, SOON, World, often, when_connected};

on_every_runtime! {
    those_of_one_session_keep_their_distance,
    an_answer_that_is_cut_is_read_back,
    a_message_that_does_not_show_is_not_sent,
    a_resumed_session_answers_once,
}

fn those_of_one_session_keep_their_distance<S: Session>() {
    const DISTANCE: Duration = Duration::from_millis(200);
    let world = World::default();
    let config = PollerConfig::new().interval(NEVER).send_spacing(DISTANCE);
    let session = S::new(world.context(), world.transport(), config);
    let began = Instant::now();
    let senders: Vec<_> = [20001, 20001, 20002]
        .into_iter()
        .map(|to| {
            let client = session.client();
            thread::spawn(move || client.send_text(Uid(to), "hi").unwrap())
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(began.elapsed() >= 2 * DISTANCE, "{:?}", began.elapsed());
    let mut receivers = world.receivers();
    receivers.sort_unstable();
    assert_eq!(receivers, [20001, 20001, 20002]);
}

fn an_answer_that_is_cut_is_read_back<S: Session>() {
    let world = World::default();
    world.fault(Fault::once("send_msg", FaultKind::Reset).carried_out());
    let client = S::Client::new(world.context(), world.transport());
    client.send_text(Uid(20001), "hi").unwrap();
    assert_eq!(world.receivers(), [20001]);
    assert_eq!(world.requests("send_msg"), 1);
}

fn a_message_that_does_not_show_is_not_sent<S: Session>() {
    let world = World::default();
    world.fault(Fault::once("send_msg", FaultKind::Reset));
    let client = S::Client::new(world.context(), world.transport());
    let error = client.send_text(Uid(20001), "hi").unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert_eq!(world.receivers(), [0; 0]);
    assert_eq!(world.requests("send_msg"), 1);
}

/// Answers one message; returns the key of the answer, and the checkpoint from before it.
fn answer<S: Session>(session: &S) -> (MsgKey, Checkpoint) {
    let (tell, told) = mpsc::channel();
    session.on_text(move |_, event, session| {
        let checkpoint = session.checkpoint().unwrap();
        let sent = session.reply(event, "pong").unwrap();
        tell.send((sent.msg_key, checkpoint)).unwrap();
    });
    let running = session.run();
    let answered = told.recv_timeout(SOON).unwrap();
    session.close();
    running.join().unwrap();
    answered
}

fn a_resumed_session_answers_once<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "ping"));
    let (key, before) = answer(&session);
    let resumed = S::resume(world.context(), world.transport(), often(), &before);
    assert_eq!(answer(&resumed).0, key);
    assert_eq!(world.receivers(), [20001]);
}
