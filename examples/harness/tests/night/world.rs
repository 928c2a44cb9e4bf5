//! An account of 1,500 conversations, a poller that watches it, and what is owed to its user.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Output, Poller, PollerConfig, RequestId};
use bilibili_session::{
    ClientConfig, ConversationId, Credential, Event, GroupId, Hosts, Now, Uid, UnixMicros,
};
use bilibili_session_simulator::{NewMessage, Quirks, Rng, Simulator};
use http::Response;

/// The account of the least number.
pub(crate) const FIRST_ID: i64 = 20_000;
pub(crate) const CONVERSATIONS: i64 = 1500;
pub(crate) const START_US: i64 = 1_700_000_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// From one round to the next.
pub(crate) const INTERVAL: i64 = 6 * SECOND;
/// From a request to its answer.
pub(crate) const LATENCY: i64 = 80_000;

/// The single type of lists that a conversation is on, by its number: followed, not followed, group, intercepted, system.
pub(crate) const fn kind_of(index: i64) -> i64 {
    match index % 20 {
        0..=7 => 1,
        8..=13 => 2,
        14..=16 => 3,
        17..=18 => 5,
        _ => 7,
    }
}

pub(crate) fn id_of(index: i64) -> ConversationId {
    match kind_of(index) {
        3 => GroupId(FIRST_ID + index).into(),
        _ => Uid(FIRST_ID + index).into(),
    }
}

pub(crate) fn message(index: i64, text: &str) -> NewMessage {
    match kind_of(index) {
        3 => NewMessage::text(31, text).in_group(FIRST_ID + index),
        _ => NewMessage::text(FIRST_ID + index, text),
    }
}

/// Forty conversations begin in the night.
pub(crate) const fn is_new(index: i64) -> bool {
    index % 3 != 2 && index % 25 == 1
}

/// The numbers in an order that looks like chance, the same each time.
pub(crate) fn shuffled(items: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut items: Vec<i64> = items.collect();
    Rng::new(7).shuffle(&mut items);
    items
}

/// The service, a poller that is killed and resumed, and what is owed to its user.
pub(crate) struct World {
    pub(crate) sim: Simulator,
    context: ClientConfig,
    pub(crate) poller: Poller,
    pub(crate) now_us: i64,
    /// The messages that are still to arrive: when, and where.
    pub(crate) arrivals: VecDeque<(i64, i64)>,
    /// The answers on their way to the poller.
    answers: VecDeque<(i64, RequestId, Response<Vec<u8>>)>,
    /// The messages that arrived and did not come out: when, and the text.
    pub(crate) owed: BTreeMap<ConversationId, VecDeque<(i64, String)>>,
    arrived: usize,
    pub(crate) last_came_us: i64,
    /// From the arrival of a message to its event.
    pub(crate) delays: Vec<i64>,
    /// Of the message that arrived last among those that came out: when, and its delay.
    pub(crate) youngest: (i64, i64),
    /// For lists, for messages, for other things.
    pub(crate) requests: [usize; 3],
    pub(crate) warnings: BTreeMap<&'static str, usize>,
}

impl World {
    /// An account whose conversations changed one a minute, the last an hour ago; nobody watches yet.
    pub(crate) fn new(quirks: Quirks, config: &PollerConfig) -> Self {
        let mut sim = Simulator::default();
        for (place, index) in (1..).zip(shuffled(0..CONVERSATIONS)) {
            let (kind, peer) = (kind_of(index), sim.peer_mut(FIRST_ID + index));
            (peer.is_follow, peer.is_intercept) = (kind == 1, kind == 5);
            peer.system_msg_type = if kind == 7 { 5 } else { 0 };
            let at = START_US - HOUR - (CONVERSATIONS - place) * MINUTE;
            for n in (0..3).filter(|_| !is_new(index)) {
                sim.receive(at + n * SECOND, message(index, "old")).unwrap();
            }
        }
        *sim.quirks_mut() = quirks;
        let login = sim.login();
        let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
        let context =
            ClientConfig::new(Credential::parse(&cookies).unwrap()).hosts(Hosts::official());
        Self {
            sim,
            poller: Poller::new(context.clone(), config.clone()).unwrap(),
            context,
            now_us: START_US,
            arrivals: VecDeque::new(),
            answers: VecDeque::new(),
            owed: BTreeMap::new(),
            arrived: 0,
            last_came_us: 0,
            delays: Vec::new(),
            youngest: (0, 0),
            requests: [0; 3],
            warnings: BTreeMap::new(),
        }
    }

    /// Ten minutes of watching, eight hours without, and a poller that goes on from the checkpoint.
    pub(crate) fn after_the_night(quirks: Quirks, config: &PollerConfig) -> (Self, Checkpoint) {
        let mut world = Self::new(quirks, config);
        while world.poller.checkpoint().is_none() {
            world.pass(SECOND);
        }
        // The last one arrives a moment before the end: it is still to come out.
        let times = (1..=60).map(|n| world.now_us + n * 10 * SECOND);
        world.arrivals = times
            .zip(shuffled((0..CONVERSATIONS).filter(|it| !is_new(*it))))
            .collect();
        world.pass(10 * MINUTE + SECOND / 2);
        let checkpoint = world.poller.checkpoint().unwrap();

        let changed = (0..CONVERSATIONS).filter(|index| index % 3 != 2);
        let messages = shuffled(changed.flat_map(|index| (0..=index / 3 % 3).map(move |_| index)));
        let (asleep, count) = (world.now_us, i64::try_from(messages.len()).unwrap());
        for (n, index) in (1..).zip(messages) {
            world.now_us = asleep + n * 8 * HOUR / count;
            world.arrive(index);
        }
        world.now_us = asleep + 8 * HOUR + MINUTE;
        world.answers.clear();
        world.poller = Poller::resume(world.context.clone(), config.clone(), &checkpoint).unwrap();
        (world.requests, world.warnings) = ([0; 3], BTreeMap::new());
        (world, checkpoint)
    }

    pub(crate) fn now(&self) -> Now {
        let elapsed = u64::try_from(self.now_us - START_US).unwrap();
        Now {
            monotonic: Duration::from_micros(elapsed),
            wall: UnixMicros(self.now_us),
        }
    }

    pub(crate) fn owed(&self) -> usize {
        self.owed.values().map(VecDeque::len).sum()
    }

    pub(crate) fn arrive(&mut self, index: i64) {
        self.arrived += 1;
        let text = format!("message {}", self.arrived);
        self.sim
            .receive(self.now_us, message(index, &text))
            .unwrap();
        self.owed
            .entry(id_of(index))
            .or_default()
            .push_back((self.now_us, text));
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let owed = self.owed.get_mut(&event.conversation);
        let owed = owed.and_then(VecDeque::pop_front);
        let (arrived, text) = owed.unwrap_or_else(|| panic!("{event:?} came again, or is old"));
        assert_eq!(
            event.text(),
            Some(&*text),
            "{}, in order, each once",
            event.conversation
        );
        self.delays.push(self.now_us - arrived);
        self.youngest = self.youngest.max((arrived, self.now_us - arrived));
        self.last_came_us = self.now_us;
    }

    pub(crate) fn pass(&mut self, span: i64) {
        self.pass_until(span, |_| false);
    }

    /// So much time passes, or less where nothing is to be done and this is so.
    pub(crate) fn pass_until(&mut self, span: i64, is_enough: impl Fn(&Self) -> bool) {
        let end = self.now_us + span;
        loop {
            match self.poller.poll_output(self.now()) {
                Output::Send(outgoing) => {
                    self.requests[match outgoing.request.uri().path() {
                        path if path.ends_with("_sessions") => 0,
                        path if path.ends_with("_msgs") => 1,
                        _ => 2,
                    }] += 1;
                    let answer = self.sim.handle(self.now_us, &outgoing.request);
                    let answer = answer.into_response().unwrap();
                    self.answers
                        .push_back((self.now_us + LATENCY, outgoing.id, answer));
                }
                Output::Event(event) => self.event(&event),
                Output::Warning(warning) => *self.warnings.entry(warning.kind()).or_default() += 1,
                Output::Feed(_) | Output::Status(_) => {}
                Output::Wait(_) if self.now_us >= end || is_enough(self) => return,
                Output::Wait(until) => {
                    let until = i64::try_from(until.as_nanos().div_ceil(1000)).unwrap();
                    self.sleep(end.min(START_US + until));
                }
                Output::Finished(result) => panic!("it ended: {result:?}"),
            }
        }
    }

    /// Until then, or until something happens.
    pub(crate) fn sleep(&mut self, until: i64) {
        let arrival = self.arrivals.front().map_or(until, |it| it.0);
        let answer = self.answers.front().map_or(until, |it| it.0);
        let next = until.min(arrival).min(answer);
        assert!(next > self.now_us, "a wait for the past");
        self.now_us = next;
        while let Some((_, index)) = self.arrivals.front().copied().filter(|it| it.0 <= next) {
            self.arrivals.pop_front();
            self.arrive(index);
        }
        while self.answers.front().is_some_and(|it| it.0 <= next)
            && let Some((_, id, answer)) = self.answers.pop_front()
        {
            self.poller
                .handle_response(self.now(), id, Ok(answer))
                .unwrap();
        }
    }
}
