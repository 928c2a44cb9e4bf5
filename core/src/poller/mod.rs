//! The poller: private messages as events.
//!
//! A [`Poller`] is a machine that a driver turns. It opens no socket and asks no clock:
//! whatever it wants done comes out of [`poll_output`](Poller::poll_output), whatever
//! happened goes in through the `handle_*` methods, each with the time.
//!
//! # Run loop
//!
//! ```
//! use bilibili_session::{Context, Credential, Now, UnixMicros};
//! use bilibili_session::poller::{Output, Poller, PollerConfig};
//! use std::time::Duration;
//!
//! # let answer = || http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec());
//! # let mut elapsed = Duration::ZERO;
//! let context = Context::new(Credential::parse("SESSDATA=made%2Cup")?);
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
//!         Output::Notice(notice) => eprintln!("{notice}"),
//!         Output::Status(change) => eprintln!("{}", change.status),
//!         // Sleep until then, or until an answer comes, a call beside it is over, or it is
//!         // to close.
//!         Output::Wait(until) => poller.handle_timeout(Now { monotonic: until, ..now }),
//!         Output::Finished(result) => break result,
//!     }
//! };
//! assert!(result.is_err(), "the login is dead");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! Every message that arrives after the start and that a list shows comes out, once, in order
//! within its conversation, also when thousands arrive between two rounds or requests fail. A
//! list that breaks off or cannot be proven whole is owed: it is read later, and a notice
//! ([`Notice::ListIncomplete`]) says so. What the service lists and does not deliver in three
//! rounds is a [`Notice::Gap`].
//!
//! A [`Checkpoint`] covers exactly what was handed out; one that is resumed goes on from
//! there. The poller asks no faster than its interval, pauses when told to, and keeps its
//! memory within its [configuration](PollerConfig). Calls of [`start_call`](Poller::start_call)
//! share its login and its pauses. After [`handle_close`](Poller::handle_close) it is finished
//! at once.

mod answer;
mod backoff;
mod calls;
mod checkpoint;
mod config;
mod failure;
mod gap;
mod habits;
mod kept;
mod lists;
mod notice;
mod output;
mod pauses;
mod request;
mod status;
mod told;
mod track;
mod tracks;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::Response;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, PollerConfig};
pub use habits::Habits;
pub use notice::Notice;
pub use output::{Outgoing, Output, RequestId, UnknownRequest};
pub use status::{Status, StatusChange};

use crate::call::Account;
use crate::context::Context;
use crate::error::{Error, TransportError};
use crate::event::Event;
use crate::ids::{ConversationId, Seqno, Uid};
use crate::model::Content;
use crate::time::{Now, UnixMicros, UnixSeconds};
use kept::Kept;
use lists::{Listing, Lists};
use pauses::Pauses;
use request::InFlight;
use status::Trigger;
use told::Told;
use track::Settled;
use tracks::Tracks;

/// Keys that are refused are renewed no faster than this, or than the interval.
const KEY_PACE: Duration = Duration::from_secs(5);

/// Turns the private messages of an account into events. See the [module](self).
#[derive(Debug)]
pub struct Poller {
    account: Account,
    config: PollerConfig,
    status: Status,
    phase: Phase,
    /// The latest monotonic reading.
    clock: Duration,
    /// Whose messages these are, once nav has said so or the checkpoint says it.
    uid: Option<Uid>,
    lists: Lists,
    tracks: Tracks,
    /// The conversations of this round that are still to be asked for.
    queue: VecDeque<ConversationId>,
    /// From then on the round asks for no more of them: the next one lists what came meanwhile.
    fetching_until: Duration,
    /// Those whose front can be handed out.
    ready: VecDeque<ConversationId>,
    in_flight: BTreeMap<RequestId, InFlight>,
    next_id: u64,
    /// The next round begins then.
    round_due: Duration,
    /// No request is sent before, and the next one this much later.
    spaced_at: Duration,
    spacing: Duration,
    /// When the list was last asked for, by the server's clock.
    polled_at: UnixSeconds,
    pauses: Pauses,
    /// The conversation that new keys were refused to.
    refused_to: Option<ConversationId>,
    kept: Kept,
    /// Items of lists that could not be read.
    told: Told,
    outbox: VecDeque<Output>,
    ended: Option<End>,
}

/// What the poller is about.
#[derive(Debug)]
enum Phase {
    /// The first list is to be asked for: it is the base line.
    Start,
    /// A checkpoint is the base line; who is logged in is to be asked.
    Resume,
    /// Between two rounds.
    Idle,
    /// Reading what changed.
    Listing(Listing),
    /// Fetching what is new in the conversations that changed.
    Fetching,
}

/// How it ends.
#[derive(Debug)]
struct End {
    result: Result<(), Error>,
    /// Whether messages that are here already are still handed out.
    hand_out: bool,
    told: bool,
}

impl Poller {
    /// A poller that takes its base line from the server: what arrives from then on comes out.
    ///
    /// # Errors
    /// Fails when the configuration is out of range, or asks the service itself too often.
    pub fn new(context: Context, config: PollerConfig) -> Result<Self, ConfigError> {
        config.check(context.is_official())?;
        let mut account = Account::new(context.clone());
        account.sign_lists(config.habits.lists_signed == Some(true));
        account.set_key_pace(config.interval.min(KEY_PACE));
        Ok(Self {
            status: Status::Init,
            phase: Phase::Start,
            clock: Duration::ZERO,
            uid: None,
            lists: Lists::new(&config),
            tracks: Tracks::new(config.max_conversations, config.interval),
            queue: VecDeque::new(),
            fetching_until: Duration::ZERO,
            ready: VecDeque::new(),
            in_flight: BTreeMap::new(),
            next_id: 0,
            round_due: Duration::ZERO,
            spaced_at: Duration::ZERO,
            spacing: config.spacing_to(context.is_official()),
            polled_at: UnixSeconds::default(),
            pauses: Pauses::new(&config),
            refused_to: None,
            kept: Kept::new(config.kept_events),
            told: Told::default(),
            outbox: VecDeque::new(),
            ended: None,
            account,
            config,
        })
    }

    /// A poller that goes on where another stood: what arrived since then comes out.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when the checkpoint is of another account than the
    /// credential names.
    pub fn resume(
        context: Context,
        config: PollerConfig,
        checkpoint: &Checkpoint,
    ) -> Result<Self, ConfigError> {
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
        poller.phase = Phase::Resume;
        poller.uid = Some(checkpoint.uid());
        poller
            .lists
            .resume(checkpoint.base_ts(), checkpoint.lists());
        poller.polled_at = checkpoint.polled_at();
        poller.tracks.new_since = checkpoint.new_since();
        for entry in checkpoint.entries() {
            let track = poller.tracks.insert(
                ConversationId::new(entry.session_type, entry.talker_id),
                entry.cursor.map(Seqno),
                Seqno(entry.target),
                UnixMicros(entry.session_ts),
            );
            track.recheck = entry
                .recheck
                .then(|| Seqno(entry.target).max(Seqno(entry.cursor.unwrap_or_default())));
            track.listed_ts = UnixSeconds(entry.written_at.unwrap_or_default());
            if let Some(settled_ts) = entry.settled_ts {
                track.settled_ts = UnixMicros(settled_ts);
            }
            track.new_from = entry.new_from.map(Seqno);
            track.newest_ts = UnixSeconds(entry.newest_ts.unwrap_or_default());
            if let Some(new_since) = entry.new_since {
                track.new_since = UnixSeconds(new_since);
            }
        }
        Ok(poller)
    }

    /// How it stands.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Whose messages these are; known from nav on, or from the checkpoint.
    pub const fn uid(&self) -> Option<Uid> {
        self.uid
    }

    /// How many messages are held that were not handed out yet. When it waits, at most as
    /// many as the [backlog](PollerConfig::backlog) allows.
    pub fn held_messages(&self) -> usize {
        self.tracks.held()
    }

    /// How many conversations are remembered: at most as many as
    /// [configured](PollerConfig::max_conversations), besides those that changed just now,
    /// have something to fetch, or may be on the rest of a list that is owed.
    pub fn remembered_conversations(&self) -> usize {
        self.tracks.len()
    }

    /// Where it stands: covers exactly the events handed out so far. `None` before the
    /// base line is taken.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let uid = match self.phase {
            Phase::Start => return None,
            _ => self.uid?,
        };
        let conversations = self
            .tracks
            .iter()
            .map(|(id, track)| checkpoint::Entry {
                session_type: id.session_type(),
                talker_id: id.talker_id(),
                cursor: track.cursor.map(|cursor| cursor.0),
                target: track.reachable().0,
                session_ts: track.session_ts.0,
                written_at: track.written_before_listed().map(|at| at.0),
                settled_ts: Some(track.settled_ts.0).filter(|ts| *ts != track.session_ts.0),
                newest_ts: Some(track.newest_ts.0)
                    .filter(|_| track.newest_ts.to_micros() > track.session_ts),
                new_since: match track.cursor {
                    Some(_) => None,
                    None => Some(track.new_since.0),
                },
                new_from: track
                    .new_from
                    .filter(|_| track.cursor.is_none())
                    .map(|seqno| seqno.0),
                recheck: track.is_vague(),
            })
            .collect();
        Some(Checkpoint {
            body: checkpoint::Body {
                uid: uid.0,
                base_ts: self.lists.base_ts().0,
                new_since: self.tracks.new_since.0,
                polled_at: self.polled_at.0,
                lists: self.lists.save(),
                conversations,
            },
        })
    }

    /// What to do next. Call it again until it says [`Output::Wait`] or [`Output::Finished`].
    pub fn poll_output(&mut self, now: Now) -> Output {
        self.handle_timeout(now);
        let now = self.at(now);
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        if self.ended.as_ref().is_none_or(|end| end.hand_out)
            && let Some(event) = self.next_event(now)
        {
            return Output::Event(event);
        }
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        if let Some(end) = &mut self.ended {
            if end.result.is_err() && !end.told {
                end.told = true;
                return Output::Status(StatusChange {
                    status: self.status,
                    reason: end.result.clone().err(),
                });
            }
            return Output::Finished(end.result.clone());
        }
        match self.next_request(now) {
            Some(outgoing) => Output::Send(outgoing),
            // A request that cannot be built ends it.
            None if self.ended.is_some() => self.poll_output(now),
            None => Output::Wait(self.next_wake()),
        }
    }

    /// Takes what came of a request: a whole answer of any status, or that none came.
    ///
    /// # Errors
    /// Fails when no such request is in flight: its deadline has passed, it was answered
    /// already, or the poller has ended. That harms nothing.
    pub fn handle_response(
        &mut self,
        now: Now,
        id: RequestId,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Result<(), UnknownRequest> {
        let now = self.at(now);
        let in_flight = self.in_flight.remove(&id).ok_or(UnknownRequest(id))?;
        if let Ok(answer) = &answer {
            self.account.observe(answer, now);
        }
        self.handle_answer(now, in_flight, answer);
        Ok(())
    }

    /// Takes that time has passed: requests whose deadline is over have failed.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.at(now);
        let overdue: Vec<RequestId> = self
            .in_flight
            .iter()
            .filter(|(_, in_flight)| in_flight.deadline <= now.monotonic)
            .map(|(id, _)| *id)
            .collect();
        for id in overdue {
            if let Some(in_flight) = self.in_flight.remove(&id) {
                self.handle_answer(now, in_flight, Err(TransportError::timeout()));
            }
        }
    }

    /// Ends it: no further request, no waiting for one in flight. What is here but was not
    /// handed out is not covered by the checkpoint and comes again after a resume.
    pub fn handle_close(&mut self) {
        if let Some(end) = &mut self.ended {
            end.hand_out = false;
            return;
        }
        self.move_on(Trigger::Close);
        self.move_on(Trigger::Drained);
        self.end(Ok(()), false);
    }

    /// The time of this input, never before that of an earlier one.
    fn at(&mut self, now: Now) -> Now {
        self.clock = self.clock.max(now.monotonic);
        Now {
            monotonic: self.clock,
            wall: now.wall,
        }
    }

    /// Every change of state goes through here.
    fn move_on(&mut self, trigger: Trigger) {
        if let Some(status) = self.status.after(trigger) {
            self.status = status;
            // The last word of a poller that failed is kept until all is handed out.
            if status != Status::Error {
                self.outbox.push_back(Output::Status(StatusChange {
                    status,
                    reason: None,
                }));
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.move_on(Trigger::Fatal);
        self.end(Err(error), true);
    }

    fn end(&mut self, result: Result<(), Error>, hand_out: bool) {
        self.in_flight.clear();
        self.queue.clear();
        self.ended = Some(End {
            result,
            hand_out,
            told: false,
        });
    }

    /// The next message that can be handed out; moves its conversation's cursor past it.
    fn next_event(&mut self, now: Now) -> Option<Event> {
        let server_now = self.account.server_now(now);
        while let Some(id) = self.ready.front().copied() {
            let popped = self
                .tracks
                .get_mut(id)
                .and_then(|track| Some((track.gap.as_mut()?.pop()?, track)));
            let Some((mut event, track)) = popped else {
                self.ready.pop_front();
                self.settle(id);
                continue;
            };
            track.hand_out(&event, server_now);
            if let Content::Withdraw(key) = &event.content {
                event.withdrawn = self.kept.get(id, *key);
            } else {
                self.kept.keep(&event);
            }
            let is_own = Some(event.sender_uid()) == self.uid;
            if !(is_own && self.config.exclude_self) {
                return Some(event);
            }
        }
        None
    }

    /// Closes a conversation's gap when nothing of it is missing or here any more.
    fn settle(&mut self, id: ConversationId) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        let is_drained = track
            .gap
            .as_ref()
            .is_some_and(|gap| gap.ask().is_none() && !gap.is_ready());
        if !is_drained {
            return;
        }
        if let Settled::Gone { from, to } = track.settle() {
            self.outbox.push_back(Output::Notice(Notice::Gap {
                conversation: id,
                from_seqno: from,
                to_seqno: to,
            }));
        }
    }
}
