//! The simulator: one entry for requests, and the other side's hands.

use std::collections::BTreeMap;

use http::Request;
use serde_json::{Value, json};

use crate::fault::Faults;
use crate::model::account::Account;
use crate::model::passport::Scan;
use crate::model::world::World;
use crate::script::Player;
use crate::wire::incoming::Incoming;
use crate::{
    Answer, Arrived, Config, ConversationId, Fault, Feeds, Group, Login, Message, NewMessage, Peer,
    Push, PushHabits, Quirks, control, service,
};

/// More paths than this are not counted.
const COUNTED_PATHS: usize = 1000;

/// A model of the message server: requests in, answers out. It has no socket and no clock; each call that happens at
/// some time takes that time, in microseconds since the epoch.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    player: Player,
    uid: i64,
    feeds: bool,
    requests: BTreeMap<String, u64>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Simulator {
    /// Creates a server with one account, and what else the configuration names.
    pub fn new(config: Config) -> Self {
        Self {
            world: World::new(&config),
            faults: Faults::default(),
            player: Player::new(config.script.unwrap_or_default()),
            uid: config.login.uid,
            feeds: config.feeds,
            requests: BTreeMap::new(),
        }
    }

    /// Answers a request: to a path of the service, whatever its host, or to a control path.
    pub fn handle(&mut self, now_us: i64, request: &Request<Vec<u8>>) -> Answer {
        self.advance(now_us);
        let request = Incoming::new(request);
        if let Some(action) = request.path.strip_prefix(control::PREFIX) {
            return Answer::Respond(control::answer(self, now_us, action, &request));
        }
        self.count(request.path);
        let mut answer = self.answer(now_us, &request);
        if let Answer::Respond(response)
        | Answer::Delayed(_, response)
        | Answer::Truncated(response) = &mut answer
        {
            self.world
                .quirks
                .date
                .put_on(now_us, response.headers_mut());
        }
        answer
    }

    fn answer(&mut self, now_us: i64, request: &Incoming<'_>) -> Answer {
        let fault = self.faults.take(request.path);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.needs_the_answer()) {
            return fault.spoil(now_us, &self.world.quirks, None);
        }

        let sent_before = self.first_account().map_or(0, |account| account.sent.len());
        let (response, succeeded) = service::answer(&mut self.world, now_us, request);
        if succeeded
            && fault.is_none()
            && ["/get_sessions", "/new_sessions"]
                .iter()
                .any(|end| request.path.ends_with(end))
        {
            self.player.start(now_us);
        }
        let account = self.world.accounts.get(&self.uid);
        let new = account
            .and_then(|account| account.sent.get(sent_before..))
            .unwrap_or_default();
        for message in new.iter().filter_map(|key| self.world.messages.get(key)) {
            self.player.heard(now_us, message);
        }
        match fault {
            Some(fault) => fault.spoil(now_us, &self.world.quirks, Some(response)),
            None => Answer::Respond(response),
        }
    }

    /// Lets the script do what is due by now. [`handle`](Self::handle) does so first thing.
    pub fn advance(&mut self, now_us: i64) {
        while let Some((due_us, action)) = self.player.due(now_us) {
            let arrived = action.act(self, due_us);
            self.player.done(arrived);
        }
    }

    /// Delivers a message to the first account.
    ///
    /// # Errors
    /// Says why it cannot be: others write to the account or in a group, nowhere else.
    pub fn receive(&mut self, now_us: i64, new: NewMessage) -> Result<Arrived, ControlError> {
        self.receive_for(self.uid, now_us, new)
    }

    /// Delivers a message to this account.
    ///
    /// # Errors
    /// Says why it cannot be.
    pub fn receive_for(
        &mut self,
        uid: i64,
        now_us: i64,
        new: NewMessage,
    ) -> Result<Arrived, ControlError> {
        let error = |reason: &str| Err(ControlError(reason.to_owned()));
        if !self.world.accounts.contains_key(&uid) {
            return error("there is no such account");
        }
        if new.group.is_some_and(|group| group <= 0) || new.from < i64::from(new.group.is_none()) {
            return error("ids are positive; only in groups 0 is the system");
        }
        match (new.session_type, new.group) {
            (None | Some(2), _) | (Some(3..=9), Some(_)) => {}
            _ => return error("`session_type` is 3 to 9, and `group` is then the talker"),
        }
        match (new.group, new.to) {
            (Some(_), Some(_)) => return error("`to` and `group` exclude each other"),
            (None, Some(to)) if to <= 0 => return error("`to` is a user"),
            (None, Some(to)) if new.from != uid && to != uid => {
                return error("others write to the account, or in a group");
            }
            _ => {}
        }
        self.world
            .deliver(now_us, uid, new)
            .ok_or_else(|| ControlError("it arrived nowhere".to_owned()))
    }

    /// Takes a message back, as its sender does: its status becomes 1, and a message of type 5 arrives.
    ///
    /// # Errors
    /// If no message has this key.
    pub fn withdraw(&mut self, now_us: i64, msg_key: i64) -> Result<Arrived, ControlError> {
        let unknown = || ControlError(format!("no message has the key {msg_key}"));
        let message = self.world.messages.get(&msg_key).ok_or_else(unknown)?;
        let takes_part = |uid: &i64| {
            self.world
                .conversation(*uid, message.conversation_of(*uid))
                .is_ok()
        };
        let viewer = Some(self.uid)
            .filter(takes_part)
            .or_else(|| self.world.accounts.keys().copied().find(takes_part));
        viewer
            .and_then(|viewer| self.world.withdraw(now_us, viewer, msg_key, None))
            .ok_or_else(unknown)
    }

    /// Takes a message down, as the system does: the message is counted, and never delivered again.
    ///
    /// # Errors
    /// If no message has this key.
    pub fn take_down(&mut self, msg_key: i64) -> Result<(), ControlError> {
        let message = self.world.messages.get_mut(&msg_key);
        message
            .ok_or_else(|| ControlError(format!("no message has the key {msg_key}")))?
            .taken_down = true;
        Ok(())
    }

    /// Removes the first account's messages of this conversation before this number, as if they had never been; how
    /// far the conversation goes stays. For runs so long that history would be all the memory they take.
    pub fn forget(&mut self, id: ConversationId, before: u64) {
        self.world.forget(self.uid, id, before);
    }

    /// Begins a conversation of the first account anew: its messages are no more, and the next one's number follows
    /// `before`, a low one or any other. Its `session_ts` moves on with that message.
    ///
    /// # Errors
    /// If there is no such conversation.
    pub fn restart(&mut self, id: ConversationId, before: u64) -> Result<(), ControlError> {
        let known = self.world.restart(self.uid, id, before);
        let unknown = || ControlError("there is no such conversation".to_owned());
        known.then_some(()).ok_or_else(unknown)
    }

    /// Sets the number that the next message of a conversation of the first account follows, also where none has
    /// arrived yet.
    pub fn number_from(&mut self, id: ConversationId, before: u64) {
        if let Some(account) = self.world.accounts.get_mut(&self.uid) {
            account.conversation(id).max_seqno = before;
        }
    }

    /// Changes the signing keys: signatures with the old ones are refused.
    pub fn rotate_keys(&mut self) {
        self.world.keys = self.world.keys.rotated();
    }

    /// Adds a fault, which waits for its path.
    pub fn push_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Removes all faults that wait.
    pub fn clear_faults(&mut self) {
        self.faults = Faults::default();
    }

    /// Makes the login cookie of an account worthless.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn log_out(&mut self, uid: i64) -> Result<(), ControlError> {
        self.account_mut(uid)?.logged_in = false;
        Ok(())
    }

    /// Makes the login cookie of an account good again.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn log_in(&mut self, uid: i64) -> Result<(), ControlError> {
        self.account_mut(uid)?.logged_in = true;
        Ok(())
    }

    /// Scans a QR code of the login page with the phone of this account, the newest one unless a key is given, and
    /// confirms the login on that phone or not yet.
    ///
    /// # Errors
    /// If there is no such code, or it has expired, or no such account.
    pub fn scan_qr_code(
        &mut self,
        now_us: i64,
        qrcode_key: Option<&str>,
        uid: i64,
        confirms: bool,
    ) -> Result<(), ControlError> {
        self.account_mut(uid)?;
        let code = self.world.passport.code_mut(qrcode_key);
        let code = code.ok_or_else(no_code)?;
        if code.scan_at(now_us) == Scan::Gone {
            return Err(ControlError("the QR code has expired".to_owned()));
        }
        code.uid = uid;
        code.scan = match confirms || code.scan == Scan::Confirmed {
            true => Scan::Confirmed,
            false => Scan::Scanned,
        };
        Ok(())
    }

    /// Ends a QR code before its time, the newest one unless a key is given.
    ///
    /// # Errors
    /// If there is no such code.
    pub fn expire_qr_code(&mut self, qrcode_key: Option<&str>) -> Result<(), ControlError> {
        let code = self.world.passport.code_mut(qrcode_key);
        code.ok_or_else(no_code)?.scan = Scan::Gone;
        Ok(())
    }

    /// Makes all logins that there are so old that the service wants them to be renewed.
    pub fn age_logins(&mut self) {
        let accounts = self.world.accounts.values_mut();
        for login in accounts.flat_map(|account| &mut account.web_logins) {
            login.is_old = true;
        }
    }

    /// Returns the refresh token that belongs to the login that an account was made with.
    pub fn refresh_token(&self, uid: i64) -> Option<&str> {
        let account = self.world.accounts.get(&uid)?;
        Some(&account.web_logins.first()?.refresh_token)
    }

    /// Returns the cookies (`SESSDATA`, `bili_jct`) of the logins of an account that are good, oldest first.
    pub fn good_logins(&self, uid: i64) -> Vec<(String, String)> {
        let account = self.world.accounts.get(&uid).filter(|it| it.logged_in);
        let logins = account.into_iter().flat_map(|it| &it.web_logins);
        let good = logins.filter(|login| login.is_good);
        good.map(|login| (login.sessdata.clone(), login.bili_jct.clone()))
            .collect()
    }

    /// Adds an account. A message between two accounts arrives at both.
    ///
    /// # Errors
    /// If there is an account of that uid, or with that cookie.
    pub fn add_account(&mut self, login: Login) -> Result<(), ControlError> {
        if login.uid <= 0 {
            return Err(ControlError("a uid is positive".to_owned()));
        }
        let mut accounts = self.world.accounts.values();
        if accounts
            .any(|known| known.login.uid == login.uid || known.login.sessdata == login.sessdata)
        {
            return Err(ControlError(
                "there is an account of that uid or with that cookie".to_owned(),
            ));
        }
        self.world
            .accounts
            .insert(login.uid, Account::new(login, self.feeds));
        Ok(())
    }

    /// Returns the login of the first account.
    pub fn login(&self) -> Login {
        self.first_account()
            .map(|account| account.login.clone())
            .unwrap_or_default()
    }

    /// Returns another user as they are now, to change at any time: lists go by `is_follow`, `is_intercept` and
    /// `system_msg_type` as they are when asked for, so that a conversation moves from one type to another.
    pub fn peer_mut(&mut self, uid: i64) -> &mut Peer {
        let peer = self.world.peer(uid);
        self.world.peers.entry(uid).or_insert(peer)
    }

    /// Returns a group as it is now, to change. The account is in it from its first message on.
    pub fn group_mut(&mut self, id: i64) -> &mut Group {
        self.world
            .groups
            .entry(id)
            .or_insert_with(|| Group::made_up(id))
    }

    /// Returns the behaviour of the server, to change at any time: the next request meets it as it is then.
    pub fn quirks_mut(&mut self) -> &mut Quirks {
        &mut self.world.quirks
    }

    /// Sends this over the push channel to an account, as far as it listens: see the control request `push` of the [crate].
    pub fn push(&mut self, uid: i64, push: Push) {
        self.world.pushes.add(Some(uid), push);
    }

    /// Ends all connections of the push channel, without a word.
    pub fn drop_pushes(&mut self) {
        self.world.pushes.add(None, Push::Drop);
    }

    /// Returns the number of connections that listen on the push channel: what is pushed while there is none is lost.
    pub fn push_listeners(&self) -> usize {
        self.world.pushes.listeners()
    }

    /// Returns the behaviour of the push channel, to change at any time.
    pub fn push_habits_mut(&mut self) -> &mut PushHabits {
        &mut self.world.pushes.habits
    }

    /// Returns the notifications of an account, to change as a whole.
    pub fn feeds_mut(&mut self, uid: i64) -> Option<&mut Feeds> {
        self.world
            .accounts
            .get_mut(&uid)
            .map(|account| &mut account.feeds)
    }

    /// Returns the messages of a conversation of the first account, by number, oldest first; also those taken down.
    pub fn messages(&self, id: ConversationId) -> impl Iterator<Item = (u64, &Message)> {
        let conversation = self
            .first_account()
            .and_then(|account| account.conversations.get(&id));
        let all = conversation
            .into_iter()
            .flat_map(|conversation| &conversation.messages);
        all.filter_map(|(seqno, key)| Some((*seqno, self.world.messages.get(key)?)))
    }

    /// Returns the messages that the first account sent through the service, in order.
    pub fn sent(&self) -> impl Iterator<Item = &Message> {
        let keys = self
            .first_account()
            .into_iter()
            .flat_map(|account| &account.sent);
        keys.filter_map(|key| self.world.messages.get(key))
    }

    /// Returns the number of requests to this path, those that failed included.
    pub fn requests(&self, path: &str) -> u64 {
        self.requests.get(path).copied().unwrap_or(0)
    }

    /// Returns the number of requests that came to paths with this part; all, if it is empty.
    pub fn requests_matching(&self, part: &str) -> u64 {
        let matching = self.requests.iter().filter(|(path, _)| path.contains(part));
        matching.map(|(_, count)| count).sum()
    }

    /// Returns the first account's state, as `GET /_simulator/state` answers it.
    pub fn state(&self) -> Value {
        let conversations = self
            .first_account()
            .into_iter()
            .flat_map(|account| account.conversations.values());
        let conversations: Vec<Value> = conversations
            .map(|it| {
                json!({
                    "session_type": it.id.session_type, "talker_id": it.id.talker_id, "max_seqno": it.max_seqno,
                    "ack_seqno": it.ack_seqno, "unread_count": it.unread, "session_ts": it.session_ts, "top_ts": it.top_ts,
                    "is_dnd": it.is_dnd, "removed": it.removed, "messages": it.messages.len(),
                })
            })
            .collect();
        let sent: Vec<Value> = self
            .sent()
            .map(|message| {
                // An object as it is; anything else as the string it was sent as: a key is beyond what JavaScript holds.
                let content = serde_json::from_str(&message.content).ok().filter(Value::is_object);
                json!({
                    "receiver_type": message.receiver_type, "receiver_id": message.receiver_id, "msg_type": message.msg_type,
                    "content": content.unwrap_or_else(|| Value::from(message.content.as_str())),
                    "msg_key": message.msg_key.to_string(), "msg_status": message.msg_status,
                })
            })
            .collect();
        json!({
            "uid": self.uid, "conversations": conversations, "sent": sent, "requests": self.requests,
            "feeds": self.feed_counts(),
        })
    }

    pub(crate) fn first_account(&self) -> Option<&Account> {
        self.world.accounts.get(&self.uid)
    }

    pub(crate) fn account_mut(&mut self, uid: i64) -> Result<&mut Account, ControlError> {
        self.world
            .accounts
            .get_mut(&uid)
            .ok_or_else(|| ControlError(format!("there is no account {uid}")))
    }

    fn count(&mut self, path: &str) {
        if let Some(count) = self.requests.get_mut(path) {
            *count += 1;
        } else if self.requests.len() < COUNTED_PATHS {
            self.requests.insert(path.to_owned(), 1);
        }
    }
}

fn no_code() -> ControlError {
    ControlError("there is no such QR code".to_owned())
}

/// Control request that cannot be carried out; the reason is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlError(pub(crate) String);

impl std::fmt::Display for ControlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ControlError {}

impl From<String> for ControlError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}
