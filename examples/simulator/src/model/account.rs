//! One account: its login, its conversations, its settings.

use std::collections::{BTreeMap, BTreeSet};

use super::conversation::{Conversation, ConversationId};
use super::feed::Feeds;
use super::passport::WebLogin;
use super::settings::Settings;
use crate::Login;

/// One account: its login, its conversations, its feeds.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) login: Login,
    pub(crate) logged_in: bool,
    /// The logins of the account, the first one included.
    pub(crate) web_logins: Vec<WebLogin>,
    pub(crate) conversations: BTreeMap<ConversationId, Conversation>,
    /// The listed conversations by `session_ts`: lists are read from its end.
    pub(crate) recent: BTreeSet<(i64, ConversationId)>,
    /// The last time that was asked for in a list, and the one that was given.
    bumped: Option<(i64, i64)>,
    /// Keys of the messages that were sent through the service.
    pub(crate) sent: Vec<i64>,
    pub(crate) feeds: Feeds,
    pub(crate) settings: Settings,
    /// Blocked words, oldest first, with the time (seconds) at which each was added.
    pub(crate) block_words: Vec<(String, i64)>,
}

impl Account {
    pub(crate) fn new(login: Login, feeds: bool) -> Self {
        Self {
            web_logins: vec![WebLogin::first(&login)],
            login,
            logged_in: true,
            conversations: BTreeMap::new(),
            recent: BTreeSet::new(),
            bumped: None,
            sent: Vec::new(),
            feeds: if feeds {
                Feeds::made_up()
            } else {
                Feeds::default()
            },
            settings: Settings::default(),
            block_words: Vec::new(),
        }
    }

    /// Returns the conversation, which begins if it never was.
    pub(crate) fn conversation(&mut self, id: ConversationId) -> &mut Conversation {
        self.conversations
            .entry(id)
            .or_insert_with(|| Conversation::new(id))
    }

    /// Lists the conversation under this time. Unless `exactly`, under a later one if another has it already.
    pub(crate) fn touch(&mut self, id: ConversationId, session_ts: i64, exactly: bool) {
        let mut session_ts = session_ts;
        let taken = |ts: i64| {
            let mut there = recent_between(&self.recent, ts, ts);
            there.any(|other| *other != id)
        };
        if !exactly {
            // Many in one instant: go on where the last of them came to lie.
            let asked = session_ts;
            session_ts = self
                .bumped
                .filter(|(from, _)| *from == asked)
                .map_or(asked, |(_, to)| to);
            while session_ts < i64::MAX && taken(session_ts) {
                session_ts = session_ts.saturating_add(1);
            }
            self.bumped = Some((asked, session_ts));
        }
        let conversation = self
            .conversations
            .entry(id)
            .or_insert_with(|| Conversation::new(id));
        self.recent.remove(&(conversation.session_ts, id));
        conversation.session_ts = session_ts;
        conversation.removed = false;
        self.recent.insert((session_ts, id));
    }

    /// Returns the listed conversations of these times, both inclusive, newest first.
    pub(crate) fn recent_between(
        &self,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = &ConversationId> {
        recent_between(&self.recent, from, to)
    }

    /// Takes the conversation off the list until a message arrives in it.
    pub(crate) fn remove(&mut self, id: ConversationId) -> bool {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return false;
        };
        conversation.removed = true;
        self.recent.remove(&(conversation.session_ts, id));
        true
    }
}

fn recent_between(
    recent: &BTreeSet<(i64, ConversationId)>,
    from: i64,
    to: i64,
) -> impl Iterator<Item = &ConversationId> {
    let (least, most) = (ConversationId::LEAST, ConversationId::MOST);
    let range = (from <= to).then(|| recent.range((from, least)..=(to, most)).rev());
    range.into_iter().flatten().map(|(_, id)| id)
}
