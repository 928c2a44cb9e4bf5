//! `bili doctor` from outside: what it says, asks, keeps, and leaves alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use bilibili_session_simulator::{FaultKind, NewMessage, Quirks};
use serde_json::{Value, json};
use support::{RUNTIMES, Ran, Watch, World, bare, now_us, run};

/// Twelve users, not all of them followed, and a group; 20001 wrote ten times.
///
/// All came a hundredth of a second apart: how far the entries of a list lie from each other, and with it what a report
/// counts, is not up to how fast this machine is.
fn world(quirks: &Value) -> World {
    let world = World::new();
    let mut at = (now_us() / 1_000_000 - 10) * 1_000_000;
    let mut receive = |message| {
        at += 10_000;
        world.server.simulator().receive(at, message).unwrap();
    };
    for n in (1..=12).rev() {
        receive(NewMessage::text(20_000 + n, "秘密的话"));
        world.server.simulator().peer_mut(20_000 + n).is_follow = n % 3 != 0;
    }
    receive(NewMessage::text(20_001, "大家好").in_group(221_300));
    for n in 1..=9 {
        receive(NewMessage::text(20_001, &n.to_string()));
    }
    *world.server.simulator().quirks_mut() = Quirks::from_json(quirks).unwrap();
    world
}

fn doctor(world: &World, args: &[&str]) -> Command {
    let mut command = world.bili(&[&["doctor"], args].concat());
    command.env("BILI_HOME", world.path("home"));
    command
}

fn value(ran: &Ran, name: &str) -> Value {
    let lines = ran.lines();
    let line = lines.iter().find(|line| line["name"] == name);
    line.unwrap_or_else(|| panic!("{name}: {ran:?}"))["value"].clone()
}

fn kept(world: &World) -> Value {
    let text = std::fs::read_to_string(world.path("home").join("habits.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All requests that came, by the service's own count.
fn requests(world: &World) -> u64 {
    world.requests("")
}

#[test]
fn findings_come_one_a_line_and_nothing_is_changed() {
    let quirks = json!({
        "all_types_ignore_end_ts": true, "list_signature": "code403", "oldest_of_gap": true,
        "date": {"skewed": 7200}, "has_more_disregards_begin": true, "conversation_page_cap": 5,
    });
    let mut reports = Vec::new();
    for runtime in RUNTIMES {
        let world = world(&quirks);
        let before = world.state()["conversations"].clone();
        let ran = run(doctor(&world, &["--json", "--runtime", runtime]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for line in ran.lines() {
            let fields: Vec<&String> = line.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["event", "evidence", "expected", "name", "value"]);
            assert_eq!(line["event"], "finding");
            assert!(!line["evidence"].as_str().unwrap().is_empty(), "{line}");
        }
        for (name, expected) in [
            ("all_types_ignore_end_ts", json!(true)),
            ("single_type_1_ignores_end_ts", json!(false)),
            ("single_type_2_ignores_end_ts", json!(false)),
            ("single_type_5_ignores_end_ts", json!("unknown")),
            ("lists_want_signature", json!(true)),
            ("unsigned_list_code", json!(-403)),
            ("gap_brings", json!("oldest")),
            ("message_has_more_disregards_begin", json!(true)),
            ("list_page_largest", json!(5)),
            ("date_off_s", json!(7200)),
            ("list_max_seqno_is_newest", json!(true)),
        ] {
            assert_eq!(value(&ran, name), expected, "{name}");
        }
        // It says beforehand what it will do, and how much is left while it does.
        let words: Vec<&str> = ran.stderr.lines().collect();
        assert!(words[0].contains("at most 30 times"), "{ran:?}");
        assert!(words[1].contains("at most 29 left"), "{ran:?}");
        let made = requests(&world);
        let said = format!("{made} requests were made");
        assert!(ran.stderr.contains(&said) && made <= 30, "{ran:?}");
        println!("{runtime}: {made} requests");
        // No word of anybody, no number of anything.
        let all = format!("{}{}", ran.stdout, ran.stderr);
        let ids = (20_001..=20_012).chain([10_001, 221_300]);
        let named = ids.map(|id| id.to_string()).find(|id| all.contains(id));
        assert!(
            named.is_none() && !all.contains("秘密"),
            "{named:?} {ran:?}"
        );
        assert_eq!(world.state()["conversations"], before);

        let origin = world.server.origin();
        let habits = json!({"all_types_ignore_end_ts": true, "lists_signed": true});
        let expected = json!([{"uid": 10001, "origin": origin, "habits": habits}]);
        assert_eq!(kept(&world), expected);
        is_private(&world.path("home"));
        // Whether a second of the date ended meanwhile is up to chance.
        let lines = ran.stdout.lines().map(str::to_owned);
        let report: Vec<String> = lines
            .filter(|it| !it.contains("date_stands_still"))
            .collect();
        assert_eq!(report.len() + 1, ran.stdout.lines().count());
        reports.push(report);
    }
    assert_eq!(reports[0], reports[1]);
}

#[cfg(unix)]
fn is_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let modes = (mode(folder), mode(&folder.join("habits.json")));
    assert_eq!(modes, (0o700, 0o600));
}

#[cfg(not(unix))]
fn is_private(_: &Path) {}

/// `bili doctor` and `bili simulate`, two processes that know nothing of each other.
#[test]
fn it_examines_the_simulator_of_another_process() {
    let world = World::new();
    let mut server = Watch::start(bare(&["simulate"]));
    let listening = server.next().unwrap();
    let origin = listening["origin"].as_str().unwrap();
    let control = |action: &str, body: &Value| {
        let address = origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = body.to_string();
        let length = body.len();
        write!(stream, "POST /_simulator/{action} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    for n in 1..=8 {
        let message = json!({"from": 20_000 + n, "content": {"content": "你好"}, "count": n});
        control("message", &message);
    }
    for (quirks, name, expected) in [
        (json!({}), "new_sessions_takes_end_ts", json!(false)),
        (
            json!({"new_sessions_takes_end_ts": true}),
            "new_sessions_takes_end_ts",
            json!(true),
        ),
        (
            json!({"message_page_cap": 5}),
            "message_page_largest",
            json!(5),
        ),
        (json!({"date": "absent"}), "date_comes", json!(false)),
    ] {
        control("quirks", &quirks);
        let mut doctor = bare(&["doctor", "--json", "--origin", origin]);
        doctor
            .env("BILI_HOME", world.path("home"))
            .env("BILI_SESSDATA", listening["sessdata"].as_str().unwrap());
        let ran = run(doctor);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(value(&ran, name), expected, "{quirks}");
    }
    server.kill();
}

#[test]
fn people_read_a_table() {
    let world = world(&json!({"oldest_of_gap": true}));
    let ran = run(doctor(&world, &[]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = |name: &str| {
        let mut lines = ran.stdout.lines();
        let line = lines.find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(
        line("gap_brings").starts_with("gap_brings oldest (expected: newest) asked"),
        "{ran:?}"
    );
    assert!(line("date_comes").starts_with("date_comes true"), "{ran:?}");
}

#[test]
fn the_risk_control_ends_it_with_4_and_no_further_request() {
    let world = world(&json!({"list_signature": "code352"}));
    let ran = run(doctor(&world, &["--json"]));
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_eq!(requests(&world), 2, "nav, and one list");
    assert_eq!(value(&ran, "unsigned_list_code"), -352);
    assert_eq!(value(&ran, "lists_want_signature"), "unknown");
    let last = ran.lines().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["kind"]),
        (&json!("error"), &json!("risk_control"))
    );
    assert!(!world.path("home").join("habits.json").exists());
}

#[test]
fn a_login_that_is_dead_or_anothers_is_not_examined() {
    let world = world(&json!({}));
    world.server.simulator().log_out(10001).unwrap();
    let ran = run(doctor(&world, &["--json"]));
    assert_eq!((ran.code, requests(&world)), (Some(3), 1), "{ran:?}");
    world.server.simulator().log_in(10001).unwrap();
    let mut other = doctor(&world, &["--json"]);
    other.env("BILI_UID", "10002");
    let ran = run(other);
    assert_eq!((ran.code, requests(&world)), (Some(2), 2), "{ran:?}");
    assert!(ran.stdout.is_empty(), "{ran:?}");
}

#[test]
fn the_embedded_simulator_is_examined_and_nothing_is_kept() {
    let world = World::new();
    let mut command = bare(&["doctor", "--json"]);
    command.env("BILI_HOME", world.path("home"));
    let ran = run(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(value(&ran, "lists_want_signature"), false);
    assert!(!world.path("home").exists());
}

/// The service begins to punish lists that are not signed: one that was examined signs them.
#[test]
fn a_watch_uses_what_was_found_out() {
    let world = world(&json!({"list_signature": "code403"}));
    let checkpoint = world.path("checkpoint");
    let watch = |home: &str, uid: &str| {
        let file = checkpoint.to_str().unwrap();
        let args = ["watch", "--json", "--interval", "0.2", "--checkpoint", file];
        let mut command = world.bili(&args);
        command
            .env("BILI_HOME", world.path(home))
            .env("BILI_UID", uid);
        Watch::start(command)
    };
    assert_eq!(run(doctor(&world, &["--json"])).code, Some(0));
    world.server.simulator().quirks_mut().list_signature =
        bilibili_session_simulator::ListSignature::Code352;

    for uid in ["10001", ""] {
        let mut examined = watch("home", uid);
        let first = examined.next().unwrap();
        assert!(support::is_status(&first, 1), "{first}");
        examined.kill();
        std::fs::remove_file(&checkpoint).unwrap();
    }
    let mut examined = watch("home", "");
    examined.until_connected();
    examined.kill();
    // From the checkpoint it is known whose login it is.
    let mut again = watch("home", "");
    let first = again.next().unwrap();
    assert!(support::is_status(&first, 1), "{first}");
    again.kill();

    std::fs::remove_file(&checkpoint).unwrap();
    let mut not_examined = watch("elsewhere", "10001");
    let first = not_examined.next().unwrap();
    assert_eq!(first["kind"], "risk_control", "{first}");
    not_examined.kill();

    // One that cannot be read is said to be so, and disregarded.
    std::fs::write(world.path("home").join("habits.json"), "{").unwrap();
    let mut damaged = watch("home", "10001");
    let first = damaged.next().unwrap();
    assert_eq!(first["kind"], "risk_control", "{first}");
    damaged.kill();
    world.server.simulator().quirks_mut().list_signature =
        bilibili_session_simulator::ListSignature::Code403;
    assert_eq!(run(doctor(&world, &["--json"])).code, Some(0));
    assert_eq!(kept(&world).as_array().unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_of_after_the_report() {
    let world = world(&json!({}));
    support::write(&world.path("home"), "a file in the way");
    let ran = run(doctor(&world, &["--json"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(value(&ran, "gap_brings"), "newest");
    assert!(ran.stderr.contains("habits.json"), "{ran:?}");
}

#[test]
fn a_fault_on_the_way_leaves_what_was_found_out_before() {
    let world = world(&json!({}));
    world.fault("fetch_session_msgs", FaultKind::Code(-412), 1);
    let ran = run(doctor(&world, &["--json"]));
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_eq!(value(&ran, "all_types_ignore_end_ts"), false);
    assert_eq!(value(&ran, "gap_brings"), "unknown");
    let habits = json!({"all_types_ignore_end_ts": false, "lists_signed": false});
    assert_eq!(kept(&world)[0]["habits"], habits);
}
