//! Logins: what the service gives out, and what is stored.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use bilibili_session_simulator::Fault;
use serde_json::{Value, json};

use super::calls::faults;
use super::support::*;

/// Every secret that stands in the stored logins, as it is there and decoded.
fn stored(home: &Path) -> Vec<String> {
    let mut secrets = Vec::new();
    for entry in std::fs::read_dir(home).into_iter().flatten() {
        let path = entry.unwrap().path();
        let Ok(text) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else {
            continue;
        };
        for (name, value) in text["login"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_str().filter(|_| name != "sid") {
                secrets.push(value[..8].to_owned());
            }
        }
    }
    secrets
}

#[track_caller]
fn shows_nothing(secrets: &[String], text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{secret}: {text}");
    }
}

fn bili(world: &World, args: &[&str]) -> std::process::Command {
    let mut command = bare(args);
    command
        .env("BILI_HOME", world.path("home"))
        .env("BILI_ORIGIN", world.server.origin())
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    command
}

/// Logs in, and returns all that was printed.
fn log_in(world: &World, json: &[&str], runtime: &str) -> String {
    let args = [&["login", "--account", "me", "--runtime", runtime], json].concat();
    let mut command = bili(world, &args);
    let codes = world.requests("qrcode/generate");
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    super::wait_for(|| world.requests("qrcode/generate") > codes);
    let now = now_us();
    let mut simulator = world.server.simulator();
    simulator.scan_qr_code(now, None, 10001, true).unwrap();
    drop(simulator);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_login_is_shown_nowhere() {
    for (runtime, json) in RUNTIMES.into_iter().zip([&["--json"][..], &[]]) {
        let world = World::new();
        let home = world.path("home");
        let mut printed = log_in(&world, json, runtime);
        let mut secrets = stored(&home);
        assert!(secrets.len() >= 4, "{secrets:?}");
        let mut command = |args: &[&str]| {
            let args = [args, json, &["--runtime", runtime]].concat();
            let ran = run(bili(&world, &args));
            printed += &ran.stdout;
            printed += &ran.stderr;
            secrets.extend(stored(&home));
        };
        command(&["whoami"]);
        command(&["accounts"]);
        command(&["refresh", "--force"]);
        command(&["watch", "--interval", "0.2", "--duration", "1"]);
        for path in [
            "cookie/info",
            "/correspond/",
            "cookie/refresh",
            "confirm/refresh",
            "exit/v2",
        ] {
            for fault in faults() {
                // One that is owed goes before what fails.
                world
                    .server
                    .simulator()
                    .push_fault(Fault::once(path, fault));
                match path {
                    "exit/v2" => command(&["logout"]),
                    _ => command(&["refresh", "--force"]),
                }
                world.server.simulator().clear_faults();
                if !home.join("login-me.json").exists() {
                    break;
                }
            }
        }
        command(&["logout"]);
        shows_nothing(&secrets, &printed);
    }
}

/// Echoes of the service in the place of an answer, with the login in them.
#[test]
fn an_echo_of_a_login_is_hidden() {
    let world = World::new();
    log_in(&world, &["--json"], "blocking");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut heard = vec![0; 65536];
            let length = stream.read(&mut heard).unwrap();
            let text =
                String::from_utf8_lossy(&heard[..length]).replace(['"', '\\', '\r', '\n'], " ");
            let (status, body) = match n % 4 {
                0 => (200, text),
                1 => (502, text),
                2 => (200, json!({"code": -400, "message": text}).to_string()),
                _ => (
                    200,
                    json!({"code": 0, "data": {"refresh": text, "timestamp": text}}).to_string(),
                ),
            };
            let head = format!("HTTP/1.1 {status} Oh\r\nconnection: close\r\ncontent-length");
            write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    // The same login, as if it had come from there.
    let file = world.path("home").join("login-me.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(&world.server.origin(), &origin);
    write_private(&file, &text);
    let secrets = stored(&world.path("home"));
    for args in [&["refresh", "--force"][..], &["logout"], &["whoami"]] {
        for json in [&["--json"][..], &[]] {
            for _ in 0..4 {
                let mut command = bili(&world, &[args, json].concat());
                command.env("BILI_ORIGIN", &origin);
                let ran = run(command);
                assert_ne!(ran.code, None);
                shows_nothing(&secrets, &format!("{}{}", ran.stdout, ran.stderr));
                if !file.exists() {
                    write_private(&file, &text);
                }
            }
        }
    }
}
