//! An hour of every kind of message, on both runtimes: the same lines.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use std::time::Instant;

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Login, Script, Simulator};
use serde_json::{Value, json};
use support::{BILI_JCT, RUNTIMES, SESSDATA, Watch, bare, is_status};

const START_S: i64 = 1_700_000_000;
/// The server's clock runs so much faster than the machine's.
const SPEED: i64 = 300;
/// Every ten seconds of the hour something happens.
const STEPS: i64 = 360;

/// Texts, pictures, cards and nonsense of five users and a group; withdrawals; fresh keys.
fn hour() -> Script {
    let step = |n: i64| -> Value {
        let from = 20001 + n % 5;
        let (msg_type, content) = match n % 12 {
            1 => (
                2,
                json!({"url": "https://i0.hdslb.com/bfs/im/made_up.png", "width": n}),
            ),
            2 => (
                7,
                json!({"id": 170_001, "source": 5, "title": format!("video {n}")}),
            ),
            3 => (10, json!({"title": "notice", "text": n.to_string()})),
            4 => (1, json!("not json{")),
            5 => (999, json!({"made": "up"})),
            6 => (18, json!({"content": "[{\"text\":\"tip\"}]"})),
            _ => (1, json!({"content": format!("text {n} 你好")})),
        };
        let mut step = json!({
            "after_ms": n * 10_000, "timestamp": START_S + n, "name": n.to_string(),
            "from": from, "msg_type": msg_type, "content": content,
        });
        match n % 12 {
            7 => step["group"] = json!(221_300),
            // What was said eight steps ago.
            8 if n > 8 => step = json!({"after_ms": n * 10_000, "withdraw": (n - 8).to_string()}),
            // Seldom enough that no call meets two changes, also where the machine is slow.
            11 if n % 36 == 35 => step = json!({"after_ms": n * 10_000, "rotate_keys": true}),
            _ => {}
        }
        step
    };
    let steps: Vec<Value> = (1..=STEPS).map(step).collect();
    Script::parse(&Value::from(steps).to_string()).unwrap()
}

/// The lines of a whole hour: the statuses, and the messages of each conversation in order.
fn lines(runtime: &str) -> (Vec<Value>, BTreeMap<String, Vec<Value>>) {
    let simulator = Simulator::new(Config {
        login: Login {
            sessdata: SESSDATA.to_owned(),
            bili_jct: BILI_JCT.to_owned(),
            ..Login::default()
        },
        script: Some(hour()),
        ..Config::default()
    });
    let started = Instant::now();
    let clock = move || {
        let elapsed = i64::try_from(started.elapsed().as_micros()).unwrap();
        START_S * 1_000_000 + elapsed * SPEED
    };
    let server = Server::start_with_clock(simulator, 0, clock).unwrap();
    let messages = (1..=STEPS).filter(|n| n % 36 != 35).count().to_string();
    let args = ["--runtime", runtime, "watch", "--json", "--interval", "0.1"];
    let mut command = bare(&[&args[..], &["--max-events", &messages]].concat());
    command
        .env("BILI_ORIGIN", server.origin())
        .env("BILI_SESSDATA", SESSDATA)
        .env("BILI_JCT", BILI_JCT);
    let ended = Watch::start(command).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut statuses = Vec::new();
    let mut conversations: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut line in ended.lines {
        if line["event"] == "message" {
            if line["type"] == "withdraw" {
                // The only time that the script does not set.
                line["timestamp"] = json!(0);
            }
            let of = line["conversation"].to_string();
            conversations.entry(of).or_default().push(line);
        } else {
            statuses.push(line);
        }
    }
    (statuses, conversations)
}

#[test]
fn both_runtimes_give_the_same_lines() {
    let [one, other] = RUNTIMES.map(|runtime| std::thread::spawn(move || lines(runtime)));
    let (one, other) = (one.join().unwrap(), other.join().unwrap());
    assert_eq!(one.0.len(), 3, "statuses only: {:?}", one.0);
    assert!(is_status(&one.0[0], 1) && is_status(&one.0[2], 3));
    assert_eq!(one.1.len(), 6, "five users and a group");
    assert_eq!(one.1.values().map(Vec::len).sum::<usize>(), 350);
    assert_eq!(one, other);
}
