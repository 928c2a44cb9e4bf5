//! A session on smol, with isahc, an HTTP client made of smol's own parts.
//!
//! Take it when your program runs on smol, or on any other async runtime. Copy `runtime.rs` and `transport.rs` as they
//! are, and the loop of `main` without what `rehearsal` does in it: with a login of your own in the environment that is
//! nothing anyway.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin smol
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

pub mod runtime;
pub mod transport;

use std::error::Error;

use bilibili_session::poller::Status;
use bilibili_session::session::Update;
use bilibili_session_embeddings::Rehearsal;
use futures_util::StreamExt;
use runtime::Session;
use transport::Http;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let rehearsal = Rehearsal::from_env()?;
        let session = Session::new(rehearsal.context(), Http::new()?, rehearsal.config())?;

        let mut updates = session.updates();
        while let Some(update) = updates.next().await {
            match update {
                Update::Event(event) => {
                    println!("{event}");
                    if let Some(text) = event.text().filter(|_| event.conversation.is_user())
                        && let Err(error) = session.reply(&event, &format!("收到：{text}")).await
                    {
                        println!("(no reply: {error})");
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
        session.result().unwrap_or(Ok(()))?;
        rehearsal.check()
    })
}
