//! A watch over a machine in memory, in virtual time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bilibili_session::poller::{Counters, Journal, JournalEntry, Poller};
use bilibili_session::session::SessionMachine;
use bilibili_session::{Error, TransportError, Uid};
use bilibili_session_simulator::{Setup, Simulator, VirtualBot};

use super::*;
use crate::secrets::Secrets;

/// A session that hears too late that it is to end.
struct Deaf {
    bot: VirtualBot<SessionMachine>,
    /// Number of updates that it has returned.
    given: usize,
    /// Number of messages that it still returns.
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
        let given = self.given;
        let now = Duration::ZERO;
        if self.left > 0 {
            self.bot
                .run_until(now, |bot| bot.updates().len() > given)
                .unwrap();
        }
        self.bot.updates().get(given)?;
        self.next()
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.bot.checkpoint()
    }

    fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        self.bot.save(journal)
    }

    fn result(&self) -> Result<(), Error> {
        Ok(())
    }

    fn closer(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| {})
    }

    fn counting(&self) -> Counting {
        std::sync::Arc::new(|| (Counters::default(), Status::Connected))
    }

    fn login_handle(&self) -> runtime::LoginHandle {
        runtime::LoginHandle {
            set_credential: Box::new(|_| Ok(())),
            report: Box::new(|_| {}),
        }
    }

    fn asker(&self) -> crate::names::Asker {
        Arc::new(|_| Err(TransportError::timeout().into()))
    }

    fn tell_names(&self, _: bilibili_session::Now, _: &mut Names) {}

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

impl Printed {
    fn lines(&self) -> Vec<serde_json::Value> {
        let printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::str::from_utf8(&printed).unwrap().lines();
        lines.map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    fn messages(&self) -> usize {
        let lines = self.lines();
        lines.iter().filter(|it| it["event"] == "message").count()
    }
}

fn no_names() -> NameBook {
    use clap::Parser as _;
    let cli = crate::args::Cli::try_parse_from(["bili", "--json", "watch"]).unwrap();
    NameBook::new(
        &cli.common,
        Arc::new(|_| Err(TransportError::timeout().into())),
    )
}

fn watch_of(printed: &Printed, left: u64, saver: Option<Saver>, stop: &Stop) -> Watch<Printed> {
    Watch {
        replier: None,
        own: None,
        names: no_names(),
        left,
        saver,
        is_ours: false,
        most_waiting: MOST_WAITING,
        waiting: 0,
        stop: stop.clone(),
        out: Output::stdout(true, Secrets::default()).through(printed.clone()),
        keeper: None,
        is_taken_up: false,
    }
}

/// A session that looks at what was printed whenever it is asked for something.
struct Watchful {
    session: Deaf,
    printed: Printed,
    /// Messages that it has returned, and those that no line was written for at the most.
    messages: usize,
    most_waiting: usize,
    saves: usize,
}

impl Watchful {
    fn returned(&mut self, update: Option<Update>) -> Option<Update> {
        self.most_waiting = self
            .most_waiting
            .max(self.messages - self.printed.messages());
        self.messages += usize::from(update.as_ref().is_some_and(|it| it.event().is_some()));
        update
    }
}

impl Watcher for Watchful {
    fn next(&mut self) -> Option<Update> {
        // Nobody knows how long this takes.
        assert_eq!(self.printed.messages(), self.messages);
        let update = self.session.next();
        self.returned(update)
    }

    fn at_hand(&mut self) -> Option<Update> {
        let update = self.session.at_hand();
        self.returned(update)
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        panic!("none is built whole")
    }

    fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        // It covers all that was returned.
        assert_eq!(self.printed.messages(), self.messages);
        self.saves += 1;
        self.session.save(journal)
    }

    fn result(&self) -> Result<(), Error> {
        self.session.result()
    }

    fn closer(&self) -> Box<dyn Fn() + Send> {
        self.session.closer()
    }

    fn counting(&self) -> Counting {
        std::sync::Arc::new(|| (Counters::default(), Status::Connected))
    }

    fn login_handle(&self) -> runtime::LoginHandle {
        runtime::LoginHandle {
            set_credential: Box::new(|_| Ok(())),
            report: Box::new(|_| {}),
        }
    }

    fn asker(&self) -> crate::names::Asker {
        Arc::new(|_| Err(TransportError::timeout().into()))
    }

    fn tell_names(&self, _: bilibili_session::Now, _: &mut Names) {}

    fn sender(&self) -> runtime::Sender {
        self.session.sender()
    }
}

#[test]
fn lines_wait_for_nothing_and_checkpoints_for_lines() {
    let folder = tempfile::tempdir().unwrap();
    for (has_file, most_waiting) in [(false, MOST_WAITING), (true, MOST_WAITING), (true, 1)] {
        let printed = Printed::default();
        let stop = Stop::default();
        let mut watcher = Watchful {
            session: Deaf::new(300, 300),
            printed: printed.clone(),
            messages: 0,
            most_waiting: 0,
            saves: 0,
        };
        let path = folder.path().join(most_waiting.to_string());
        let saver = has_file.then(|| {
            let file = CheckpointFile::open(&path).unwrap();
            Saver::start(file, stop.clone()).unwrap()
        });
        let mut watch = watch_of(&printed, u64::MAX, saver, &stop);
        watch.most_waiting = most_waiting;
        watch.run(&mut watcher).unwrap();
        if let Some(saver) = watch.saver.take() {
            saver.finish().unwrap();
        }
        assert_eq!(printed.messages(), 300);
        let (waiting, saves) = (watcher.most_waiting, watcher.saves);
        match (has_file, most_waiting) {
            // None is built that nobody stores.
            (false, _) => assert_eq!(saves, 0),
            // One for each line.
            (true, 1) => assert!(saves > 300 && waiting <= 1),
            (true, _) => assert!(
                saves < 30 && (100..200).contains(&waiting),
                "{saves} saves, {waiting} lines"
            ),
        }
    }
}

/// An update after the last message that was wanted is neither printed nor covered.
#[test]
fn what_comes_after_the_last_is_not_handled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut watcher = Deaf::new(10, 7);
    let stop = Stop::default();
    let file = CheckpointFile::open(&path).unwrap();
    let printed = Printed::default();
    let saver = Saver::start(file, stop.clone()).unwrap();
    let mut watch = watch_of(&printed, 3, Some(saver), &stop);
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
