//! A session in the loop of a program on tokio, with the push channel.
//!
//! Take it when your program runs on tokio and waits for more than messages; where it does not, handlers are shorter
//! (`Session::on_text`). Without what `rehearsal` does in it, it is a program: with a login of your own in the environment
//! that is nothing anyway.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin tokio_reqwest
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::pin::pin;

use bilibili_session::TransportConfig;
use bilibili_session::poller::Status;
use bilibili_session_embeddings::Rehearsal;
use bilibili_session_tokio::{ReqwestTransport, Session, Update};
use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rehearsal = Rehearsal::from_env()?;
    // A push tells of what happens: fewer rounds do for the rest.
    let config = rehearsal.config().push(true);
    let session = Session::new(rehearsal.context(), ReqwestTransport::new()?, config)?
        .with_push(&TransportConfig::new())?;

    let mut updates = session.updates();
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    loop {
        let update = tokio::select! {
            update = updates.next() => update,
            _ = &mut interrupted => break,
        };
        match update {
            Some(Update::Event(event)) => {
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
            Some(Update::Feed(event)) => println!("{event}"),
            Some(Update::Warning(warning)) => println!("({warning})"),
            Some(Update::Status(change)) => {
                println!("({})", change.status);
                if change.status == Status::Connected {
                    rehearsal.begin()?;
                }
            }
            None => break,
        }
    }
    session.result().unwrap_or(Ok(()))?;
    rehearsal.check()
}
