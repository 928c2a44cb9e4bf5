//! A bot whose every reply is refused: what it sends and asks for in the hour after, in virtual
//! time. `cargo test -p bilibili-session-examples --test refused_replies -- --nocapture`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::session::{Output, SessionMachine, Update};
use bilibili_session::{
    Account, Call, Context, ConversationId, Credential, Error, Hosts, Now, Step, TransportError,
    UnixMicros,
};
use bilibili_session_simulator::{Answer, Fault, FaultKind, NewMessage, Simulator};
use http::{Request, Response};

const HOUR: Duration = Duration::from_secs(3600);
/// Somebody writes so often, three users in turn.
const EVERY: Duration = Duration::from_secs(10);
/// An exchange takes so long.
const LATENCY: Duration = Duration::from_millis(100);
/// What replies are refused with.
const CODES: [i64; 4] = [-352, -509, 21020, 21046];

/// How a bot makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With a login of its own beside the session's, as sessions once did.
    Beside,
    /// Within the session.
    Within,
}

struct World {
    simulator: Simulator,
    machine: SessionMachine,
    account: Account,
    now: Now,
    next_text: Duration,
    written: usize,
    way: Way,
    /// What came out.
    messages: usize,
    notices: BTreeMap<&'static str, usize>,
    reply_errors: BTreeMap<String, usize>,
}

impl World {
    fn new(way: Way) -> Self {
        let simulator = Simulator::default();
        let login = simulator.login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()
            .unwrap();
        let context = Context::new(credential).hosts(Hosts::origin("http://localhost").unwrap());
        let poller = Poller::new(context.clone(), PollerConfig::new()).unwrap();
        Self {
            simulator,
            machine: SessionMachine::new(poller),
            account: Account::new(context),
            now: Now {
                monotonic: Duration::ZERO,
                wall: UnixMicros(1_700_000_000_000_000),
            },
            next_text: EVERY,
            written: 0,
            way,
            messages: 0,
            notices: BTreeMap::new(),
            reply_errors: BTreeMap::new(),
        }
    }

    /// Time passes up to this reading, in which others write.
    fn sleep(&mut self, until: Duration) {
        while self.now.monotonic < until {
            let to = until.min(self.next_text.max(self.now.monotonic));
            let span = to.saturating_sub(self.now.monotonic);
            self.now.monotonic += span;
            self.now.wall = self.now.wall.plus(span);
            if self.now.monotonic >= self.next_text {
                let turn = self.next_text.as_secs() / EVERY.as_secs();
                let from = 20001 + i64::try_from(turn % 3).unwrap();
                let text = NewMessage::text(from, &turn.to_string());
                self.simulator.receive(self.now.wall.0, text).unwrap();
                self.next_text += EVERY;
                self.written += 1;
            }
        }
    }

    fn send(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        self.sleep(self.now.monotonic + LATENCY);
        match self.simulator.handle(self.now.wall.0, request) {
            Answer::Respond(answer) => Ok(answer),
            _ => Err(TransportError::timeout()),
        }
    }

    fn reply(&mut self, to: ConversationId) -> Result<SentMsg, Error> {
        let mut call = Call::new(SendMsg::text(to, "收到"));
        let mut step = match self.way {
            Way::Beside => call.start(&mut self.account, self.now),
            Way::Within => self.machine.start_call(self.now, &mut call),
        };
        loop {
            match step {
                Step::Done(result) => return result,
                Step::Send(request) => {
                    let answer = self.send(&request);
                    step = match self.way {
                        Way::Beside => call.handle_response(&mut self.account, self.now, answer),
                        Way::Within => self
                            .machine
                            .handle_call_response(self.now, &mut call, answer),
                    };
                }
            }
        }
    }

    /// Does what the bot does up to this reading.
    fn pass(&mut self, end: Duration) {
        while self.now.monotonic < end {
            match self.machine.poll(self.now) {
                Output::Send(outgoing) => {
                    let answer = self.send(&outgoing.request);
                    self.machine.handle_response(self.now, outgoing.id, answer);
                }
                Output::Handle(dispatch) => match self.machine.hand_out(dispatch) {
                    Update::Event(event) => {
                        self.messages += 1;
                        if let Err(error) = self.reply(event.conversation) {
                            let kind = error.class().to_string();
                            *self.reply_errors.entry(kind).or_default() += 1;
                        }
                    }
                    Update::Notice(notice) => {
                        *self.notices.entry(notice.kind()).or_default() += 1;
                    }
                    Update::Status(_) => {}
                },
                Output::Wait(until) => {
                    self.sleep(until.min(end));
                    self.machine.handle_timeout(self.now);
                }
                Output::Busy => panic!("nothing is handled beside this loop"),
                Output::Finished(result) => panic!("it ended: {result:?}"),
            }
        }
    }

    fn requests(&self, part: &str) -> u64 {
        let state = self.simulator.state();
        let requests = state["requests"].as_object().unwrap();
        let counts = requests.iter().filter(|(path, _)| path.contains(part));
        counts.map(|(_, count)| count.as_u64().unwrap()).sum()
    }
}

/// What followed the first refusal.
#[derive(Debug)]
struct Hour {
    sends: u64,
    lists: u64,
    fetches: u64,
    navs: u64,
    messages: usize,
    notices: BTreeMap<&'static str, usize>,
    reply_errors: BTreeMap<String, usize>,
    /// How many messages had not come out a while after the refusals ended.
    lost: usize,
}

fn hour(way: Way, code: i64) -> Hour {
    let mut world = World::new(way);
    let fault = Fault::once("/send_msg", FaultKind::Code(code)).times(u32::MAX);
    world.simulator.push_fault(fault);
    while world.requests("/send_msg") == 0 {
        world.pass(world.now.monotonic + LATENCY);
    }
    let counts = |world: &World| {
        ["/send_msg", "sessions", "fetch_session_msgs", "/nav"].map(|it| world.requests(it))
    };
    let (before, messages) = (counts(&world), world.messages);
    world.pass(world.now.monotonic + HOUR);
    let after = counts(&world);
    let [sends, lists, fetches, navs] = std::array::from_fn(|n| after[n] - before[n]);
    let mut hour = Hour {
        sends,
        lists,
        fetches,
        navs,
        messages: world.messages - messages,
        notices: world.notices.clone(),
        reply_errors: world.reply_errors.clone(),
        lost: 0,
    };
    world.simulator.clear_faults();
    world.next_text = Duration::MAX;
    world.pass(world.now.monotonic + 3 * HOUR);
    hour.lost = world.written - world.messages;
    hour
}

#[test]
fn the_hour_after() {
    println!(
        "| refused with | the bot's calls | sends | lists | fetches | nav | messages out | replies that failed | notices |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for code in CODES {
        let [beside, within] = [Way::Beside, Way::Within].map(|way| {
            let it = hour(way, code);
            println!(
                "| {code} | {way:?} | {} | {} | {} | {} | {} | {:?} | {:?} |",
                it.sends, it.lists, it.fetches, it.navs, it.messages, it.reply_errors, it.notices
            );
            it
        });
        assert!(beside.sends > 300, "{beside:?}");
        assert_eq!((beside.lost, within.lost), (0, 0), "{code}");
        let [sends, lists] = match code {
            // A pause for everything: minutes, then longer ones.
            -352 => [0..=12, 0..=600],
            -509 => [0..=60, 0..=600],
            // For sends alone, with a back-off.
            21020 => [0..=60, 590..=610],
            // For a day.
            _ => [0..=0, 590..=610],
        };
        assert!(sends.contains(&within.sends), "{code}: {within:?}");
        assert!(lists.contains(&within.lists), "{code}: {within:?}");
        // The one before the hour is among them; none is tried twice.
        let failed: usize = within.reply_errors.values().sum();
        assert_eq!(failed, within.messages + 1, "{code}");
    }
}
