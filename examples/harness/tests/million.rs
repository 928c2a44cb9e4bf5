//! A million messages through one poller and one bot, in virtual time: each comes once, in order, and memory stays flat.
//!
//! `cargo test --release -p bilibili-session-harness --test million -- --ignored --nocapture`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Output, Poller, PollerConfig};
use bilibili_session::{
    AuthState, ClientConfig, Content, ConversationId, Credential, Event, GroupId, Now,
    TransportError, Uid, UnixMicros,
};
use bilibili_session_simulator as simulator;
use bilibili_session_simulator::{Config, Fault, FaultKind, NewMessage, Rng, Simulator};
use http::{Request, Response, StatusCode};
use peak_alloc::PeakAlloc;

/// Everything there is: the poller, the bot, this test, and the server's model, which forgets what was delivered.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MESSAGES: u64 = 1_000_000;
/// Users and groups by turns.
const CONVERSATIONS: i64 = 120;
/// Between two messages, on average (µs): four days in all.
const MEAN_GAP: u64 = 345_600;
/// So many arrive at once now and then: more than two pages.
const BURST: u64 = 500;
const START_US: i64 = 1_700_000_000_000_000;
/// How much the heap may be higher later on, when nothing is being fetched.
const MARGIN: usize = 64 * 1024;

/// What arrived in a conversation, and what came of it. It does not grow.
#[derive(Debug, Default)]
struct Talk {
    arrived: u64,
    came: u64,
    newest: u64,
    /// A message of the conversation takes another one back: which one, and the other's key.
    taken_back: Option<(u64, i64)>,
}

/// The most there was of something, over a part of the run.
#[derive(Debug, Default, Clone, Copy)]
struct Most {
    /// The heap, at any moment.
    peak: usize,
    /// The heap, when nothing is being fetched or held.
    at_rest: usize,
    checkpoint: usize,
    held: usize,
}

struct Soak {
    sim: Simulator,
    poller: Poller,
    bot: AuthState,
    now_us: i64,
    next_arrival_us: i64,
    talks: BTreeMap<ConversationId, Talk>,
    dice: Rng,
    arrived: u64,
    came: u64,
    requests: u64,
    replies: u64,
    rounds: u64,
    most: Most,
    /// Of the tenth after the warm-up, which is a tenth as well.
    early: Most,
}

impl Soak {
    fn new() -> Self {
        let sim = Simulator::new(Config {
            feeds: false,
            ..Config::default()
        });
        let login = sim.login();
        let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
        let context = ClientConfig::new(Credential::parse(&cookies).unwrap());
        let ids = (1..=CONVERSATIONS).map(|n| match n % 2 {
            0 => GroupId(20_000 + n / 2).into(),
            _ => Uid(20_000 + n / 2).into(),
        });
        Self {
            sim,
            poller: Poller::new(context.clone(), PollerConfig::new()).unwrap(),
            bot: AuthState::new(context),
            now_us: START_US,
            next_arrival_us: START_US + 1_000_000,
            talks: ids.map(|id| (id, Talk::default())).collect(),
            dice: Rng::new(7),
            arrived: 0,
            came: 0,
            requests: 0,
            replies: 0,
            rounds: 0,
            most: Most::default(),
            early: Most::default(),
        }
    }

    fn now(&self) -> Now {
        let elapsed = u64::try_from(self.now_us - START_US).unwrap();
        Now {
            monotonic: Duration::from_micros(elapsed),
            wall: UnixMicros(self.now_us),
        }
    }

    /// Time passes, and messages arrive.
    fn pass(&mut self, until_us: i64) {
        while self.arrived < MESSAGES && self.next_arrival_us <= until_us {
            self.now_us = self.now_us.max(self.next_arrival_us);
            // A few conversations get most of it.
            let sides = if self.dice.below(10) < 4 {
                3
            } else {
                self.talks.len()
            };
            let place = self.dice.below(sides as u64);
            let id = *self
                .talks
                .keys()
                .nth(usize::try_from(place).unwrap())
                .unwrap();
            let count = if self.arrived.is_multiple_of(10_000) {
                BURST
            } else {
                1
            };
            for _ in 0..count {
                self.arrive(id);
            }
            self.next_arrival_us += i64::try_from(self.dice.below(2 * MEAN_GAP)).unwrap();
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn arrive(&mut self, id: ConversationId) {
        let talk = self.talks.get_mut(&id).unwrap();
        let text = format!("message {}", talk.arrived);
        let message = match id {
            ConversationId::Group(GroupId(group)) => NewMessage::text(31, &text).in_group(group),
            _ => NewMessage::text(id.talker_id(), &text),
        };
        let arrived = self.sim.receive(self.now_us, message).unwrap();
        (talk.arrived, self.arrived) = (talk.arrived + 1, self.arrived + 1);
        if self.arrived.is_multiple_of(997) && talk.taken_back.is_none() {
            self.sim.withdraw(self.now_us, arrived.msg_key).unwrap();
            talk.taken_back = Some((talk.arrived, arrived.msg_key));
            (talk.arrived, self.arrived) = (talk.arrived + 1, self.arrived + 1);
        }
        if self.arrived.is_multiple_of(100_000) {
            self.sim.rotate_keys();
        }
    }

    fn send(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        self.pass(self.now_us + 20_000);
        self.requests += 1;
        let answer = self.sim.handle(self.now_us, request).into_response();
        answer.ok_or_else(TransportError::timeout)
    }

    /// Now and then the service fails, or wants a pause.
    fn send_with_trouble(
        &mut self,
        request: &Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let trouble = match self.requests + 1 {
            n if n % 50_021 == 0 => Some(FaultKind::Code(-352)),
            n if n % 10_007 == 0 => Some(FaultKind::Http(StatusCode::TOO_MANY_REQUESTS)),
            n if n % 4_999 == 0 => Some(FaultKind::Hang),
            n if n % 1_009 == 0 => Some(FaultKind::Http(StatusCode::BAD_GATEWAY)),
            _ => None,
        };
        if let Some(kind) = trouble {
            self.sim.push_fault(Fault::once("/", kind));
        }
        self.send(request)
    }

    fn event(&mut self, event: &Event) {
        let id = event.conversation;
        let talk = self.talks.get_mut(&id).unwrap();
        let seqno = event.msg_seqno().0;
        assert!(seqno > talk.newest, "{id} {seqno} after {}", talk.newest);
        talk.newest = seqno;
        let n = talk.came;
        match talk.taken_back.filter(|(place, _)| *place == n) {
            Some((_, key)) => {
                assert!(matches!(event.content, Content::Withdraw(it) if it.0 == key));
                assert_eq!(event.withdrawn.as_ref().unwrap().msg_key().0, key);
                talk.taken_back = None;
            }
            None => assert_eq!(event.text(), Some(format!("message {n}").as_str()), "{id}"),
        }
        (talk.came, self.came) = (n + 1, self.came + 1);
        if n % 40 == 7 {
            self.reply(id, n);
        }
        match self.came {
            it if it == MESSAGES / 10 || it == MESSAGES / 2 => self.begin_measuring(),
            it if it == MESSAGES / 5 => self.early = self.measured(),
            _ => {}
        }
    }

    fn reply(&mut self, id: ConversationId, n: u64) {
        let mut call = Call::new(SendMsg::text(id, &format!("reply to {n}")));
        let now = self.now();
        loop {
            match call.poll_output(&mut self.bot, now) {
                call::Output::Send(request) => {
                    let answer = self.send(&request);
                    let now = self.now();
                    call.handle_response(&mut self.bot, now, answer);
                }
                call::Output::Wait(_) => panic!("nobody else asks for keys"),
                call::Output::Done(result) => {
                    result.unwrap();
                    self.replies += 1;
                    return;
                }
            }
        }
    }

    fn begin_measuring(&mut self) {
        HEAP.reset_peak_usage();
        self.most = Most::default();
    }

    fn measured(&self) -> Most {
        Most {
            peak: HEAP.peak_usage(),
            ..self.most
        }
    }

    /// What there is to do between two rounds.
    fn between_rounds(&mut self) {
        self.rounds += 1;
        self.most.held = self.most.held.max(self.poller.held_messages());
        if !self.rounds.is_multiple_of(50) {
            return;
        }
        let checkpoint = self.poller.checkpoint().unwrap().to_json().len();
        self.most.checkpoint = self.most.checkpoint.max(checkpoint);
        for (id, talk) in &self.talks {
            let id = simulator::ConversationId {
                session_type: id.session_type(),
                talker_id: id.talker_id(),
            };
            self.sim.forget(id, talk.newest);
        }
        if self.poller.held_messages() == 0 {
            self.most.at_rest = self.most.at_rest.max(HEAP.current_usage());
        }
    }

    fn run(&mut self) {
        let mut closing = false;
        loop {
            let now = self.now();
            match self.poller.poll_output(now) {
                Output::Send(outgoing) => {
                    let answer = self.send_with_trouble(&outgoing.request);
                    let now = self.now();
                    self.poller
                        .handle_response(now, outgoing.id, answer)
                        .unwrap();
                }
                Output::Event(event) => self.event(&event),
                Output::Feed(_) | Output::Warning(_) | Output::Status(_) => {}
                Output::Wait(until) => {
                    self.between_rounds();
                    if self.came == MESSAGES.max(self.arrived) && !closing {
                        closing = true;
                        self.poller.handle_close();
                        continue;
                    }
                    let micros = until.as_nanos().div_ceil(1000);
                    let until_us = START_US + i64::try_from(micros).unwrap();
                    assert!(until_us > self.now_us, "a wait for the past");
                    self.pass(until_us);
                }
                Output::Finished(result) => return result.unwrap(),
            }
        }
    }
}

#[test]
#[ignore = "minutes, and only with --release"]
fn a_million_messages_in_flat_memory() {
    let began = Instant::now();
    let mut soak = Soak::new();
    soak.run();
    let (early, late) = (soak.early, soak.measured());
    let kib = |bytes: usize| bytes / 1024;
    println!(
        "{} messages of {} conversations and {} replies in {:.1} virtual days ({:.0?}): {} rounds, {} requests; \
         at most, in the second tenth and in the last half: heap at rest {} and {} KiB, ever {} and {} KiB, \
         checkpoint {} and {} bytes, held messages {} and {}",
        soak.came,
        soak.talks.len(),
        soak.replies,
        soak.now().monotonic.as_secs_f64() / 86_400.0,
        began.elapsed(),
        soak.rounds,
        soak.requests,
        kib(early.at_rest),
        kib(late.at_rest),
        kib(early.peak),
        kib(late.peak),
        early.checkpoint,
        late.checkpoint,
        early.held,
        late.held,
    );
    assert!(soak.talks.values().all(|talk| talk.came == talk.arrived));
    let (early_rest, late_rest) = (early.at_rest, late.at_rest);
    assert!(
        early_rest > 0 && late_rest <= early_rest + MARGIN,
        "the heap grows"
    );
    // How many messages come at once is chance, and the later part is five times as long.
    assert!(late.peak <= early.peak + early.peak / 4, "the peaks grow");
    // A number that counts messages may have one digit more by then.
    assert!(late.checkpoint <= early.checkpoint + early.checkpoint / 50);
}
