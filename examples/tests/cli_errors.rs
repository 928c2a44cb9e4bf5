//! Failures: exit codes, the line for scripts, and that no cookie is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use bilibili_session_simulator::FaultKind;
use http::StatusCode;
use serde_json::{Value, json};
use support::*;

/// The code, and the last line.
#[track_caller]
fn fails(ran: &Ran, code: i32, kind: &str) -> Value {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    let line = ran.lines().pop().expect("a line");
    assert_eq!(line["event"], "error", "{line}");
    assert_eq!(line["kind"], kind, "{line}");
    assert!(line["message"].is_string(), "{line}");
    line
}

#[track_caller]
fn is_wrong_usage(ran: &Ran) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn a_dead_login_is_3() {
    let world = World::new();
    world.server.simulator().log_out(10001).unwrap();
    for runtime in RUNTIMES {
        for args in [
            &["whoami"][..],
            &["sessions"],
            &["history", "20001"],
            &["send", "20001", "hi"],
            &["unread"],
            &["replies"],
        ] {
            let ran = world.json(&[args, &["--runtime", runtime]].concat());
            assert_eq!(fails(&ran, 3, "login_lost")["code"], -101);
        }
    }
}

#[test]
fn risk_control_is_4() {
    let world = World::new();
    for kind in [
        FaultKind::Code(-352),
        FaultKind::Code(-412),
        FaultKind::Voucher,
        FaultKind::Http(StatusCode::PRECONDITION_FAILED),
    ] {
        world.fault("get_sessions", kind, 1);
        fails(&world.json(&["sessions"]), 4, "risk_control");
    }
}

#[test]
fn other_failures_are_1() {
    let world = World::new();
    let status = FaultKind::Http(StatusCode::INTERNAL_SERVER_ERROR);
    world.fault("get_sessions", status, 2);
    for runtime in RUNTIMES {
        let line = fails(
            &world.json(&["sessions", "--runtime", runtime]),
            1,
            "server",
        );
        assert_eq!(
            (&line["code"], &line["http_status"]),
            (&json!(null), &json!(500))
        );
    }
    for (kind, name) in [
        (FaultKind::Reset, "transport"),
        (FaultKind::Truncated, "transport"),
        (FaultKind::Garbage, "server"),
        (FaultKind::DataNull, "server"),
        (FaultKind::Code(-509), "throttled"),
        (FaultKind::Hang, "transport"),
    ] {
        for runtime in RUNTIMES {
            world.fault("session_detail", kind.clone(), 1);
            let args = ["session", "20001", "--timeout", "1", "--runtime", runtime];
            fails(&world.json(&args), 1, name);
        }
    }
    let line = fails(&world.json(&["session", "20009"]), 1, "conversation_gone");
    assert_eq!(line["code"], 1_000_004);
    world.server.simulator().peer_mut(20002).refuses = Some(25003);
    let line = fails(&world.json(&["send", "20002", "hi"]), 1, "refused");
    assert_eq!(line["code"], 25003);
    let mut command = world.bili(&["whoami", "--json"]);
    command.env("BILI_ORIGIN", "http://127.0.0.1:1");
    fails(&run(command), 1, "transport");
}

#[test]
fn wrong_usage_is_2_and_sends_nothing() {
    let world = World::new();
    let long = "长".repeat(700);
    for args in [
        &["nothing"][..],
        &["send", "20001"],
        &["send", "20001", "hi", "--withdraw", "1"],
        &["send", "20001", ""],
        &["send", "20001", &long],
        &["send", "0", "hi"],
        &["send", "20001", "--picture", "/nowhere.png"],
        &["session", "x"],
        &["history", "20001", "--all", "--since-seqno", "1"],
        &["watch", "--interval", "0"],
        &["watch", "--interval", "-1"],
        &["watch", "--interval", "NaN"],
        &["watch", "--max-events", "0"],
        &["watch", "--reply", ""],
        &["whoami", "--timeout", "0"],
        &["whoami", "--runtime", "tokio"],
        &["whoami", "--origin", "http://127.0.0.1.example.test"],
        &["whoami", "--origin", "http://10.0.0.1"],
        &["whoami", "--origin", "nonsense"],
        &["whoami", "--cookie-file", "/nowhere"],
        &["whoami", "--proxy", "no proxy at all"],
        &["whoami", "--proxy", "socks5://127.0.0.1:1"],
        &["history", "20001", "--out", "/nowhere/at/all"],
    ] {
        is_wrong_usage(&world.json(args));
    }
    for runtime in RUNTIMES {
        let args = ["whoami", "--proxy", "::::", "--runtime", runtime];
        is_wrong_usage(&world.json(&args));
    }
    assert_eq!(world.state()["requests"], json!({}));
}

/// A password in an address is not repeated, right or wrong.
#[test]
fn addresses_show_no_password() {
    let world = World::new();
    for address in [
        "http://u:PASSWORD@127.0.0.1:bad",
        "http://u:PASSWORD@host:bad",
        "u:PASSWORD@host",
        "ftp://u:PASSWORD@host",
        "https://host:bad/?token=PASSWORD",
        "socks5://u:PASSWORD@127.0.0.1",
        "http://u:PASSWORD@example.test:1",
    ] {
        for runtime in RUNTIMES {
            for option in ["--origin", "--proxy"] {
                let ran = world.json(&["whoami", option, address, "--runtime", runtime]);
                is_wrong_usage(&ran);
                assert!(!ran.stderr.contains("PASSWORD"), "{ran:?}");
            }
        }
    }
}

/// An http:// origin is on this machine, and what goes there stays there.
#[test]
fn a_login_does_not_cross_the_network_in_the_clear() {
    let world = World::new();
    // Any of them would take the request, were it asked to.
    for proxy in [
        "http://192.0.2.1:1",
        "192.0.2.1:1",
        "http://example.test:1",
        "http://127.0.0.1.example.test:1",
        "http://localhost.example.test:1",
        "http://u:p@192.0.2.1:1",
        "http://127.0.0.1@192.0.2.1:1",
        "http://192.0.2.1#@127.0.0.1:1",
        "http://192.0.2.1\\@127.0.0.1:1",
        "http://0.0.0.0:1",
        "http://[::ffff:192.0.2.1]:1",
    ] {
        for runtime in RUNTIMES {
            let ran = world.json(&["whoami", "--proxy", proxy, "--runtime", runtime]);
            is_wrong_usage(&ran);
            assert!(ran.stderr.contains("proxy"), "{ran:?}");
        }
    }
    assert_eq!(world.state()["requests"], json!({}));
    // A recording proxy on this machine is what one would want.
    let proxy = world.server.origin();
    let port = world.server.address().port();
    for proxy in [
        proxy,
        format!("127.0.0.1:{port}"),
        format!("http://LOCALHOST:{port}"),
    ] {
        for runtime in RUNTIMES {
            let ran = world.json(&["whoami", "--proxy", &proxy, "--runtime", runtime]);
            assert_ne!(ran.code, Some(2), "{proxy}: {ran:?}");
        }
    }
}

#[test]
fn what_writes_needs_the_token() {
    let world = World::new();
    let png = world.path("p.png");
    write(&png, "x");
    for args in [
        &["send", "20001", "hi"][..],
        &["send", "20001", "--withdraw", "1"],
        &["send", "20001", "--picture", png.to_str().unwrap()],
        &["mark-read", "20001"],
        &["mark-read", "--all"],
        &["settings", "--set", "msg_notify=3"],
        &["pin", "20001"],
        &["mute", "20001"],
        &["remove", "20001"],
        &["watch", "--reply", "hi"],
    ] {
        let mut command = world.bili(&with_json(args));
        command.env_remove("BILI_JCT");
        let ran = run(command);
        is_wrong_usage(&ran);
        assert!(ran.stderr.contains("bili_jct"), "{ran:?}");
    }
    assert_eq!(world.state()["requests"], json!({}));
}

#[test]
fn a_uid_that_is_not_the_logins_own_is_2() {
    let world = World::new();
    for args in [
        &["whoami"][..],
        &["sessions"],
        &["send", "20001", "hi"],
        &["replies"],
        &["mark-read", "20001"],
        &["mark-read", "--all"],
        &["settings", "--set", "msg_notify=3"],
    ] {
        let mut command = world.bili(&with_json(args));
        command.env("BILI_UID", "99");
        is_wrong_usage(&run(command));
    }
    assert_eq!(world.requests(""), world.requests("/nav"));
    let mut command = world.bili(&["sessions", "--json"]);
    command.env("BILI_UID", "10001");
    assert_eq!(run(command).code, Some(0));
    let mut command = world.bili(&["whoami"]);
    command.env("BILI_UID", "me");
    is_wrong_usage(&run(command));
}

#[test]
fn credentials() {
    let world = World::new();
    let mut command = bare(&["whoami"]);
    command.env("BILI_ORIGIN", world.server.origin());
    is_wrong_usage(&run(command));
    let mut command = bare(&["whoami"]);
    command.env("BILI_JCT", BILI_JCT);
    is_wrong_usage(&run(command));
    let mut command = world.bili(&["whoami"]);
    command.env("BILI_SESSDATA", "a b\nc");
    is_wrong_usage(&run(command));
    assert_eq!(world.state()["requests"], json!({}));
}

/// Taken for unset, the login would go to the service itself, or the demo would answer.
#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_2() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let broken = OsStr::from_bytes(b"http://127.0.0.1:1\xff");
    let world = World::new();
    for name in [
        "BILI_ORIGIN",
        "BILI_SESSDATA",
        "BILI_JCT",
        "BILI_BUVID3",
        "BILI_BUVID4",
        "BILI_UID",
    ] {
        for args in [&["whoami"][..], &["send", "20001", "hi"], &["watch"]] {
            // Alone, and among others that are right.
            for mut command in [bare(&with_json(args)), world.bili(&with_json(args))] {
                command.env(name, broken);
                // Nothing gets far, should it be asked for.
                command.env("HTTPS_PROXY", "http://127.0.0.1:1");
                let ran = run(command);
                is_wrong_usage(&ran);
                assert!(ran.stderr.contains(name), "{ran:?}");
            }
        }
    }
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let mut command = bare(&["whoami"]);
        command.env("BILI_SESSDATA", SESSDATA).env(name, broken);
        let ran = run(command);
        is_wrong_usage(&ran);
        assert!(ran.stderr.contains(name), "{ran:?}");
        // What is not asked for need not be right.
        let mut command = world.bili(&["whoami"]);
        command.env(name, broken);
        assert_eq!(run(command).code, Some(0));
    }
    let mut command = world.bili(&["whoami", "--origin", &world.server.origin()]);
    command.env("BILI_ORIGIN", broken);
    assert_eq!(run(command).code, Some(0));
}

#[cfg(unix)]
#[test]
fn cookie_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let file = world.path("cookies");
    let path = file.to_str().unwrap();
    let forms = [
        format!("Cookie: SESSDATA={SESSDATA}; bili_jct={BILI_JCT}; other=1"),
        format!(".bilibili.com\tTRUE\t/\tTRUE\t0\tSESSDATA\t{SESSDATA}\n"),
        json!([{"name": "SESSDATA", "value": SESSDATA, "domain": ".bilibili.com"}]).to_string(),
    ];
    for form in forms {
        write_private(&file, &form);
        let mut command = world.bili(&["whoami", "--cookie-file", path]);
        // The file comes first.
        command.env("BILI_SESSDATA", "wrong").env("BILI_UID", "99");
        assert_eq!(run(command).code, Some(0), "{form}");
    }
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = run(world.bili(&["whoami", "--cookie-file", path]));
        is_wrong_usage(&ran);
        assert!(ran.stderr.contains("chmod 600"), "{ran:?}");
    }
    write_private(&file, &format!("nothing of use, but {SESSDATA}"));
    is_wrong_usage(&run(world.bili(&["whoami", "--cookie-file", path])));
}

#[test]
fn the_service_itself_is_not_asked_every_second() {
    let mut command = bare(&["watch", "--interval", "2.9", "--json"]);
    command.env("BILI_SESSDATA", SESSDATA);
    let ran = run(command);
    is_wrong_usage(&ran);
    assert!(ran.stderr.contains("--origin"), "{ran:?}");
}

/// Whatever it is told, it says back with an error.
#[test]
fn an_echo_shows_no_cookie() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = vec![0; 8192];
            let length = stream.read(&mut heard).unwrap();
            let text = String::from_utf8_lossy(&heard[..length]);
            let cookies = text
                .lines()
                .find(|line| line.to_lowercase().starts_with("cookie"));
            let body = cookies.unwrap_or("none").to_owned();
            let head = "HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length";
            write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    for runtime in RUNTIMES {
        for json in [&[][..], &["--json"]] {
            for args in [&["whoami"][..], &["unread"], &["send", "20001", "x"]] {
                let args = [args, json, &["--runtime", runtime]].concat();
                let mut command = bare(&args);
                command
                    .env("BILI_ORIGIN", &origin)
                    .env("BILI_SESSDATA", SESSDATA)
                    .env("BILI_JCT", BILI_JCT)
                    .env("BILI_BUVID3", BUVID3)
                    .env("BILI_BUVID4", BUVID4);
                // `run` looks for the cookies.
                let ran = run(command);
                assert_eq!(ran.code, Some(1), "{ran:?}");
                assert!(ran.stderr.contains("[redacted]"), "{ran:?}");
            }
        }
        let mut command = bare(&["watch", "--json", "--duration", "2", "--runtime", runtime]);
        command
            .env("BILI_ORIGIN", &origin)
            .env("BILI_SESSDATA", SESSDATA)
            .env("BILI_JCT", BILI_JCT);
        let ran = run(command);
        assert!(ran.stdout.contains("[redacted]"), "{ran:?}");
    }
}
