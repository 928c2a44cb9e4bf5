//! `watch --checkpoint` when the process dies, the disk is full, or the file is not what it was.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bilibili_session::poller::Checkpoint;
use bilibili_session_simulator::{ConversationId, NewMessage, Rng, Simulator};
use serde_json::{Value, json};
use support::*;

/// How far what is printed may run ahead of the checkpoint on disk.
const MOST_AHEAD: usize = 200;
const KILLS: usize = 50;

/// `session_type` and `talker_id`.
type Talk = (i64, i64);

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

/// The cursors of the checkpoint on disk, which is whole at any time.
fn cursors(path: &Path) -> BTreeMap<Talk, u64> {
    let text = std::fs::read_to_string(path).unwrap();
    let checkpoint = Checkpoint::from_json(&text).unwrap();
    let value = serde_json::to_value(&checkpoint).unwrap();
    let conversations = value["body"]["conversations"].as_array().unwrap();
    conversations
        .iter()
        .map(|it| {
            let talk = (
                it["session_type"].as_i64().unwrap(),
                it["talker_id"].as_i64().unwrap(),
            );
            (talk, it["cursor"].as_u64().unwrap_or_default())
        })
        .collect()
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

/// What was printed, over all lives.
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

/// What arrived after the base line.
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
        assert_eq!(std::fs::read(&file).unwrap(), old);
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

/// A checkpoint of a few conversations, and a world that goes on from there.
fn with_checkpoint() -> (World, PathBuf) {
    let world = World::new();
    let file = world.path("checkpoint");
    let mut watch = world.watch(&["--checkpoint", file.to_str().unwrap()]);
    watch.until_connected();
    world.texts(20001, 3);
    world.texts(20002, 2);
    watch.messages(5);
    watch.interrupt();
    watch.end().gracefully();
    (world, file)
}

/// A watch that could not write: it says so, and whoever goes on finds everything.
fn could_not_write(world: &World, file: &Path, old: &[u8], ran: &Ran, what: &str) {
    assert_eq!(ran.code, Some(1), "{what}: {ran:?}");
    let last = ran.lines().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["kind"]),
        (&json!("error"), &json!("file")),
        "{what}"
    );
    assert_eq!(ran.stderr.lines().count(), 1, "{what}: {}", ran.stderr);
    assert!(ran.stderr.contains("checkpoint"), "{what}: {}", ran.stderr);
    assert_eq!(std::fs::read(file).unwrap(), old, "{what}");
    println!("{what}: {}", last["message"].as_str().unwrap());

    let mut watch = world.watch(&["--checkpoint", file.to_str().unwrap()]);
    assert_eq!(texts(&watch.messages(2)), ["new", "newer"], "{what}");
    watch.interrupt();
    watch.end().gracefully();
}

fn two_more(world: &World) {
    world.text(20001, "new");
    world.text(20001, "newer");
}

/// The same command, run by a script: `"$@"`.
fn through(script: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(script[0]);
    wrapped
        .args(&script[1..])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

fn watch_args(file: &Path) -> Vec<&str> {
    let path = file.to_str().unwrap();
    vec![
        "watch",
        "--json",
        "--interval",
        "0.2",
        "--duration",
        "60",
        "--checkpoint",
        path,
    ]
}

/// No file may grow beyond nothing.
#[test]
fn a_limit_on_files() {
    let (world, file) = with_checkpoint();
    let old = std::fs::read(&file).unwrap();
    two_more(&world);
    let script = r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#;
    let command = through(&["sh", "-c", script], &world.bili(&watch_args(&file)));
    could_not_write(&world, &file, &old, &run(command), "a limit on files");
}

/// A disk that is full, as the process sees it: needs no right that not everybody has.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_says_it_is_full() {
    let tools = tempfile::tempdir().unwrap();
    let preloaded = disk::odd_disk(tools.path());
    let (world, file) = with_checkpoint();
    let old = std::fs::read(&file).unwrap();
    two_more(&world);
    let mut command = world.bili(&watch_args(&file));
    command.env("LD_PRELOAD", preloaded).env("FULL_DISK", "/");
    let ran = run(command);
    assert!(ran.stderr.contains("No space left"), "{ran:?}");
    could_not_write(&world, &file, &old, &ran, "a disk that says it is full");
}

/// How whoever runs this can mount something: as root, or in a world of its own.
#[cfg(target_os = "linux")]
fn mounting() -> Option<&'static str> {
    ["-m", "-rm"].into_iter().find(|flags| {
        Command::new("unshare")
            .args([flags, "sh", "-c", "mount -t tmpfs tmpfs /tmp"])
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// A file system that is full. Where nothing can be mounted, it says on stderr that it tried
/// nothing (past the test harness, which shows no words of tests that pass); that a full disk
/// harms nothing is then shown by `a_disk_that_says_it_is_full` alone, which runs everywhere.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let Some(flags) = mounting() else {
        use std::io::Write as _;
        let words = b"SKIPPED a_full_disk: nothing can be mounted here (unshare -m, unshare -rm)\n";
        std::io::stderr().write_all(words).unwrap();
        return;
    };
    let (world, file) = with_checkpoint();
    let old = std::fs::read(&file).unwrap();
    two_more(&world);
    let (disk, kept) = (world.path("disk"), world.path("kept"));
    std::fs::create_dir(&disk).unwrap();
    let script = r#"
        disk=$1; old=$2; kept=$3; shift 3
        mount -t tmpfs -o size=64k tmpfs "$disk" || exit 99
        cp "$old" "$disk/checkpoint" || exit 98
        head -c 1000000 /dev/zero 2>/dev/null > "$disk/fill"
        "$@"
        code=$?
        cp "$disk/checkpoint" "$kept"
        exit "$code"
    "#;
    let paths = [&disk, &file, &kept].map(|it| it.to_str().unwrap());
    let full = disk.join("checkpoint");
    let mut wrapped = vec!["unshare", flags, "sh", "-c", script, "sh"];
    wrapped.extend(paths);
    let ran = run(through(&wrapped, &world.bili(&watch_args(&full))));
    assert_eq!(std::fs::read(&kept).unwrap(), old);
    could_not_write(&world, &file, &old, &ran, "a full disk");
}

#[test]
fn the_name_is_taken_by_a_folder() {
    let (world, file) = with_checkpoint();
    let old = std::fs::read(&file).unwrap();
    let taken = world.path("checkpoint.new");
    std::fs::create_dir(&taken).unwrap();
    two_more(&world);
    let ran = run(world.bili(&watch_args(&file)));
    std::fs::remove_dir(&taken).unwrap();
    could_not_write(&world, &file, &old, &ran, "a folder of that name");
}

#[test]
fn the_folder_goes_away() {
    let (world, first) = with_checkpoint();
    let old = std::fs::read(&first).unwrap();
    for is_moved in [true, false] {
        let (folder, away) = (world.path("folder"), world.path("away"));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("checkpoint");
        std::fs::copy(&first, &file).unwrap();
        let mut watch = Watch::start(world.bili(&watch_args(&file)));
        watch.until_connected();
        // What it has written by now covers the same messages.
        let now = std::fs::read(&file).unwrap();
        match is_moved {
            true => std::fs::rename(&folder, &away).unwrap(),
            false => std::fs::remove_dir_all(&folder).unwrap(),
        }
        if is_moved {
            two_more(&world);
        } else {
            world.text(20002, "last");
        }
        let ended = watch.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("checkpoint"), "{ended:?}");
        let says_so = ended.stderr.contains("still there");
        assert!(!says_so, "nothing is there: {}", ended.stderr);
        println!(
            "the folder goes away: {}",
            ended.lines.last().unwrap()["message"]
        );
        if is_moved {
            assert_eq!(cursors(&away.join("checkpoint")), cursors(&first));
            assert_eq!(std::fs::read(away.join("checkpoint")).unwrap(), now);
        }
    }
    assert_eq!(std::fs::read(&first).unwrap(), old);
    let mut watch = world.watch(&["--checkpoint", first.to_str().unwrap()]);
    watch.messages(3);
    watch.interrupt();
    watch.end().gracefully();
}

/// Refused with a reason, nothing sent, and the file stays as it is.
fn is_refused(world: &World, file: &Path, bytes: &[u8], what: &str) -> String {
    std::fs::write(file, bytes).unwrap();
    let ran = run(world.bili(&watch_args(file)));
    assert_eq!(ran.code, Some(2), "{what}: {ran:?}");
    assert_eq!(ran.stdout, "", "{what}");
    assert_eq!(ran.stderr.lines().count(), 1, "{what}: {}", ran.stderr);
    assert_eq!(std::fs::read(file).unwrap(), bytes, "{what}");
    ran.stderr
}

#[test]
fn cut_off_at_every_length() {
    let (world, file) = with_checkpoint();
    let good = std::fs::read(&file).unwrap();
    let sent = world.requests("");
    // The last byte is the end of the line: without it, it is whole.
    let lengths: Vec<usize> = (0..good.len() - 1).collect();
    std::thread::scope(|scope| {
        for (n, lengths) in lengths.chunks(lengths.len().div_ceil(3)).enumerate() {
            let (world, good) = (&world, &good);
            scope.spawn(move || {
                let file = world.path(&format!("cut-{n}"));
                for length in lengths {
                    let why = is_refused(world, &file, &good[..*length], &length.to_string());
                    assert!(why.contains("it is damaged"), "{length}: {why}");
                }
            });
        }
    });
    assert_eq!(world.requests(""), sent, "nothing was asked");
    std::fs::write(&file, &good[..good.len() - 1]).unwrap();
    let args = ["--checkpoint", file.to_str().unwrap(), "--duration", "1"];
    world.watch(&args).end().gracefully();
}

#[test]
fn one_bit_is_another() {
    let (_world, file) = with_checkpoint();
    let good = std::fs::read(&file).unwrap();
    let whole = Checkpoint::from_json(std::str::from_utf8(&good).unwrap()).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            // What is no text is refused before.
            let read = std::str::from_utf8(&bytes).ok().map(Checkpoint::from_json);
            if let Some(Ok(read)) = read {
                assert_eq!(read, whole, "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn what_is_no_checkpoint() {
    let (world, file) = with_checkpoint();
    let good = std::fs::read_to_string(&file).unwrap();
    let sent = world.requests("");
    let newer = good.replace(r#""version":"#, r#""version":9"#);
    let doubled = good.repeat(2);
    let marked = format!("\u{feff}{good}");
    let deep = "[".repeat(100_000);
    assert!(newer != good);
    for (what, bytes) in [
        ("empty", &b""[..]),
        ("blank", b" \n\n"),
        ("zeros", &[0; 4096]),
        ("no text", b"\xff\xfe{\0}\0"),
        ("an array", b"[1,2,3]"),
        ("a text", b"\"checkpoint\""),
        ("null", b"null"),
        (
            "another program's",
            br#"{"format":"something else","version":1,"check":"","body":{}}"#,
        ),
        ("a cookie file", b"Cookie: SESSDATA=5e55da7a%2Cplant"),
        ("newer", newer.as_bytes()),
        ("twice", doubled.as_bytes()),
        ("with a mark", marked.as_bytes()),
        ("deep", deep.as_bytes()),
    ] {
        let why = is_refused(&world, &file, bytes, what);
        println!("{what}: {}", why.trim_end());
    }
    assert_eq!(world.requests(""), sent, "nothing was asked");
    assert!(!world.path("checkpoint.new").exists());
}

#[test]
fn two_processes() {
    for runtime in RUNTIMES {
        let (world, file) = with_checkpoint();
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        let mut first = world.watch(&args);
        first.until_connected();
        for _ in 0..3 {
            let second = world.watch(&args).end();
            assert_eq!(second.code, Some(2), "{second:?}");
            assert!(second.stderr.contains("another process"), "{second:?}");
            assert!(second.lines.is_empty(), "{second:?}");
        }
        two_more(&world);
        assert_eq!(texts(&first.messages(2)), ["new", "newer"]);
        // One that is killed holds nothing.
        first.kill();
        let third = world.watch(&[&args[..], &["--duration", "1"]].concat());
        third.end().gracefully();
    }
}
