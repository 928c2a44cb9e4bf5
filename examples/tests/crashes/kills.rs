//! A watch that is killed while messages pour in, and while the disk takes for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bilibili_session_simulator::{ConversationId, NewMessage, Rng, Simulator};
use serde_json::Value;

use super::support::*;
use super::{Talk, cursors};

/// Number of lines that may run ahead of the checkpoint on disk.
const MOST_AHEAD: usize = 200;
const KILLS: usize = 50;

/// Messages that pour in until this is dropped.
struct Feeder {
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Feeder {
    fn start(simulator: Arc<Mutex<Simulator>>, seed: u64) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut random = Rng::new(seed);
            while !over.load(Ordering::Relaxed) {
                let (count, group) = match random.below(60) {
                    0 => (700, false),
                    1 => (400, true),
                    n => (random.below(16), n % 3 == 0),
                };
                // New ones turn up all the time.
                let from = 20001 + i64::try_from(random.below(12)).unwrap();
                let group = group.then(|| 300_001 + i64::try_from(random.below(4)).unwrap());
                for n in 0..count {
                    let message = NewMessage {
                        group,
                        ..NewMessage::text(from, &format!("{n} of a burst"))
                    };
                    let now = now_us();
                    let mut simulator = simulator.lock().unwrap_or_else(PoisonError::into_inner);
                    simulator.receive(now, message).unwrap();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self {
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn place(line: &Value) -> Option<(Talk, u64)> {
    let conversation = &line["conversation"];
    (line["event"] == "message").then(|| {
        let talk = (
            conversation["session_type"].as_i64().unwrap(),
            conversation["talker_id"].as_i64().unwrap(),
        );
        (talk, line["msg_seqno"].as_u64().unwrap())
    })
}

/// The messages that were printed, over all lives.
#[derive(Default)]
struct Printed {
    all: BTreeSet<(Talk, u64)>,
    again: usize,
    most_again: usize,
    most_ahead: usize,
}

impl Printed {
    /// One life: it began with the checkpoint `before`, and left `after` behind.
    fn life(&mut self, lines: &[Value], before: &BTreeMap<Talk, u64>, after: &BTreeMap<Talk, u64>) {
        let of =
            |cursors: &BTreeMap<Talk, u64>, talk: &Talk| cursors.get(talk).copied().unwrap_or(0);
        let mut last: BTreeMap<Talk, u64> = BTreeMap::new();
        let mut again = 0;
        let mut ahead = 0;
        for (talk, seqno) in lines.iter().filter_map(place) {
            let cursor = of(before, &talk);
            assert!(seqno > cursor, "{talk:?} {seqno} again, {cursor} on disk");
            let previous = last.insert(talk, seqno).unwrap_or(cursor);
            assert!(seqno > previous, "{talk:?} {seqno} after {previous}");
            again += usize::from(!self.all.insert((talk, seqno)));
            ahead += usize::from(seqno > of(after, &talk));
        }
        for (talk, cursor) in after {
            let printed = last.get(talk).copied().unwrap_or_else(|| of(before, talk));
            assert!(*cursor <= printed, "{talk:?}: {cursor} on disk, not out");
        }
        // So much each kill adds at the most to what comes again.
        assert!(ahead <= MOST_AHEAD, "{ahead} lines ahead of the disk");
        self.again += again;
        self.most_again = self.most_again.max(again);
        self.most_ahead = self.most_ahead.max(ahead);
    }
}

/// Returns the messages that arrived after the baseline.
fn arrived(simulator: &Simulator, base: &BTreeMap<Talk, u64>) -> BTreeSet<(Talk, u64)> {
    let state = simulator.state();
    let conversations = state["conversations"].as_array().unwrap();
    let mut all = BTreeSet::new();
    for it in conversations {
        let talk = (
            it["session_type"].as_i64().unwrap(),
            it["talker_id"].as_i64().unwrap(),
        );
        let id = match talk {
            (1, uid) => ConversationId::user(uid),
            (_, group) => ConversationId::group(group),
        };
        let after = base.get(&talk).copied().unwrap_or(0);
        let seqnos = simulator.messages(id).map(|(seqno, _)| seqno);
        all.extend(seqnos.filter(|it| *it > after).map(|it| (talk, it)));
    }
    all
}

#[test]
fn killed_fifty_times_while_messages_pour_in() {
    let world = World::new();
    let file = world.path("checkpoint");
    let path = file.to_str().unwrap();
    for from in 20001..20004 {
        world.texts(from, 5);
    }
    let watch = |n: usize| {
        let runtime = RUNTIMES[n % 2];
        let args = ["watch", "--json", "--interval", "0.05"];
        let more = ["--checkpoint", path, "--runtime", runtime];
        Watch::start(world.bili(&[&args[..], &more].concat()))
    };
    let mut random = Rng::new(20_240_229);
    let mut printed = Printed::default();
    let mut running = watch(0);
    running.until_connected();
    let base = cursors(&file);
    assert_eq!(arrived(&world.server.simulator(), &base), BTreeSet::new());
    let mut before = base.clone();
    let feeder = Feeder::start(world.server.shared(), 7);
    for n in 0..KILLS {
        match random.below(4) {
            // Any time from before main on.
            0 => std::thread::sleep(Duration::from_millis(random.below(250))),
            1 => running.until_connected(),
            _ => drop(running.messages(usize::try_from(1 + random.below(150)).unwrap())),
        }
        let lines = running.kill();
        let after = cursors(&file);
        printed.life(&lines, &before, &after);
        before = after;
        running = watch(n + 1);
    }
    drop(feeder);
    let arrived = arrived(&world.server.simulator(), &base);
    let mut missing = &arrived - &printed.all;
    while !missing.is_empty() {
        let line = running.next().expect("it goes on");
        if let Some(place) = place(&line) {
            missing.remove(&place);
        }
    }
    running.interrupt();
    let ended = running.end();
    ended.gracefully();
    printed.life(&ended.lines, &before, &cursors(&file));
    assert_eq!(printed.all, arrived);
    println!(
        "{KILLS} kills, {} messages of {} conversations: none lost; {} came again, {} at the most after one kill; at the most {} lines ahead of the disk",
        arrived.len(),
        arrived
            .iter()
            .map(|(talk, _)| talk)
            .collect::<BTreeSet<_>>()
            .len(),
        printed.again,
        printed.most_again,
        printed.most_ahead,
    );
    let left: Vec<_> = std::fs::read_dir(world.folder.path()).unwrap().collect();
    assert!(left.len() <= 3, "{left:?}");
}

/// A disk that takes for ever.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_disk_holds_the_output_back() {
    for runtime in RUNTIMES {
        let world = World::new();
        let tools = tempfile::tempdir().unwrap();
        let (preloaded, slow) = (disk::odd_disk(tools.path()), tools.path().join("slow"));
        let file = world.path("checkpoint");
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        let first = ["watch", "--json", "--interval", "0.2"];
        let mut command = world.bili(&[&first[..], &args].concat());
        command.env("LD_PRELOAD", preloaded).env("SLOW_DISK", &slow);
        let mut watch = Watch::start(command);
        watch.until_connected();
        let old = std::fs::read(&file).unwrap();
        let before = cursors(&file);
        write(&slow, "from now on");
        world.texts(20001, 900);
        watch.messages(MOST_AHEAD - 1);
        // Long enough for the others, were there nothing that holds them back.
        std::thread::sleep(Duration::from_millis(500));
        let lines = watch.kill();
        // What was not synced may be lost.
        assert!(std::fs::read(&file).unwrap().starts_with(&old));
        std::fs::write(&file, &old).unwrap();
        let mut printed = Printed::default();
        printed.life(&lines, &before, &before);
        assert!(
            printed.most_ahead < 900,
            "the disk was not slow: {} lines",
            printed.most_ahead
        );

        let mut watch = world.watch(&args);
        assert_eq!(texts(&watch.messages(900)), numbers(1, 900));
        watch.interrupt();
        watch.end().gracefully();
        println!(
            "{runtime}: a disk that hangs, {} lines ahead",
            printed.most_ahead
        );
    }
}
