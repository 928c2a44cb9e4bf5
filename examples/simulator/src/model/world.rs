//! All of it together, and what happens in it.

use std::collections::BTreeMap;

use super::account::Account;
use super::conversation::{Conversation, ConversationId};
use super::message::{Message, NewMessage};
use super::notification::{NewNotification, Notified};
use super::passport::Passport;
use super::peer::{Group, Peer};
use crate::push::{Push, PushNotice, Pushes};
use crate::wbi::Keys;
use crate::wire::envelope::Refusal;
use crate::{Config, Quirks};

/// State of the server.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) accounts: BTreeMap<i64, Account>,
    pub(crate) messages: BTreeMap<i64, Message>,
    pub(crate) peers: BTreeMap<i64, Peer>,
    pub(crate) groups: BTreeMap<i64, Group>,
    pub(crate) pictures: BTreeMap<String, Picture>,
    pub(crate) keys: Keys,
    pub(crate) quirks: Quirks,
    pub(crate) pushes: Pushes,
    pub(crate) passport: Passport,
    /// The account that control requests mean.
    pub(crate) first_uid: i64,
    last_key: i64,
}

/// An uploaded picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Place of a message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Number of the message in the conversation.
    pub msg_seqno: u64,
    /// Key of the message.
    pub msg_key: i64,
}

impl World {
    pub(crate) fn new(config: &Config) -> Self {
        let account = Account::new(config.login.clone(), config.feeds);
        Self {
            accounts: BTreeMap::from([(config.login.uid, account)]),
            messages: BTreeMap::new(),
            peers: BTreeMap::new(),
            groups: BTreeMap::new(),
            pictures: BTreeMap::new(),
            keys: Keys::new(&config.img_key, &config.sub_key),
            quirks: config.quirks.clone(),
            pushes: Pushes::default(),
            passport: Passport::default(),
            first_uid: config.login.uid,
            last_key: 7_500_000_000_000_000_000,
        }
    }

    pub(crate) fn account(&self, uid: i64) -> Result<&Account, Refusal> {
        self.accounts.get(&uid).ok_or(Refusal::NOT_LOGGED_IN)
    }

    pub(crate) fn account_mut(&mut self, uid: i64) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(&uid).ok_or(Refusal::NOT_LOGGED_IN)
    }

    /// Returns a conversation of an account, or the refusal if there is none.
    pub(crate) fn conversation(
        &self,
        uid: i64,
        id: ConversationId,
    ) -> Result<&Conversation, Refusal> {
        self.account(uid)?
            .conversations
            .get(&id)
            .ok_or(const { Refusal::new(1_000_004) })
    }

    /// Returns the code that keeps the accounts out of this conversation, if any.
    pub(crate) fn closed(&self, id: ConversationId) -> Option<Refusal> {
        let group = id
            .is_group()
            .then(|| self.groups.get(&id.talker_id))
            .flatten()?;
        group.standing.code().map(Refusal::new)
    }

    pub(crate) fn peer(&self, uid: i64) -> Peer {
        match (self.peers.get(&uid), self.accounts.get(&uid)) {
            (Some(peer), _) => peer.clone(),
            (None, Some(account)) => Peer {
                name: account.login.name.clone(),
                ..Peer::made_up(uid)
            },
            (None, None) => Peer::made_up(uid),
        }
    }

    /// Delivers a message to the conversations of all accounts that take part. The answer is where it lies for
    /// `viewer`, which takes part whatever the message says.
    pub(crate) fn deliver(&mut self, now_us: i64, viewer: i64, new: NewMessage) -> Option<Arrived> {
        self.last_key += 1;
        let (receiver_type, receiver_id) = match new.group {
            Some(group) => (new.session_type.unwrap_or(2), group),
            None => (1, new.to.unwrap_or(viewer)),
        };
        let message = Message {
            msg_key: self.last_key,
            sender_uid: new.from,
            receiver_type,
            receiver_id,
            msg_type: new.msg_type,
            content: new.content,
            timestamp: new.timestamp.unwrap_or_else(|| {
                let offset = self.quirks.message_time_offset_s;
                now_us.div_euclid(1_000_000).saturating_add(offset)
            }),
            msg_status: 0,
            msg_source: new.msg_source,
            at_uids: new.at_uids,
            taken_down: new.taken_down,
            raw: new.raw,
        };
        if receiver_type == 2 {
            self.groups
                .entry(receiver_id)
                .or_insert_with(|| Group::made_up(receiver_id));
            let sender = self.peer(message.sender_uid);
            self.peers.entry(message.sender_uid).or_insert(sender);
        } else if receiver_type == 1 {
            let other = if message.sender_uid == viewer {
                receiver_id
            } else {
                message.sender_uid
            };
            let peer = self.peer(other);
            self.peers.entry(other).or_insert(peer);
        }

        let mut arrived = None;
        for (&uid, account) in &mut self.accounts {
            let id = message.conversation_of(uid);
            let takes_part = match receiver_type {
                1 => uid == message.sender_uid || uid == receiver_id,
                _ => account.conversations.contains_key(&id),
            };
            if !takes_part && uid != viewer {
                continue;
            }
            let known = account.conversations.get(&id).map(|it| it.session_ts);
            let stands = known.filter(|&ts| self.quirks.session_ts_stands_still && ts != 0);
            let exactly = new.session_ts.or(stands);
            let now = now_us.saturating_sub(self.quirks.commit_lag_us);
            account.touch(id, exactly.unwrap_or(now), exactly.is_some());
            let conversation = account.conversation(id);
            let msg_seqno = conversation.append(message.msg_key);
            self.pushes.arrived(uid, &message, msg_seqno);
            if message.sender_uid == uid {
                // Sending marks the conversation read.
                conversation.unread = 0;
                conversation.ack_seqno = msg_seqno;
                conversation.ack_ts = now_us;
            } else if message.msg_type != 5 {
                conversation.unread += 1;
            }
            if uid == viewer {
                arrived = Some(Arrived {
                    msg_seqno,
                    msg_key: message.msg_key,
                });
            }
        }
        self.messages.insert(message.msg_key, message);
        arrived
    }

    /// Notifies an account of something that happens.
    pub(crate) fn notify(
        &mut self,
        now_us: i64,
        uid: i64,
        new: NewNotification,
    ) -> Result<Notified, Refusal> {
        let account = self.accounts.get_mut(&uid).ok_or(Refusal::NOT_LOGGED_IN)?;
        let (kind, count) = (new.kind, self.pushes.habits.times);
        let notified = account
            .feeds
            .get_mut(kind)
            .post(now_us, &self.quirks.feeds, new);
        for _ in 0..count {
            let notice = PushNotice::new(kind.push_type());
            self.pushes.add(Some(uid), Push::Notice(notice));
        }
        Ok(notified)
    }

    /// Takes a message back, as its sender does: its status changes, and a message that says so arrives.
    /// `timestamp` is the moment (s) if it is known; else the sender's clock says it.
    pub(crate) fn withdraw(
        &mut self,
        now_us: i64,
        viewer: i64,
        msg_key: i64,
        timestamp: Option<i64>,
    ) -> Option<Arrived> {
        let message = self.messages.get_mut(&msg_key)?;
        message.msg_status = 1;
        let mut word = NewMessage::new(message.sender_uid, 5, &serde_json::Value::from(msg_key));
        word.timestamp = timestamp;
        if message.receiver_type == 1 {
            word.to = Some(message.receiver_id);
        } else {
            word.group = Some(message.receiver_id);
            word.session_type = Some(message.receiver_type);
        }
        self.deliver(now_us, viewer, word)
    }

    /// Removes an account's messages of a conversation before this number. Those of another account stay.
    pub(crate) fn forget(&mut self, uid: i64, id: ConversationId, before: u64) {
        let conversation = |account: &mut Account| {
            let conversation = account.conversations.get_mut(&id)?;
            let rest = conversation.messages.split_off(&before);
            Some(std::mem::replace(&mut conversation.messages, rest))
        };
        let Some(gone) = self.accounts.get_mut(&uid).and_then(conversation) else {
            return;
        };
        for key in gone.into_values() {
            let lies_with = |(other, account): (&i64, &Account)| {
                let id = self.messages.get(&key)?.conversation_of(*other);
                let messages = &account.conversations.get(&id)?.messages;
                messages.values().any(|there| *there == key).then_some(())
            };
            if self.accounts.iter().find_map(lies_with).is_none() {
                self.messages.remove(&key);
            }
        }
        for account in self.accounts.values_mut() {
            account.sent.retain(|key| self.messages.contains_key(key));
        }
    }

    /// Begins an account's conversation anew: its messages are no more, and the next one's number follows `before`.
    pub(crate) fn restart(&mut self, uid: i64, id: ConversationId, before: u64) -> bool {
        self.forget(uid, id, u64::MAX);
        let account = self.accounts.get_mut(&uid);
        let Some(conversation) = account.and_then(|it| it.conversations.get_mut(&id)) else {
            return false;
        };
        // What bears the very last number is not before it.
        conversation.messages.clear();
        conversation.max_seqno = before;
        conversation.ack_seqno = 0;
        conversation.unread = 0;
        true
    }

    /// Marks a conversation of the account as read up to this number.
    pub(crate) fn acknowledge(
        &mut self,
        now_us: i64,
        uid: i64,
        id: ConversationId,
        seqno: u64,
    ) -> Result<(), Refusal> {
        let conversation = self.conversation(uid, id)?;
        let ack_seqno = seqno
            .min(conversation.max_seqno)
            .max(conversation.ack_seqno);
        let unread = conversation
            .between(ack_seqno, u64::MAX)
            .filter_map(|(_, key)| self.messages.get(&key))
            .filter(|message| message.sender_uid != uid && message.msg_type != 5)
            .count();
        let conversation = self.account_mut(uid)?.conversation(id);
        conversation.ack_seqno = ack_seqno;
        conversation.ack_ts = now_us;
        conversation.unread = i64::try_from(unread).unwrap_or(i64::MAX);
        Ok(())
    }
}
