//! The core on smol, and by the same means on any other executor: what blocks goes to a pool of threads.
//!
//! Take it when your program is asynchronous and you want no second HTTP client: the transport is that of the blocking
//! runtime, with its timeout and its limits. Copy `outputs` and `call`; where `smol::unblock` stands, your executor has
//! something of that kind. A request that nobody waits for any more ends on its thread, with its timeout.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin smol
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::pin::pin;

use bilibili_session::Endpoint;
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Outgoing, Output, Poller, Status};
use bilibili_session_blocking::{Client, Transport, UreqTransport, now};
use bilibili_session_embeddings::Rehearsal;
use smol::stream::{self, Stream, StreamExt};
use smol::{Timer, channel, future, unblock};

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let rehearsal = Rehearsal::from_env()?;
        let transport = UreqTransport::new();
        let client = Client::new(rehearsal.context(), transport.clone());
        let poller = Poller::new(rehearsal.context(), rehearsal.config())?;

        // Dropping the stream ends it.
        let mut outputs = pin!(outputs(poller, transport));
        while let Some(output) = outputs.next().await {
            match output {
                Output::Event(event) => {
                    println!("{event}");
                    if let Some(text) = event.text().filter(|_| event.conversation.is_user()) {
                        let reply = SendMsg::text(event.conversation, &format!("收到：{text}"));
                        if let Err(error) = call(&client, reply).await {
                            println!("(no reply: {error})");
                        }
                    }
                    if rehearsal.is_over() {
                        break;
                    }
                }
                Output::Notice(notice) => println!("({notice})"),
                Output::Status(change) => {
                    println!("({})", change.status);
                    if change.status == Status::Connected {
                        rehearsal.begin()?;
                    }
                }
                Output::Finished(result) => return Ok(result?),
                Output::Send(_) | Output::Wait(_) => {}
            }
        }
        rehearsal.check()
    })
}

/// What a poller has to tell: everything but `Send` and `Wait`, which are dealt with. The last is `Finished`.
fn outputs(poller: Poller, transport: UreqTransport) -> impl Stream<Item = Output> {
    let (outbox, inbox) = channel::unbounded();
    stream::unfold(Some(poller), move |poller| {
        let (transport, outbox, inbox) = (transport.clone(), outbox.clone(), inbox.clone());
        async move {
            let mut poller = poller?;
            loop {
                match poller.poll_output(now()) {
                    Output::Send(Outgoing { id, request, .. }) => {
                        let (transport, outbox) = (transport.clone(), outbox.clone());
                        // Fails when the stream is gone.
                        unblock(move || drop(outbox.try_send((id, transport.send(request)))))
                            .detach();
                    }
                    Output::Wait(until) => {
                        let answer = async { inbox.recv().await.ok() };
                        let pause = async {
                            Timer::after(until.saturating_sub(now().monotonic)).await;
                            None
                        };
                        // An answer counts before a deadline: `or` asks its first side first.
                        match future::or(answer, pause).await {
                            // Fails when the poller has given it up: then nobody waits for it.
                            Some((id, answer)) => drop(poller.handle_response(now(), id, answer)),
                            None => poller.handle_timeout(now()),
                        }
                    }
                    Output::Finished(result) => return Some((Output::Finished(result), None)),
                    output => return Some((output, Some(poller))),
                }
            }
        }
    })
}

/// Makes one call.
async fn call<E>(client: &Client, endpoint: E) -> Result<E::Output, bilibili_session::Error>
where
    E: Endpoint<Output: Send> + Send + 'static,
{
    let client = client.clone();
    unblock(move || client.call(endpoint)).await
}
