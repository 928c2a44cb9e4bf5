//! The others: they write, take back, dissolve groups; and the ledger of all that.

use std::collections::{BTreeSet, VecDeque};

use bilibili_session::endpoints::SetTop;
use bilibili_session::{ClientConfig, ConversationId, Credential, Endpoint as _, GroupId, Uid};
use bilibili_session_simulator as simulator;
use bilibili_session_simulator::{
    Answer, Config, Fault, FaultKind, NewMessage, Rng, Simulator, Standing,
};
use http::Request;
use serde_json::{Value, json};

use crate::ledger::{Entry, Fate, Ledger, Place};
use crate::page::int;
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// How far back history goes (µs).
const DAYS: u64 = 9 * 24 * 60 * 60 * 1_000_000;
/// A conversation is committed at most this late (µs): less than the overlap of the lists.
const LONGEST_LAG: u64 = 4_500_000;
/// So many conversations are pinned at most.
const PINNED: usize = 3;
/// Conversations that begin during a run, at most.
const NEW_ONES: usize = 30;
/// Conversations of unknown types.
const OTHER_TYPES: [(i64, i64); 3] = [(3, 7), (9, 20_001), (5, 20_003)];
/// Where groups are that can begin anew: so far up that they do not come there again.
const FAR_UP: u64 = 50_000;
/// How far a sender's clock, or a `session_ts`, may be off (s).
const OFF: [i64; 8] = [-7_200, -3_000, -600, -90, 90, 600, 3_000, 7_200];

/// The server, those who write to it, and what they wrote.
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

/// Whose clocks are off, and by how much. It stays so for a run.
#[derive(Debug, Clone, Copy, Default)]
struct Clocks {
    /// Times of messages are off, by conversation or by sender.
    times: Option<Whose>,
    /// This conversation's `session_ts` lies so far ahead (µs); none: that of all.
    ahead_of: Option<ConversationId>,
    ahead_us: u64,
    /// How often in a thousand `session_ts` stands still when a message arrives.
    stands_still: u32,
}

#[derive(Debug, Clone, Copy)]
enum Whose {
    Conversation,
    Sender,
}

impl Clocks {
    fn draw(scenario: &Scenario, ids: &[ConversationId]) -> Self {
        // Of its own, so that the runs without are what they were.
        let mut rng = Rng::new(scenario.seed ^ 0x00c1_0c45);
        let whose = rng.pick(&[Whose::Conversation, Whose::Sender], Whose::Sender);
        let ahead = scenario.has(Trouble::FutureTs);
        Self {
            times: scenario.has(Trouble::TimesOff).then_some(whose),
            ahead_of: rng
                .chance(700)
                .then(|| rng.pick(ids, conversation(0)))
                .filter(|_| ahead),
            ahead_us: if ahead {
                rng.pick(&[90_000_000, 1_200_000_000, 3_600_000_000], 3_600_000_000)
            } else {
                0
            },
            stands_still: if scenario.has(Trouble::StillTs) {
                rng.pick(&[200, 500, 1000], 500)
            } else {
                0
            },
        }
    }

    /// How far the time of a message is off (s).
    fn off(self, id: ConversationId, sender: i64) -> i64 {
        let of = match self.times {
            None => return 0,
            Some(Whose::Conversation) => id.talker_id().wrapping_mul(31) + id.session_type(),
            Some(Whose::Sender) => sender,
        };
        let place = of.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        // Half of them are right.
        let place = usize::try_from(place).unwrap_or_default();
        OFF.get(place).copied().unwrap_or_default()
    }

    /// How far `session_ts` lies ahead (µs).
    fn ahead(self, id: ConversationId) -> u64 {
        match self.ahead_of {
            Some(odd) if odd != id => 0,
            _ => self.ahead_us,
        }
    }
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Text,
    Own,
    BadContent,
    BadField,
    NoSeqno,
    Extreme,
    TakenDown,
}

impl Population {
    /// Everybody, with the history that there is at `start_us`.
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

    /// The `data` of a page with nothing on it, as the service sends it now.
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

    /// Somebody does something.
    pub(crate) fn act(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let has = |trouble| scenario.has(trouble);
        let mut deeds: Vec<fn(&mut Self, &mut Rng, &Scenario, u64)> = vec![Self::arrive; 24];
        if has(Trouble::Withdraw) {
            deeds.push(Self::withdraw);
        }
        if has(Trouble::TakeDown) {
            deeds.push(Self::take_down);
        }
        if has(Trouble::Burst) {
            deeds.push(|this, rng, scenario, now_us| this.burst(rng, scenario, now_us, 45));
        }
        if has(Trouble::Ties) {
            deeds.push(Self::tie);
        }
        if has(Trouble::NewConversations) {
            deeds.push(Self::begin);
            deeds.push(Self::begin);
        }
        if has(Trouble::RotateKeys) {
            deeds.push(|this, _, _, _| this.sim.rotate_keys());
        }
        if has(Trouble::Dissolve) && rng.chance(300) {
            deeds.push(Self::dissolve);
        }
        if has(Trouble::Pinned) {
            deeds.push(Self::pin);
        }
        if has(Trouble::Restarts) {
            deeds.push(Self::restart);
        }
        if has(Trouble::OtherTypes) {
            deeds.push(|this, rng, _, now_us| {
                let id = rng.pick(&this.others, conversation(0));
                this.write(rng, id, Flavour::Text, now_us, 0);
            });
        }
        if has(Trouble::TypeChanges) {
            deeds.push(|this, rng, _, _| this.change_type(rng));
        }
        if has(Trouble::Over) {
            deeds.push(|this, rng, scenario, now_us| this.burst(rng, scenario, now_us, 30));
        }
        if has(Trouble::EndIgnored) {
            // More than a page changes between two rounds.
            deeds.push(|this, rng, scenario, now_us| this.all_write(rng, scenario, now_us));
        }
        rng.pick(&deeds, Self::arrive)(self, rng, scenario, now_us);
    }

    /// Everybody writes at once.
    pub(crate) fn all_write(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        for id in self.ids.clone() {
            self.arrive_in(rng, scenario, now_us, id);
        }
    }

    /// Somebody is followed or not, is intercepted or not, from now on.
    pub(crate) fn change_type(&mut self, rng: &mut Rng) {
        if let ConversationId::User(Uid(user)) = self.any(rng) {
            let peer = self.sim.peer_mut(user);
            if rng.chance(600) {
                peer.is_follow = !peer.is_follow;
            } else {
                peer.is_intercept = !peer.is_intercept;
            }
        }
    }

    /// A conversation begins anew, with a first message, numbered far below what it had.
    fn restart(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let id = self.any(rng);
        let newest = self.ledger.newest(id).map_or(0, |place| place.seqno);
        if newest < FAR_UP || self.ledger.is_closed(id) {
            return;
        }
        // That it begins anew shows in a newer time beside the lower number.
        let is_timed = self
            .clocks
            .times
            .is_none_or(|_| id.is_user() && self.clocks.off(id, id.talker_id()) == 0);
        if !is_timed {
            return;
        }
        let before = rng.pick(&[0, 0, 3, 500, FAR_UP / 3], 0);
        if self.sim.restart(of_model(id), before).is_ok() {
            self.ledger.restart(id);
            self.recent.retain(|(of, ..)| *of != id);
            let still = std::mem::take(&mut self.clocks.stands_still);
            self.write(rng, id, Flavour::Text, now_us, 0);
            self.clocks.stands_still = still;
        }
    }

    /// A message arrives in this conversation; of which kind is up to chance.
    pub(crate) fn arrive_in(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        now_us: u64,
        id: ConversationId,
    ) {
        let mut flavours = vec![Flavour::Text; 8];
        let kinds = [
            (Trouble::OwnMessages, &[Flavour::Own, Flavour::Own][..]),
            (
                Trouble::Unreadable,
                &[Flavour::BadContent, Flavour::BadField, Flavour::NoSeqno],
            ),
            (Trouble::TakeDown, &[Flavour::TakenDown]),
            (Trouble::Extremes, &[Flavour::Extreme, Flavour::Extreme]),
        ];
        for (trouble, more) in kinds {
            if scenario.has(trouble) {
                flavours.extend(more);
            }
        }
        let lag = if scenario.has(Trouble::CommitLag) && rng.chance(300) {
            rng.between(0, LONGEST_LAG)
        } else {
            0
        };
        let flavour = rng.pick(&flavours, Flavour::Text);
        self.write(rng, id, flavour, now_us, lag);
    }

    /// So many messages at once: in one conversation, or all over.
    pub(crate) fn burst(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64, count: u32) {
        let one = rng.chance(600).then(|| self.any(rng));
        for _ in 0..count {
            let id = one.unwrap_or_else(|| self.any(rng));
            self.arrive_in(rng, scenario, now_us, id);
        }
    }

    /// One after the other writes once more, so many in a thousand, and those of whom
    /// `needs` says that they must; says whether that was the last one.
    pub(crate) fn last_word(
        &mut self,
        rng: &mut Rng,
        now_us: u64,
        place: usize,
        share: u32,
        needs: impl Fn(ConversationId) -> bool,
    ) -> bool {
        let id = self.ids.get(place).copied();
        // That one began anew shows in a newest message that can be read.
        let ledger = &self.ledger;
        let began_anew = |id: &ConversationId| ledger.place(*id, 0).numbering > 0;
        let mut writes = |id: &ConversationId| rng.chance(share) || needs(*id) || began_anew(id);
        let id_that_writes = id.filter(&mut writes);
        if let Some(id) = id_that_writes.filter(|id| !self.ledger.is_closed(*id)) {
            self.write(rng, id, Flavour::Text, now_us, 0);
        }
        id.is_none()
    }

    fn arrive(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let id = self.any(rng);
        self.arrive_in(rng, scenario, now_us, id);
    }

    /// A conversation that never was begins, with history or without.
    fn begin(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let Some(id) = self.unborn.pop() else {
            return;
        };
        self.ids.push(id);
        let history = rng.pick(&[0, 0, 2, 30, 250], 0);
        for n in 0..history {
            let sent_us = now_us - DAYS + n * 1_000_000;
            let message = NewMessage {
                session_ts: Some(signed(sent_us)),
                ..text(id).at(signed(sent_us / 1_000_000))
            };
            self.put(id, now_us, message, Fate::Never("it is history"), false);
        }
        self.arrive_in(rng, scenario, now_us, id);
    }

    /// Two conversations change in the same microsecond.
    fn tie(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        for _ in 0..2 {
            let id = self.any(rng);
            let message = NewMessage {
                session_ts: Some(signed(now_us + self.clocks.ahead(id))),
                ..text(id)
            };
            self.put(id, now_us, message, Fate::Comes, false);
        }
    }

    /// How many conversations no poller can forget: those that changed in the last seconds
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

    /// How many messages the account sent through the service.
    pub(crate) fn sent(&self) -> usize {
        self.sim.sent().count()
    }

    /// The account sent more than so many: what came since then is its own.
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

    fn withdraw(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let Some((id, _, key, own)) = self.any_recent(rng) else {
            return;
        };
        if self.clocks.ahead_us > 0 {
            self.sim.quirks_mut().commit_lag_us = -signed(self.clocks.ahead(id));
        }
        if let Ok(arrived) = self.sim.withdraw(signed(now_us), key) {
            let fate = self.fate(own);
            let entry = Entry {
                serial: 0,
                msg_key: arrived.msg_key,
                timestamp: signed(now_us / 1_000_000),
                at_us: now_us,
                stood_still: false,
                fate,
            };
            self.ledger.add(id, arrived.msg_seqno, entry);
        }
    }

    fn take_down(&mut self, rng: &mut Rng, _: &Scenario, _: u64) {
        if let Some((id, place, key, _)) = self.any_recent(rng)
            && self.sim.take_down(key).is_ok()
        {
            self.ledger.take_down(id, place);
        }
    }

    fn dissolve(&mut self, rng: &mut Rng, _: &Scenario, _: u64) {
        if let id @ ConversationId::Group(GroupId(group)) = self.any(rng) {
            self.sim.group_mut(group).standing = if rng.chance(500) {
                Standing::Dissolved
            } else {
                Standing::Left
            };
            self.ledger.close(id);
        }
    }

    fn pin(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let id = self.any(rng);
        // At most as many as the smallest page has room for: the others would never be listed.
        self.pinned.retain(|pinned| *pinned != id);
        let pins = self.pinned.len() < PINNED && rng.chance(600);
        if pins {
            self.pinned.push(id);
        }
        self.set_top(
            now_us,
            if pins {
                SetTop::pin(id)
            } else {
                SetTop::unpin(id)
            },
        );
    }

    /// Pins a conversation or unpins it, as another device of the account does.
    fn set_top(&mut self, now_us: u64, mark: SetTop) {
        let login = self.sim.login();
        let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
        if let Ok(credential) = Credential::parse(&cookies)
            && let Ok(request) = mark.request(&ClientConfig::new(credential), ())
        {
            self.sim.handle(signed(now_us), &request);
        }
    }

    /// A few conversations get most of it.
    pub(crate) fn any(&self, rng: &mut Rng) -> ConversationId {
        let few = self.ids.get(..3).unwrap_or(&self.ids);
        let from = if rng.chance(400) { few } else { &self.ids };
        rng.pick(from, conversation(0))
    }

    fn any_recent(&self, rng: &mut Rng) -> Option<(ConversationId, Place, i64, bool)> {
        let last = u64::try_from(self.recent.len()).ok()?.checked_sub(1)?;
        let place = usize::try_from(rng.between(0, last)).ok()?;
        self.recent.get(place).copied()
    }

    const fn fate(&self, own: bool) -> Fate {
        if own && self.exclude_self {
            Fate::Never("it is the account's own")
        } else {
            Fate::Comes
        }
    }

    fn write(
        &mut self,
        rng: &mut Rng,
        id: ConversationId,
        flavour: Flavour,
        now_us: u64,
        lag: u64,
    ) {
        let own = flavour == Flavour::Own;
        let mut message = text(id);
        if own {
            message.from = self.uid;
            if let ConversationId::User(Uid(user)) = id {
                message.to = Some(user);
            }
        }
        let sent_us = if rng.chance(500) {
            now_us
        } else {
            now_us - lag
        };
        if let (Some(Whose::Sender), ConversationId::Group(_), false) = (self.clocks.times, id, own)
        {
            message.from = rng.pick(&[31, 32, 33, 34, 35], 31);
        }
        let off = self.clocks.off(id, message.from);
        message.timestamp = Some(signed(sent_us / 1_000_000) + off);
        let mut fate = self.fate(own);
        match flavour {
            Flavour::BadContent => {
                message.content = rng
                    .pick(&["", "no JSON", "[1,", "null", r#"{"content":{}}"#], "")
                    .to_owned();
                message.msg_type = rng.pick(&[1, 2, 5, 7, 10, 999, -4], 1);
            }
            Flavour::BadField => {
                let (name, value) = bad_field(rng);
                message.raw.insert(name.to_owned(), value);
            }
            Flavour::NoSeqno => {
                let value = if rng.chance(500) {
                    Value::Null
                } else {
                    json!("x")
                };
                message.raw.insert("msg_seqno".to_owned(), value);
                fate = Fate::Told;
            }
            Flavour::Extreme => {
                let most = i64::MAX.unsigned_abs();
                let value = rng.pick(&[0, most, most + 1, u64::MAX - 1, u64::MAX], 0);
                message.raw.insert("msg_seqno".to_owned(), json!(value));
                fate = Fate::Told;
            }
            Flavour::TakenDown => {
                message.taken_down = true;
                fate = Fate::May;
            }
            Flavour::Text | Flavour::Own => {}
        }
        let still = self.clocks.stands_still > 0 && rng.chance(self.clocks.stands_still);
        let quirks = self.sim.quirks_mut();
        quirks.commit_lag_us = signed(lag) - signed(self.clocks.ahead(id));
        quirks.session_ts_stands_still = still;
        self.put(id, now_us, message, fate, still);
        self.sim.quirks_mut().session_ts_stands_still = false;
    }

    fn put(
        &mut self,
        id: ConversationId,
        now_us: u64,
        message: NewMessage,
        fate: Fate,
        stood_still: bool,
    ) {
        let unread = |name| message.raw.contains_key(name);
        let sent = message.timestamp.unwrap_or(signed(now_us / 1_000_000));
        let timestamp = if unread("timestamp") { 0 } else { sent };
        let (keyless, own) = (unread("msg_key"), message.from == self.uid);
        let in_place = fate == Fate::Comes && !keyless;
        if let Ok(arrived) = self.sim.receive(signed(now_us), message) {
            let entry = Entry {
                serial: 0,
                msg_key: if keyless { 0 } else { arrived.msg_key },
                timestamp,
                at_us: match fate {
                    Fate::Never(_) => u64::try_from(sent).unwrap_or_default() * 1_000_000,
                    _ => now_us,
                },
                stood_still,
                fate,
            };
            self.ledger.add(id, arrived.msg_seqno, entry);
            if in_place {
                let place = self.ledger.place(id, arrived.msg_seqno);
                self.recent.push_back((id, place, arrived.msg_key, own));
                if self.recent.len() > 40 {
                    self.recent.pop_front();
                }
            }
        }
    }
}

/// The same in the model's words.
pub(crate) const fn of_model(id: ConversationId) -> simulator::ConversationId {
    simulator::ConversationId {
        session_type: id.session_type(),
        talker_id: id.talker_id(),
    }
}

/// Users and groups by turns, a group with the number of the user before it.
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

/// A field that is not of its kind, or missing.
fn bad_field(rng: &mut Rng) -> (&'static str, Value) {
    let name = rng.pick(
        &[
            "timestamp",
            "msg_key",
            "msg_type",
            "sender_uid",
            "at_uids",
            "receiver_id",
            "msg_status",
        ],
        "timestamp",
    );
    let value = match rng.between(0, 2) {
        0 => Value::Null,
        1 => json!({"no": "number"}),
        _ => json!("x"),
    };
    (name, value)
}

/// Times and numbers here are far from the end of what 63 bits hold.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_takes_hold_and_ends() {
        let now_us = crate::life::EPOCH_US;
        let mut population = Population::new(&Scenario::draw(1), &mut Rng::new(1), now_us);
        let id = conversation(0);
        population.put(id, now_us, text(id), Fate::Comes, false);
        let pins = |population: &Population| {
            let state = population.sim.state();
            let conversations = state["conversations"].as_array().cloned();
            let pinned = conversations.into_iter().flatten();
            pinned.filter(|it| int(&it["top_ts"]) > 0).count()
        };
        population.set_top(now_us, SetTop::pin(id));
        assert_eq!(pins(&population), 1);
        population.set_top(now_us, SetTop::unpin(id));
        assert_eq!(pins(&population), 0);
    }
}
