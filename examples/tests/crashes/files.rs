//! A file that is not what it was, or that another process uses.

use std::path::Path;

use bilibili_session::poller::Checkpoint;

use super::support::*;
use super::{two_more, watch_args, with_checkpoint};

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
