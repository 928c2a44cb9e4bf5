//! The core on smol, with isahc, an HTTP client made of smol's own parts.
//!
//! Take it when your program runs on smol, or on any other executor that is not tokio. Copy `adapter.rs` and
//! `transport.rs` as they are, and the loop of `main` without what `rehearsal` does in it: with a login of your own in
//! the environment that is nothing anyway.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin smol
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

pub mod adapter;
pub mod transport;

use std::error::Error;

use adapter::Session;
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Poller, Status};
use bilibili_session::send::ConfirmedSend;
use bilibili_session::session::Update;
use bilibili_session_embeddings::Rehearsal;
use transport::Http;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let rehearsal = Rehearsal::from_env()?;
        let http = Http::new()?;
        let poller = Poller::new(rehearsal.context(), rehearsal.config())?;

        // Dropping it ends it, with all that is in flight.
        let mut session = Session::new(poller, http);
        while let Some(update) = session.next().await? {
            match update {
                Update::Event(event) => {
                    println!("{event}");
                    if let Some(text) = event.text().filter(|_| event.conversation.is_user()) {
                        let answer = SendMsg::text(event.conversation, &format!("收到：{text}"));
                        let reply = ConfirmedSend::reply(&event, answer);
                        if let Err(error) = session.call(reply).await {
                            println!("(no reply: {error})");
                        }
                    }
                    if rehearsal.is_over() {
                        session.close();
                    }
                }
                Update::Feed(event) => println!("{event}"),
                Update::Warning(warning) => println!("({warning})"),
                Update::Status(change) => {
                    println!("({})", change.status);
                    if change.status == Status::Connected {
                        rehearsal.begin()?;
                    }
                }
            }
        }
        rehearsal.check()
    })
}
