//! Two accounts in one process: a session each, on a thread each, and neither sees what is the other's.
//!
//! Take it when one program serves several accounts. Copy `main` without its rehearsal, and `open`. An account is a file
//! with its cookies (a `Cookie:` line, a `cookies.txt`, or a browser extension's export) that nobody else can read.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin two_accounts [FILE FILE …]
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod rehearsal;

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::{env, fs};

use bilibili_session::poller::{ConfigError, PollerConfig};
use bilibili_session::{ClientConfig, Credential};
use bilibili_session_blocking::{Session, UreqTransport};

fn main() -> Result<(), Box<dyn Error>> {
    let transport = UreqTransport::new();
    let mut running = Vec::new();
    for file in env::args_os().skip(1) {
        let context = ClientConfig::new(Credential::parse(&fs::read_to_string(&file)?)?);
        let name = file.to_string_lossy();
        running.push(open(&name, context, &transport, PollerConfig::new())?.run()?);
    }
    if running.is_empty() {
        return rehearsal::run(&transport);
    }
    for session in running {
        session.join()?;
    }
    Ok(())
}

/// A session that answers every private text. What accounts share is the transport, which knows none of them.
fn open(
    name: &str,
    context: ClientConfig,
    transport: &UreqTransport,
    config: PollerConfig,
) -> Result<Session, ConfigError> {
    let session = Session::new(context, transport.clone(), config)?;
    let say = {
        let name = name.to_owned();
        Arc::new(move |what: &dyn Display| println!("[{name}] {what}"))
    };
    let (on_warning, on_status) = (Arc::clone(&say), Arc::clone(&say));
    session.on_warning(move |warning, _| on_warning(warning));
    session.on_status(move |change, _| on_status(&change.status));
    session.on_text(move |text, event, session| {
        say(event);
        if event.conversation.is_user() {
            session.reply(event, &format!("收到：{text}"))?;
        }
        Ok(())
    });
    Ok(session)
}
