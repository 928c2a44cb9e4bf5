//! A watch over a machine in memory, in virtual time.

use std::sync::{Arc, Mutex, PoisonError};

use bilibili_session::poller::Poller;
use bilibili_session::session::{self, SessionMachine};
use bilibili_session::{Context, Credential, Error, Hosts, Now, TransportError, UnixMicros};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};

use super::*;
use crate::secrets::Secrets;

/// A session that hears too late that it is to end.
struct Deaf {
    simulator: Simulator,
    machine: SessionMachine,
    now: Now,
    /// How many messages it still hands out.
    left: usize,
}

impl Deaf {
    /// Messages from 1 on are waiting behind the base line.
    fn new(waiting: usize, left: usize) -> Self {
        let mut simulator = Simulator::default();
        let login = simulator.login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()
            .unwrap();
        let context = Context::new(credential).hosts(Hosts::origin("http://localhost").unwrap());
        let now = Now {
            monotonic: Duration::ZERO,
            wall: UnixMicros(1_700_000_000_000_000),
        };
        let mut machine = SessionMachine::new(Poller::new(context, PollerConfig::new()).unwrap());
        let mut output = machine.poll(now);
        loop {
            match output {
                session::Output::Send(outgoing) => {
                    let answer = answer(&mut simulator, now, &outgoing.request);
                    machine.handle_response(now, outgoing.id, answer);
                }
                session::Output::Handle(dispatch) => drop(machine.hand_out(dispatch)),
                _ => break,
            }
            output = machine.poll(now);
        }
        for n in 1..=waiting {
            let message = NewMessage::text(20001, &n.to_string());
            simulator.receive(now.wall.0, message).unwrap();
        }
        Self {
            simulator,
            machine,
            now,
            left,
        }
    }
}

fn answer(
    simulator: &mut Simulator,
    now: Now,
    request: &http::Request<Vec<u8>>,
) -> Result<http::Response<Vec<u8>>, TransportError> {
    match simulator.handle(now.wall.0, request) {
        Answer::Respond(answer) => Ok(answer),
        _ => Err(TransportError::timeout()),
    }
}

impl Watcher for Deaf {
    fn next(&mut self) -> Option<Update> {
        while self.left > 0 {
            match self.machine.poll(self.now) {
                session::Output::Send(outgoing) => {
                    let answer = answer(&mut self.simulator, self.now, &outgoing.request);
                    self.machine.handle_response(self.now, outgoing.id, answer);
                }
                session::Output::Handle(dispatch) => {
                    let update = self.machine.hand_out(dispatch);
                    self.left -= usize::from(update.event().is_some());
                    return Some(update);
                }
                session::Output::Wait(until) => {
                    let span = until.saturating_sub(self.now.monotonic);
                    self.now.monotonic += span;
                    self.now.wall = self.now.wall.plus(span);
                    self.machine.handle_timeout(self.now);
                }
                session::Output::Busy | session::Output::Finished(_) => return None,
            }
        }
        self.machine.handle_close();
        match self.machine.poll(self.now) {
            session::Output::Handle(dispatch) => Some(self.machine.hand_out(dispatch)),
            _ => None,
        }
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.machine.checkpoint()
    }

    fn result(&self) -> Result<(), Error> {
        Ok(())
    }

    fn closer(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| {})
    }

    fn sender(&self) -> runtime::Sender {
        Arc::new(|_, _| Err(TransportError::timeout().into()))
    }
}

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        printed.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is handed out after the last message that was wanted is neither printed nor covered.
#[test]
fn what_comes_after_the_last_is_not_handled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut watcher = Deaf::new(10, 7);
    let stop = Stop::default();
    let file = CheckpointFile::open(&path).unwrap();
    let printed = Printed::default();
    let mut watch = Watch {
        replier: None,
        left: 3,
        saver: Some(Saver::start(file, stop.clone()).unwrap()),
        is_ours: false,
        stop: stop.clone(),
        out: Output::stdout(true, Secrets::default()).through(printed.clone()),
    };
    watch.run(&mut watcher).unwrap();
    watch.saver.take().unwrap().finish().unwrap();
    assert!(stop.is_triggered());

    let printed = printed.0.lock().unwrap().clone();
    let printed = String::from_utf8(printed).unwrap();
    let messages: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["event"] == "message")
        .collect();
    assert_eq!(messages.len(), 3, "{printed}");
    let last = printed.lines().last().unwrap();
    assert_eq!(last, r#"{"event":"status","status":3}"#, "{printed}");
    let saved = Checkpoint::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let saved = serde_json::to_value(&saved).unwrap();
    let cursor = &saved["body"]["conversations"][0]["cursor"];
    assert_eq!(*cursor, messages[2]["msg_seqno"], "{saved}");
}
