//! A checkpoint that additions have followed: what a kill leaves, what an append that fails leaves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bilibili_session::poller::Checkpoint;
use serde_json::Value;

use super::support::*;
use super::{cursors, watch_args, with_checkpoint};

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

/// A message of user 20001 that is printed, and then covered by the checkpoint on disk.
fn one_more(world: &World, watch: &mut Watch, file: &Path, text: &str) {
    let seqno = world.text(20001, text).msg_seqno;
    watch.messages(1);
    let until = Instant::now() + PATIENCE;
    while cursors(file)[&(1, 20001)] < seqno {
        assert!(Instant::now() < until, "{}", read(file));
        std::thread::yield_now();
    }
}

/// A watch that was killed after `count` messages, each with an addition of its own behind the
/// snapshot.
fn killed(count: usize) -> (World, PathBuf) {
    let (world, file) = with_checkpoint();
    let mut watch = Watch::start(world.bili(&watch_args(&file)));
    watch.until_connected();
    for n in 1..=count {
        one_more(&world, &mut watch, &file, &n.to_string());
    }
    watch.kill();
    assert_eq!(read(&file).lines().count(), 1 + count);
    (world, file)
}

/// The file is one checkpoint again, which every reader of JSON reads.
fn assert_whole(file: &Path) {
    let text = read(file);
    let whole: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(whole["format"], "bilibili-session checkpoint", "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let checkpoint = Checkpoint::from_json(&text).unwrap();
    assert_eq!(text, checkpoint.to_json() + "\n");
}

#[test]
fn a_torn_end_costs_no_more_than_itself() {
    let (world, file) = killed(3);
    let text = read(&file);
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let zeros = text[..ends[2]].to_owned() + &"\0".repeat(200);
    for (runtime, torn, first) in [
        ("blocking", &text[..], 4),
        ("blocking", &text[..text.len() - 1], 4),
        ("async-std", &text[..text.len() - 2], 3),
        ("blocking", &text[..ends[2] + 1], 3),
        ("async-std", &zeros, 3),
        ("blocking", &text[..ends[1] + 99], 2),
        ("async-std", &text[..ends[0] + 1], 1),
    ] {
        write(&file, torn);
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        let mut watch = world.watch(&args);
        let mut wanted: BTreeSet<String> = numbers(first, 3).into_iter().collect();
        let end = format!("end {}", torn.len());
        world.text(20002, &end);
        wanted.insert(end);
        while !wanted.is_empty() {
            let line = watch.messages(1).remove(0);
            wanted.remove(line["content"]["content"].as_str().unwrap());
        }
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        let mut texts = ended.texts();
        texts.retain(|text| !text.starts_with("end"));
        assert_eq!(texts, numbers(first, 3), "torn at {}", torn.len());
        assert_whole(&file);
    }
}

#[test]
fn damage_in_the_middle_is_refused() {
    let (world, file) = killed(3);
    let good = read(&file);
    let sent = world.requests("");
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let of = |places: &[usize]| places.iter().map(|n| lines[*n]).collect::<String>();
    let torn = lines[0].to_owned() + &lines[1][..lines[1].len() / 2] + &of(&[2, 3]);
    for (what, bad) in [
        (
            "a number",
            lines[0].to_owned() + &lines[1].replacen("r\":1", "r\":2", 1) + &of(&[2, 3]),
        ),
        ("one is missing", of(&[0, 1, 3])),
        ("one is missing at the start", of(&[0, 2, 3])),
        ("one is there twice", of(&[0, 1, 1, 2])),
        ("a torn one is not the last", torn),
        ("the snapshot is missing", of(&[1, 2, 3])),
        ("a line of something else", of(&[0, 1]) + "{}\n" + lines[2]),
    ] {
        assert_ne!(bad, good);
        write(&file, &bad);
        let ran = run(world.bili(&watch_args(&file)));
        assert_eq!(ran.code, Some(2), "{what}: {ran:?}");
        assert!(ran.stderr.contains("checkpoint"), "{what}: {ran:?}");
        assert_eq!(read(&file), bad, "{what}");
    }
    assert_eq!(world.requests(""), sent, "nothing was asked");
}

#[test]
fn the_end_leaves_one_snapshot() {
    for (runtime, more) in [
        ("blocking", &["--max-events", "3"][..]),
        ("async-std", &["--max-events", "3"]),
        ("blocking", &["--duration", "2"]),
        ("async-std", &[]),
    ] {
        let (world, file) = killed(2);
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        let mut watch = world.watch(&[&args[..], more].concat());
        watch.until_connected();
        world.texts(20001, 4);
        watch.messages(3);
        if more.is_empty() {
            watch.interrupt();
        }
        let ended = watch.end();
        ended.gracefully();
        assert_whole(&file);
        let last = ended.lines.iter().rfind(|line| line["event"] == "message");
        let last = last.unwrap()["msg_seqno"].as_u64();
        assert_eq!(Some(cursors(&file)[&(1, 20001)]), last, "{more:?}");
    }
}

/// The old file is removed, or is not what it was: it is made anew.
#[test]
fn somebody_removes_or_changes_it() {
    for is_removed in [true, false] {
        let (world, file) = with_checkpoint();
        let mut watch = Watch::start(world.bili(&watch_args(&file)));
        watch.until_connected();
        match is_removed {
            true => std::fs::remove_file(&file).unwrap(),
            false => write(&file, "something else\n"),
        }
        let seqno = world.text(20001, "hi").msg_seqno;
        watch.messages(1);
        watch.interrupt();
        watch.end().gracefully();
        assert_eq!(cursors(&file)[&(1, 20001)], seqno);
        assert_whole(&file);
    }
}

/// Every append breaks off in the middle: the file is replaced, and nothing is lost.
#[cfg(target_os = "linux")]
#[test]
fn an_append_that_breaks_off_is_made_good() {
    let tools = tempfile::tempdir().unwrap();
    let preloaded = disk::odd_disk(tools.path());
    let (world, file) = with_checkpoint();
    let mut command = world.bili(&watch_args(&file));
    command.env("LD_PRELOAD", preloaded).env("TORN_DISK", "/");
    let mut watch = Watch::start(command);
    watch.until_connected();
    for n in 1..=3 {
        one_more(&world, &mut watch, &file, &n.to_string());
    }
    watch.kill();
    let text = read(&file);
    assert!(text.ends_with('\n') && text.lines().count() == 4, "{text}");
}

/// It is neither appended to nor replaced: what was there stays there, to the byte.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_in_the_middle() {
    let tools = tempfile::tempdir().unwrap();
    let preloaded = disk::odd_disk(tools.path());
    for is_torn in [true, false] {
        let (world, file) = with_checkpoint();
        let full = world.path("full");
        let mut command = world.bili(&watch_args(&file));
        command.env("LD_PRELOAD", &preloaded);
        command.env(if is_torn { "TORN_DISK" } else { "FULL_DISK" }, &full);
        let mut watch = Watch::start(command);
        watch.until_connected();
        one_more(&world, &mut watch, &file, "covered");
        let old = read(&file);
        assert_eq!(old.lines().count(), 2);
        write(&full, "from now on");
        if is_torn {
            std::fs::create_dir(world.path("checkpoint.new")).unwrap();
        }
        super::two_more(&world);
        let ended = watch.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let last = ended.lines.last().unwrap();
        assert_eq!(
            (&last["event"], &last["kind"]),
            (&"error".into(), &"file".into())
        );
        assert!(ended.stderr.contains("checkpoint"), "{ended:?}");
        assert_eq!(read(&file), old);

        std::fs::remove_file(&full).unwrap();
        if is_torn {
            std::fs::remove_dir(world.path("checkpoint.new")).unwrap();
        }
        let mut watch = world.watch(&["--checkpoint", file.to_str().unwrap()]);
        assert_eq!(texts(&watch.messages(2)), ["new", "newer"]);
        watch.interrupt();
        watch.end().gracefully();
        assert_whole(&file);
    }
}
