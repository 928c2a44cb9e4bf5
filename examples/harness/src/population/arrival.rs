//! A message that arrives: its kind, its times, and its entry in the ledger.

use bilibili_session::{ConversationId, Uid};
use bilibili_session_simulator::{NewMessage, Rng};
use serde_json::{Value, json};

use super::clocks::Whose;
use super::{Population, signed, text};
use crate::ledger::{Entry, Fate};
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// A conversation is committed at most this late (µs): less than the overlap of the lists.
const LONGEST_LAG: u64 = 4_500_000;

/// Kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Text,
    Own,
    BadContent,
    BadField,
    NoSeqno,
    Extreme,
    TakenDown,
}

impl Population {
    /// Lets a message arrive in this conversation, of a kind that chance decides.
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

    pub(super) fn write(
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
                fate = Fate::Warned;
            }
            Flavour::Extreme => {
                let most = i64::MAX.unsigned_abs();
                let value = rng.pick(&[0, most, most + 1, u64::MAX - 1, u64::MAX], 0);
                message.raw.insert("msg_seqno".to_owned(), json!(value));
                fate = Fate::Warned;
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

    pub(super) fn put(
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

/// Returns a field of the wrong type, or a missing one.
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
