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
/// So much higher the heap may be later on, when nothing is being fetched: numbers have more digits by then.
const MARGIN: usize = 8 * 1024;
/// The parts of a run that are compared, all of the same length.
const PARTS: u64 = 10;

/// The state of a conversation: what arrived, and what came of it. It does not grow.
#[derive(Debug, Default)]
struct Talk {
    arrived: u64,
    came: u64,
    newest: u64,
    /// A message of the conversation takes another one back: which one, and the other's key.
    taken_back: Option<(u64, i64)>,
}

/// The memory of a part of the run.
#[derive(Debug, Default)]
struct Memory {
    /// The most there was at any moment.
    peak: usize,
    /// The median of the moments when nothing is being fetched or held. Not the most: now and then a burst that has
    /// just arrived lies with the model at such a moment, and the longer the run, the larger the largest of them.
    at_rest: usize,
    checkpoint: usize,
    held: usize,
}

struct Soak {
    /// Messages in all.
    messages: u64,
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
    /// The heap at rest, in this part.
    at_rest: Vec<usize>,
    part: Memory,
    parts: Vec<Memory>,
    /// Grows by this many bytes with each message, so as to be found out.
    leak: Vec<u8>,
    leaks: usize,
}

impl Soak {
    fn new(messages: u64, leaks: usize) -> Self {
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
            messages,
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
            // The same room from the start to the end.
            at_rest: Vec::with_capacity(16 * 1024),
            part: Memory::default(),
            parts: Vec::with_capacity(16),
            leak: Vec::new(),
            leaks,
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
        while self.arrived < self.messages && self.next_arrival_us <= until_us {
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
        self.leak.extend(std::iter::repeat_n(0, self.leaks));
        if self.came.is_multiple_of(self.messages / PARTS) {
            self.end_part();
        }
    }

    fn reply(&mut self, id: ConversationId, n: u64) {
        let mut call = Call::new(SendMsg::text(id, &format!("reply to {n}")));
        let mut now = self.now();
        loop {
            match call.poll_output(&mut self.bot, now) {
                call::Output::Send(request) => {
                    let answer = self.send(&request);
                    let now = self.now();
                    call.handle_response(&mut self.bot, now, answer);
                }
                // Sends keep a distance; the bot has a clock of its own.
                call::Output::Wait(until) => now.monotonic = until,
                call::Output::Done(result) => {
                    result.unwrap();
                    self.replies += 1;
                    return;
                }
            }
        }
    }

    fn end_part(&mut self) {
        self.at_rest.sort_unstable();
        let middle = self.at_rest.len() / 2;
        self.part.at_rest = *self
            .at_rest
            .get(middle)
            .expect("there were moments of rest");
        self.part.peak = HEAP.peak_usage();
        self.parts.push(std::mem::take(&mut self.part));
        self.at_rest.clear();
        HEAP.reset_peak_usage();
    }

    /// Does what there is to do between two rounds.
    fn between_rounds(&mut self) {
        self.rounds += 1;
        self.part.held = self.part.held.max(self.poller.held_messages());
        if !self.rounds.is_multiple_of(50) {
            return;
        }
        let checkpoint = self.poller.checkpoint().unwrap().to_json().len();
        self.part.checkpoint = self.part.checkpoint.max(checkpoint);
        for (id, talk) in &self.talks {
            let id = simulator::ConversationId {
                session_type: id.session_type(),
                talker_id: id.talker_id(),
            };
            self.sim.forget(id, talk.newest);
        }
        if self.poller.held_messages() == 0 {
            self.at_rest.push(HEAP.current_usage());
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
                    if self.came == self.messages.max(self.arrived) && !closing {
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

/// Checks that nothing grew over a run. The first part is the warm-up.
fn growth(parts: &[Memory]) -> Result<(), String> {
    let [_, early, .., late] = parts else {
        return Err("there are too few parts".to_owned());
    };
    if late.at_rest > early.at_rest + MARGIN {
        return Err("the heap at rest grows".to_owned());
    }
    // How many messages come at once is chance.
    let (first, second) = parts.split_at(parts.len() / 2);
    let peak = |half: &[Memory]| half.iter().map(|part| part.peak).max().unwrap_or(0);
    if peak(second) > peak(first) + peak(first) / 4 {
        return Err("the peaks grow".to_owned());
    }
    // A number that counts messages may have one digit more by then.
    if late.checkpoint > early.checkpoint + early.checkpoint / 50 {
        return Err("the checkpoint grows".to_owned());
    }
    Ok(())
}

/// Runs to the end, and prints what each part took, and what the poller and the rest still hold.
fn run(messages: u64, leaks: usize) -> Result<(), String> {
    let began = Instant::now();
    let mut soak = Soak::new(messages, leaks);
    HEAP.reset_peak_usage();
    soak.run();
    println!(
        "{} messages of {} conversations and {} replies in {:.1} virtual days ({:.0?}): {} rounds, {} requests",
        soak.came,
        soak.talks.len(),
        soak.replies,
        soak.now().monotonic.as_secs_f64() / 86_400.0,
        began.elapsed(),
        soak.rounds,
        soak.requests,
    );
    assert!(soak.talks.values().all(|talk| talk.came == talk.arrived));
    let growth = growth(&soak.parts);
    let of = |value: fn(&Memory) -> usize| soak.parts.iter().map(value).collect::<Vec<_>>();
    println!(
        "in each tenth: heap at rest (median) {:?} KiB, ever {:?} KiB, checkpoint {:?} bytes, held messages {:?}",
        of(|part| part.at_rest / 1024),
        of(|part| part.peak / 1024),
        of(|part| part.checkpoint),
        of(|part| part.held),
    );
    let Soak { poller, sim, .. } = soak;
    let all = HEAP.current_usage();
    drop(poller);
    let without_poller = HEAP.current_usage();
    drop(sim);
    println!(
        "at the end: the poller holds {} KiB, the model {} KiB",
        (all - without_poller) / 1024,
        (without_poller - HEAP.current_usage()) / 1024,
    );
    growth
}

/// One test: another one beside it would count in its heap.
#[test]
#[ignore = "minutes, and only with --release"]
fn a_million_messages_in_flat_memory() {
    let found = run(MESSAGES / 10, 1);
    assert_eq!(
        found,
        Err("the heap at rest grows".to_owned()),
        "a byte a message"
    );
    assert_eq!(run(MESSAGES, 0), Ok(()));
}
