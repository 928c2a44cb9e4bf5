//! Tells of notifications once in a while, not one by one: who replied and mentioned you, and how many likes came of what.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin digest [SECONDS]` tells every hour, or every so many seconds.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use bilibili_session::session::AnyEvent;
use bilibili_session::{FeedEvent, FeedKind};
use bilibili_session_cookbook::account;
use bilibili_session_tokio::{ReqwestTransport, Session};
use futures_util::StreamExt;
use tokio::time::{MissedTickBehavior, interval};

#[derive(Default)]
struct Digest {
    lines: Vec<String>,
    /// New likes of a thing, by its title.
    likes: BTreeMap<String, i64>,
}

impl Digest {
    fn add(&mut self, event: &FeedEvent) {
        match event {
            FeedEvent::Like(new) => {
                let more = new.like.counts - new.counts_before.unwrap_or(0);
                *self.likes.entry(new.like.item.title.clone()).or_default() += more;
            }
            event => self.lines.push(event.to_string()),
        }
    }

    fn tell(&mut self) {
        let Self { lines, likes } = std::mem::take(self);
        if lines.is_empty() && likes.is_empty() {
            return;
        }
        println!("{} notifications:", lines.len() + likes.len());
        lines.iter().for_each(|line| println!("- {line}"));
        for (title, number) in likes {
            println!("- {number} likes of {title:?}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).unwrap_or("3600".to_owned());
    let (context, config) = account()?;
    let config = config.feeds(FeedKind::ALL);
    let session = Session::new(context, ReqwestTransport::new()?, config)?;
    let mut events = session.events();
    let mut digest = Digest::default();
    let mut turn = interval(Duration::from_secs(seconds.parse()?));
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // A stream may be left at any time: what it has not given out comes at its next turn.
        tokio::select! {
            event = events.next() => match event {
                Some(AnyEvent::Feed(event)) => digest.add(&event),
                Some(AnyEvent::Message(_)) => {}
                None => break,
            },
            _ = turn.tick() => digest.tell(),
        }
    }
    digest.tell();
    Ok(session.result().unwrap_or(Ok(()))?)
}
