//! Serves a simulator that plays the demo script: `cargo run -p bilibili-session-simulator --example serve [PORT]`.

use std::error::Error;
use std::io::Write as _;

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Script, Simulator};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let simulator = Simulator::new(Config {
        script: Some(Script::demo()),
        ..Config::default()
    });
    let login = simulator.login();
    let server = Server::start(simulator, port)?;
    let line = serde_json::json!({
        "event": "listening", "origin": server.origin(), "sessdata": login.sessdata, "bili_jct": login.bili_jct, "uid": login.uid,
    });
    writeln!(std::io::stdout(), "{line}")?;
    server.wait();
    Ok(())
}
