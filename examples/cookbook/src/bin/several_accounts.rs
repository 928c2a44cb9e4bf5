//! Several accounts in one program and on one thread: what comes to any of them is shown, and who writes to one of them is told
//! that nobody reads there.
//!
//! `cargo run -p bilibili-session-cookbook --bin several_accounts FILE FILE …`, a file of cookies each
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "showing is what it is for"
)]

use std::collections::BTreeSet;
use std::error::Error;

use bilibili_session_cookbook::account_of;
use bilibili_session_tokio::{ReqwestTransport, Session};
use futures_util::future::join_all;

fn open(file: &str, transport: ReqwestTransport) -> Result<Session, Box<dyn Error>> {
    let (context, config) = account_of(file)?;
    let session = Session::new(context, transport, config)?;
    let name = file.to_owned();
    session.on_any(move |event, _| {
        println!("[{name}] {event}");
        async {}
    });
    let mut told = BTreeSet::new();
    session.on_text(move |_, event, session| {
        let is_first = event.conversation.is_user() && told.insert(event.talker_id());
        async move {
            if is_first {
                session.reply(&event, "这个号不看私信").await?;
            }
            Ok(())
        }
    });
    let name = file.to_owned();
    session.on_warning(move |warning, _| {
        eprintln!("[{name}] {warning}");
        async {}
    });
    Ok(session)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Accounts share connections, and nothing else.
    let transport = ReqwestTransport::new()?;
    let mut sessions = Vec::new();
    for file in std::env::args().skip(1) {
        let session = open(&file, transport.clone())?;
        // One whose login is dead ends, and the others go on.
        sessions.push(async move {
            if let Err(error) = session.start().await {
                eprintln!("[{file}] {error}");
            }
        });
    }
    join_all(sessions).await;
    Ok(())
}
