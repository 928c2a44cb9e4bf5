//! Stored logins, from outside: the whole command against a simulator.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod renewals;
#[path = "../support/mod.rs"]
mod support;
mod watches;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use bilibili_session_simulator::{FaultKind, Login, LoginCookies};
use serde_json::{Value, json};
use support::*;

/// The command with a folder for logins, and without a credential.
fn bili(world: &World, args: &[&str]) -> Command {
    let mut command = bare(args);
    command
        .env("BILI_HOME", world.path("home"))
        .env("BILI_ORIGIN", world.server.origin());
    command
}

#[track_caller]
fn json(world: &World, args: &[&str]) -> Ran {
    let ran = run(bili(world, &with_json(args)));
    shows_no_login(world, &format!("{}{}", ran.stdout, ran.stderr));
    ran
}

/// No cookie of a login that the simulator gave out.
#[track_caller]
fn shows_no_login(world: &World, text: &str) {
    for (sessdata, bili_jct) in world.server.simulator().good_logins(10001) {
        for secret in [&sessdata[..8], &bili_jct[..8]] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Logs in, with the phone of this account.
#[track_caller]
fn log_in_as(world: &World, name: &str, uid: i64, runtime: &str) -> Vec<Value> {
    let args = ["login", "--json", "--account", name, "--runtime", runtime];
    let mut login = Watch::start(bili(world, &args));
    login.until("a code", |line| line["event"] == "qr");
    let now = now_us();
    let scanned = world.server.simulator().scan_qr_code(now, None, uid, true);
    scanned.unwrap();
    let ended = login.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.lines
}

#[track_caller]
fn log_in(world: &World, name: &str) -> Vec<Value> {
    log_in_as(world, name, 10001, "blocking")
}

fn file(world: &World, name: &str) -> PathBuf {
    world.path("home").join(format!("login-{name}.json"))
}

fn stored(world: &World, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(world, name)).unwrap()).unwrap()
}

fn sessdata(world: &World, name: &str) -> String {
    let stored = stored(world, name);
    stored["login"]["SESSDATA"].as_str().unwrap().to_owned()
}

#[test]
fn from_the_code_to_the_calls_on_both_runtimes() {
    for runtime in RUNTIMES {
        let world = World::new();
        let lines = log_in_as(&world, "me", 10001, runtime);
        assert_eq!(lines[0]["expires_s"], 180);
        assert!(lines[0]["url"].as_str().unwrap().starts_with("https://"));
        assert_eq!(
            lines[1..],
            [
                json!({"event": "login", "state": "scanned"}),
                json!({"event": "login", "state": "done", "account": "me", "uid": 10001, "name": "模拟用户"}),
            ]
        );
        for args in [&["whoami"][..], &["whoami", "--account", "me"]] {
            let args = [args, &["--runtime", runtime]].concat();
            assert_eq!(json(&world, &args).line()["uid"], 10001);
        }
        assert_eq!(json(&world, &["send", "20001", "hi"]).code, Some(0));
        let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(world.path("home")), 0o700);
        for file in std::fs::read_dir(world.path("home")).unwrap() {
            assert_eq!(mode(file.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn the_phone_that_scans_first_and_confirms_later_and_the_code_for_people() {
    let world = World::new();
    let mut login = Watch::start(bili(&world, &["login", "--json"]));
    login.until("a code", |line| line["event"] == "qr");
    let scan = |confirms| {
        let now = now_us();
        let mut simulator = world.server.simulator();
        simulator.scan_qr_code(now, None, 10001, confirms).unwrap();
    };
    scan(false);
    login.until("scanned", |line| line["state"] == "scanned");
    scan(true);
    let done = login.until("done", |line| line["state"] == "done");
    assert_eq!(done["account"], "10001", "named after the uid");
    assert_eq!(login.end().code, Some(0));
}

#[test]
fn an_expired_code_is_replaced_twice_and_one_failed_question_is_asked_again() {
    let world = World::new();
    world.fault("qrcode/poll", FaultKind::Code(-500), 1);
    let mut login = Watch::start(bili(&world, &["login", "--json"]));
    for _ in 0..3 {
        login.until("a code", |line| line["event"] == "qr");
        world.server.simulator().expire_qr_code(None).unwrap();
    }
    let ended = login.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.lines.last().unwrap();
    assert_eq!(last["event"], "error");
    assert_eq!(last["kind"], "login");
    assert_eq!(world.requests("qrcode/generate"), 3);
    assert!(json(&world, &["accounts"]).lines().is_empty());
}

#[test]
fn cookies_where_they_may_be() {
    for place in [LoginCookies::InQuery, LoginCookies::Nowhere] {
        let world = World::new();
        world.server.simulator().quirks_mut().login_cookies = place;
        let mut login = Watch::start(bili(&world, &["login", "--json"]));
        login.until("a code", |line| line["event"] == "qr");
        let now = now_us();
        world
            .server
            .simulator()
            .scan_qr_code(now, None, 10001, true)
            .unwrap();
        let ended = login.end();
        if place == LoginCookies::InQuery {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_eq!(json(&world, &["whoami"]).line()["uid"], 10001);
        } else {
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains("SESSDATA"), "{}", ended.stderr);
            assert!(!world.path("home").join("login-10001.json").exists());
        }
    }
}

#[test]
fn ctrl_c_stores_nothing() {
    let world = World::new();
    let mut login = Watch::start(bili(&world, &["login", "--json"]));
    login.until("a code", |line| line["event"] == "qr");
    login.interrupt();
    let ended = login.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(!file(&world, "10001").exists());
}

#[test]
fn accounts_and_which_one_is_meant() {
    let world = World::new();
    world
        .server
        .simulator()
        .add_account(Login::made_up(10002))
        .unwrap();
    log_in(&world, "one");
    log_in_as(&world, "two", 10002, "blocking");
    let line = |name: &str, uid: i64, default: bool| {
        let stored = stored(&world, name);
        json!({
            "event": "account", "account": name, "uid": uid, "name": stored["name"], "default": default,
            "logged_in_at": stored["logged_in_at"],
        })
    };
    let first = [line("one", 10001, true), line("two", 10002, false)];
    assert_eq!(json(&world, &["accounts"]).lines(), first);
    let whose = |args: &[&str]| json(&world, &[&["whoami"], args].concat()).line()["uid"].clone();
    assert_eq!(whose(&[]), 10001);
    assert_eq!(whose(&["--account", "two"]), 10002);
    let mut by_name = bili(&world, &["whoami", "--json"]);
    by_name.env("BILI_ACCOUNT", "two");
    assert_eq!(run(by_name).line()["uid"], 10002);
    let second = [line("one", 10001, false), line("two", 10002, true)];
    let chosen = json(&world, &["accounts", "--default", "two"]);
    assert_eq!(chosen.lines(), second);
    assert_eq!(whose(&[]), 10002);

    // The environment goes before BILI_ACCOUNT and the default, --account before that.
    let mut both = world.bili(&["whoami", "--json"]);
    both.env("BILI_HOME", world.path("home"))
        .env("BILI_ACCOUNT", "two");
    assert_eq!(run(both).line()["uid"], 10001);
    let mut named = world.bili(&["whoami", "--json", "--account", "two"]);
    named.env("BILI_HOME", world.path("home"));
    assert_eq!(run(named).line()["uid"], 10002);
    let mut other_uid = bili(&world, &["whoami", "--json", "--account", "two"]);
    other_uid.env("BILI_UID", "10001");
    assert_eq!(run(other_uid).code, Some(2));

    for args in [
        &["whoami", "--account", "three"][..],
        &["whoami", "--account", ".two"],
        &["whoami", "--account", "t/wo"],
        &["login", "--account", "../x"],
        &["accounts", "--default", "three"],
        &["accounts", "--account", "three"],
        &["refresh", "--account", "three"],
        &["logout", "--account", "three"],
    ] {
        let before = world.requests("");
        assert_eq!(json(&world, args).code, Some(2), "{args:?}");
        assert_eq!(world.requests(""), before, "{args:?}");
    }
    // Without the default, two are two.
    assert_eq!(json(&world, &["logout"]).line()["account"], "two");
    assert_eq!(whose(&[]), 10001, "one alone is clear");
}

#[test]
fn nowhere_but_where_it_came_from() {
    let world = World::new();
    log_in(&world, "me");
    let other = World::new();
    for args in [
        &["whoami", "--account", "me"][..],
        &["whoami"],
        &["refresh"],
        &["logout"],
        &["watch", "--duration", "1"],
    ] {
        let mut elsewhere = bili(&world, &with_json(args));
        elsewhere.env("BILI_ORIGIN", other.server.origin());
        let ran = run(elsewhere);
        assert_eq!(ran.code, Some(2), "{args:?} {ran:?}");
        assert_eq!(other.requests(""), 0, "{args:?}");
        let mut nowhere = bili(&world, &with_json(args));
        nowhere.env_remove("BILI_ORIGIN");
        let ran = run(nowhere);
        assert_eq!(ran.code, Some(2), "{args:?} {ran:?}");
    }
    let mut demo = bili(&world, &["whoami", "--json", "--demo"]);
    demo.env_remove("BILI_ORIGIN");
    assert_eq!(run(demo).code, Some(0));
}

/// Whoever asks for the demo means no login that is stored.
#[test]
fn the_demo_touches_no_login() {
    let world = World::new();
    log_in(&world, "me");
    let before = (stored(&world, "me"), world.requests(""));
    for args in [
        &["logout"][..],
        &["refresh", "--force"],
        &["login"],
        &["accounts"],
    ] {
        let ran = json(&world, &[args, &["--demo"]].concat());
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{args:?} {ran:?}");
    }
    assert_eq!((stored(&world, "me"), world.requests("")), before);
}

#[test]
fn files_that_others_read_or_that_are_damaged() {
    let world = World::new();
    log_in(&world, "me");
    let file = file(&world, "me");
    for mode in [0o640, 0o604, 0o620, 0o644] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = json(&world, &["whoami"]);
        assert_eq!(ran.code, Some(2), "{mode:o} {ran:?}");
        assert!(ran.stderr.contains("chmod 600"), "{}", ran.stderr);
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(json(&world, &["whoami"]).code, Some(0));
    for text in ["", "{}", "{\"version\":1"] {
        write_private(&file, text);
        assert_eq!(json(&world, &["whoami"]).code, Some(2), "{text}");
    }
    log_in(&world, "me");
    assert_eq!(json(&world, &["whoami"]).code, Some(0));
}
#[test]
fn logout_ends_it_there_and_here() {
    let world = World::new();
    log_in(&world, "me");
    for fault in [
        FaultKind::Http(http::StatusCode::BAD_GATEWAY),
        FaultKind::Reset,
        FaultKind::Code(-500),
    ] {
        world.fault("exit/v2", fault, 1);
        assert_eq!(json(&world, &["logout"]).code, Some(1));
        assert!(file(&world, "me").exists());
    }
    let line = json(&world, &["logout"]).line();
    assert_eq!(line, json!({"event": "logout", "account": "me"}));
    assert!(!file(&world, "me").exists());
    assert_eq!(world.server.simulator().good_logins(10001).len(), 1);
    assert_eq!(json(&world, &["logout"]).code, Some(2));

    log_in(&world, "me");
    world.server.simulator().log_out(10001).unwrap();
    assert_eq!(json(&world, &["whoami"]).code, Some(3));
    assert_eq!(
        json(&world, &["logout"]).code,
        Some(0),
        "it is dead already"
    );
    assert!(!file(&world, "me").exists());
}
