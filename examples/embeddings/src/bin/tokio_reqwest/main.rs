//! The core on tokio and reqwest.
//!
//! Take it when your program runs on tokio already. Copy `adapter.rs` as it is, and of `main` the loop without what
//! `rehearsal` does: with a credential of your own in the environment that is nothing.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin tokio_reqwest
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

pub mod adapter;

use std::error::Error;
use std::pin::pin;

use adapter::{Client, Http, Session, Update};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::Status;
use bilibili_session_embeddings::Rehearsal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rehearsal = Rehearsal::from_env()?;
    let http = Http::new()?;
    let client = Client::new(rehearsal.context(), http.clone());
    let mut session = Session::new(rehearsal.context(), http, rehearsal.config())?;

    let mut interrupted = pin!(tokio::signal::ctrl_c());
    loop {
        let update = tokio::select! {
            update = session.next() => update?,
            // Dropping the session ends it, whatever it is about.
            _ = &mut interrupted => break,
        };
        match update {
            Some(Update::Event(event)) => {
                println!("{event}");
                if let Some(text) = event.text().filter(|_| event.conversation.is_user()) {
                    let reply = SendMsg::text(event.conversation, &format!("收到：{text}"));
                    client.call(reply).await?;
                }
                if rehearsal.is_over() {
                    session.close();
                }
            }
            Some(Update::Notice(notice)) => println!("({notice})"),
            Some(Update::Status(change)) => {
                println!("({})", change.status);
                if change.status == Status::Connected {
                    rehearsal.begin()?;
                }
            }
            None => break,
        }
    }
    rehearsal.check()
}
