//! Lists on a terminal are as wide as it is, and elsewhere as they are.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use support::*;
use unicode_width::UnicodeWidthStr as _;

/// Runs a command on a terminal of so many columns, and returns the lines that it shows there.
fn on_a_terminal(mut command: Command, columns: u16) -> Vec<String> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size).unwrap();
    let mut child = command.env("NO_COLOR", "1").stdout(theirs).spawn().unwrap();
    // The command is the last that holds the other end.
    drop(command);
    let mut ours = File::from(ours);
    let mut shown = Vec::new();
    let mut piece = [0; 4096];
    // A terminal that nobody writes to any more ends with an error.
    while let Ok(length @ 1..) = ours.read(&mut piece) {
        shown.extend_from_slice(&piece[..length]);
    }
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8(shown).unwrap();
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{shown}");
    }
    shown
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn sessions_and_history() {
    let world = World::new();
    let long = "今天也要加油呀，".repeat(20);
    world.text(20001, &long);
    for args in [&["sessions"][..], &["history", "20001"]] {
        for columns in [60, 80, 132] {
            let lines = on_a_terminal(world.bili(args), columns);
            let widths: Vec<usize> = lines.iter().map(|line| line.width()).collect();
            assert!(widths.iter().all(|it| *it <= columns.into()), "{lines:?}");
            // But for what a wide character, and a comma that begins no line, leave.
            assert!(widths[0] + 4 > columns.into(), "{lines:?}");
            assert_eq!(lines.len() > 1, args[0] == "history", "{lines:?}");
            if args[0] == "history" {
                let texts: String = lines.iter().map(|line| line[21..].trim()).collect();
                assert!(texts.ends_with(&long), "{lines:?}");
            }
        }
        let ran = run(world.bili(args));
        assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
        assert_eq!(ran.stdout.contains(&long), args[0] == "history", "{ran:?}");
    }
}

#[test]
fn no_half_of_a_cookie_shows() {
    let world = World::new();
    for before in 0..60 {
        world.text(
            20001 + before,
            &format!("{}{SESSDATA}", "x".repeat(before.try_into().unwrap())),
        );
    }
    for columns in [60, 80] {
        on_a_terminal(world.bili(&["sessions", "--all"]), columns);
        on_a_terminal(world.bili(&["history", "20040"]), columns);
    }
    let ran = run(world.bili(&["sessions", "--all"]));
    assert!(ran.stdout.contains("[redacted]"), "{ran:?}");
}
