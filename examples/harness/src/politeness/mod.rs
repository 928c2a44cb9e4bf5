//! Checks that the poller asks politely, and holds little.

mod bounds;
mod feeds;
mod hints;
mod keys;
mod pauses;
mod walk;

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session::poller::Hint;
use bilibili_session::{ConversationId, Error, FeedKind};

use crate::adversary::Meaning;
use crate::page::Page;
use crate::request_kind::{RequestKind, RequestedList};
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};
use feeds::Feeds;
use hints::Hints;
use keys::Keys;
use pauses::{Graver, Sends};
use walk::Walk;

pub(crate) use bounds::{holds, remembers, signed_in_time};

/// Requests of one life of a poller, and its warnings.
#[derive(Debug, Default)]
pub(crate) struct Politeness {
    interval: Duration,
    max_parallel: usize,
    spacing: Duration,
    /// Earliest time of the next request.
    spaced_until: Duration,
    /// Beginning of the last round; over lives, as far as a checkpoint knows.
    pub(crate) round_began: Option<Duration>,
    /// Requests on their way.
    fetches: usize,
    lists: usize,
    /// Time up to which nav is on its way and not overdue.
    nav_until: Option<Duration>,
    request_timeout: Duration,
    paused_until: Duration,
    risk_until: Duration,
    lists_paused_until: Duration,
    conversations_paused_until: BTreeMap<ConversationId, Duration>,
    /// The last delay of each kind, since the last success of that kind.
    polls: Graver,
    replies: Graver,
    last_retry: Option<f64>,
    last_signature: Option<f64>,
    last_conversation: BTreeMap<ConversationId, f64>,
    /// Number of pages in a row that brought nothing new.
    in_vain: BTreeMap<ConversationId, u32>,
    /// Set if a warning asked for a pause since the round began.
    round_paused: bool,
    /// Pause that the last answer asks for, until warnings were seen.
    owed: Option<Meaning>,
    /// Requests so far, and how many there may be.
    pub(crate) requests: u64,
    pub(crate) rounds: u64,
    allowed: u64,
    /// The last answer was one to a reply.
    answered_beside: bool,
    /// Time of the last answer to a reply.
    beside_at: Duration,
    /// The last answer was one to nav, and no good one: what is refused then are not signatures.
    nav_failed: bool,
    walk: Walk,
    keys: Keys,
    sends: Sends,
    feeds: Feeds,
    hints: Hints,
    /// Last entry of each conversation in the lists: its newest message, and its time.
    listed: BTreeMap<ConversationId, (u64, i64)>,
    /// The highest number that lists ever showed.
    listed_most: BTreeMap<ConversationId, u64>,
    /// Entry of each conversation when all of it was fetched: by a page that reached it, asked for from
    /// there on, or with a page that had one message or none, and so was the last.
    fetched: BTreeMap<ConversationId, ((u64, i64), Option<u64>)>,
    /// Conversations may begin anew.
    restarts: bool,
    /// Lists do not always say how far a conversation goes, or a whole one shows what was
    /// forgotten.
    is_vague: bool,
}

/// Number of times that a message which a list has shown is requested in vain.
const ATTEMPTS: u32 = 3;

impl Politeness {
    pub(crate) fn new(
        scenario: &Scenario,
        round_began: Option<Duration>,
        reads_deep: bool,
    ) -> Self {
        Self {
            interval: scenario.interval,
            max_parallel: scenario.max_parallel,
            spacing: scenario.spacing,
            request_timeout: scenario.request_timeout,
            walk: Walk::new(scenario.whole_list_interval),
            restarts: scenario.has(Trouble::Restarts),
            is_vague: scenario.has(Trouble::VagueList)
                || scenario.has(Trouble::Extremes)
                || scenario.whole_list_interval.is_some() && scenario.forgets(),
            round_began,
            feeds: Feeds::new(scenario, reads_deep),
            allowed: 3 + 3 * u64::from(scenario.conversations + 30),
            ..Self::default()
        }
    }

    /// Checks a request of the poller.
    pub(crate) fn asks(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        let until = self.spaced_until;
        if now < until {
            let what = format!("{asked} before {until:?}: too close to the last request");
            return Err(Breach::new(Property::Polite, what));
        }
        self.spaced_until = now.saturating_add(self.spacing);
        self.asks_any(now, asked)
    }

    fn asks_any(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        self.requests += 1;
        let impolite = |what: String| Err(Breach::new(Property::Polite, what));
        if now < self.paused_until {
            return impolite(format!("{asked} during a pause to {:?}", self.paused_until));
        }
        if asked.is_feed() {
            self.allowed += 1;
            return self.feeds.ask(now, asked);
        }
        if asked.begins_round() {
            self.feeds.round_begins(now)?;
        }
        if asked.is_newest_page() {
            // Also where a baseline was refused before.
            self.hints.newest_is_read(now);
        }
        if asked == RequestKind::Nav {
            if self.nav_until.is_some_and(|until| now < until) {
                return impolite("nav beside another nav".to_owned());
            }
            self.nav_until = Some(now + self.request_timeout);
        }
        self.keys
            .ask(now, asked, self.max_parallel, self.interval)?;
        if let Some(list) = asked.list() {
            self.lists += 1;
            if self.lists > 1 {
                return impolite(format!("{asked} beside another list"));
            }
            if now < self.lists_paused_until {
                return impolite(format!(
                    "{asked} although lists wait until {:?}",
                    self.lists_paused_until
                ));
            }
            self.walk.ask(now, list)?;
        }
        if asked.begins_round() && self.walk.begins {
            let since = self.round_began.map(|began| now.saturating_sub(began));
            // The first one of a life keeps the same distance to the last one of another.
            match since {
                Some(since) => self.hints.round_begins(since, self.interval)?,
                None => self.hints.newest_is_read(now),
            }
            if !self.round_paused {
                self.polls = Graver::default();
            }
            self.round_paused = false;
            self.round_began = Some(now);
            self.rounds += 1;
            self.allowed += 1;
        }
        if let Some(id) = asked.conversation() {
            self.fetches += 1;
            if self.fetches > self.max_parallel {
                return impolite(format!("{} fetches side by side", self.fetches));
            }
            self.is_wanted(asked)?;
            let until = self.conversations_paused_until.get(&id);
            if let Some(until) = until.filter(|until| now < **until) {
                return impolite(format!(
                    "{id} is asked for although it waits until {until:?}"
                ));
            }
        }
        Breach::unless(self.requests <= self.allowed, Property::Polite, || {
            format!(
                "{} requests in {} rounds, {} would do",
                self.requests, self.rounds, self.allowed
            )
        })
    }

    /// Checks a request of a reply, beside the poller.
    pub(crate) fn asks_beside(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        self.allowed += 1;
        let until = self.sends.paused_until;
        if asked == RequestKind::Send && now < until {
            let what = format!("a send although sends wait until {until:?}");
            return Err(Breach::new(Property::Polite, what));
        }
        self.asks_any(now, asked)
    }

    /// Notes a hint of a push channel.
    pub(crate) fn hinted(&mut self, now: Duration, hint: Hint) {
        self.hints.hint(now, hint);
        self.feeds.hinted(hint);
    }

    /// Notes a message that was delivered.
    pub(crate) fn found(&mut self) {
        self.hints.found();
    }

    /// Checks that a poller which waits for nothing but the time follows the hints so far.
    pub(crate) fn hints_are_followed(&self, until: Duration) -> Result<(), Breach> {
        let Some(began) = self.round_began.filter(|_| self.rounds > 0) else {
            return Ok(());
        };
        // A reply may wait for the keys, which are asked for once.
        if self.nav_until.is_some() {
            return Ok(());
        }
        let free_since = self.feeds.free_since.max(self.spaced_until);
        self.hints.are_followed(began, free_since, until)
    }

    /// Checks a reply that is refused without a request.
    pub(crate) fn refuses(&self, now: Duration, error: &Error) -> Result<(), Breach> {
        let until = self.paused_until.max(self.sends.paused_until);
        Breach::unless(now < until, Property::Polite, || {
            format!("a reply is refused, and nothing is paused: {error}")
        })
    }

    /// Checks that a list has shown something that this request may bring.
    fn is_wanted(&self, asked: RequestKind) -> Result<(), Breach> {
        let RequestKind::Fetch {
            id, begin, open, ..
        } = asked
        else {
            return Ok(());
        };
        let impolite = |what| Err(Breach::new(Property::Polite, what).about(id));
        let listed = self.listed.get(&id);
        let fetched = self.fetched.get(&id).filter(|it| Some(&it.0) == listed);
        let is_done = fetched.is_some_and(|((newest, _), whole)| {
            let is_below = whole.is_some_and(|from| begin >= from);
            // Where the numbers fell it may not have been seen yet that they began anew.
            let most = self.listed_most.get(&id).copied().unwrap_or_default();
            let in_vain = self.in_vain.get(&id).copied().unwrap_or_default();
            let may_try = most > *newest && in_vain < ATTEMPTS;
            let fell = self.restarts && (begin > *newest || may_try);
            !self.is_vague && !fell && *newest > 0 && (is_below || open && begin >= *newest)
        });
        if is_done {
            return impolite(format!(
                "{id} is asked for again from {begin} on, and did not change since it was read"
            ));
        }
        Ok(())
    }

    /// Notes the end of a request, the meaning of an answer that was taken, and the number of items.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        asked: RequestKind,
        meaning: Option<Meaning>,
        items: u64,
        page: &Page,
    ) {
        if asked.list().is_some() {
            self.lists = self.lists.saturating_sub(1);
        }
        if asked == RequestKind::Nav {
            self.nav_until = None;
        }
        if asked.conversation().is_some() {
            self.fetches = self.fetches.saturating_sub(1);
        }
        self.owed = meaning;
        self.feeds.was_last = false;
        self.answered_beside = false;
        self.nav_failed = asked == RequestKind::Nav && meaning != Some(Meaning::Right);
        self.keys.answer(now, asked, meaning);
        if asked.is_signed() && meaning == Some(Meaning::Right) {
            self.last_signature = None;
        }
        // Every failure may be followed by nav and one more; every page by the next one.
        self.allowed += match (meaning, asked) {
            (Some(Meaning::Right), RequestKind::List(list)) => items + self.list_came(list, page),
            (
                Some(Meaning::Right),
                RequestKind::Fetch {
                    id, begin, open, ..
                },
            ) => {
                self.page_came(id, items > 0);
                if open {
                    self.read_up_to_end(id, begin, page);
                }
                match self.in_vain.get(&id) {
                    None | Some(0) => 2,
                    Some(1..=3) => 1,
                    Some(_) => 0,
                }
            }
            (Some(Meaning::Right), RequestKind::Send) => {
                self.sends.last = None;
                self.replies = Graver::default();
                0
            }
            (Some(Meaning::Right), _) => 0,
            (_, RequestKind::List(list)) => {
                self.walk.fail(now, list, meaning);
                3
            }
            _ => 3,
        };
    }

    /// Notes a list, and returns the number of pages that it calls for.
    fn list_came(&mut self, list: RequestedList, page: &Page) -> u64 {
        self.last_retry = None;
        for entry in &page.entries {
            self.listed
                .insert(entry.id, (entry.newest, entry.session_ts));
            let most = self.listed_most.entry(entry.id).or_default();
            *most = entry.newest.max(*most);
        }
        self.walk.answer(list, page)
    }

    /// Notes that a conversation was answered, and how often in a row that was in vain.
    fn page_came(&mut self, id: ConversationId, brought_any: bool) {
        self.last_conversation.remove(&id);
        let vain = self.in_vain.entry(id).or_default();
        *vain = if brought_any { 0 } else { *vain + 1 };
    }

    /// Notes that a page without an upper bound reached as far as the lists showed, if it did.
    fn read_up_to_end(&mut self, id: ConversationId, begin: u64, page: &Page) {
        let Some(listed) = self.listed.get(&id) else {
            return;
        };
        let reached = page.messages.iter().map(|it| it.0).max();
        if begin.max(reached.unwrap_or_default()) >= listed.0 {
            let has_it = begin >= listed.0 || reached == Some(listed.0);
            let is_whole = has_it && page.messages.len() <= 1;
            self.fetched
                .insert(id, (*listed, is_whole.then_some(begin)));
        }
    }

    /// Notes the end of a request of a reply.
    pub(crate) fn answered_beside(&mut self, now: Duration, asked: RequestKind, meaning: Meaning) {
        self.answered(now, asked, Some(meaning), 0, &Page::default());
        self.answered_beside = true;
        self.beside_at = now;
    }

    /// Notes the answer to a request for notifications.
    pub(crate) fn feed_answered(
        &mut self,
        now: Duration,
        asked: RequestKind,
        meaning: Meaning,
        body: &[u8],
    ) {
        (self.owed, self.answered_beside, self.nav_failed) = (None, false, false);
        self.feeds.answered(now, asked, Some(meaning), body);
    }

    /// Notes that the poller is connected.
    pub(crate) fn connects(&mut self, now: Duration) {
        self.feeds.connects(now);
    }

    /// Notes a notification that was told, and its time if that does not lie ahead.
    pub(crate) fn told(&mut self, kind: FeedKind, time: Option<i64>) {
        self.feeds.told(kind, time);
    }

    /// Returns the time since which nothing stands in the way of notifications.
    pub(crate) const fn feeds_free_since(&self) -> Duration {
        self.feeds.free_since
    }

    /// Notes that a request was abandoned at its deadline.
    pub(crate) fn overdue(&mut self, now: Duration, asked: RequestKind) {
        self.feeds.was_last = false;
        if asked.is_feed() {
            return self.feeds.answered(now, asked, None, &[]);
        }
        // The trouble of a reply at this very moment is announced after it.
        let beside = self.answered_beside && self.beside_at == now;
        self.answered(now, asked, None, 0, &Page::default());
        self.answered_beside = beside;
    }
}
