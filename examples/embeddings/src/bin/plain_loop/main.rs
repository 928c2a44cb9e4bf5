//! The core with nothing but the standard library: one thread, one request at a time.
//!
//! Take it when you have a loop already (a game, a device, a daemon of your own) or want no dependency that
//! `bilibili-session` does not have. Copy `main`, `call` and `now`; put your HTTP where `http.rs` is, which knows no TLS
//! and therefore talks to a simulator only.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin plain_loop
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

pub mod http;

use std::error::Error;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::call;
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Output, Poller, Status};
use bilibili_session::send::ConfirmedSend;
use bilibili_session::{CallMachine, Now};
use bilibili_session_embeddings::Rehearsal;

const TIMEOUT: Duration = Duration::from_secs(30);
const BODY_LIMIT: u64 = 16 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let rehearsal = Rehearsal::from_env()?;
    let mut poller = Poller::new(rehearsal.context(), rehearsal.config())?;
    loop {
        match poller.poll_output(now()) {
            Output::Send(outgoing) => {
                let answer = http::exchange(&outgoing.request, TIMEOUT, BODY_LIMIT);
                poller.handle_response(now(), outgoing.id, answer)?;
            }
            Output::Event(event) => {
                println!("{event}");
                if let Some(text) = event.text().filter(|_| event.conversation.is_user()) {
                    let answer = SendMsg::text(event.conversation, &format!("收到：{text}"));
                    if let Err(error) = call(&mut poller, ConfirmedSend::reply(&event, answer)) {
                        println!("(no reply: {error})");
                    }
                }
                if rehearsal.is_over() {
                    poller.handle_close();
                }
            }
            Output::Feed(event) => println!("{event}"),
            Output::Warning(warning) => println!("({warning})"),
            Output::Status(change) => {
                println!("({})", change.status);
                if change.status == Status::Connected {
                    rehearsal.begin()?;
                }
            }
            Output::Wait(until) => thread::sleep(until.saturating_sub(now().monotonic)),
            Output::Finished(result) => break result?,
        }
    }
    rehearsal.check()
}

/// Makes a call, or a row of calls, with the login of the poller, and within its pauses.
fn call<M: CallMachine>(
    poller: &mut Poller,
    mut call: M,
) -> Result<M::Output, bilibili_session::Error> {
    loop {
        match poller.poll_call(now(), &mut call) {
            call::Output::Send(request) => {
                let answer = http::exchange(&request, TIMEOUT, BODY_LIMIT);
                poller.handle_call_response(now(), &mut call, answer);
            }
            // For its turn: sends keep a distance, and look into the conversation where no answer came.
            call::Output::Wait(until) => thread::sleep(until.saturating_sub(now().monotonic)),
            call::Output::Done(result) => return result,
        }
    }
}

/// Returns the time that the clocks show.
fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now {
        monotonic: START.elapsed(),
        wall: SystemTime::now().into(),
    }
}
