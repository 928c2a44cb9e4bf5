//! The poller: private messages as events.
//!
//! A [`Poller`] is a machine that a driver turns. The machine opens no socket and reads no clock:
//! [`poll_output`](Poller::poll_output) returns the next thing to do, and the `handle_*` methods
//! take what happened, each with the time.
//!
//! # Run loop
//!
//! ```
//! use bilibili_session::{ClientConfig, Credential, Now, UnixMicros};
//! use bilibili_session::poller::{Output, Poller, PollerConfig};
//! use std::time::Duration;
//!
//! # let answer = || http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec());
//! # let mut elapsed = Duration::ZERO;
//! let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
//! let mut poller = Poller::new(context, PollerConfig::new())?;
//! let result = loop {
//!     # elapsed += Duration::from_millis(1);
//!     let now = Now { monotonic: elapsed, wall: UnixMicros(1_700_000_000_000_000) };
//!     match poller.poll_output(now) {
//!         // Send it; several may be on their way at a time.
//!         Output::Send(outgoing) => {
//!             # let _ = &outgoing.request;
//!             poller.handle_response(now, outgoing.id, Ok(answer()))?;
//!         }
//!         Output::Event(event) => println!("{:?}", event.text()),
//!         // Only if feeds are asked for.
//!         Output::Feed(event) => println!("{event}"),
//!         Output::Warning(warning) => eprintln!("{warning}"),
//!         Output::Status(change) => eprintln!("{}", change.status),
//!         // Sleep until then, or until an answer comes, a call beside the poller is over, or
//!         // the poller is to be closed.
//!         Output::Wait(until) => {
//!             # elapsed = until;
//!         }
//!         Output::Finished(result) => break result,
//!     }
//! };
//! assert!(result.is_err(), "the login is dead");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! Every message that arrives after the start and that a list shows is delivered once, in order
//! within its conversation, also when thousands arrive between two rounds or requests fail. A
//! list that breaks off or cannot be proven whole is owed: the rest is read later, and a warning
//! ([`Warning::ListIncomplete`]) says so. Messages that the service lists and does not send in
//! three rounds are reported as a [`Warning::Gap`].
//!
//! A [`Checkpoint`] covers exactly the events that were delivered; a resumed poller goes on from
//! there. The poller sends no more requests than its interval allows, pauses when the service
//! tells it to, and keeps its memory within its [configuration](PollerConfig). Calls of
//! [`poll_call`](Poller::poll_call) share its login and its pauses. After
//! [`handle_close`](Poller::handle_close) the poller is finished at once.
//!
//! # Glossary
//!
//! - **baseline**: the time up to which all changes were listed; taken from the first list, later
//!   changes may bring new messages.
//! - **cursor**: the last message of a conversation that was delivered, or was old at the
//!   baseline.
//! - **target**: the newest message of a conversation that a list has told of.
//! - **pending**: messages between cursor and target; they are still to be fetched.
//! - **delivered**: returned as [`Output::Event`], and covered by the next checkpoint.
//! - **refetch**: a second request for messages that did not come, or that were dropped.
//! - **overdue**: said of a request whose deadline has passed; it counts as failed.
//! - **round**: one reading of the list of changes, then the fetch of what is pending.
//! - **part**: one of the three readings of the lists: the changes since the last round, the owed
//!   rest of an earlier reading, or all conversations.
//! - **backfill**: the pending messages of one conversation, those received and those missing.
//! - **owed**: said of a stretch of the lists that an earlier reading did not reach.
//! - **pause**: a time without requests of the poller, after throttling, risk control or a fault.
//! - **warning**: a report of something that went wrong and was dealt with; see [`Warning`].

mod answer;
mod backfill;
pub(crate) mod backoff;
mod calls;
mod checkpoint;
mod config;
mod consequence;
mod conversation;
mod conversations;
mod counters;
mod coverage;
mod decode;
mod failure;
mod feeds;
mod habits;
mod hint;
mod in_flight;
mod journal;
mod latest_now;
mod listed;
mod lists;
mod output;
mod pace;
mod pauses;
pub(crate) mod poke;
mod recent_events;
pub(crate) mod reported;
mod request;
mod schedule;
mod state;
mod status;
mod warning;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::Response;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, PollerConfig};
pub use counters::{Counters, Delays, Outcomes};
pub use habits::Habits;
pub use hint::Hint;
pub use journal::{Journal, JournalEntry};
pub use output::{Outgoing, Output, RequestId, UnknownRequest};
pub use status::{Status, StatusChange};
pub use warning::Warning;

use crate::auth_state::AuthState;
use crate::client_config::ClientConfig;
use crate::error::TransportError;
use crate::event::Event;
use crate::feeds::Feeds;
use crate::ids::{ConversationId, Uid};
use crate::logs::Span;
use crate::model::Content;
use crate::time::Now;
use conversation::{ConversationState, FetchOutcome};
use conversations::Conversations;
use in_flight::Requests;
use listed::Listed;
use lists::Lists;
use pauses::Pauses;
use recent_events::RecentEvents;
use reported::Reported;
use schedule::Schedule;
use state::{End, State};

/// Least time between two renewals of refused keys, or the interval if that is shorter.
const KEY_PACE: Duration = Duration::from_secs(5);

/// Turns the private messages of an account into events. See the [module](self).
#[derive(Debug)]
pub struct Poller {
    account: AuthState,
    config: PollerConfig,
    state: State,
    /// The latest monotonic reading.
    clock: Duration,
    /// The owner of the messages, known from nav or from the checkpoint.
    uid: Option<Uid>,
    lists: Lists,
    conversations: Conversations,
    /// Conversations that have a message to deliver.
    ready: VecDeque<ConversationId>,
    in_flight: Requests,
    schedule: Schedule,
    pauses: Pauses,
    /// The conversation for which new keys were refused.
    refused_to: Option<ConversationId>,
    /// Set when the service was seen to send empty pages that claim to have more behind them.
    empty_says_more: bool,
    kept: RecentEvents,
    /// Unreadable items of lists that were reported already.
    reported: Reported,
    /// The notifications, if any are asked for or kept.
    feeds: Option<Box<Feeds>>,
    /// Names that lists have shown, if they are wanted.
    listed: Option<Listed>,
    /// Set if the last request was one for notifications: messages come first then.
    was_feed: bool,
    outbox: VecDeque<Output>,
    counters: Counters,
    /// The round in the logs.
    round: Span,
    /// Check sum of the last entry of a journal that was returned.
    saved: Option<String>,
}

impl Poller {
    /// Creates a poller that takes its baseline from the server; later messages are delivered.
    ///
    /// # Errors
    /// Fails when the configuration is out of range, or when the interval is too short for the
    /// service itself.
    pub fn new(context: ClientConfig, config: PollerConfig) -> Result<Self, ConfigError> {
        config.check(context.is_official())?;
        let mut account = AuthState::new(context.clone());
        account.sign_lists(config.habits.lists_signed == Some(true));
        account.set_key_pace(config.interval.min(KEY_PACE));
        account.set_nav_timeout(config.request_timeout);
        account.sends_mut().keep_replies(config.max_conversations);
        if let Some(spacing) = config.send_spacing {
            account.sends_mut().set_spacing(spacing);
        }
        Ok(Self {
            state: State::Starting,
            clock: Duration::ZERO,
            uid: None,
            lists: Lists::new(&config),
            conversations: Conversations::new(config.max_conversations),
            ready: VecDeque::new(),
            in_flight: Requests::default(),
            schedule: Schedule::new(&config, context.is_official()),
            pauses: Pauses::new(&config),
            refused_to: None,
            empty_says_more: false,
            kept: RecentEvents::new(config.kept_events),
            reported: Reported::default(),
            feeds: feeds::begin(&config, context.is_official(), &[]),
            listed: config.names.then(Listed::default),
            was_feed: false,
            outbox: VecDeque::new(),
            counters: Counters::default(),
            round: Span::none(),
            saved: None,
            account,
            config,
        })
    }

    /// Creates a poller that goes on from a checkpoint; messages that arrived since are
    /// delivered. Where there is none (`None`), the poller begins like a [`new`](Self::new) one.
    ///
    /// # Errors
    /// Fails like [`new`](Self::new), and when the checkpoint belongs to another account than the
    /// credential names.
    pub fn resume<'a>(
        context: ClientConfig,
        config: PollerConfig,
        checkpoint: impl Into<Option<&'a Checkpoint>>,
    ) -> Result<Self, ConfigError> {
        let Some(checkpoint) = checkpoint.into() else {
            return Self::new(context, config);
        };
        match context.credential().uid() {
            Some(credential) if credential != checkpoint.uid() => {
                return Err(ConfigError::ForeignCheckpoint {
                    checkpoint: checkpoint.uid(),
                    credential,
                });
            }
            _ => {}
        }
        let mut poller = Self::new(context, config)?;
        poller.state = State::Resuming;
        poller.uid = Some(checkpoint.uid());
        poller
            .lists
            .resume(checkpoint.base_ts(), checkpoint.lists());
        poller.schedule.resume(checkpoint.polled_at());
        let new_since = checkpoint.new_since();
        poller.conversations.begin_at(new_since);
        for entry in checkpoint.entries() {
            let id = ConversationId::new(entry.session_type, entry.talker_id);
            let state = ConversationState::restore(entry, new_since);
            poller.conversations.insert(id, state);
        }
        poller.account.sends_mut().resume(checkpoint.replies());
        let is_official = poller.account.context().is_official();
        poller.feeds = feeds::begin(&poller.config, is_official, checkpoint.feeds());
        Ok(poller)
    }

    /// Returns the current status.
    pub const fn status(&self) -> Status {
        self.state.status()
    }

    /// Returns the owner of the messages; known from nav on, or from the checkpoint.
    pub const fn uid(&self) -> Option<Uid> {
        self.uid
    }

    /// Returns login, hosts and user agent of the requests.
    #[cfg(feature = "push")]
    pub(crate) fn context(&self) -> &ClientConfig {
        self.account.context()
    }

    /// Returns the number of messages that are held and not delivered yet.
    ///
    /// While the poller waits, at most as many are held as the [backlog](PollerConfig::backlog)
    /// allows.
    pub fn held_messages(&self) -> usize {
        self.conversations.held()
    }

    /// Returns the number of conversations that are remembered.
    ///
    /// At most as many as [configured](PollerConfig::max_conversations) are, besides those that
    /// changed just now, have something to fetch, or may be on the rest of a list that is owed.
    pub fn remembered_conversations(&self) -> usize {
        self.conversations.len()
    }

    /// Returns counts of what this poller has done so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns a checkpoint that covers exactly the events delivered so far; `None` before the
    /// baseline is taken.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let conversations = self.conversations.iter();
        Some(Checkpoint {
            body: checkpoint::Body {
                conversations: conversations.map(|(id, state)| state.save(id)).collect(),
                replies: self.account.sends().saved_replies(),
                ..self.checkpoint_head()?
            },
        })
    }

    /// Returns the state that a checkpoint keeps, without its conversations and replies.
    fn checkpoint_head(&self) -> Option<checkpoint::Body> {
        let uid = match self.state.is_before_baseline() {
            true => return None,
            false => self.uid?,
        };
        Some(checkpoint::Body {
            uid: uid.0,
            base_ts: self.lists.base_ts().0,
            new_since: self.conversations.new_since().0,
            polled_at: self.schedule.polled_at().0,
            lists: self.lists.save(),
            feeds: self.saved_feeds(),
            replies: Vec::new(),
            conversations: Vec::new(),
        })
    }

    /// Advances the time, and returns the next thing to do. To be called again until
    /// [`Output::Wait`] or [`Output::Finished`] comes.
    ///
    /// A request whose deadline has passed counts as failed from the first call after it.
    pub fn poll_output(&mut self, now: Now) -> Output {
        let now = self.at(now);
        self.account.sends_mut().begin(now.monotonic);
        self.fail_overdue(now);
        if let Some(report) = self.next_report() {
            return report;
        }
        if self.may_deliver()
            && let Some(event) = self.next_event(now)
        {
            let server_now = self.account.server_now(now);
            self.counters.deliver(event.timestamp(), server_now);
            return Output::Event(event);
        }
        if self.may_deliver()
            && let Some(event) = self.next_feed_event()
        {
            self.counters.notifications = self.counters.notifications.saturating_add(1);
            return Output::Feed(event);
        }
        if let Some(report) = self.next_report() {
            return report;
        }
        if let State::Ended(end) = &mut self.state {
            return end.next_output();
        }
        self.advance(now);
        if let Some(outgoing) = self.next_request(now) {
            return Output::Send(outgoing);
        }
        // Something may be there to report now, or the round may be over.
        if !self.outbox.is_empty() || self.is_round_over() || !self.status().is_running() {
            return self.poll_output(now);
        }
        Output::Wait(self.next_wake())
    }

    /// Takes the outcome of a request: a whole answer of any status, or the failure to get one.
    ///
    /// # Errors
    /// Fails when no such request is in flight: the deadline has passed, an answer came already,
    /// or the poller has ended. The error is harmless.
    pub fn handle_response(
        &mut self,
        now: Now,
        id: RequestId,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Result<(), UnknownRequest> {
        let now = self.at(now);
        let in_flight = self.in_flight.take(id).ok_or(UnknownRequest(id))?;
        if let Ok(answer) = &answer {
            self.account.observe(answer, now);
        }
        self.handle_answer(now, in_flight, answer);
        Ok(())
    }

    /// Fails the requests that are overdue.
    pub(crate) fn fail_overdue(&mut self, now: Now) {
        let now = self.at(now);
        while let Some(in_flight) = self.in_flight.take_overdue(now.monotonic) {
            self.handle_answer(now, in_flight, Err(TransportError::timeout()));
        }
    }

    /// Ends the poller: no further request is sent, and none in flight is waited for. Messages
    /// that are held and not delivered are not covered by the checkpoint, and come again after a
    /// resume.
    pub fn handle_close(&mut self) {
        self.end(Ok(()), false);
    }

    /// Returns the time of this input, never before that of an earlier one.
    fn at(&mut self, now: Now) -> Now {
        self.clock = self.clock.max(now.monotonic);
        Now {
            monotonic: self.clock,
            wall: now.wall,
        }
    }

    /// Returns the next warning or change of the status to report.
    fn next_report(&mut self) -> Option<Output> {
        let report = self.outbox.pop_front()?;
        // Seldom needed: an idle poller keeps no room for reports.
        self.outbox.shrink_to_fit();
        Some(report)
    }

    const fn may_deliver(&self) -> bool {
        !matches!(
            self.state,
            State::Ended(End {
                delivers_held: false,
                ..
            })
        )
    }

    /// Returns the next message to deliver, and moves the cursor of its conversation past it.
    fn next_event(&mut self, now: Now) -> Option<Arc<Event>> {
        let server_now = self.account.server_now(now);
        while let Some(id) = self.ready.front().copied() {
            let event = self
                .conversations
                .update(id, |state| state.deliver(server_now));
            let Some(mut event) = event.flatten() else {
                self.ready.pop_front();
                self.settle(id);
                continue;
            };
            match event.content {
                Content::Withdraw(key) => {
                    Arc::make_mut(&mut event).withdrawn = self.kept.get(id, key);
                }
                _ => self.kept.keep(&event),
            }
            self.schedule.found();
            let is_own = Some(event.sender_uid()) == self.uid;
            if !(is_own && self.config.exclude_self) {
                return Some(event);
            }
        }
        None
    }

    /// Ends the backfill of a conversation when none of its messages is missing or held any more.
    fn settle(&mut self, id: ConversationId) {
        let outcome = self.conversations.update(id, ConversationState::settle);
        if let Some(FetchOutcome::Gone { from, to }) = outcome {
            self.warn(Warning::Gap {
                conversation: id,
                from_seqno: from,
                to_seqno: to,
            });
        }
    }
}
