//! A service of one conversation, which takes messages, fails on demand and shows what it has.

use std::collections::VecDeque;
use std::time::Duration;

use bilibili_session::call::Output;
use bilibili_session::poller::Poller;
use bilibili_session::{
    AuthState, CallMachine, ConversationId, Event, Message, MsgKey, Now, Seqno, TransportError,
    TransportErrorKind, Uid, UnixMicros, UnixSeconds,
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scenario::{OWN, START, context, nav_data};

pub const OTHER: i64 = 20001;

/// Fate of a request for a message to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    Taken,
    /// Taken, and the connection ends, nothing comes, or the answer has this status.
    TakenThen(Loss),
    /// Not taken.
    Lost(Loss),
    /// Refused with a code.
    Code(i64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    Kind(TransportErrorKind),
    Status(u16),
    Garbage,
}

pub const CUT: Loss = Loss::Kind(TransportErrorKind::Interrupted);
pub const TIMEOUT: Loss = Loss::Kind(TransportErrorKind::Timeout);

#[derive(Debug, Clone)]
pub struct Stored {
    pub sender: i64,
    pub text: String,
    pub time: i64,
    pub seqno: u64,
    pub key: i64,
    /// Shows from this time on.
    pub shows_at: Duration,
}

pub struct Service {
    pub elapsed: Duration,
    pub messages: Vec<Stored>,
    /// Fates of the next sends; then all are taken.
    pub fates: VecDeque<Fate>,
    /// Fates of the next readings: true fails.
    pub failed_readings: VecDeque<bool>,
    /// A message that was sent shows so much later.
    pub delay: Duration,
    /// The words, with which fields the service keeps them.
    pub adds_fields: bool,
    pub sends: usize,
    pub readings: Vec<Duration>,
    pub sent_at: Vec<Duration>,
}

impl Service {
    pub fn new() -> Self {
        Self {
            elapsed: Duration::from_secs(1000),
            messages: Vec::new(),
            fates: VecDeque::new(),
            failed_readings: VecDeque::new(),
            delay: Duration::ZERO,
            adds_fields: false,
            sends: 0,
            readings: Vec::new(),
            sent_at: Vec::new(),
        }
    }

    pub fn now(&self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap();
        Now {
            monotonic: self.elapsed,
            // Wrong by an hour: the server's clock counts.
            wall: UnixMicros((START + 3600 - 1000) * 1_000_000 + micros),
        }
    }

    pub fn seconds(&self) -> i64 {
        START - 1000 + i64::try_from(self.elapsed.as_secs()).unwrap()
    }

    /// Writes a message, and returns its event.
    pub fn write(&mut self, sender: i64, text: &str) -> Event {
        let place = u64::try_from(self.messages.len()).unwrap() + 1;
        let key = 7_000_000 + i64::try_from(place).unwrap();
        let delay = if sender == OWN {
            self.delay
        } else {
            Duration::ZERO
        };
        self.messages.push(Stored {
            sender,
            text: text.to_owned(),
            time: self.seconds(),
            // With holes.
            seqno: place * 3,
            key,
            shows_at: self.elapsed + delay,
        });
        let mut message = Message::default();
        message.sender_uid = Uid(sender);
        message.msg_seqno = Seqno(place * 3);
        message.msg_key = MsgKey(key);
        message.timestamp = UnixSeconds(self.seconds());
        Event::new(conversation(), message)
    }

    /// The texts that the account itself has written.
    pub fn own(&self) -> Vec<&str> {
        let own = self.messages.iter().filter(|it| it.sender == OWN);
        own.map(|it| &*it.text).collect()
    }

    pub fn exchange(
        &mut self,
        request: &Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let path = request.uri().path();
        match path.rsplit('/').next().unwrap() {
            "nav" => self.respond(&json!({"code": 0, "data": nav_data()})),
            "send_msg" => self.send(request),
            "fetch_session_msgs" => self.fetch(request),
            "get_sessions" | "new_sessions" => {
                self.respond(&json!({"code": 0, "data": {"session_list": [], "has_more": 0}}))
            }
            other => panic!("{other}"),
        }
    }

    fn respond(&self, body: &Value) -> Result<Response<Vec<u8>>, TransportError> {
        let second = u64::try_from(self.seconds()).unwrap();
        let date = std::time::UNIX_EPOCH + Duration::from_secs(second);
        let response = Response::builder().header("date", httpdate::fmt_http_date(date));
        Ok(response.body(body.to_string().into_bytes()).unwrap())
    }

    fn send(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        self.sends += 1;
        self.sent_at.push(self.elapsed);
        let fate = self.fates.pop_front().unwrap_or(Fate::Taken);
        let loss = match fate {
            Fate::Code(code) => {
                return self.respond(&json!({"code": code, "message": "made up"}));
            }
            Fate::Lost(loss) => Some(loss),
            Fate::Taken | Fate::TakenThen(_) => {
                let form = url::form_urlencoded::parse(request.body());
                let content = form.into_iter().find(|(name, _)| name == "msg[content]");
                let content: Value = serde_json::from_str(&content.unwrap().1).unwrap();
                self.write(OWN, content["content"].as_str().unwrap());
                match fate {
                    Fate::TakenThen(loss) => Some(loss),
                    _ => None,
                }
            }
        };
        match loss {
            None => {
                let key = self.messages.last().unwrap().key;
                self.respond(&json!({"code": 0, "data": {"msg_key": key}}))
            }
            Some(Loss::Kind(kind)) => {
                if kind == TransportErrorKind::Timeout {
                    self.elapsed += Duration::from_secs(30);
                }
                Err(TransportError::new(kind, "made up"))
            }
            Some(Loss::Status(status)) => {
                let response = Response::builder().status(status);
                Ok(response.body(b"<html>".to_vec()).unwrap())
            }
            Some(Loss::Garbage) => Ok(Response::new(b"{".to_vec())),
        }
    }

    fn fetch(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        self.readings.push(self.elapsed);
        if self.failed_readings.pop_front() == Some(true) {
            return Err(TransportError::timeout());
        }
        if self.messages.is_empty() {
            return self.respond(&json!({"code": 1_000_004, "message": "made up"}));
        }
        let query = request.uri().query().unwrap();
        let query = url::form_urlencoded::parse(query.as_bytes());
        let (mut after, mut before, mut size) = (0, u64::MAX, 0);
        for (name, value) in query {
            match &*name {
                "begin_seqno" => after = value.parse().unwrap(),
                "end_seqno" => before = value.parse().unwrap(),
                "size" => size = value.parse().unwrap(),
                _ => {}
            }
        }
        let fits =
            |it: &&Stored| it.seqno > after && it.seqno < before && it.shows_at <= self.elapsed;
        let all: Vec<&Stored> = self.messages.iter().rev().filter(fits).collect();
        let page: Vec<Value> = all.iter().take(size).map(|it| self.message(it)).collect();
        let seqnos = all.iter().take(size).map(|it| it.seqno);
        self.respond(&json!({"code": 0, "data": {
            "messages": page,
            "has_more": u8::from(all.len() > size),
            "min_seqno": seqnos.clone().min().unwrap_or(u64::MAX),
            "max_seqno": seqnos.max().unwrap_or(0),
        }}))
    }

    fn message(&self, it: &Stored) -> Value {
        let mut content = json!({"content": it.text});
        if self.adds_fields {
            content["seen"] = json!(true);
        }
        let receiver = if it.sender == OWN { OTHER } else { OWN };
        json!({
            "sender_uid": it.sender, "receiver_type": 1, "receiver_id": receiver, "msg_type": 1,
            "content": content.to_string(), "msg_seqno": it.seqno, "timestamp": it.time,
            "msg_key": it.key,
        })
    }

    /// Drives a call to its end; time passes where it waits.
    pub fn drive<M: CallMachine>(
        &mut self,
        login: &mut impl Login,
        mut call: M,
    ) -> Result<M::Output, bilibili_session::Error> {
        loop {
            if let Some(result) = self.step(login, &mut call) {
                return result;
            }
        }
    }

    /// Does one thing for a call.
    pub fn step<M: CallMachine>(
        &mut self,
        login: &mut impl Login,
        call: &mut M,
    ) -> Option<Result<M::Output, bilibili_session::Error>> {
        match login.poll(self.now(), call) {
            Output::Send(request) => {
                let answer = self.exchange(&request);
                login.handle(self.now(), call, answer);
            }
            Output::Wait(until) => {
                assert!(until > self.elapsed, "a wait for the past: {until:?}");
                self.elapsed = until;
            }
            Output::Done(result) => return Some(result),
        }
        None
    }
}

pub fn conversation() -> ConversationId {
    Uid(OTHER).into()
}

pub fn account() -> AuthState {
    AuthState::new(context())
}

type Answer = Result<Response<Vec<u8>>, TransportError>;

/// A poller, or an account alone.
pub trait Login {
    fn poll<M: CallMachine>(&mut self, now: Now, call: &mut M) -> Output<M::Output>;
    fn handle<M: CallMachine>(&mut self, now: Now, call: &mut M, answer: Answer);
}

impl Login for AuthState {
    fn poll<M: CallMachine>(&mut self, now: Now, call: &mut M) -> Output<M::Output> {
        call.poll_with(self, now)
    }

    fn handle<M: CallMachine>(&mut self, now: Now, call: &mut M, answer: Answer) {
        call.handle_with(self, now, answer);
    }
}

impl Login for Poller {
    fn poll<M: CallMachine>(&mut self, now: Now, call: &mut M) -> Output<M::Output> {
        self.poll_call(now, call)
    }

    fn handle<M: CallMachine>(&mut self, now: Now, call: &mut M, answer: Answer) {
        self.handle_call_response(now, call, answer);
    }
}
