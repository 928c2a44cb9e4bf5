//! `simulate`

use std::io::{Write as _, stdout};
use std::path::Path;

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Script, Simulator};
use serde::Serialize;

use crate::args::SimulateArgs;
use crate::failure::Failure;
use crate::texts::{Other, Said, text};

#[derive(Serialize)]
struct Listening {
    event: &'static str,
    origin: String,
    sessdata: String,
    bili_jct: String,
    uid: i64,
}

pub(crate) fn run(args: &SimulateArgs) -> Result<(), Failure> {
    // Ctrl-C, SIGTERM and SIGHUP: it is asked to end, so it has done what it was to do.
    ctrlc::set_handler(|| std::process::exit(0))
        .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    let simulator = Simulator::new(Config {
        script: args.script.as_deref().map(script).transpose()?,
        ..Config::default()
    });
    let login = simulator.login();
    let server = Server::start(simulator, args.port).map_err(|error| {
        Failure::Usage(text!("port-unservable", port = args.port, error = error))
    })?;
    let line = serde_json::to_string(&Listening {
        event: "listening",
        origin: server.origin(),
        sessdata: login.sessdata,
        bili_jct: login.bili_jct,
        uid: login.uid,
    })
    .map_err(|error| Failure::Output(error.into()))?;
    let mut stdout = stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    server.wait();
    Ok(())
}

fn script(path: &Path) -> Result<Script, Failure> {
    let refuse =
        |why: &dyn Said| Failure::Usage(text!("about-file", path = path.display(), why = why));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    Script::parse(&text).map_err(|error| refuse(&Other(error)))
}
