//! The others: they write, take back, dissolve groups; and the ledger of all that.

mod arrival;
mod clocks;
mod deeds;

use std::collections::{BTreeSet, VecDeque};

use bilibili_session::{ConversationId, GroupId, Uid};
use bilibili_session_simulator as simulator;
use bilibili_session_simulator::{Answer, Config, Fault, FaultKind, NewMessage, Rng, Simulator};
use http::Request;
use serde_json::Value;

use crate::ledger::{Entry, Fate, Ledger, Place};
use crate::page::int;
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use arrival::Flavour;
use clocks::Clocks;

/// Age of the oldest history (µs).
const DAYS: u64 = 9 * 24 * 60 * 60 * 1_000_000;
/// Conversations that begin during a run, at most.
const NEW_ONES: usize = 30;
/// Conversations of unknown types.
const OTHER_TYPES: [(i64, i64); 3] = [(3, 7), (9, 20_001), (5, 20_003)];
/// Number from which groups that can begin anew count: so far up that they do not come there again.
const FAR_UP: u64 = 50_000;

/// The server, the users that write, and all messages.
#[derive(Debug)]
pub(crate) struct Population {
    pub(crate) sim: Simulator,
    pub(crate) ledger: Ledger,
    uid: i64,
    exclude_self: bool,
    ids: Vec<ConversationId>,
    /// Conversations that will begin later.
    unborn: Vec<ConversationId>,
    pinned: Vec<ConversationId>,
    /// The last messages that can be taken back or down: where they lie, key, own.
    recent: VecDeque<(ConversationId, Place, i64, bool)>,
    clocks: Clocks,
    others: Vec<ConversationId>,
}

impl Population {
    /// Creates all users, with the history that there is at `start_us`.
    pub(crate) fn new(scenario: &Scenario, rng: &mut Rng, start_us: u64) -> Self {
        let sim = Simulator::new(Config {
            feeds: false,
            ..Config::default()
        });
        let count = i64::from(scenario.conversations);
        let ids: Vec<ConversationId> = (0..count).map(conversation).collect();
        let mut population = Self {
            uid: sim.login().uid,
            sim,
            ledger: Ledger::default(),
            exclude_self: scenario.exclude_self,
            clocks: Clocks::draw(scenario, &ids),
            ids,
            unborn: Vec::new(),
            pinned: Vec::new(),
            recent: VecDeque::new(),
            others: Vec::new(),
        };
        if scenario.has(Trouble::NewConversations) {
            let more = usize::try_from(count).unwrap_or(0).clamp(3, NEW_ONES);
            population.unborn = (count..).map(conversation).take(more).collect();
        }
        if scenario.has(Trouble::OtherTypes) {
            let other = |(session_type, talker_id)| ConversationId::new(session_type, talker_id);
            population.others = OTHER_TYPES.into_iter().map(other).collect();
            for id in population.others.clone() {
                population.ledger.close(id);
                population.write(rng, id, Flavour::Text, start_us - 5_000_000, 0);
            }
        }
        if scenario.has(Trouble::Restarts) {
            population.number_groups_far_up();
        }
        population.make_history(rng, scenario, start_us);
        population
    }

    fn number_groups_far_up(&mut self) {
        for id in self.ids.iter().copied().filter(|id| !id.is_user()) {
            self.sim.number_from(of_model(id), FAR_UP);
        }
    }

    fn make_history(&mut self, rng: &mut Rng, scenario: &Scenario, start_us: u64) {
        let many = scenario.has(Trouble::ManyChanged);
        let still = std::mem::take(&mut self.clocks.stands_still);
        for id in self.ids.clone() {
            let length = rng.pick(&[0, 1, 3, 8, 20, 20, 90], 3);
            let length = if many { 1 } else { length };
            let newest = rng.pick(&[1_000_000, 30_000_000, 90_000_000, DAYS / 100], DAYS / 3);
            let oldest = newest + rng.between(1, DAYS);
            for n in 0..length {
                let age = oldest - (oldest - newest) / length * n;
                self.write(rng, id, Flavour::Text, start_us.saturating_sub(age), 0);
            }
        }
        self.clocks.stands_still = still;
        self.recent.clear();
    }

    /// Returns the `data` of a page without messages, as the service sends it now.
    pub(crate) fn empty_page(&mut self, now_us: u64, request: &Request<Vec<u8>>) -> Value {
        self.sim.push_fault(Fault::once("/", FaultKind::EmptyPage));
        let mut body = match self.sim.handle(signed(now_us), request) {
            Answer::Respond(response) => {
                serde_json::from_slice(response.body()).unwrap_or_default()
            }
            _ => Value::Null,
        };
        body.get_mut("data").map(Value::take).unwrap_or_default()
    }

    /// Counts the conversations that no poller can forget: those that changed in the last seconds
    /// before the newest change, since each list shows them again, and those that are over or
    /// refused for good, of which something may be left to fetch.
    pub(crate) fn unforgettable(&self) -> usize {
        let state = self.sim.state();
        let conversations = state.get("conversations").and_then(Value::as_array);
        let conversations = conversations.into_iter().flatten();
        let changed = conversations.map(|it| {
            let [session_ts, session_type, talker_id] =
                ["session_ts", "session_type", "talker_id"].map(|name| it.get(name).map_or(0, int));
            (session_ts, ConversationId::new(session_type, talker_id))
        });
        // One that no message has reached yet is on no list.
        let changed: Vec<_> = changed.filter(|(session_ts, _)| *session_ts > 0).collect();
        let newest = changed.iter().map(|(session_ts, _)| *session_ts).max();
        let since = newest.unwrap_or_default() - 12_000_000;
        let just_changed = changed.into_iter().filter(|(at, _)| *at >= since);
        let unforgettable: BTreeSet<_> = just_changed
            .map(|(_, id)| id)
            .chain(self.ledger.closed())
            .collect();
        unforgettable.len()
    }

    /// Returns the number of messages that the account sent through the service.
    pub(crate) fn sent(&self) -> usize {
        self.sim.sent().count()
    }

    /// Enters in the ledger the messages that the account sent after the first `before`.
    pub(crate) fn note_sent(&mut self, before: usize, now_us: u64) {
        let new: Vec<(ConversationId, i64, i64)> = self
            .sim
            .sent()
            .skip(before)
            .map(|it| {
                let id = ConversationId::new(it.receiver_type, it.receiver_id);
                (id, it.msg_key, it.timestamp)
            })
            .collect();
        for (id, msg_key, timestamp) in new {
            let mut messages = self.sim.messages(of_model(id));
            let at = messages.find(|(_, it)| it.msg_key == msg_key);
            let Some((seqno, _)) = at else { continue };
            let entry = Entry {
                serial: 0,
                msg_key,
                timestamp,
                at_us: now_us,
                stood_still: false,
                fate: self.fate(true),
            };
            self.ledger.add(id, seqno, entry);
        }
    }

    const fn fate(&self, own: bool) -> Fate {
        if own && self.exclude_self {
            Fate::Never("it is the account's own")
        } else {
            Fate::Comes
        }
    }
}

/// Returns the same conversation in the model's type.
pub(crate) const fn of_model(id: ConversationId) -> simulator::ConversationId {
    simulator::ConversationId {
        session_type: id.session_type(),
        talker_id: id.talker_id(),
    }
}

/// Returns the conversation of a place: users and groups by turns, a group with the number of the user before it.
fn conversation(n: i64) -> ConversationId {
    let number = if n < 2 { 7 } else { 20_000 + n / 2 };
    if n % 2 == 0 {
        Uid(number).into()
    } else {
        GroupId(number).into()
    }
}

fn text(id: ConversationId) -> NewMessage {
    match id {
        ConversationId::Group(GroupId(group)) => NewMessage::text(31, "hi").in_group(group),
        ConversationId::Other { .. } => NewMessage::text(31, "hi").in_conversation(of_model(id)),
        _ => NewMessage::text(id.talker_id(), "hi"),
    }
}

/// Times and numbers here are far from the end of what 63 bits hold.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
