//! `watch`: prints what arrives.
//!
//! The order is what makes it safe to kill at any instant: a line is printed and flushed,
//! then the checkpoint that covers it is handed to the saver, which writes the newest one
//! it has. What was printed last may come again after a resume; nothing is left out.

mod checkpoint_file;
mod patient;
mod reply;
mod saver;
mod stop;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]
mod tests;

use std::io::Write;
use std::time::{Duration, Instant};

use bilibili_session::poller::{Checkpoint, PollerConfig, Status, StatusChange, Warning};
use bilibili_session::session::Update;
use bilibili_session::{ConversationId, OneLine};
use bilibili_session_examples::DEMO_INTERVAL;
use serde::Serialize;

use crate::args::WatchArgs;
use crate::commands::history::in_words;
use crate::doctor::store;
use crate::failure::Failure;
use crate::lines::{MessageLine, WarningLine};
use crate::output::{BOLD, DIM, Output, WARN};
use crate::runtime::{self, Watcher};
use crate::setup::Setup;
use checkpoint_file::CheckpointFile;
use patient::Patient;
use reply::Replier;
use saver::Saver;
use stop::Stop;

/// The interval that is established.
const INTERVAL: Duration = Duration::from_secs(6);

#[derive(Serialize)]
struct StatusLine {
    event: &'static str,
    status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct SentLine {
    event: &'static str,
    to: ConversationId,
    msg_key: String,
}

pub(crate) fn run(
    setup: &Setup,
    args: &WatchArgs,
    started: Instant,
    out: &mut Output,
) -> Result<(), Failure> {
    let stop = Stop::on_signals()?;
    if let Some(duration) = args.duration {
        stop.at(started, duration)?;
    }
    stop.when_nobody_reads();
    if args.reply.as_ref().is_some_and(String::is_empty) {
        return Err(Failure::usage("--reply needs a text"));
    }
    if args.reply.is_some() && !setup.context.credential().can_write() {
        return Err(bilibili_session::Error::from(
            bilibili_session::error::BuildError::MissingBiliJct,
        )
        .into());
    }
    let file = args.checkpoint.as_deref();
    let file = file.map(CheckpointFile::open).transpose()?;
    let known = file.as_ref().and_then(|file| file.checkpoint.clone());
    let mut config = config(setup, args);
    if file.is_some() {
        config = config.habits(store::habits(&setup.context, known.as_ref()));
    }
    let mut watcher = runtime::watch(setup, config, known.as_ref())?;
    stop.closes(watcher.closer());
    let saver = file
        .map(|file| Saver::start(file, stop.clone()))
        .transpose()?;
    let mut watch = Watch {
        replier: args
            .reply
            .clone()
            .map(|text| Replier::new(text, watcher.sender(), stop.clone())),
        left: args.max_events.unwrap_or(u64::MAX),
        saver,
        is_ours: false,
        out: out.through(Patient(stop.clone())),
        stop,
    };
    let result = watch.run(&mut *watcher);
    // Whatever happened, what was printed is covered.
    let saved = watch.saver.map_or(Ok(()), Saver::finish);
    result?;
    saved?;
    Ok(watcher.result()?)
}

fn config(setup: &Setup, args: &WatchArgs) -> PollerConfig {
    let usual = if setup.is_demo() {
        DEMO_INTERVAL
    } else {
        INTERVAL
    };
    PollerConfig::new()
        .interval(args.interval.unwrap_or(usual))
        .exclude_self(!args.include_self)
        .request_timeout(setup.transport.timeout)
        .seed(seed())
}

/// So that two watches do not come back side by side.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

struct Watch<W> {
    replier: Option<Replier>,
    /// How many messages are still wanted.
    left: u64,
    saver: Option<Saver>,
    /// The service has said that the login is the checkpoint's.
    is_ours: bool,
    stop: Stop,
    out: Output<W>,
}

impl<W: Write> Watch<W> {
    fn run(&mut self, watcher: &mut dyn Watcher) -> Result<(), Failure> {
        while let Some(update) = watcher.next() {
            match update {
                Update::Event(_) if self.left == 0 => {}
                Update::Event(event) => {
                    self.is_ours = true;
                    self.out.print(&MessageLine(&event), || in_words(&event))?;
                    self.out.flush()?;
                    let now = watcher.checkpoint();
                    let own = now.as_ref().map(Checkpoint::uid);
                    let replier = self.replier.as_ref().filter(|it| it.fits(&event, own));
                    let replied = replier.map(|replier| replier.reply(&event));
                    self.save(now);
                    if let Some(replied) = replied {
                        // On disk before anything else, so that nothing is answered twice.
                        self.is_saved();
                        self.print_reply(event.conversation, replied)?;
                    }
                    self.left -= 1;
                    if self.left == 0 {
                        self.stop.trigger();
                    }
                }
                Update::Warning(notice) => {
                    self.print_notice(&notice)?;
                    self.save(watcher.checkpoint());
                }
                Update::Status(change) => {
                    let takes_up = change.status == Status::Connected;
                    self.is_ours |= takes_up;
                    if takes_up || change.status == Status::Closed {
                        self.save(watcher.checkpoint());
                    }
                    // What arrives after the line must come out, whatever happens to us.
                    if !takes_up || self.is_saved() {
                        self.print_status(&change)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Nothing is saved before it is known whose file it is; nor after the last message that
    /// was wanted, as one more that has come by then was not printed.
    fn save(&self, checkpoint: Option<Checkpoint>) {
        if !self.is_ours || self.left == 0 {
            return;
        }
        if let (Some(saver), Some(checkpoint)) = (&self.saver, checkpoint) {
            saver.offer(checkpoint);
        }
    }

    /// Waits until what was handed to the saver is on disk. If it cannot be, the saver has
    /// ended the watch, and says why at its end.
    fn is_saved(&self) -> bool {
        self.saver.as_ref().is_none_or(|saver| saver.wait().is_ok())
    }

    fn print_reply(
        &mut self,
        to: ConversationId,
        replied: Result<bilibili_session::MsgKey, Warning>,
    ) -> Result<(), Failure> {
        match replied {
            Ok(key) => {
                let line = SentLine {
                    event: "sent",
                    to,
                    msg_key: key.to_string(),
                };
                self.out
                    .print(&line, || format!("{DIM}replied to {to}{DIM:#}"))?;
                self.out.flush()
            }
            Err(notice) => self.print_notice(&notice),
        }
    }

    fn print_notice(&mut self, notice: &Warning) -> Result<(), Failure> {
        self.out.print_guarded(&WarningLine(notice), || {
            format!("{WARN}{}{WARN:#}", OneLine(&notice.to_string()))
        })?;
        self.out.flush()
    }

    fn print_status(&mut self, change: &StatusChange) -> Result<(), Failure> {
        let reason = change.reason.as_ref().map(ToString::to_string);
        let line = StatusLine {
            event: "status",
            status: change.status.code(),
            reason: reason.clone(),
        };
        self.out.print_guarded(&line, || match reason {
            Some(reason) => format!("{BOLD}{}{BOLD:#}: {}", change.status, OneLine(&reason)),
            None => format!("{BOLD}{}{BOLD:#}", change.status),
        })?;
        self.out.flush()
    }
}
