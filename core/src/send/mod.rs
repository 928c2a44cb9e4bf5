//! Sends whose outcome is known: in order, at a distance, and read back where nobody knows.
//!
//! A [`Call`] of [`SendMsg`] tells what came back. After a time-out or a
//! cut connection that leaves open whether the message went out. A [`ConfirmedSend`] reads the
//! conversation back then, and its result is one of three:
//!
//! - `Ok`: the message was sent; its key is known, from the answer or from the conversation.
//! - [`Error::UnknownOutcome`]: nobody knows. Look into the conversation before sending again.
//! - any other error: the message was not sent, and may be sent again.
//!
//! Nothing is ever sent twice by itself. The sends of one login to one conversation go out one
//! after the other, the next one when the outcome of the one before is known; all sends keep a
//! [distance](crate::poller::PollerConfig::send_spacing).
//!
//! A reply ([`ConfirmedSend::reply`]) is made once, also by a session that was resumed after a
//! crash between a reply and the checkpoint that covers it: such a session looks into the
//! conversation for what the former process answered, once for each conversation, and returns a
//! reply that is there already as if it had just been sent. For this an own message of the same
//! content counts as the reply, also one that was written by hand after the message.

mod fingerprint;
mod ledger;
mod outcome;
mod own_messages;
mod queue;
mod replies;

pub(crate) use fingerprint::Fingerprint;
pub(crate) use ledger::SendLedger;
pub(crate) use queue::Place;
pub(crate) use replies::SavedReplies;

use std::time::Duration;

use http::Response;
use serde::Serialize;

use crate::auth_state::AuthState;
use crate::call::{Call, Output, taken_before};
use crate::call_machine::{CallLogin, CallMachine};
use crate::endpoints::{SendMsg, SentMsg};
use crate::error::{Error, TransportError};
use crate::event::Event;
use crate::ids::{ConversationId, MsgKey, Seqno};
use crate::time::{Now, UnixSeconds};
use outcome::Failure;
use own_messages::{OwnMessages, Read, Step};
use replies::Standing;

/// Times from one reading to the next, as long as the message does not show.
const WAITS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// Greatest difference between the server's clocks, in seconds.
const MARGIN_S: i64 = 2;

/// Machine of one send, whose outcome is read back from the conversation where the answer does
/// not tell. See the [module](self).
///
/// Driven like a [`Call`], by the same loop:
///
/// ```
/// use bilibili_session::call::Output;
/// use bilibili_session::endpoints::SendMsg;
/// use bilibili_session::send::ConfirmedSend;
/// use bilibili_session::{AuthState, ClientConfig, Credential, Now, Uid, UnixMicros};
/// use std::time::Duration;
///
/// # let mut elapsed = Duration::ZERO;
/// # let nav = br#"{"code":-101,"message":"made up"}"#.to_vec();
/// # let send = |_request: http::Request<Vec<u8>>| Ok(http::Response::new(nav.clone()));
/// let credential = Credential::parse("SESSDATA=made%2Cup; bili_jct=made-up")?;
/// let mut account = AuthState::new(ClientConfig::new(credential));
/// let mut message = ConfirmedSend::new(SendMsg::text(Uid(20001), "hi"));
/// let result = loop {
///     # let now = Now { monotonic: elapsed, wall: UnixMicros(1_700_000_000_000_000) };
///     match message.poll_output(&mut account, now) {
///         Output::Send(request) => {
///             let answer = send(request);
///             message.handle_response(&mut account, now, answer);
///         }
///         // Sleep until then.
///         Output::Wait(until) => {
///             # elapsed = until;
///         }
///         Output::Done(result) => break result,
///     }
/// };
/// assert_eq!(result.unwrap_err().code(), Some(-101));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct ConfirmedSend {
    message: SendMsg,
    /// The message that is answered.
    answers: Option<Seqno>,
    verifies: bool,
    place: Option<Place>,
    /// The server's time when the message went out, as far as its clock is known.
    sent_at: UnixSeconds,
    /// Set if the server's clock is known.
    knows_time: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    /// The answers of a former life are looked up.
    LookUp(Box<OwnMessages>),
    Send(Box<Call<SendMsg>>),
    /// The next reading comes at this time.
    Rest(Duration, Doubt),
    ReadBack(Box<OwnMessages>, Doubt),
    /// The send is over; the result is there until it is taken.
    Over(Option<Result<SendReport, Error>>),
}

/// A send that the conversation is asked about.
#[derive(Debug)]
struct Doubt {
    reason: Reason,
    /// Number of readings so far.
    readings: usize,
}

#[derive(Debug)]
enum Reason {
    /// The answer did not come, and the message may come late.
    Lost { error: Error, is_late: bool },
    /// The message was sent, and is to show up.
    Verify(SentMsg),
}

/// Outcome of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SendReport {
    /// Answer of the service, or the message as the conversation shows it: key and no more.
    pub message: SentMsg,
    /// True if the conversation showed the message, and no answer told of it.
    pub found: bool,
    /// True if the conversation shows the message, false if it does not, where that was
    /// [asked for](ConfirmedSend::verify) and it could be read.
    pub arrived: Option<bool>,
}

impl ConfirmedSend {
    /// Creates the send of this message; nothing is sent yet.
    pub const fn new(message: SendMsg) -> Self {
        Self {
            message,
            answers: None,
            verifies: false,
            place: None,
            sent_at: UnixSeconds(0),
            knows_time: false,
            stage: Stage::Begin,
        }
    }

    /// Creates a reply to this event, which goes to the event's conversation: a message to another
    /// conversation is sent like any other.
    ///
    /// Within a session it is made once, also after a [resume](crate::poller::Poller::resume).
    pub fn reply(event: &Event, message: SendMsg) -> Self {
        let is_there = message.to() == event.conversation;
        Self {
            answers: is_there.then(|| event.msg_seqno()),
            ..Self::new(message)
        }
    }

    /// Sets whether the conversation is read back after a success as well:
    /// [`SendReport::arrived`] says whether the message shows up there.
    pub const fn verify(mut self, verify: bool) -> Self {
        self.verifies = verify;
        self
    }

    /// Returns the next thing to do, for a login without a session. To be called again after each
    /// answer, and after a wait.
    ///
    /// Within a session [`Poller::poll_call`](crate::poller::Poller::poll_call) takes its place.
    pub fn poll_output(&mut self, account: &mut AuthState, now: Now) -> Output<SendReport> {
        self.poll_with(account, now)
    }

    /// Takes the answer to the request that was sent last, for a login without a session. An
    /// answer that nothing waits for is dropped.
    pub fn handle_response(
        &mut self,
        account: &mut AuthState,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        self.handle_with(account, now, answer);
    }

    const fn receiver(&self) -> ConversationId {
        self.message.to()
    }

    /// Returns the first step: what a former life did comes before what is sent now. Fails with
    /// the time of the next look where it is not this send's turn.
    fn begin(&mut self, account: &mut AuthState, clock: Duration) -> Result<Stage, Duration> {
        let id = self.receiver();
        let ledger = account.sends_mut();
        let place = match &self.place {
            Some(place) => place,
            None => self.place.insert(ledger.queue().enter(id)),
        };
        ledger.queue().check_first(place, clock)?;
        let place = place.clone();
        let standing = match (self.answers, ledger.replies()) {
            (Some(to), Some(replies)) => replies.claim(id, to, self.message.fingerprint(), clock),
            _ => Standing::Open,
        };
        Ok(match (standing, self.answers) {
            (Standing::LookUp(not_before), _) if clock < not_before => return Err(not_before),
            (Standing::LookUp(_), Some(to)) => Stage::LookUp(Box::new(OwnMessages::after(id, to))),
            (Standing::Made(key), _) => Stage::Over(Some(Ok(self.found(account, key)))),
            _ => Stage::Send(Box::new(Call::with_place(self.message.clone(), place))),
        })
    }

    /// Draws the conclusion from the answer to the message, or from its failure.
    fn judge(
        &mut self,
        account: &mut AuthState,
        now: Now,
        was_sent: bool,
        result: Result<SentMsg, Error>,
    ) -> Stage {
        let reason = match result {
            Ok(sent) => {
                self.note(account, sent.msg_key);
                if !self.verifies {
                    return over(sent, false, None);
                }
                Reason::Verify(sent)
            }
            Err(error) => {
                let failure = match was_sent {
                    true => Failure::of(&error),
                    false => Failure::NotSent,
                };
                let is_late = match failure {
                    Failure::NotSent => return Stage::Over(Some(Err(error))),
                    Failure::Doubtful => false,
                    Failure::Late => true,
                };
                Reason::Lost { error, is_late }
            }
        };
        let readings = 0;
        Stage::Rest(now.monotonic, Doubt { reason, readings })
    }

    /// Begins a reading of the conversation.
    fn read_back(&self, account: &AuthState) -> OwnMessages {
        let id = self.receiver();
        match self.answers.max(account.sends().seen(id)) {
            Some(after) => OwnMessages::after(id, after),
            None => OwnMessages::since(id, self.since()),
        }
    }

    /// Draws the conclusion from a reading.
    fn compare(
        &mut self,
        account: &mut AuthState,
        now: Now,
        mut doubt: Doubt,
        read: Result<Read, Error>,
    ) -> Stage {
        let is_clean = read.as_ref().is_ok_and(|read| !read.has_unreadable);
        let shown = read
            .ok()
            .and_then(|read| self.shown(account, &doubt, &read));
        doubt.readings += 1;
        let next = WAITS.get(doubt.readings - 1);
        match (doubt.reason, shown, next) {
            (Reason::Verify(sent), Some(_), _) => over(sent, false, Some(true)),
            (Reason::Lost { .. }, Some(key), _) => Stage::Over(Some(Ok(self.found(account, key)))),
            (reason, None, Some(wait)) => {
                let readings = doubt.readings;
                let until = now.monotonic.saturating_add(*wait);
                Stage::Rest(until, Doubt { reason, readings })
            }
            (Reason::Verify(sent), None, None) => over(sent, false, is_clean.then_some(false)),
            (Reason::Lost { error, is_late }, None, None) => {
                let is_known = is_clean && !is_late && (self.knows_time || self.answers.is_some());
                Stage::Over(Some(Err(match is_known {
                    true => error,
                    false => Error::UnknownOutcome(Box::new(error)),
                })))
            }
        }
    }

    /// Returns the least time of the message.
    const fn since(&self) -> UnixSeconds {
        UnixSeconds(self.sent_at.0.saturating_sub(MARGIN_S))
    }

    /// Returns the key of the message if a reading shows it.
    fn shown(&self, account: &AuthState, doubt: &Doubt, read: &Read) -> Option<MsgKey> {
        let mut own = read.own.iter();
        let own = match &doubt.reason {
            Reason::Verify(sent) => own.find(|own| own.key == sent.msg_key),
            Reason::Lost { .. } => {
                let content = self.message.fingerprint()?;
                own.find(|own| {
                    own.content == Some(content)
                        && (!self.knows_time || own.timestamp >= self.since())
                        && !account.sends().knows(self.receiver(), own.key)
                })
            }
        };
        own.map(|own| own.key)
    }

    /// Returns the report of a message that the conversation shows.
    fn found(&self, account: &mut AuthState, key: MsgKey) -> SendReport {
        account.sends_mut().know(key);
        self.note(account, key);
        SendReport {
            message: SentMsg::found(key),
            found: true,
            arrived: self.verifies.then_some(true),
        }
    }

    /// Notes a reply, if this is one: a later life is not to make it again.
    fn note(&self, account: &mut AuthState, key: MsgKey) {
        if let Some(to) = self.answers
            && let Some(replies) = account.sends_mut().replies_to_note()
        {
            replies.note(self.receiver(), to, self.message.fingerprint(), key);
        }
    }
}

impl CallMachine for ConfirmedSend {
    type Output = SendReport;

    fn poll_with<L: CallLogin>(&mut self, login: &mut L, now: Now) -> Output<SendReport> {
        // A table, so it may be long: what comes next in each stage.
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Over(None)) {
                Stage::Begin => match self.begin(login.account(), now.monotonic) {
                    Ok(stage) => stage,
                    Err(until) => {
                        self.stage = Stage::Begin;
                        return Output::Wait(until);
                    }
                },
                Stage::LookUp(mut reading) => match reading.poll(login, now) {
                    Step::Done(Ok(read)) => {
                        let id = self.receiver();
                        if let Some(replies) = login.account().sends_mut().replies() {
                            replies.looked_up(id, read);
                        }
                        Stage::Begin
                    }
                    Step::Done(Err(error)) => Stage::Over(Some(Err(error))),
                    Step::Send(request) => {
                        self.stage = Stage::LookUp(reading);
                        return Output::Send(request);
                    }
                    Step::Wait(until) => {
                        self.stage = Stage::LookUp(reading);
                        return Output::Wait(until);
                    }
                },
                Stage::Send(mut call) => match login.poll_one(now, &mut call) {
                    Output::Done(result) => {
                        self.judge(login.account(), now, call.was_sent(), result)
                    }
                    Output::Send(request) => {
                        let account = login.account();
                        self.sent_at = account.server_now(now);
                        self.knows_time = account.latest_now(now).is_some();
                        self.stage = Stage::Send(call);
                        return Output::Send(request);
                    }
                    Output::Wait(until) => {
                        self.stage = Stage::Send(call);
                        return Output::Wait(until);
                    }
                },
                Stage::Rest(until, doubt) if now.monotonic < until => {
                    self.stage = Stage::Rest(until, doubt);
                    return Output::Wait(until);
                }
                Stage::Rest(_, doubt) => {
                    let reading = self.read_back(login.account());
                    Stage::ReadBack(Box::new(reading), doubt)
                }
                Stage::ReadBack(mut reading, doubt) => match reading.poll(login, now) {
                    Step::Done(read) => self.compare(login.account(), now, doubt, read),
                    Step::Send(request) => {
                        self.stage = Stage::ReadBack(reading, doubt);
                        return Output::Send(request);
                    }
                    Step::Wait(until) => {
                        self.stage = Stage::ReadBack(reading, doubt);
                        return Output::Wait(until);
                    }
                },
                Stage::Over(result) => {
                    self.place = None;
                    return Output::Done(result.unwrap_or_else(|| Err(taken_before())));
                }
            };
        }
    }

    fn handle_with<L: CallLogin>(
        &mut self,
        login: &mut L,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        match &mut self.stage {
            Stage::Send(call) => login.handle_one(now, call, answer),
            Stage::LookUp(reading) | Stage::ReadBack(reading, _) => {
                if let Some(call) = reading.call() {
                    login.handle_one(now, call, answer);
                }
            }
            Stage::Begin | Stage::Rest(..) | Stage::Over(_) => {}
        }
    }
}

/// Ends a send with a message that was sent.
const fn over(message: SentMsg, found: bool, arrived: Option<bool>) -> Stage {
    Stage::Over(Some(Ok(SendReport {
        message,
        found,
        arrived,
    })))
}

impl From<SendMsg> for ConfirmedSend {
    fn from(message: SendMsg) -> Self {
        Self::new(message)
    }
}
