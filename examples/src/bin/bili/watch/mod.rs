//! `watch`: prints what arrives.
//!
//! The order is what makes it safe to kill at any instant: lines are printed and flushed,
//! then the checkpoint that covers them is handed to the saver, which writes the newest one
//! it has. What was printed last may come again after a resume; nothing is left out.
//!
//! Lines are flushed together, as soon as no further message is at hand: whoever reads waits for
//! none of them. While many arrive, a flush comes whenever enough of them wait.

mod checkpoint_file;
mod keeper;
mod patient;
mod reply;
mod saver;
mod stop;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]
mod tests;

use std::io::Write;
use std::time::{Duration, Instant};

use bilibili_session::login::Login;
use bilibili_session::poller::{Checkpoint, PollerConfig, Status, StatusChange, Warning};
use bilibili_session::session::Update;
use bilibili_session::{ConversationId, Error, ErrorClass, Event, OneLine, Uid};
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
use keeper::Keeper;
use patient::Patient;
use reply::Replier;
use saver::Saver;
use stop::Stop;

/// So many bytes of lines are written at once at the most.
const MOST_WAITING: usize = 64 << 10;
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
    let keeper = keeper(setup, out, &stop)?;
    let mut watcher = runtime::watch(setup, setup.context.clone(), config.clone(), known.as_ref())?;
    stop.closes(watcher.closer());
    if let Some(keeper) = &keeper {
        keeper.tell(watcher.login_handle());
    }
    let saver = file
        .map(|file| Saver::start(file, stop.clone()))
        .transpose()?;
    let patient = Patient::new(stop.clone());
    let mut watch = Watch {
        most_waiting: match saver {
            // With one that does not fit they are still written in one piece.
            Some(_) => MOST_WAITING.min(patient.whole() / 2),
            None => MOST_WAITING,
        },
        replier: args
            .reply
            .clone()
            .map(|text| Replier::new(text, watcher.sender(), stop.clone())),
        left: args.max_events.unwrap_or(u64::MAX),
        own: None,
        saver,
        is_ours: false,
        waiting: 0,
        out: out.through(patient),
        stop,
        keeper,
        is_taken_up: false,
    };
    let mut result = watch.run(&mut *watcher);
    while let Ok(Some(login)) = result {
        let checkpoint = watcher.checkpoint();
        let checkpoint = checkpoint.as_ref().or(known.as_ref());
        let resumed = runtime::watch(setup, setup.renewed(&login), config.clone(), checkpoint);
        result = resumed.and_then(|resumed| {
            watcher = resumed;
            watch.take_up(&*watcher);
            watch.run(&mut *watcher)
        });
    }
    // Whatever happened, what was printed is covered.
    let saved = watch.saver.map_or(Ok(()), Saver::finish);
    result?;
    saved?;
    Ok(watcher.result()?)
}

/// Starts what keeps a stored login good.
fn keeper(setup: &Setup, out: &Output, stop: &Stop) -> Result<Option<Keeper>, Failure> {
    match (&setup.account, setup.logins()?) {
        (Some(account), Some(logins)) => {
            Keeper::start(account, logins, out.secrets(), stop).map(Some)
        }
        _ => Ok(None),
    }
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
    /// Whose login it is, once it is known; for the replier.
    own: Option<Uid>,
    /// How many messages are still wanted.
    left: u64,
    saver: Option<Saver>,
    /// The service has said that the login is the checkpoint's.
    is_ours: bool,
    /// So many bytes of lines wait at the most, as long as there are more.
    most_waiting: usize,
    /// Messages that wait.
    waiting: u64,
    stop: Stop,
    out: Output<W>,
    /// Renews the login, if it is a stored one.
    keeper: Option<Keeper>,
    /// A session was connected, and that was printed.
    is_taken_up: bool,
}

impl<W: Write> Watch<W> {
    /// Prints what comes. Returns the login to go on with where the one in use is dead and was
    /// renewed meanwhile.
    fn run(&mut self, watcher: &mut dyn Watcher) -> Result<Option<Login>, Failure> {
        loop {
            let update = match watcher.at_hand() {
                Some(update) => update,
                None => {
                    self.settle(watcher)?;
                    match watcher.next() {
                        Some(update) => update,
                        None => return Ok(None),
                    }
                }
            };
            match update {
                Update::Event(_) if self.left == 0 => {}
                Update::Event(event) => self.handle(&event, watcher)?,
                Update::Warning(notice) => {
                    self.print_notice(&notice)?;
                    self.save(watcher);
                }
                Update::Status(change) => {
                    self.settle(watcher)?;
                    if let Some(login) = self.renewed(&change) {
                        return Ok(Some(login));
                    }
                    let takes_up = change.status == Status::Connected;
                    self.is_ours |= takes_up;
                    if takes_up || change.status == Status::Closed {
                        self.save(watcher);
                    }
                    // Of a session that goes on with another login nobody need know.
                    if takes_up && self.is_taken_up {
                        continue;
                    }
                    // What arrives after the line must come out, whatever happens to us.
                    if !takes_up || self.is_saved() {
                        self.print_status(&change)?;
                    }
                    self.is_taken_up |= takes_up;
                }
            }
        }
    }

    /// Returns the stored login where the one in use is dead and another process, or this one, has
    /// renewed it meanwhile. Each renewal leads to one attempt.
    fn renewed(&mut self, change: &StatusChange) -> Option<Login> {
        let is_dead = |error: &Error| error.class() == ErrorClass::LoginLost;
        change.reason.as_ref().filter(|error| is_dead(error))?;
        self.keeper.as_mut()?.read_again()
    }

    /// Goes on with this session.
    fn take_up(&mut self, watcher: &dyn Watcher) {
        self.stop.closes(watcher.closer());
        if let Some(keeper) = &self.keeper {
            keeper.tell(watcher.login_handle());
        }
        if let Some(replier) = &mut self.replier {
            replier.send_with(watcher.sender());
        }
    }

    fn handle(&mut self, event: &Event, watcher: &dyn Watcher) -> Result<(), Failure> {
        self.is_ours = true;
        self.out.put(&MessageLine(event), || in_words(event))?;
        self.waiting += 1;
        if self.replier.is_some() && self.own.is_none() {
            self.own = watcher.checkpoint().as_ref().map(Checkpoint::uid);
        }
        let replier = self.replier.as_ref();
        if let Some(replier) = replier.filter(|it| it.fits(event, self.own)) {
            self.out.flush()?;
            let replied = replier.reply(event);
            // On disk before anything else, so that nothing is answered twice.
            self.save(watcher);
            self.is_saved();
            self.print_reply(event.conversation, replied)?;
        }
        let room = self.saver.as_ref().map_or(u64::MAX, Saver::room);
        if self.left == 1 || self.out.waiting() >= self.most_waiting || self.waiting >= room {
            self.settle(watcher)?;
        }
        self.left -= 1;
        if self.left == 0 {
            self.stop.trigger();
        }
        Ok(())
    }

    /// Writes the lines that wait, and covers them.
    fn settle(&mut self, watcher: &dyn Watcher) -> Result<(), Failure> {
        if self.out.waiting() > 0 {
            self.out.flush()?;
            self.save(watcher);
        }
        Ok(())
    }

    /// Hands a checkpoint to the saver, if there is one: every line that it covers was flushed.
    ///
    /// Nothing is saved before it is known whose file it is; nor after the last message that
    /// was wanted, as one more that has come by then was not printed.
    fn save(&mut self, watcher: &dyn Watcher) {
        let printed = std::mem::take(&mut self.waiting);
        let Some(saver) = &self.saver else { return };
        if self.is_ours
            && self.left > 0
            && let Some(checkpoint) = watcher.checkpoint()
        {
            saver.offer(checkpoint, printed);
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
