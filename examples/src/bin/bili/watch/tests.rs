//! A watch over a machine in memory, in virtual time.

use std::sync::{Arc, Mutex, PoisonError};

use bilibili_session::poller::Poller;
use bilibili_session::session::SessionMachine;
use bilibili_session::{Error, TransportError, Uid};
use bilibili_session_simulator::{Setup, Simulator, VirtualBot};

use super::*;
use crate::secrets::Secrets;

/// A session that hears too late that it is to end.
struct Deaf {
    bot: VirtualBot<SessionMachine>,
    /// How many updates it has handed out.
    given: usize,
    /// How many messages it still hands out.
    left: usize,
}

impl Deaf {
    /// Messages from 1 on are waiting behind the base line.
    fn new(waiting: usize, left: usize) -> Self {
        let start = |setup: Setup| {
            let poller = Poller::new(setup.context, PollerConfig::new())?;
            Ok(SessionMachine::new(poller))
        };
        let bot = VirtualBot::new(Simulator::default(), start).unwrap();
        for n in 1..=waiting {
            bot.receive_text(Uid(20001), &n.to_string()).unwrap();
        }
        let given = bot.updates().len();
        Self { bot, given, left }
    }
}

impl Watcher for Deaf {
    fn next(&mut self) -> Option<Update> {
        let given = self.given;
        if self.left > 0 {
            let hour = Duration::from_secs(3600);
            let next = self.bot.run_until(hour, |bot| bot.updates().len() > given);
            assert_eq!(next, Ok(true));
        } else {
            self.bot.close().unwrap();
        }
        let update = self.bot.updates().get(given)?.clone();
        self.given += 1;
        self.left -= usize::from(update.event().is_some());
        Some(update)
    }

    fn at_hand(&mut self) -> Option<Update> {
        let waiting = self.bot.updates().get(self.given)?;
        let is_wanted = waiting.event().is_none() || self.left > 0;
        is_wanted.then(|| self.next()).flatten()
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.bot.checkpoint()
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
        own: None,
        is_ours: false,
        most_waiting: MOST_WAITING,
        waiting: 0,
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
