//! The driver, which looks at every output.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::poller::{
    Checkpoint, Journal, JournalEntry, Output, Poller, RequestId, Status, StatusChange,
};
use bilibili_session::{
    ClientConfig, ConversationId, Credential, Event, Now, TransportError, Uid, UnixMicros,
};
use http::{Request, Response};
use serde_json::{Value, json};

use super::script::{Script, Settings};
use super::server::{OWN, START, Stored};
use crate::checks::assert_one_line;
use crate::checks::content::check_event;

pub(super) struct OnItsWay {
    pub(super) id: RequestId,
    pub(super) deadline: Duration,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
}

/// A poller, its driver, and the server.
pub struct Life {
    pub(super) settings: Settings,
    pub(super) poller: Poller,
    pub(super) status: Status,
    pub(super) elapsed: Duration,
    pub(super) skew: i64,
    /// Error of the `Date` header; `None`: it is not sent.
    pub(super) date: Option<i64>,
    pub(super) on_their_way: Vec<OnItsWay>,
    pub(super) answered: Vec<RequestId>,
    /// The last word of a drain.
    pub(super) wait: Option<Duration>,
    pub(super) finished: bool,
    pub(super) closed: bool,
    /// So far the server told nothing that is not so.
    pub(super) honest: bool,
    pub(super) last_round: Option<Duration>,
    /// A list was refused for want of a signature, or of a better one.
    pub(super) list_refused: bool,
    /// Number of items that were fed, and may come out.
    pub(super) fed: usize,
    /// Of this life, by conversation: the last seqno, and all.
    pub(super) last: BTreeMap<ConversationId, u64>,
    pub(super) seen: BTreeSet<(ConversationId, u64, i64)>,
    /// So many conversations that some may have been forgotten.
    pub(super) crowded: bool,
    pub(super) newest_event: Option<Arc<Event>>,
    journal: Journal,
    /// File as the journal wrote it.
    file: String,
    pub(super) store: BTreeMap<u8, Vec<Stored>>,
    /// The messages that have to come out: they arrived after the baseline.
    pub(super) owed: BTreeSet<(i64, u64)>,
    pub(super) next_seqno: u64,
}

pub(super) fn context() -> ClientConfig {
    let hosts = bilibili_session::Hosts::origin("http://127.0.0.1:1").unwrap();
    ClientConfig::new(Credential::parse("SESSDATA=made%2Cup; bili_jct=0011").unwrap()).hosts(hosts)
}

impl Life {
    pub(super) fn new(settings: &Settings) -> Self {
        let poller = Poller::new(context(), settings.config()).unwrap();
        Self::of(poller, settings.clone())
    }

    /// One that goes on from a checkpoint, which may say anything.
    pub fn resumed(checkpoint: &Checkpoint) -> Self {
        let settings = Settings::default();
        let poller = Poller::resume(context(), settings.config(), checkpoint).unwrap();
        let mut life = Self::of(poller, settings);
        life.honest = false;
        life
    }

    pub(super) fn of(poller: Poller, settings: Settings) -> Self {
        Self {
            settings,
            status: poller.status(),
            poller,
            elapsed: Duration::from_secs(1000),
            skew: 0,
            date: Some(0),
            on_their_way: Vec::new(),
            answered: Vec::new(),
            wait: None,
            finished: false,
            closed: false,
            honest: true,
            last_round: None,
            list_refused: false,
            fed: 0,
            last: BTreeMap::new(),
            seen: BTreeSet::new(),
            crowded: false,
            newest_event: None,
            journal: Journal::new(),
            file: String::new(),
            store: BTreeMap::new(),
            owed: BTreeSet::new(),
            next_seqno: 1,
        }
    }

    /// Everything that the script says, then an end: what is owed has come out by then.
    pub fn run(&mut self, script: &Script) {
        self.drain();
        for step in script.steps.iter().take(160) {
            self.step(step);
            self.drain();
            self.check_checkpoint();
        }
        if self.honest && self.status == Status::Closed {
            self.resume(false);
            self.drain();
        }
        if self.honest && !self.finished {
            self.deliver_the_rest();
        }
        self.check_checkpoint();
        self.close();
    }

    pub(super) fn now(&self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap();
        Now {
            monotonic: self.elapsed,
            wall: UnixMicros(((START - 1000) * 1_000_000 + micros).saturating_add(self.skew)),
        }
    }

    pub(super) fn server_now(&self) -> i64 {
        START - 1000 + i64::try_from(self.elapsed.as_secs()).unwrap()
    }

    /// Polls until there is nothing to do, and looks at what comes.
    pub(super) fn drain(&mut self) {
        let limit = 64 + 2 * self.fed + self.seen.len();
        for _ in 0..limit {
            let now = self.now();
            match self.poller.poll_output(now) {
                Output::Send(outgoing) => {
                    assert!(!self.closed && !self.finished, "a request after the end");
                    assert!(outgoing.deadline > self.elapsed);
                    self.sent(outgoing.id, outgoing.deadline, &outgoing.request);
                }
                Output::Event(event) => {
                    assert!(!self.closed, "an event after the end");
                    self.came(event);
                }
                Output::Feed(event) => panic!("nobody asked for {event}"),
                Output::Warning(notice) => {
                    assert_one_line(&notice.to_string());
                }
                Output::Status(change) => self.moved(&change),
                Output::Wait(until) => {
                    assert!(!self.finished, "it goes on after the end");
                    assert!(
                        until > self.elapsed,
                        "a wait until {until:?}, and it is {:?}",
                        self.elapsed
                    );
                    self.wait = Some(until);
                    let backlog = usize::from(self.settings.backlog % 16);
                    assert!(self.poller.held_messages() <= backlog, "it holds too much");
                    let again = self.poller.poll_output(now);
                    assert!(
                        matches!(again, Output::Wait(same) if same == until),
                        "{again:?} after a wait"
                    );
                    return;
                }
                Output::Finished(result) => {
                    self.finished = true;
                    assert_eq!(result.is_err(), self.status == Status::Error, "{result:?}");
                    assert!(!self.poller.status().is_running());
                    return;
                }
            }
        }
        panic!("{limit} outputs without an end, and no time has passed");
    }

    pub(super) fn sent(&mut self, id: RequestId, deadline: Duration, request: &Request<Vec<u8>>) {
        let uri = request.uri();
        let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
        let path = uri.path().rsplit('/').next().unwrap().to_owned();
        // One that is signed because it was refused without belongs to the same round.
        let again = path == "new_sessions" && std::mem::take(&mut self.list_refused);
        if path == "new_sessions" && !again {
            if let Some(last) = self.last_round.filter(|_| self.honest) {
                let least = last + self.settings.interval();
                assert!(self.elapsed >= least, "two rounds within an interval");
            }
            self.last_round = Some(self.elapsed);
        }
        self.on_their_way.push(OnItsWay {
            id,
            deadline,
            path,
            query: query.into_owned().collect(),
        });
        // So many conversations side by side, and keys or a list.
        let most = self.settings.max_parallel() + 1;
        assert!(
            self.on_their_way.len() <= most,
            "too many requests at a time"
        );
    }

    pub(super) fn came(&mut self, event: Arc<Event>) {
        check_event(&event);
        let id = event.conversation;
        let (seqno, key) = (event.msg_seqno().0, event.msg_key().0);
        let is_new = self.seen.insert((id, seqno, key));
        let last = self.last.insert(id, seqno).unwrap_or(0);
        if !self.crowded {
            assert!(is_new, "{id}: {seqno} came twice");
            assert!(seqno >= last, "{id}: {seqno} came after {last}");
        }
        if !self.settings.with_own {
            assert_ne!(event.sender_uid(), Uid(OWN));
        }
        if !self.crowded {
            self.check_covered(id, seqno);
        }
        self.owed.remove(&(id.talker_id(), seqno));
        self.newest_event = Some(event);
    }

    pub(super) fn moved(&mut self, change: &StatusChange) {
        assert!(change.status > self.status, "{change:?}");
        assert_eq!(change.reason.is_some(), change.status == Status::Error);
        self.status = change.status;
    }

    /// Time passes; where it is less than the poller wants to wait for, nothing happens.
    pub(super) fn pass_to(&mut self, to: Duration) {
        self.elapsed = self.elapsed.max(to);
        let elapsed = self.elapsed;
        self.on_their_way.retain(|request| {
            let is_late = request.deadline <= elapsed;
            if is_late {
                self.answered.push(request.id);
            }
            !is_late
        });
        if let Some(until) = self.wait.filter(|until| elapsed < *until && !self.finished) {
            let output = self.poller.poll_output(self.now());
            assert!(
                matches!(output, Output::Wait(same) if same == until),
                "{output:?} before it is time"
            );
        }
    }

    pub(super) fn take(&mut self, pick: u8) -> Option<OnItsWay> {
        if self.on_their_way.is_empty() {
            return None;
        }
        let place = usize::from(pick) % self.on_their_way.len();
        Some(self.on_their_way.remove(place))
    }

    pub(super) fn tell(
        &mut self,
        request: &OnItsWay,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let now = self.now();
        let taken = self.poller.handle_response(now, request.id, answer);
        assert_eq!(taken.is_ok(), !self.finished && !self.closed, "{taken:?}");
        self.answered.push(request.id);
        self.wait = None;
        if !self.poller.status().is_running() {
            let ids = self.on_their_way.drain(..).map(|request| request.id);
            self.answered.extend(ids);
        }
    }

    pub(super) fn respond(&mut self, request: &OnItsWay, status: u16, body: Vec<u8>) {
        let mut response = Response::builder().status(status);
        if let Some(off) = self.date {
            let seconds = self.server_now().saturating_add(off);
            if let Ok(seconds @ 0..250_000_000_000) = u64::try_from(seconds) {
                let date = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
                response = response.header("date", httpdate::fmt_http_date(date));
            }
        }
        self.tell(request, Ok(response.body(body).unwrap()));
    }

    pub(super) fn success(&mut self, request: &OnItsWay, data: &Value) {
        let body = json!({"code": 0, "message": "0", "data": data});
        self.respond(request, 200, body.to_string().into_bytes());
    }

    pub(super) fn refuse(&mut self, pick: u8, code: u8) {
        const CODES: [i64; 14] = [
            -403, -403, -352, -412, -509, -799, -500, -400, 2, 700_009, 12_345, 700_013, 1_000_004,
            -101,
        ];
        let code = CODES[usize::from(code) % CODES.len()];
        let Some(request) = self.take(pick) else {
            return;
        };
        if matches!(code, 700_013 | 1_000_004) {
            self.honest = false;
        }
        self.list_refused |= code == -403 && request.path == "new_sessions";
        let body = json!({"code": code, "message": "made\nup\u{1b}[2J", "data": null});
        self.respond(&request, 200, body.to_string().into_bytes());
        if code == -101 {
            assert_eq!(self.poller.status(), Status::Error);
        }
    }

    pub(super) fn close(&mut self) {
        self.poller.handle_close();
        self.closed = true;
        let ids = self.on_their_way.drain(..).map(|request| request.id);
        self.answered.extend(ids);
        self.drain();
        assert!(self.finished, "it does not end");
    }

    pub(super) fn check_checkpoint(&mut self) {
        let Some(checkpoint) = self.poller.checkpoint() else {
            return;
        };
        let written = checkpoint.to_json();
        assert_eq!(Checkpoint::from_json(&written), Ok(checkpoint.clone()));
        match self.poller.save(&mut self.journal) {
            Some(JournalEntry::Replace(text)) => self.file = text,
            Some(JournalEntry::Append(text)) => self.file += &text,
            None => panic!("there is a checkpoint"),
        }
        assert_eq!(Checkpoint::from_json(&self.file), Ok(checkpoint));
    }

    /// A checkpoint covers exactly what was delivered.
    pub(super) fn check_covered(&self, id: ConversationId, seqno: u64) {
        let checkpoint = serde_json::to_value(self.poller.checkpoint()).unwrap();
        let entries = checkpoint["body"]["conversations"].as_array().unwrap();
        let entry = entries
            .iter()
            .find(|entry| {
                entry["session_type"] == id.session_type() && entry["talker_id"] == id.talker_id()
            })
            .unwrap();
        assert_eq!(entry["cursor"], seqno, "{id}");
    }

    pub(super) fn resume(&mut self, rewind: bool) {
        let Some(mut checkpoint) = self.poller.checkpoint() else {
            return;
        };
        self.check_checkpoint();
        if rewind && let Some(event) = &self.newest_event {
            checkpoint.rewind(event);
        }
        self.poller = Poller::resume(context(), self.settings.config(), &checkpoint).unwrap();
        self.status = self.poller.status();
        self.on_their_way.clear();
        self.answered.clear();
        self.wait = None;
        self.finished = false;
        self.closed = false;
        self.last_round = None;
        self.last.clear();
        self.seen.clear();
    }

    /// The network works from now on: all that is owed comes out.
    pub(super) fn deliver_the_rest(&mut self) {
        for _ in 0..600 {
            while let Some(request) = self.take(0) {
                let data = self.serve(&request);
                self.success(&request, &data);
                self.drain();
            }
            if self.owed.is_empty() || self.finished {
                break;
            }
            self.pass_to(self.wait.unwrap());
            self.drain();
        }
        if !self.finished {
            assert!(self.owed.is_empty(), "lost: {:?}", self.owed);
        }
    }
}
