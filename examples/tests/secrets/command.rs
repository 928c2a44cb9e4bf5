//! The output and the files of the command.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bilibili_session_simulator::{FaultKind, NewMessage};
use serde_json::json;

use super::calls::faults;
use super::support::*;
use super::{shows_nothing, wait_for};

fn look_through(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        shows_nothing(
            &path.display().to_string(),
            &String::from_utf8_lossy(&bytes),
        );
    }
}

pub(crate) fn traced(world: &World, args: &[&str]) -> Ran {
    let mut command = world.bili(args);
    command
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    let ran = run(command);
    shows_nothing("stdout", &ran.stdout);
    shows_nothing("stderr", &ran.stderr);
    ran
}

#[test]
fn the_command_shows_nothing() {
    let world = World::new();
    world.texts(20001, 3);
    world.receive(NewMessage::new(20001, 10, &json!("no JSON")));
    let out = world.path("history");
    let checkpoint = world.path("checkpoint");
    let (out, checkpoint) = (out.to_str().unwrap(), checkpoint.to_str().unwrap());
    let commands: [&[&str]; 20] = [
        &["whoami"],
        &["sessions", "--all"],
        &["new-sessions"],
        &["session", "20001"],
        &["history", "20001", "--all"],
        &["history", "20001", "--out", out],
        &["send", "20001", "hi"],
        &["unread"],
        &["replies"],
        &["at"],
        &["likes"],
        &["system"],
        &["settings"],
        &["settings", "--set", "msg_notify=3"],
        &["mark-read", "20001"],
        &["mark-read", "--all"],
        &["pin", "20001"],
        &["mute", "20001"],
        &["remove", "20001"],
        &[
            "watch",
            "--interval",
            "0.2",
            "--duration",
            "1",
            "--checkpoint",
            checkpoint,
        ],
    ];
    for runtime in RUNTIMES {
        for (n, args) in commands.into_iter().enumerate() {
            let json = if n % 2 == 0 { "--json" } else { "--timeout=29" };
            let ran = traced(&world, &[args, &["--runtime", runtime, json]].concat());
            assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
            std::fs::rename(out, format!("{out}-{runtime}")).ok();
        }
        for (n, fault) in faults().into_iter().enumerate() {
            let args = [&["whoami"][..], &["send", "20001", "x"], &["unread"]][n % 3];
            world.fault("/", fault, 3);
            traced(&world, &[args, &["--runtime", runtime, "--json"]].concat());
            world.server.simulator().clear_faults();
        }
    }
    look_through(world.folder.path());
}

/// Whatever it is told, it says back, in whatever place an answer has for it.
#[test]
fn a_server_that_echoes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let turn = Arc::new(Mutex::new(0_usize));
    let answers = Arc::clone(&turn);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = vec![0; 65536];
            let length = stream.read(&mut heard).unwrap();
            let text =
                String::from_utf8_lossy(&heard[..length]).replace(['"', '\\', '\r', '\n'], " ");
            let (status, body) = match *answers.lock().unwrap() {
                0 => (200, text),
                1 => (502, text),
                2 => (200, json!({"code": -400, "message": text}).to_string()),
                3 => (200, json!({"code": 0, "data": text}).to_string()),
                4 => (200, json!({"code": text}).to_string()),
                _ => (200, json!({"code": 0, "data": {"session_list": [{"talker_id": text}], "uname": text, "mid": text}}).to_string()),
            };
            let head = format!("HTTP/1.1 {status} Oh\r\nconnection: close\r\ncontent-length");
            write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    let world = World::new();
    for runtime in RUNTIMES {
        for n in 0..6 {
            *turn.lock().unwrap() = n;
            for args in [
                &["whoami"][..],
                &["sessions"],
                &["send", "20001", "x"],
                &["watch", "--duration", "0.5", "--interval", "0.2"],
            ] {
                for json in [&["--json"][..], &[]] {
                    let args = [args, json, &["--origin", &origin, "--runtime", runtime]].concat();
                    traced(&world, &args);
                }
            }
        }
    }
}

/// A cookie of digits is found in every number; the lines are the same with it and without.
#[test]
fn a_number_in_a_line_stays() {
    const BIG: i64 = 1_000_000_020_001_017;
    for runtime in RUNTIMES {
        for json in [&["--json"][..], &[]] {
            let world = World::new();
            let args = ["watch", "--interval", "0.2", "--runtime", runtime];
            let mut command = world.bili(&[&args[..], json, &["--max-events", "1"]].concat());
            command
                .env("BILI_BUVID3", "00000000-0001-0203-0000-PLANTED-infoc")
                .env("BILI_BUVID4", "10000000-PLANTED");
            world.text(BIG, "old");
            let watch = command.stdout(Stdio::piped()).spawn().unwrap();
            wait_for(|| world.requests("sessions") > 1);
            world.fault("fetch_session_msgs", FaultKind::Code(-500), 1);
            world.text(BIG, "1000000020001017 00000000");
            let output = watch.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            shows_nothing("the watch", &text);
            assert!(!text.contains("redacted"), "{text}");
            assert!(text.contains("user 1000000020001017 failed"), "{text}");
            if json.is_empty() {
                assert!(text.contains("1000000020001017 00000000"), "{text}");
                continue;
            }
            let lines: Vec<serde_json::Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let [warning, message] =
                ["notice", "message"].map(|event| lines.iter().find(|it| it["event"] == event));
            assert_eq!(warning.unwrap()["conversation"]["talker_id"], BIG);
            let message = message.unwrap();
            assert_eq!(message["conversation"]["talker_id"], BIG);
            assert_eq!(message["content"]["content"], "1000000020001017 00000000");
        }
    }
}

/// Somebody knows a cookie and writes it to its owner; and a name, and a toast, hold it.
#[test]
fn what_people_write() {
    let world = World::new();
    let text = format!("look: {SESSDATA} and {BILI_JCT}. Yours, 5e55da7?");
    world.text(20001, &text);
    let mut broken = NewMessage::text(20001, "?");
    broken.content = format!("{{broken {BUVID3}");
    world.receive(broken);
    for args in [
        &["history", "20001"][..],
        &["sessions"],
        &["session", "20001"],
        &["new-sessions"],
    ] {
        for json in [&["--json"][..], &[]] {
            let ran = traced(&world, &[args, json].concat());
            assert_eq!(ran.code, Some(0), "{ran:?}");
            if args[0] == "history" {
                let words = "look: [redacted] and [redacted]. Yours, 5e55da7?";
                assert!(ran.stdout.contains(words), "{ran:?}");
            }
        }
    }
}

#[test]
fn cookie_files_that_others_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let file = world.path("cookies");
    write_private(
        &file,
        &format!("Cookie: SESSDATA={SESSDATA}; bili_jct={BILI_JCT}"),
    );
    for (mode, code) in [
        (0o600, 0),
        (0o400, 0),
        (0o700, 0),
        (0o640, 2),
        (0o604, 2),
        (0o620, 2),
        (0o602, 2),
        (0o666, 2),
        (0o777, 2),
    ] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let before = world.requests("");
        let ran = traced(&world, &["whoami", "--cookie-file", file.to_str().unwrap()]);
        assert_eq!(ran.code, Some(code), "{mode:o}: {ran:?}");
        assert_eq!(world.requests("") > before, code == 0, "{mode:o}");
    }
    // A link is as good as what it leads to.
    let link = world.path("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let ran = traced(&world, &["whoami", "--cookie-file", link.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
