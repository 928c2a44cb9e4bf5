//! A disk that is full, a limit on files, a folder that goes away.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::support::*;
use super::{cursors, two_more, watch_args, with_checkpoint};

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

/// Returns the flags by which whoever runs this can mount something: as root, or in a world of
/// its own.
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
