//! `watch`: prints what arrives.
//!
//! The order is what makes it safe to kill at any instant: lines are printed and flushed,
//! then the addition to the checkpoint that covers them is handed to the saver, which writes all
//! that it has. What was printed last may come again after a resume; nothing is left out.
//!
//! Lines are flushed together, as soon as no further message is at hand: whoever reads waits for
//! none of them. While many arrive, a flush comes whenever enough of them wait.

mod checkpoint_file;
mod keeper;
mod metrics;
mod patient;
mod reply;
mod saver;
mod stats;
mod stop;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]
mod tests;

use std::io::Write;
use std::time::Instant;

use bilibili_session::login::Login;
use bilibili_session::poller::{Checkpoint, PollerConfig, Status, StatusChange, Warning};
use bilibili_session::session::Update;
use bilibili_session::{
    ConversationId, Error, ErrorClass, Event, FeedEvent, MsgKey, Names, OneLine, Uid,
};
use bilibili_session_examples::DEMO_INTERVAL;
use serde::Serialize;

use crate::args::{Common, WatchArgs};
use crate::commands::history::in_words;
use crate::doctor::store;
use crate::failure::Failure;
use crate::lines::{FeedLine, MessageLine, WarningLine};
use crate::local_time::local_time;
use crate::names::NameBook;
use crate::output::{BOLD, DIM, Output, WARN};
use crate::runtime::{self, Watcher};
use crate::setup::Setup;
use crate::texts::{self, Text, say, text};
use checkpoint_file::CheckpointFile;
use keeper::Keeper;
use patient::Patient;
use reply::Replier;
use saver::Saver;
pub(crate) use stats::Counting;
use stats::Stats;
use stop::Stop;

/// So many bytes of lines are written at once at the most.
const MOST_WAITING: usize = 64 << 10;

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
    common: &Common,
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
        return Err(Failure::Usage(text!("reply-needs-text")));
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
    let mut watcher = runtime::watch(
        setup,
        setup.context.clone(),
        config.clone(),
        known.as_ref(),
        args.push,
    )?;
    stop.closes(watcher.closer());
    if let Some(keeper) = &keeper {
        keeper.tell(watcher.login_handle());
    }
    let stats = Stats::new(watcher.counting());
    if let Some(port) = args.metrics {
        let port = metrics::serve(port, stats.clone())?;
        let address = format!("http://127.0.0.1:{port}/metrics");
        out.note(&say!("metrics-at", address = address));
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
        names: NameBook::new(common, watcher.asker()),
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
        let resumed = runtime::watch(
            setup,
            setup.renewed(&login),
            config.clone(),
            checkpoint,
            args.push,
        );
        result = resumed.and_then(|resumed| {
            watcher = resumed;
            stats.count_with(watcher.counting());
            watch.take_up(&*watcher);
            watch.run(&mut *watcher)
        });
    }
    if args.stats {
        watch.out.note(&stats.in_words());
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
            Keeper::start(account, logins, out.secrets(), out.language(), stop).map(Some)
        }
        _ => Ok(None),
    }
}

fn config(setup: &Setup, args: &WatchArgs) -> PollerConfig {
    let mut config = PollerConfig::new().push(args.push);
    let demo = setup.is_demo().then_some(DEMO_INTERVAL);
    if let Some(interval) = args.interval.or(demo) {
        config = config.interval(interval);
    }
    config
        .exclude_self(!args.include_self)
        .names(true)
        .request_timeout(setup.transport.timeout)
        .feeds(args.feeds.iter().flat_map(|feeds| feeds.0.iter().copied()))
        .seed(seed())
}

/// So that two watches do not come back side by side.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

fn feed_in_words(event: &FeedEvent, names: &Names) -> String {
    let time = local_time(event.time().unwrap_or_default());
    format!("{DIM}{time}{DIM:#}  {}", texts::feed_in_words(event, names))
}

struct Watch<W> {
    replier: Option<Replier>,
    /// Owner of the login, once it is known; for the replier.
    own: Option<Uid>,
    /// The names that lines show.
    names: NameBook,
    /// Number of messages that are still wanted.
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
                Update::Event(_) | Update::Feed(_) if self.left == 0 => {}
                Update::Event(event) => self.handle(&event, watcher)?,
                Update::Feed(event) => self.handle_feed(&event, watcher)?,
                Update::Warning(warning) => {
                    self.print_warning(&warning)?;
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
        self.names.ask_with(watcher.asker());
    }

    fn handle(&mut self, event: &Event, watcher: &mut dyn Watcher) -> Result<(), Failure> {
        self.is_ours = true;
        let user = self.names.user_of(event);
        self.look_up(user.as_slice(), watcher)?;
        let names = self.names.names();
        let line = MessageLine(event, names);
        self.out.put(&line, || in_words(event, names))?;
        self.waiting += 1;
        if self.replier.is_some() && self.own.is_none() {
            self.own = watcher.checkpoint().as_ref().map(Checkpoint::uid);
        }
        let replier = self.replier.as_ref();
        if let Some(replier) = replier.filter(|it| it.fits(event, self.own)) {
            self.out.flush()?;
            match replier.reply(event) {
                Ok(key) => {
                    // On disk before anything else, so that nothing need be looked up.
                    self.save(watcher);
                    self.is_saved();
                    self.print_sent(event.conversation, key)?;
                }
                Err(warning) => {
                    // Not covered before it is told: nobody else knows of it.
                    self.print_warning(&warning)?;
                    self.save(watcher);
                    self.is_saved();
                }
            }
        }
        self.count(watcher)
    }

    fn handle_feed(&mut self, event: &FeedEvent, watcher: &mut dyn Watcher) -> Result<(), Failure> {
        self.is_ours = true;
        let nameless = self.names.learn_users(event.users());
        self.look_up(&nameless, watcher)?;
        let names = self.names.names();
        let line = FeedLine(event, names);
        self.out.put(&line, || feed_in_words(event, names))?;
        self.waiting += 1;
        self.count(watcher)
    }

    /// Sees to it that the names of the next line are known, unless that takes long. The lines
    /// before it do not wait.
    fn look_up(&mut self, users: &[Uid], watcher: &dyn Watcher) -> Result<(), Failure> {
        self.names
            .learn(|now, names| watcher.tell_names(now, names));
        let (out, stop) = (&mut self.out, &self.stop);
        self.names
            .look_up_until(users, || out.flush(), || stop.is_triggered())
    }

    /// Counts a message or a notification whose line was put.
    fn count(&mut self, watcher: &mut dyn Watcher) -> Result<(), Failure> {
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
    fn settle(&mut self, watcher: &mut dyn Watcher) -> Result<(), Failure> {
        if self.out.waiting() > 0 {
            self.out.flush()?;
            self.save(watcher);
        }
        Ok(())
    }

    /// Brings the checkpoint up to date, if there is one: every line that it covers was flushed.
    ///
    /// Nothing is saved before it is known whose file it is; nor after the last message that
    /// was wanted, as one more that has come by then was not printed.
    fn save(&mut self, watcher: &mut dyn Watcher) {
        let printed = std::mem::take(&mut self.waiting);
        let Some(saver) = &mut self.saver else {
            return;
        };
        if self.is_ours && self.left > 0 {
            saver.offer(printed, |journal| watcher.save(journal));
        }
    }

    /// Waits until what was handed to the saver is on disk. If it cannot be, the saver has
    /// ended the watch, and says why at its end.
    fn is_saved(&self) -> bool {
        self.saver.as_ref().is_none_or(Saver::is_saved)
    }

    fn print_sent(&mut self, to: ConversationId, key: MsgKey) -> Result<(), Failure> {
        let line = SentLine {
            event: "sent",
            to,
            msg_key: key.to_string(),
        };
        self.out.print(&line, || {
            format!("{DIM}{}{DIM:#}", say!("replied-to", conversation = to))
        })?;
        self.out.flush()
    }

    fn print_warning(&mut self, warning: &Warning) -> Result<(), Failure> {
        self.out.print_guarded(&WarningLine(warning), || {
            format!("{WARN}{}{WARN:#}", OneLine(&Text::of(warning).to_string()))
        })?;
        self.out.flush()
    }

    fn print_status(&mut self, change: &StatusChange) -> Result<(), Failure> {
        let line = StatusLine {
            event: "status",
            status: change.status.code(),
            reason: change.reason.as_ref().map(ToString::to_string),
        };
        self.out.print_guarded(&line, || {
            let (status, reason) = texts::status_in_words(change);
            format!("{BOLD}{status}{BOLD:#}{}", OneLine(&reason))
        })?;
        self.out.flush()
    }
}
