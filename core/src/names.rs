//! Names of users and groups, and the users whose names are to be asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::endpoints::{GetUserInfos, UserInfos};
use crate::error::Error;
use crate::ids::{ConversationId, Uid};
use crate::model::{Conversation, FeedUser};
use crate::one_line::OneLine;
use crate::time::Now;

/// Time for which nobody is asked for again.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// Time without requests after one that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// Number of characters that are kept of a name; those of the service are shorter.
const LONGEST: usize = 64;
/// Number of users that wait for the next request, in case that their names are needed soon.
const MOST_WAITING: usize = 4 * GetUserInfos::MOST;

/// Cache of names: which are known, and who is to be asked for.
///
/// Names are learned on the way where the service tells them: a group's from the lists of
/// conversations, a user's from notifications. For the others [`next_call`](Self::next_call)
/// makes requests: one at a time, each for up to fifty users, none for the same user again within
/// a day. That the service does not know a user is remembered as well. After a request that
/// failed there is none for five minutes.
///
/// ```
/// use bilibili_session::endpoints::UserInfos;
/// use bilibili_session::{Names, Now, Uid, UnixMicros};
/// use std::time::Duration;
///
/// let now = Now { monotonic: Duration::ZERO, wall: UnixMicros(0) };
/// let mut names = Names::new(1000);
/// let call = names.next_call(now, [Uid(20001), Uid(20002)]).unwrap();
/// assert_eq!(call.uids(), [Uid(20001), Uid(20002)]);
/// // Sent with whatever sends requests; the answer, or why there is none, is given back.
/// names.handle_answer(now, Ok(UserInfos::default()));
/// assert_eq!(names.display(Uid(20001)).to_string(), "user 20001");
/// assert!(names.next_call(now, [Uid(20001)]).is_none());
///
/// names.learn(now, Uid(20001), "小电视");
/// assert_eq!(names.display(Uid(20001)).to_string(), "小电视 (20001)");
/// ```
#[derive(Debug)]
pub struct Names {
    known: BTreeMap<ConversationId, Entry>,
    /// The known ones, the one that was learned first before the others.
    order: BTreeMap<u64, ConversationId>,
    last_place: u64,
    max: usize,
    /// Users that go along with the next request.
    waiting: VecDeque<Uid>,
    /// Users of the request that is under way.
    asked: Vec<Uid>,
    not_before: Duration,
}

/// A user or a group, as far as it is known.
#[derive(Debug)]
struct Entry {
    /// None of a user that the service does not know.
    name: Option<Box<str>>,
    learned: Duration,
    place: u64,
}

impl Names {
    /// Creates a cache of at most so many names, and no fewer than one request asks for. When there
    /// are more, those that were learned first are forgotten.
    pub fn new(max: usize) -> Self {
        Self {
            known: BTreeMap::new(),
            order: BTreeMap::new(),
            last_place: 0,
            max: max.max(GetUserInfos::MOST),
            waiting: VecDeque::new(),
            asked: Vec::new(),
            not_before: Duration::ZERO,
        }
    }

    /// Returns the name of a user or a group, if it is known.
    pub fn get(&self, id: impl Into<ConversationId>) -> Option<&str> {
        self.known.get(&id.into())?.name.as_deref()
    }

    /// Shows a user or a group on one line: `小电视 (20001)`, `应援团 (group 221300)`; without a
    /// name `user 20001`, `group 221300`.
    pub fn display(&self, id: impl Into<ConversationId>) -> impl fmt::Display + '_ {
        let id = id.into();
        Named {
            id,
            name: self.get(id),
        }
    }

    /// Takes up a name that the service told elsewhere. An empty one is none.
    pub fn learn(&mut self, now: Now, id: impl Into<ConversationId>, name: &str) {
        if !name.is_empty() {
            self.remember(now.monotonic, id.into(), Some(name));
        }
    }

    /// Takes up what a list tells of a conversation: the name of a group, or of one of the
    /// service's own accounts. The name of a user, which it does not tell, is asked for with the
    /// next request.
    pub fn learn_conversation(&mut self, now: Now, conversation: &Conversation) {
        self.learn_listed(now, conversation.id(), listed_name(conversation));
    }

    pub(crate) fn learn_listed(&mut self, now: Now, id: ConversationId, name: &str) {
        match id {
            ConversationId::User(uid) if name.is_empty() => {
                if self.is_due(now.monotonic, uid) && !self.waiting.contains(&uid) {
                    self.waiting.push_back(uid);
                }
                if self.waiting.len() > MOST_WAITING {
                    self.waiting.pop_front();
                }
            }
            _ => self.learn(now, id, name),
        }
    }

    /// Takes up the name of a user in a notification.
    pub fn learn_user(&mut self, now: Now, user: &FeedUser) {
        if user.mid.0 > 0 {
            self.learn(now, user.mid, &user.nickname);
        }
    }

    /// Returns the request for the names that are needed and to be asked for, at most fifty of
    /// them; where it has room, users whose names may be needed soon go along.
    ///
    /// There is none where nobody is to be asked for, within five minutes of a request that
    /// failed, and while a request is under way. Every request is to be followed by
    /// [`handle_answer`](Self::handle_answer), after which there may be another.
    pub fn next_call(
        &mut self,
        now: Now,
        needed: impl IntoIterator<Item = Uid>,
    ) -> Option<GetUserInfos> {
        let clock = now.monotonic;
        if !self.asked.is_empty() || clock < self.not_before {
            return None;
        }
        let needed = needed.into_iter().filter(|uid| self.is_due(clock, *uid));
        let mut uids: BTreeSet<Uid> = needed.take(GetUserInfos::MOST).collect();
        if uids.is_empty() {
            return None;
        }
        // The latest first.
        while uids.len() < GetUserInfos::MOST
            && let Some(uid) = self.waiting.pop_back()
        {
            if self.is_due(clock, uid) {
                uids.insert(uid);
            }
        }
        let call = GetUserInfos::of(uids).into_iter().next()?;
        self.asked = call.uids().to_vec();
        Some(call)
    }

    /// Takes the answer to the last request, or the reason why there is none.
    pub fn handle_answer(&mut self, now: Now, answer: Result<UserInfos, Error>) {
        let clock = now.monotonic;
        let asked = std::mem::take(&mut self.asked);
        let infos = match answer {
            Ok(infos) => infos,
            Err(error) => {
                let pause = match error {
                    Error::Paused(paused) => paused.remaining,
                    _ => AFTER_FAILURE,
                };
                self.not_before = clock.saturating_add(pause);
                return;
            }
        };
        let named: BTreeMap<Uid, &str> = infos
            .users
            .iter()
            .map(|user| (user.mid, user.name.as_str()))
            .collect();
        for uid in asked {
            let name = named.get(&uid).copied().filter(|name| !name.is_empty());
            self.remember(clock, uid.into(), name);
        }
    }

    /// Returns whether this user is to be asked for.
    fn is_due(&self, clock: Duration, uid: Uid) -> bool {
        let entry = self.known.get(&uid.into());
        uid.0 > 0 && entry.is_none_or(|it| clock.saturating_sub(it.learned) >= FRESH)
    }

    /// Keeps a name, or that there is none; one that was known before stays then.
    fn remember(&mut self, clock: Duration, id: ConversationId, name: Option<&str>) {
        self.last_place += 1;
        let place = self.last_place;
        let before = self.known.remove(&id);
        if let Some(before) = &before {
            self.order.remove(&before.place);
        }
        let before = before.and_then(|before| before.name);
        let name = match (name, before) {
            (Some(name), Some(before)) if *name == *before => Some(before),
            (Some(name), _) => Some(name.chars().take(LONGEST).collect()),
            (None, before) => before,
        };
        let entry = Entry {
            name,
            learned: clock,
            place,
        };
        self.known.insert(id, entry);
        self.order.insert(place, id);
        while self.known.len() > self.max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Returns the name of the other side that a list shows; empty if it shows none.
pub(crate) fn listed_name(conversation: &Conversation) -> &str {
    match &conversation.account_info {
        Some(account) if !account.name.is_empty() => &account.name,
        _ if conversation.id().is_user() => "",
        _ => &conversation.group_name,
    }
}

/// A user or a group with its name.
struct Named<'a> {
    id: ConversationId,
    name: Option<&'a str>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.id) {
            (Some(name), ConversationId::User(uid)) => write!(f, "{} ({uid})", OneLine(name)),
            (Some(name), id) => write!(f, "{} ({id})", OneLine(name)),
            (None, id) => id.fmt(f),
        }
    }
}
