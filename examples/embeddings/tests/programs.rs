//! Each program runs, says what came in, and ends with what it should.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use bilibili_session_embeddings::now_us;
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Login, NewMessage, Simulator};

/// Those that read a credential from the environment.
const BOTS: [&str; 3] = [
    env!("CARGO_BIN_EXE_tokio_reqwest"),
    env!("CARGO_BIN_EXE_smol"),
    env!("CARGO_BIN_EXE_plain_loop"),
];

/// Far more than any machine is late.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program with no credential in its environment.
fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for name in ["SESSDATA", "JCT", "BUVID3", "BUVID4", "UID", "ORIGIN"] {
        command.env_remove(format!("BILI_{name}"));
    }
    command.stdin(Stdio::null());
    command
}

/// Returns what the program wrote to stdout, once it has ended with 0.
fn succeeds(path: &str) -> String {
    let output = program(path).output().unwrap();
    assert!(output.status.success(), "{path}: {output:?}");
    shows_no_secret(&output);
    String::from_utf8(output.stdout).unwrap()
}

fn shows_no_secret(output: &Output) {
    let said = [&*output.stdout, &*output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for login in [Login::default(), Login::made_up(10002)] {
        for secret in [login.sessdata, login.bili_jct] {
            assert!(!said.contains(&secret), "{said}");
        }
    }
}

/// Each of these is a line of the text, once.
fn once_each(said: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(
            said.lines().filter(|it| it == line).count(),
            1,
            "{line}: {said}"
        );
    }
}

#[test]
fn bots_show_what_came_in_and_end() {
    for bot in BOTS {
        let said = succeeds(bot);
        once_each(
            &said,
            &[
                "(connected)",
                "user 20001: 你好",
                "user 20002: hello",
                "user 20001: 再见",
            ],
        );
    }
}

#[test]
fn an_hour_in_memory_is_always_the_same() {
    let path = env!("CARGO_BIN_EXE_in_memory");
    let said = succeeds(path);
    assert!(said.contains("user 20001: 你好"), "{said}");
    assert_eq!(said, succeeds(path));
}

#[test]
fn two_accounts_see_what_is_theirs() {
    let said = succeeds(env!("CARGO_BIN_EXE_two_accounts"));
    once_each(
        &said,
        &[
            "[10001] user 20001: 你好",
            "[10001] user 20003: for the first",
            "[10002] user 20002: hello",
            "[10002] user 20003: for the second",
        ],
    );
    assert_eq!(said.matches("user 20003").count(), 2, "{said}");
}

/// With a credential a bot talks to whom it is told to, for as long as it is let.
#[test]
fn bots_take_their_credential_from_the_environment() {
    thread::scope(|scope| {
        for bot in BOTS {
            scope.spawn(move || answers_elsewhere(bot));
        }
    });
}

fn answers_elsewhere(bot: &str) {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let login = server.simulator().login();
    let mut child = program(bot)
        .env("BILI_ORIGIN", server.origin())
        .env("BILI_SESSDATA", login.sessdata)
        .env("BILI_JCT", login.bili_jct)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let is_answered = || {
        let simulator = server.simulator();
        simulator.sent().any(|message| message.receiver_id == 20009)
    };
    // What is written before it is connected is not for it, so somebody keeps writing.
    while !is_answered() && start.elapsed() < PATIENCE {
        let message = NewMessage::text(20009, "ping");
        server.simulator().receive(now_us(), message).unwrap();
        thread::sleep(Duration::from_millis(500));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_answered(), "{bot}");
}

#[test]
fn an_origin_without_a_credential_is_an_error() {
    for bot in BOTS {
        let output = program(bot)
            .env("BILI_ORIGIN", "http://127.0.0.1:1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("SESSDATA is missing"), "{said}");
    }
}

#[test]
fn a_file_that_holds_no_credential_is_an_error() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-credential.txt");
    fs::write(path, "nothing of the kind").unwrap();
    let output = program(env!("CARGO_BIN_EXE_two_accounts"))
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
