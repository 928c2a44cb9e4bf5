//! A poller between a network that does anything and a driver that does as it is told.
//!
//! A script says what the server, the network, the clocks and the user do. After every step
//! the driver drains the poller, and looks at every output.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use bilibili_session::poller::{
    Checkpoint, Output, Poller, PollerConfig, RequestId, Status, StatusChange,
};
use bilibili_session::{
    Context, ConversationId, Credential, Event, Now, TransportError, TransportErrorKind, Uid,
    UnixMicros,
};
use http::{Request, Response};
use serde_json::{Value, json};

use super::assert_one_line;
use super::content::check_event;

const OWN: i64 = 10001;
const START: i64 = 1_700_000_000;
const TALKERS: u8 = 6;
const MAX_CONVERSATIONS: usize = 100;

/// How it is configured, and what happens.
#[derive(Debug, Clone, Default, Arbitrary)]
pub struct Script {
    pub settings: Settings,
    pub steps: Vec<Step>,
}

/// The configuration; numbers are folded into their range.
#[derive(Debug, Clone, Default, Arbitrary)]
pub struct Settings {
    pub page_size: u8,
    pub backlog: u8,
    pub kept_events: u8,
    pub max_parallel: u8,
    pub interval: u8,
    pub with_own: bool,
    pub seed: u64,
}

/// One thing that happens. `pick` chooses among the requests that are on their way.
#[derive(Debug, Clone, Arbitrary)]
pub enum Step {
    /// The server answers as one that works.
    Serve { pick: u8 },
    /// Messages arrive at the server.
    Arrive { talker: u8, count: u8, kind: u8 },
    /// The driver sleeps as long as it was told.
    Wait,
    /// The driver wakes after this time.
    Pass { millis: u32 },
    /// The wall clock is off by this much from now on.
    Wall { micros: i64 },
    /// The request is lost.
    Lose { pick: u8, how: u8 },
    /// The server refuses.
    Refuse { pick: u8, code: u8 },
    /// Something that is no envelope.
    Http { pick: u8, status: u8, body: Vec<u8> },
    /// An answer to a request that is not on its way.
    Again { pick: u8 },
    /// The process is killed and goes on from a checkpoint.
    Resume { rewind: bool },
    /// The user wants it to end.
    Close,
    /// A list of anything.
    List {
        pick: u8,
        entries: Vec<ListEntry>,
        has_more: bool,
    },
    /// A page of anything.
    Page {
        pick: u8,
        messages: Vec<PageEntry>,
        has_more: bool,
        ends: Option<(Number, Number)>,
    },
    /// Success, with `data` as it is.
    Data { pick: u8, data: Vec<u8> },
    /// The server's clock is off by this much from now on, or not shown.
    Date { seconds: Option<i64> },
    /// A list of conversations that were never seen before.
    Flood { pick: u8, count: u16, kind: u8 },
}

/// An entry of a list.
#[derive(Debug, Clone, Arbitrary)]
pub struct ListEntry {
    pub talker: u8,
    pub max_seqno: Number,
    /// Seconds from now.
    pub at: i16,
    pub shape: u8,
}

/// An item of a page.
#[derive(Debug, Clone, Arbitrary)]
pub struct PageEntry {
    pub seqno: Number,
    pub key: u8,
    /// Seconds from now.
    pub at: i16,
    pub kind: u8,
    pub shape: u8,
}

/// Mostly small, so that numbers meet; sometimes at an edge.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub u64);

impl<'a> Arbitrary<'a> for Number {
    fn arbitrary(from: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self(match u8::arbitrary(from)? {
            255 => u64::MAX,
            254 => i64::MAX.unsigned_abs(),
            253 => i64::MAX.unsigned_abs() + 1,
            252 => u64::MAX - 1,
            251 => u64::arbitrary(from)?,
            small => u64::from(small),
        }))
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (1, Some(9))
    }
}

impl Script {
    /// Rounds against a server that works.
    pub fn default_rounds() -> Self {
        let round = [
            Step::Serve { pick: 0 },
            Step::Serve { pick: 0 },
            Step::Arrive {
                talker: 1,
                count: 3,
                kind: 0,
            },
            Step::Wait,
        ];
        Self {
            settings: Settings::default(),
            steps: round.iter().cycle().take(16).cloned().collect(),
        }
    }
}

/// Runs a script that is written in these bytes.
pub fn check(input: &[u8]) {
    if let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(input)) {
        check_script(&script, None);
    }
}

/// Runs a script. Where `live` tells how many bytes are allocated, what the poller holds at
/// the end is bounded.
pub fn check_script(script: &Script, live: Option<&dyn Fn() -> usize>) {
    let mut life = Life::new(&script.settings);
    life.run(script);
    if let Some(live) = live {
        // Those that have something to fetch are not forgotten.
        let conversations = life.poller.remembered_conversations();
        let held = life.settings.held_at_most() + conversations * 2048;
        let before = live();
        drop(life.poller);
        let freed = before.saturating_sub(live());
        assert!(freed <= held, "it held {freed} bytes, more than {held}");
    }
}

impl Settings {
    fn page_size(&self) -> usize {
        2 + usize::from(self.page_size % 7)
    }

    fn max_parallel(&self) -> usize {
        1 + usize::from(self.max_parallel % 3)
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1 + u64::from(self.interval % 8))
    }

    fn config(&self) -> PollerConfig {
        PollerConfig::new()
            .page_size(u32::try_from(self.page_size()).unwrap())
            .backlog(usize::from(self.backlog % 16))
            .kept_events(usize::from(self.kept_events % 16))
            .max_parallel(self.max_parallel())
            .interval(self.interval())
            .exclude_self(!self.with_own)
            .max_conversations(MAX_CONVERSATIONS)
            .seed(self.seed)
    }

    /// Events, and the room that queues keep once they had it.
    fn held_at_most(&self) -> usize {
        (usize::from(self.backlog % 16) + usize::from(self.kept_events % 16)) * 4096 + (224 << 10)
    }
}

/// A message that the server has.
#[derive(Debug, Clone)]
struct Stored {
    seqno: u64,
    key: i64,
    at: i64,
    kind: u8,
    is_own: bool,
}

struct OnItsWay {
    id: RequestId,
    deadline: Duration,
    path: String,
    query: BTreeMap<String, String>,
}

/// A poller, its driver, and the server.
pub struct Life {
    settings: Settings,
    poller: Poller,
    status: Status,
    elapsed: Duration,
    skew: i64,
    /// What the `Date` header is off by; `None`: it is not sent.
    date: Option<i64>,
    on_their_way: Vec<OnItsWay>,
    answered: Vec<RequestId>,
    /// The last word of a drain.
    wait: Option<Duration>,
    finished: bool,
    closed: bool,
    /// So far the server told nothing that is not so.
    honest: bool,
    last_round: Option<Duration>,
    /// How many items were fed: what may come out.
    fed: usize,
    /// Of this life, by conversation: the last seqno, and all.
    last: BTreeMap<ConversationId, u64>,
    seen: BTreeSet<(ConversationId, u64, i64)>,
    /// So many conversations that some may have been forgotten.
    crowded: bool,
    newest_event: Option<Event>,
    store: BTreeMap<u8, Vec<Stored>>,
    /// What has to come out: it arrived after the base line.
    owed: BTreeSet<(i64, u64)>,
    next_seqno: u64,
}

fn context() -> Context {
    let hosts = bilibili_session::Hosts::origin("http://127.0.0.1:1").unwrap();
    Context::new(Credential::parse("SESSDATA=made%2Cup; bili_jct=0011").unwrap()).hosts(hosts)
}

impl Life {
    fn new(settings: &Settings) -> Self {
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

    fn of(poller: Poller, settings: Settings) -> Self {
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
            fed: 0,
            last: BTreeMap::new(),
            seen: BTreeSet::new(),
            crowded: false,
            newest_event: None,
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

    fn now(&self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap();
        Now {
            monotonic: self.elapsed,
            wall: UnixMicros(((START - 1000) * 1_000_000 + micros).saturating_add(self.skew)),
        }
    }

    fn server_now(&self) -> i64 {
        START - 1000 + i64::try_from(self.elapsed.as_secs()).unwrap()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Serve { pick } => {
                if let Some(request) = self.take(*pick) {
                    let data = self.serve(&request);
                    self.success(&request, &data);
                }
            }
            Step::Arrive {
                talker,
                count,
                kind,
            } => self.arrive(talker % TALKERS, *count, *kind),
            Step::Wait => {
                if let Some(until) = self.wait {
                    self.pass_to(until);
                }
            }
            Step::Pass { millis } => {
                let to = self.elapsed + Duration::from_millis(u64::from(*millis));
                self.pass_to(to);
            }
            Step::Wall { micros } => self.skew = *micros,
            Step::Lose { pick, how } => {
                if let Some(request) = self.take(*pick) {
                    let kind = match how % 3 {
                        0 => TransportErrorKind::Connect,
                        1 => TransportErrorKind::Interrupted,
                        _ => TransportErrorKind::BodyTooLarge,
                    };
                    self.tell(&request, Err(TransportError::new(kind, "made\nup")));
                }
            }
            Step::Refuse { pick, code } => self.refuse(*pick, *code),
            Step::Http { pick, status, body } => {
                if let Some(request) = self.take(*pick) {
                    let status = [412, 403, 429, 500, 502, 404, 301, 418][usize::from(status % 8)];
                    self.respond(&request, status, body.clone());
                }
            }
            Step::Again { pick } => {
                if !self.answered.is_empty() {
                    let id = self.answered[usize::from(*pick) % self.answered.len()];
                    let answer = Ok(Response::new(b"{\"code\":-101}".to_vec()));
                    let now = self.now();
                    assert!(self.poller.handle_response(now, id, answer).is_err());
                }
            }
            Step::Resume { rewind } => self.resume(*rewind),
            Step::Close => self.close(),
            Step::List {
                pick,
                entries,
                has_more,
            } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    let list: Vec<Value> = entries.iter().map(|e| self.list_entry(e)).collect();
                    let data = json!({"session_list": list, "has_more": has_more});
                    self.fed += entries.len();
                    self.success(&request, &data);
                }
            }
            Step::Page {
                pick,
                messages,
                has_more,
                ends,
            } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    let page: Vec<Value> = messages.iter().map(|m| self.page_entry(m)).collect();
                    let mut data = json!({"messages": page, "has_more": has_more});
                    if let Some((low, high)) = ends {
                        data["min_seqno"] = json!(low.0);
                        data["max_seqno"] = json!(high.0);
                    }
                    self.fed += messages.len();
                    self.success(&request, &data);
                }
            }
            Step::Data { pick, data } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    self.fed += data.len();
                    let body = [b"{\"code\":0,\"data\":", data.as_slice(), b"}"].concat();
                    self.respond(&request, 200, body);
                }
            }
            Step::Date { seconds } => {
                self.honest = false;
                self.date = *seconds;
            }
            Step::Flood { pick, count, kind } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    self.crowded = true;
                    let data = self.flood(&request, usize::from(count % 256), *kind);
                    self.success(&request, &data);
                }
            }
        }
    }

    /// Polls until there is nothing to do, and looks at what comes.
    fn drain(&mut self) {
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
                Output::Notice(notice) => {
                    assert_one_line(&notice.to_string());
                    serde_json::to_string(&notice).unwrap();
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

    fn sent(&mut self, id: RequestId, deadline: Duration, request: &Request<Vec<u8>>) {
        let uri = request.uri();
        let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
        let path = uri.path().rsplit('/').next().unwrap().to_owned();
        if path == "new_sessions" {
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

    fn came(&mut self, event: Event) {
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

    fn moved(&mut self, change: &StatusChange) {
        assert!(change.status > self.status, "{change:?}");
        assert_eq!(change.reason.is_some(), change.status == Status::Error);
        self.status = change.status;
    }

    /// Time passes; where it is less than the poller wants to wait for, nothing happens.
    fn pass_to(&mut self, to: Duration) {
        self.elapsed = self.elapsed.max(to);
        let now = self.now();
        self.poller.handle_timeout(now);
        let elapsed = self.elapsed;
        self.on_their_way.retain(|request| {
            let is_late = request.deadline <= elapsed;
            if is_late {
                self.answered.push(request.id);
            }
            !is_late
        });
        if let Some(until) = self.wait.filter(|until| elapsed < *until && !self.finished) {
            let output = self.poller.poll_output(now);
            assert!(
                matches!(output, Output::Wait(same) if same == until),
                "{output:?} before it is time"
            );
        }
    }

    fn take(&mut self, pick: u8) -> Option<OnItsWay> {
        if self.on_their_way.is_empty() {
            return None;
        }
        let place = usize::from(pick) % self.on_their_way.len();
        Some(self.on_their_way.remove(place))
    }

    fn tell(&mut self, request: &OnItsWay, answer: Result<Response<Vec<u8>>, TransportError>) {
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

    fn respond(&mut self, request: &OnItsWay, status: u16, body: Vec<u8>) {
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

    fn success(&mut self, request: &OnItsWay, data: &Value) {
        let body = json!({"code": 0, "message": "0", "data": data});
        self.respond(request, 200, body.to_string().into_bytes());
    }

    fn refuse(&mut self, pick: u8, code: u8) {
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
        let body = json!({"code": code, "message": "made\nup\u{1b}[2J", "data": null});
        self.respond(&request, 200, body.to_string().into_bytes());
        if code == -101 {
            assert_eq!(self.poller.status(), Status::Error);
        }
    }

    fn close(&mut self) {
        self.poller.handle_close();
        self.closed = true;
        let ids = self.on_their_way.drain(..).map(|request| request.id);
        self.answered.extend(ids);
        self.drain();
        assert!(self.finished, "it does not end");
    }

    fn check_checkpoint(&self) {
        if let Some(checkpoint) = self.poller.checkpoint() {
            let written = checkpoint.to_json();
            assert_eq!(Checkpoint::from_json(&written), Ok(checkpoint));
        }
    }

    /// A checkpoint covers exactly what was handed out.
    fn check_covered(&self, id: ConversationId, seqno: u64) {
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

    fn resume(&mut self, rewind: bool) {
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
    fn deliver_the_rest(&mut self) {
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

    fn arrive(&mut self, talker: u8, count: u8, kind: u8) {
        if self.store.values().map(Vec::len).sum::<usize>() > 200 {
            return;
        }
        let at = self.server_now();
        let is_connected = self.status == Status::Connected;
        let is_own = kind >= 250;
        for nth in 0..count % 32 {
            // With holes.
            self.next_seqno += 1 + u64::from(nth % 3);
            let seqno = self.next_seqno;
            self.store.entry(talker).or_default().push(Stored {
                seqno,
                key: 7_300_000_000_000_000_000 + i64::try_from(seqno).unwrap(),
                at,
                kind,
                is_own,
            });
            if (is_connected || self.uid_is_known_by_checkpoint())
                && (!is_own || self.settings.with_own)
                && !is_unreadable(kind)
            {
                self.owed.insert((talker_id(talker), seqno));
            }
        }
        self.fed += usize::from(count);
    }

    /// After a resume the base line is the checkpoint's, connected or not.
    fn uid_is_known_by_checkpoint(&self) -> bool {
        self.status == Status::Init && self.poller.checkpoint().is_some()
    }

    /// What a server that works says.
    fn serve(&mut self, request: &OnItsWay) -> Value {
        let number = |name: &str| -> Option<u64> { request.query.get(name)?.parse().ok() };
        match request.path.as_str() {
            "nav" => json!({
                "isLogin": true, "mid": OWN, "uname": "made up", "face": "",
                "wbi_img": {
                    "img_url": "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png",
                    "sub_url": "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png",
                },
            }),
            "fetch_session_msgs" => {
                let begin = number("begin_seqno").unwrap_or(0);
                let end = number("end_seqno").unwrap_or(u64::MAX);
                let size = usize::try_from(number("size").unwrap()).unwrap();
                let talker = (0..TALKERS)
                    .find(|t| Some(talker_id(*t).unsigned_abs()) == number("talker_id"));
                let none = Vec::new();
                let stored = talker.and_then(|t| self.store.get(&t)).unwrap_or(&none);
                let within: Vec<&Stored> = stored
                    .iter()
                    .rev()
                    .filter(|stored| begin < stored.seqno && stored.seqno < end)
                    .collect();
                let messages: Vec<Value> = within
                    .iter()
                    .take(size)
                    .map(|s| message(talker.unwrap(), s))
                    .collect();
                self.fed += messages.len();
                let on_page = || within.iter().take(size).map(|stored| stored.seqno);
                json!({
                    "messages": messages, "has_more": u8::from(within.len() > size),
                    "min_seqno": on_page().min().unwrap_or(u64::MAX),
                    "max_seqno": on_page().max().unwrap_or(0),
                })
            }
            _ => {
                let after = number("begin_ts").unwrap_or(0);
                let before = number("end_ts").unwrap_or(u64::MAX);
                let mut list: Vec<(u64, Value)> = self
                    .store
                    .iter()
                    .filter_map(|(talker, stored)| {
                        let newest = stored.last()?;
                        let ts = newest.at.unsigned_abs() * 1_000_000;
                        let entry = json!({
                            "talker_id": talker_id(*talker), "session_type": 1,
                            "max_seqno": newest.seqno, "session_ts": ts,
                        });
                        (after < ts && ts < before).then_some((ts, entry))
                    })
                    .collect();
                list.sort_by_key(|(ts, _)| std::cmp::Reverse(*ts));
                let list: Vec<Value> = list.into_iter().map(|(_, entry)| entry).collect();
                json!({"session_list": list, "has_more": 0})
            }
        }
    }

    fn list_entry(&self, entry: &ListEntry) -> Value {
        let at = (self.server_now() + i64::from(entry.at)) * 1_000_000;
        let mut value = json!({
            "talker_id": talker_id(entry.talker % TALKERS),
            "session_type": 1 + i64::from(entry.shape % 3 == 1),
            "max_seqno": entry.max_seqno.0,
            "session_ts": at,
        });
        match entry.shape / 16 {
            1 => value["session_ts"] = json!(0),
            2 => value["session_ts"] = json!(i64::MAX),
            3 => value["top_ts"] = json!(at),
            4 => value["talker_id"] = json!([]),
            5 => value["last_msg"] = json!({"msg_seqno": entry.max_seqno.0 / 2}),
            6 => value["max_seqno"] = json!("x"),
            7 => value["session_ts"] = json!(i64::MIN),
            8 => value = json!(entry.max_seqno.0),
            9 => value["session_type"] = json!(entry.talker),
            _ => {}
        }
        value
    }

    fn page_entry(&self, entry: &PageEntry) -> Value {
        let mut value = json!({
            "sender_uid": if entry.shape % 16 == 1 { OWN } else { 20001 },
            "receiver_type": 1, "receiver_id": OWN,
            "msg_type": 1, "content": "{\"content\":\"hi\"}",
            "msg_seqno": entry.seqno.0,
            "timestamp": self.server_now() + i64::from(entry.at),
            "msg_key": entry.key,
        });
        match entry.kind % 4 {
            1 => {
                value["msg_type"] = json!(5);
                value["content"] = json!(entry.key.to_string());
            }
            2 => value["msg_type"] = json!(entry.kind),
            _ => {}
        }
        match entry.shape / 16 {
            1 => value["timestamp"] = json!(0),
            2 => value["timestamp"] = json!(i64::MIN),
            3 => value["msg_seqno"] = json!(null),
            4 => value["msg_seqno"] = json!("x"),
            5 => value["at_uids"] = json!(["x", {}]),
            6 => value = json!([]),
            _ => {}
        }
        value
    }

    /// Many of a kind.
    fn flood(&mut self, request: &OnItsWay, count: usize, kind: u8) -> Value {
        self.fed += count;
        let at = self.server_now() * 1_000_000;
        let mut base = self.fed;
        if kind % 4 == 3 {
            // Right above what is here, and what arrives later stands above these.
            let begin = request
                .query
                .get("begin_seqno")
                .and_then(|n| n.parse().ok());
            base = begin.map_or(1, |begin: usize| begin.saturating_add(1).min(1 << 40));
            let newest = u64::try_from(base + count).unwrap();
            self.next_seqno = self.next_seqno.max(newest);
        }
        let list: Vec<Value> = (base..base + count)
            .map(|nth| match kind % 4 {
                0 => json!({"talker_id": 30_000 + nth, "session_type": 1, "max_seqno": 5, "session_ts": at}),
                1 => json!({"talker_id": 30_000 + nth, "session_type": 1, "session_ts": at}),
                2 => json!({"made up": nth}),
                _ => json!({
                    "sender_uid": 20_001, "msg_seqno": nth, "msg_key": nth, "msg_type": 1,
                    "content": "{\"content\":\"hi\"}", "timestamp": at / 1_000_000,
                }),
            })
            .collect();
        let name = if kind % 4 == 3 {
            "messages"
        } else {
            "session_list"
        };
        json!({name: list, "has_more": kind >= 128})
    }
}

fn talker_id(talker: u8) -> i64 {
    20_001 + i64::from(talker)
}

/// Messages of this kind have no seqno that can be read.
const fn is_unreadable(kind: u8) -> bool {
    kind % 8 == 5
}

fn message(talker: u8, stored: &Stored) -> Value {
    let (sender, receiver) = match stored.is_own {
        true => (OWN, talker_id(talker)),
        false => (talker_id(talker), OWN),
    };
    let seqno = match is_unreadable(stored.kind) {
        true => json!("made up"),
        false => json!(stored.seqno),
    };
    json!({
        "sender_uid": sender, "receiver_type": 1, "receiver_id": receiver,
        "msg_type": if stored.kind % 8 == 7 { 99 } else { 1 },
        "content": if stored.kind % 8 == 6 { "broken" } else { "{\"content\":\"hi\"}" },
        "msg_seqno": seqno, "timestamp": stored.at, "msg_key": stored.key,
    })
}
