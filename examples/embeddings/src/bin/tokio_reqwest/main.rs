//! The core on tokio and reqwest.
//!
//! Take it when your program runs on tokio already. Copy `adapter.rs`, `transport.rs` and `push.rs` as they are, and the loop of
//! `main` without what `rehearsal` does in it: with a login of your own in the environment that is nothing anyway.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin tokio_reqwest
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

pub mod adapter;
pub mod push;
pub mod transport;

use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;

use adapter::{Session, Update};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Poller, Status};
use bilibili_session::push::PushMachine;
use bilibili_session_embeddings::Rehearsal;
use tokio::task::JoinSet;
use transport::Http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rehearsal = Rehearsal::from_env()?;
    let http = Http::new()?;
    // A push tells of what happens: fewer rounds do for the rest.
    let poller = Poller::new(rehearsal.context(), rehearsal.config().push(true))?;
    let mut session = Session::new(poller, http);
    let client = session.client();
    let tls = push::tls()?;
    // Dropped at the end, and the channel with it.
    let mut listening = JoinSet::new();

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
                    if let Err(error) = client.call(reply).await {
                        println!("(no reply: {error})");
                    }
                }
                if rehearsal.is_over() {
                    session.close();
                }
            }
            Some(Update::Feed(event)) => println!("{event}"),
            Some(Update::Warning(warning)) => println!("({warning})"),
            Some(Update::Status(change)) => {
                println!("({})", change.status);
                if change.status == Status::Connected {
                    let seed = RandomState::new().hash_one(0);
                    let machine = PushMachine::new(rehearsal.context(), seed);
                    listening.spawn(push::listen(machine, client.clone(), Arc::clone(&tls)));
                    rehearsal.begin()?;
                }
            }
            None => break,
        }
    }
    rehearsal.check()
}
