//! Forwards messages and notifications to a webhook: each as a POST of JSON, again and again until it is taken, in order.
//!
//! The checkpoint in the file is one of what was taken, so after a crash or a restart nothing is missing; the last one may
//! come twice, with the same `Idempotency-Key`.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin webhook URL CHECKPOINT`
#![allow(clippy::print_stderr, reason = "a program says what is wrong")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use bilibili_session::FeedKind;
use bilibili_session::poller::Checkpoint;
use bilibili_session::session::AnyEvent;
use bilibili_session_cookbook::account;
use bilibili_session_tokio::{ReqwestTransport, Session, Transport};
use futures_util::StreamExt;
use http::Request;
use tokio::time::sleep;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// While it waits nothing is fetched: the service keeps what arrives.
async fn deliver(http: &impl Transport, post: Request<Vec<u8>>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match http.send(post.clone()).await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => eprintln!("{}, again in {pause:?}", answer.status()),
            Err(error) => eprintln!("{error}, again in {pause:?}"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Replaces the file as a whole.
fn keep(file: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, checkpoint.to_json())?;
    fs::rename(new, file)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(url), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("say where to, and the file of the checkpoint".into());
    };
    let file = PathBuf::from(file);
    let checkpoint = match fs::read_to_string(&file) {
        Ok(text) => Some(Checkpoint::from_json(&text)?),
        Err(_) => None,
    };
    let (context, config) = account()?;
    let http = ReqwestTransport::new()?;
    let config = config.feeds(FeedKind::ALL);
    let session = Session::resume(context, http.clone(), config, checkpoint.as_ref())?;
    let mut events = session.events();
    while let Some(event) = events.next().await {
        let (key, body) = match &event {
            AnyEvent::Message(event) => (event.msg_key().to_string(), serde_json::to_vec(event)?),
            AnyEvent::Feed(event) => {
                let key = format!("{}-{}", event.kind(), event.id());
                (key, serde_json::to_vec(event)?)
            }
        };
        let post = Request::post(&url)
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        deliver(&http, post.body(body)?).await;
        if let Some(checkpoint) = session.checkpoint() {
            keep(&file, &checkpoint)?;
        }
    }
    Ok(session.result().unwrap_or(Ok(()))?)
}
