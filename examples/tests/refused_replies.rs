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
use std::error::Error;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::session::{Driven, Output, SessionMachine, Update};
use bilibili_session::{AuthState, ConversationId, Now, Uid};
use bilibili_session_simulator::{
    Fault, FaultKind, Setup, Simulator, VirtualBot, VirtualTransport,
};

const HOUR: Duration = Duration::from_secs(3600);
/// Somebody writes so often, three users in turn.
const EVERY: Duration = Duration::from_secs(10);
/// An exchange takes so long.
const LATENCY: Duration = Duration::from_millis(100);
/// The codes that replies are refused with.
const CODES: [i64; 4] = [-352, -509, 21020, 21046];

/// The way in which a bot makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With a login of its own beside the session's, as sessions once did.
    Beside,
    /// Within the session.
    Within,
}

/// A bot that replies to every message.
struct Replier {
    machine: SessionMachine,
    account: AuthState,
    transport: VirtualTransport,
    way: Way,
    /// Replies that failed, by the class of the error.
    failed: BTreeMap<String, usize>,
}

impl Replier {
    fn start(setup: Setup, way: Way) -> Result<Self, Box<dyn Error>> {
        let poller = Poller::new(setup.context.clone(), PollerConfig::new())?;
        Ok(Self {
            machine: SessionMachine::new(poller),
            account: AuthState::new(setup.context),
            transport: setup.transport,
            way,
            failed: BTreeMap::new(),
        })
    }

    fn reply(&mut self, now: Now, to: ConversationId) -> Result<(), bilibili_session::Error> {
        let mut call = Call::new(SendMsg::text(to, "收到"));
        loop {
            let output = match self.way {
                Way::Beside => call.poll_output(&mut self.account, now),
                Way::Within => self.machine.poll_call(now, &mut call),
            };
            match output {
                call::Output::Done(result) => return result.map(drop),
                call::Output::Wait(_) => panic!("nobody else asks for keys"),
                call::Output::Send(request) => {
                    let answer = self.transport.send(request);
                    match self.way {
                        Way::Beside => call.handle_response(&mut self.account, now, answer),
                        Way::Within => self.machine.handle_call_response(now, &mut call, answer),
                    }
                }
            }
        }
    }
}

impl Driven for Replier {
    fn poll_output(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Output {
        loop {
            let dispatch = match self.machine.poll_output(now) {
                Output::Handle(dispatch) => dispatch,
                output => return output,
            };
            let update = self.machine.deliver(dispatch);
            handled(&update);
            let replied = update.event().map(|it| self.reply(now, it.conversation));
            if let Some(Err(error)) = replied {
                let class = error.class().to_string();
                *self.failed.entry(class).or_default() += 1;
            }
        }
    }

    fn machine(&self) -> impl Deref<Target = SessionMachine> {
        &self.machine
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine> {
        &mut self.machine
    }
}

/// So much time passes, in which somebody writes every ten seconds.
fn pass(bot: &mut VirtualBot<Replier>, texts: u64) {
    for n in 0..texts {
        let from = Uid(20001 + i64::try_from(n % 3).unwrap());
        bot.receive_text(from, &n.to_string()).unwrap();
        bot.run_for(EVERY).unwrap();
    }
}

fn requests(bot: &VirtualBot<Replier>, part: &str) -> u64 {
    bot.simulator().requests_matching(part)
}

fn warnings(bot: &VirtualBot<Replier>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for warning in bot.warnings() {
        *counts.entry(warning.kind()).or_default() += 1;
    }
    counts
}

/// The hour after the first refusal.
#[derive(Debug)]
struct Hour {
    sends: u64,
    lists: u64,
    fetches: u64,
    navs: u64,
    messages: usize,
    warnings: BTreeMap<&'static str, usize>,
    reply_errors: BTreeMap<String, usize>,
    /// Number of messages that had not come out a while after the refusals ended.
    lost: usize,
}

fn hour(way: Way, code: i64) -> Hour {
    let mut bot = VirtualBot::new(Simulator::default(), move |it| Replier::start(it, way)).unwrap();
    bot.set_latency(LATENCY);
    let fault = Fault::once("/send_msg", FaultKind::Code(code)).times(u32::MAX);
    bot.simulator().push_fault(fault);
    bot.receive_text(Uid(20001), "first").unwrap();
    let refused = bot.run_until(HOUR, |bot| requests(bot, "/send_msg") > 0);
    assert!(refused.unwrap());
    let counts = |bot: &VirtualBot<Replier>| {
        ["/send_msg", "sessions", "fetch_session_msgs", "/nav"].map(|part| requests(bot, part))
    };
    let (before, messages) = (counts(&bot), bot.events().len());
    let texts = HOUR.as_secs() / EVERY.as_secs();
    pass(&mut bot, texts);
    let after = counts(&bot);
    let [sends, lists, fetches, navs] = std::array::from_fn(|n| after[n] - before[n]);
    let mut hour = Hour {
        sends,
        lists,
        fetches,
        navs,
        messages: bot.events().len() - messages,
        warnings: warnings(&bot),
        reply_errors: bot.session().unwrap().failed.clone(),
        lost: 0,
    };
    bot.simulator().clear_faults();
    bot.run_for(3 * HOUR).unwrap();
    hour.lost = usize::try_from(texts).unwrap() + 1 - bot.events().len();
    hour
}

#[test]
fn the_hour_after() {
    println!(
        "| refused with | the bot's calls | sends | lists | fetches | nav | messages out | replies that failed | warnings |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for code in CODES {
        let [beside, within] = [Way::Beside, Way::Within].map(|way| {
            let it = hour(way, code);
            println!(
                "| {code} | {way:?} | {} | {} | {} | {} | {} | {:?} | {:?} |",
                it.sends, it.lists, it.fetches, it.navs, it.messages, it.reply_errors, it.warnings
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
