//! Whether it asks politely, and holds little.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::poller::{Poller, Warning};
use bilibili_session::{ConversationId, Error};

use crate::adversary::Meaning;
use crate::page::{ListEntry, Page};
use crate::request_kind::{ListOf, RequestKind, RequestedList};
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// Pauses that double end here (s).
const RETRY_CAP: f64 = 300.0;
const RISK_CAP: f64 = 3600.0;

/// What one life of a poller asked for, and what it announced.
#[derive(Debug, Default)]
pub(crate) struct Politeness {
    interval: Duration,
    max_parallel: usize,
    spacing: Duration,
    /// When it may ask for the next thing.
    spaced_until: Duration,
    /// When a round began last; over lives, as far as a checkpoint knows.
    pub(crate) round_began: Option<Duration>,
    /// Requests on their way.
    fetches: usize,
    lists: usize,
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
    /// How often in a row nothing new came.
    in_vain: BTreeMap<ConversationId, u32>,
    /// Whether somebody asked for a pause since the round began.
    round_paused: bool,
    /// What the last answer asks for, until notices were seen.
    owed: Option<Meaning>,
    /// Requests so far, and how many there may be.
    pub(crate) requests: u64,
    pub(crate) rounds: u64,
    allowed: u64,
    /// The last answer was one to a reply.
    answered_beside: bool,
    /// The last answer was one to nav, and no good one: what is refused then are not signatures.
    nav_failed: bool,
    walk: Walk,
    keys: Keys,
    sends: Sends,
    /// What the lists said last of each conversation: its newest message, when it changed.
    told: BTreeMap<ConversationId, (u64, i64)>,
    /// The highest number that they told of, ever.
    told_most: BTreeMap<ConversationId, u64>,
    /// What they had said when all that was fetched: by a page that reached it, asked for from
    /// there on, or with a page that had one message or none, and so was the last.
    fetched: BTreeMap<ConversationId, ((u64, i64), Option<u64>)>,
    /// Conversations may begin anew.
    restarts: bool,
    /// Lists do not always say how far a conversation goes, or a whole one shows what was
    /// forgotten.
    is_vague: bool,
}

/// The last pauses after risk control and throttling that one kind of request met.
#[derive(Debug, Default)]
struct Graver {
    risk: Option<f64>,
    throttled: Option<f64>,
}

/// How one reading of the lists goes on.
#[derive(Debug, Default)]
struct Walk {
    /// Whether the last request began it.
    begins: bool,
    /// Changes were asked for in this life.
    has_begun: bool,
    /// How many further pages the answers so far ask for.
    left: u64,
    /// The last page failed, and with it the round's list.
    has_failed: bool,
    /// How many were asked for beyond that.
    slack: u64,
    /// Where it may end.
    floor: Option<i64>,
    seen: BTreeSet<ConversationId>,
    /// The longest page.
    capacity: usize,
    /// The single types were asked for, or may be.
    singles: bool,
    /// A list that was refused because it was not signed, or with old keys.
    refused: Option<RequestedList>,
    /// The list of all types was seen to disregard `end_ts`.
    end_ignored: bool,
    /// From then on what is left of an earlier reading may be read.
    rest_due: Option<Duration>,
    /// Where that may end.
    rest_floor: Option<i64>,
    whole_interval: Option<Duration>,
    /// From then on the whole list may be read.
    whole_due: Option<Duration>,
    is_whole: bool,
}

/// What became of the keys since somebody announced a pause.
#[derive(Debug, Default)]
struct Keys {
    /// Something that was signed with them was answered.
    good: bool,
    /// Who was refused for a signature, and was not answered otherwise since.
    refused: BTreeSet<Option<ConversationId>>,
    /// When new ones came last because somebody was refused; nothing that was signed was
    /// answered since, and nobody was refused for old ones.
    renewed_at: Option<Duration>,
    /// Whose messages are being asked for, and were when the last pause was announced.
    asked: BTreeSet<ConversationId>,
    excused: BTreeSet<ConversationId>,
    /// Whether they were asked for because others were refused.
    are_new: bool,
    /// Those that wait because they were refused, each for itself.
    waiting: BTreeSet<ConversationId>,
}

/// What is announced of sends.
#[derive(Debug, Default)]
struct Sends {
    paused_until: Duration,
    last: Option<f64>,
}

/// How long nothing is to be sent after 21046.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many may be refused, and nobody served meanwhile, before that concerns all.
const ALONE: usize = 2;
/// So often a message that a list told of is asked for in vain.
const ATTEMPTS: u32 = 3;
/// Keys that served nobody may be asked for again after so many times the interval, or five
/// seconds, whichever is shorter.
const RENEWALS: u32 = 12;
const PACE: Duration = Duration::from_secs(5);
/// So far below what was seen a list may reach (µs).
const OVERLAP_US: i64 = 5_000_000;
/// The longest page of a list.
const FULL: usize = 100;
/// How many single types there are to be read.
const SINGLES: u64 = 5;

impl Politeness {
    pub(crate) fn new(scenario: &Scenario, round_began: Option<Duration>) -> Self {
        Self {
            interval: scenario.interval,
            max_parallel: scenario.max_parallel,
            spacing: scenario.spacing,
            walk: Walk {
                whole_interval: scenario.whole_list_interval,
                ..Walk::default()
            },
            restarts: scenario.has(Trouble::Restarts),
            is_vague: scenario.has(Trouble::VagueList)
                || scenario.has(Trouble::Extremes)
                || scenario.whole_list_interval.is_some() && scenario.forgets(),
            round_began,
            allowed: 3 + 3 * u64::from(scenario.conversations + 30),
            ..Self::default()
        }
    }

    /// The poller asks for something.
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
            if let Some(since) = since.filter(|since| *since < self.interval) {
                return impolite(format!("{asked} only {since:?} after the last round"));
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

    /// A reply asks for something, beside the poller.
    pub(crate) fn asks_beside(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        self.allowed += 1;
        let until = self.sends.paused_until;
        if asked == RequestKind::Send && now < until {
            let what = format!("a send although sends wait until {until:?}");
            return Err(Breach::new(Property::Polite, what));
        }
        self.asks_any(now, asked)
    }

    /// A reply is refused without asking.
    pub(crate) fn refuses(&self, now: Duration, error: &Error) -> Result<(), Breach> {
        let until = self.paused_until.max(self.sends.paused_until);
        Breach::unless(now < until, Property::Polite, || {
            format!("a reply is refused, and nothing is paused: {error}")
        })
    }

    /// Whether a list told of anything that this may bring.
    fn is_wanted(&self, asked: RequestKind) -> Result<(), Breach> {
        let RequestKind::Fetch {
            id, begin, open, ..
        } = asked
        else {
            return Ok(());
        };
        let impolite = |what| Err(Breach::new(Property::Polite, what).about(id));
        let told = self.told.get(&id);
        let fetched = self.fetched.get(&id).filter(|it| Some(&it.0) == told);
        let is_done = fetched.is_some_and(|((newest, _), whole)| {
            let is_below = whole.is_some_and(|from| begin >= from);
            // Where the numbers fell it may not have been seen yet that they began anew.
            let most = self.told_most.get(&id).copied().unwrap_or_default();
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

    /// A request is over; an answer that was taken means this. It brought so many items.
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
        if asked.conversation().is_some() {
            self.fetches = self.fetches.saturating_sub(1);
        }
        self.owed = meaning;
        self.answered_beside = false;
        self.nav_failed = asked == RequestKind::Nav && meaning != Some(Meaning::Right);
        self.keys.answer(now, asked, meaning);
        if asked.is_signed() && meaning == Some(Meaning::Right) {
            self.last_signature = None;
        }
        // Every failure may be followed by nav and one more; every page by the next one.
        self.allowed += match (meaning, asked) {
            (Some(Meaning::Right), RequestKind::List(list)) => {
                self.last_retry = None;
                for entry in &page.entries {
                    let told = (entry.newest, entry.session_ts);
                    self.told.insert(entry.id, told);
                    let most = self.told_most.entry(entry.id).or_default();
                    *most = entry.newest.max(*most);
                }
                items + self.walk.answer(list, page)
            }
            (
                Some(Meaning::Right),
                RequestKind::Fetch {
                    id, begin, open, ..
                },
            ) => {
                self.last_conversation.remove(&id);
                if let Some(told) = self.told.get(&id).filter(|_| open) {
                    let reached = page.messages.iter().map(|it| it.0).max();
                    if begin.max(reached.unwrap_or_default()) >= told.0 {
                        let has_it = begin >= told.0 || reached == Some(told.0);
                        let is_whole = has_it && page.messages.len() <= 1;
                        let whole = is_whole.then_some(begin);
                        self.fetched.insert(id, (*told, whole));
                    }
                }
                let vain = self.in_vain.entry(id).or_default();
                *vain = if items > 0 { 0 } else { *vain + 1 };
                match vain {
                    0 => 2,
                    1..=3 => 1,
                    _ => 0,
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

    /// A request of a reply is over.
    pub(crate) fn answered_beside(&mut self, now: Duration, asked: RequestKind, meaning: Meaning) {
        self.answered(now, asked, Some(meaning), 0, &Page::default());
        self.answered_beside = true;
    }

    /// It said something.
    pub(crate) fn says(&mut self, now: Duration, notice: &Warning) -> Result<(), Breach> {
        let Some(delay) = notice.delay() else {
            return Ok(());
        };
        self.keys.pause(notice)?;
        // Where sends alone are paused, a list goes on.
        let is_of_sends = matches!(notice, Warning::SendsPaused { .. });
        let is_of_one = notice.conversation().is_some() && matches!(notice, Warning::Retry { .. });
        if !is_of_sends && !is_of_one {
            self.walk.refused = None;
            // A page that comes after the notice of a reply's trouble is not taken any more.
            if self.walk.left > 0 || self.lists > 0 {
                self.walk.breaks_off(now);
            }
        }
        let until = now + delay;
        let seconds = delay.as_secs_f64();
        let by_reply = std::mem::take(&mut self.answered_beside);
        let is_read = self.walk.left == 0 || self.walk.has_failed;
        let is_idle = self.fetches == 0 && self.lists == 0 && is_read;
        if by_reply && is_idle && !self.round_paused {
            // The round was over, and a success.
            self.polls = Graver::default();
        }
        let graver = match by_reply {
            true => &mut self.replies,
            false => &mut self.polls,
        };
        let (last, least, cap) = match notice {
            Warning::RiskControl { .. } => {
                self.risk_until = until;
                self.paused_until = self.paused_until.max(until);
                (&mut graver.risk, 300.0, RISK_CAP)
            }
            Warning::Throttled { .. } => {
                self.paused_until = self.paused_until.max(until);
                (&mut graver.throttled, 30.0, RETRY_CAP)
            }
            Warning::Retry {
                conversation: Some(id),
                error,
                ..
            } => {
                self.conversations_paused_until.insert(*id, until);
                let previous = self.last_conversation.insert(*id, seconds);
                // What trying again hardly mends is tried more and more seldom.
                let cap = match error.code() {
                    Some(2) => RISK_CAP,
                    _ => RETRY_CAP,
                };
                let least = self.interval.as_secs_f64();
                return grows(previous, seconds, least, cap, notice);
            }
            Warning::SendsPaused { error, .. } => {
                let is_day = error.code() == Some(21_046);
                self.sends.paused_until = self.sends.paused_until.max(until);
                if is_day {
                    return grows(None, seconds, DAY.as_secs_f64(), RISK_CAP, notice);
                }
                (&mut self.sends.last, 30.0, RETRY_CAP)
            }
            Warning::ListIncomplete { .. } => {
                // Of a whole list no rest is read: what an earlier round left stays due.
                match self.walk.is_whole {
                    true => self.walk.whole_due = Some(until),
                    false => self.walk.rest_due = Some(until),
                }
                return grows(
                    None,
                    seconds,
                    self.interval.as_secs_f64(),
                    RETRY_CAP,
                    notice,
                );
            }
            Warning::Retry { error, .. } if error.code() == Some(-403) && !self.nav_failed => {
                self.paused_until = self.paused_until.max(until);
                let least = self.interval.as_secs_f64();
                (&mut self.last_signature, least, RETRY_CAP)
            }
            _ => {
                self.lists_paused_until = self.lists_paused_until.max(until);
                (&mut self.last_retry, self.interval.as_secs_f64(), RETRY_CAP)
            }
        };
        if !matches!(notice, Warning::Retry { .. }) && !is_of_sends {
            self.round_paused = true;
        }
        grows(last.replace(seconds), seconds, least, cap, notice)
    }

    /// Everything is said that there is to say.
    pub(crate) fn drained(&mut self, now: Duration) -> Result<(), Breach> {
        let owed = self.owed.take();
        let paused_until = match owed {
            Some(Meaning::RiskControl) => self.risk_until,
            Some(Meaning::Throttled) => self.paused_until,
            Some(Meaning::SendsTooOften) => self.sends.paused_until,
            Some(Meaning::SendsForADay) => self.sends.paused_until.saturating_sub(DAY / 2),
            _ => return Ok(()),
        };
        Breach::unless(paused_until > now, Property::Polite, || {
            format!("{owed:?} was answered, and it does not pause")
        })
    }

    /// Requests were given up at their deadline.
    pub(crate) fn overdue(&mut self, now: Duration, asked: RequestKind) {
        self.answered(now, asked, None, 0, &Page::default());
    }
}

impl Walk {
    /// A list is asked for: it begins a round, answers so far ask for it, or it begins to
    /// read what is left of an earlier one, or the whole list.
    fn ask(&mut self, now: Duration, list: RequestedList) -> Result<(), Breach> {
        self.has_failed = false;
        let again = self.refused.take();
        let again = again.is_some_and(|it| RequestedList { signed: true, ..it } == list);
        // Once changes were asked for, the newest page of all begins a whole list.
        self.has_begun |= list.of == ListOf::New;
        let is_whole = RequestKind::List(list).is_newest_page() && self.has_begun;
        self.begins = RequestKind::List(list).begins_round() && !again && !is_whole;
        if self.begins {
            self.begin(list.begin_ts);
            if self.whole_due.is_none() {
                // How long ago a former life read it is not known here.
                let is_first = list.begin_ts.is_none();
                let interval = self.whole_interval.filter(|_| is_first);
                // The first page may not have had room for all: the rest is read soon.
                let interval = interval.map(|it| it.min(Duration::from_secs(60)));
                self.whole_due = Some(now + interval.unwrap_or_default());
            }
            return Ok(());
        }
        // Where the list of all led nowhere, that is known from then on.
        self.end_ignored |= self.singles && matches!(list.of, ListOf::Single(_));
        if self.left > 0 {
            self.left -= 1;
            return Ok(());
        }
        if self.rest_due.is_some_and(|due| due <= now) {
            self.rest_due = None;
            let floor = self.rest_floor.take();
            self.begin(floor);
            self.begins_with(list);
            return Ok(());
        }
        if let (Some(interval), Some(due)) = (self.whole_interval, self.whole_due)
            && due <= now
        {
            self.whole_due = Some(now + interval);
            self.begin(None);
            self.begins_with(list);
            self.is_whole = true;
            return Ok(());
        }
        // Which type a page of the single types belongs to moves while they are read.
        if self.singles && self.slack < SINGLES {
            self.slack += 1;
            return Ok(());
        }
        let what = format!("{list}, although no answer asks for it");
        Err(Breach::new(Property::Polite, what))
    }

    fn begin(&mut self, floor: Option<i64>) {
        self.slack = 0;
        self.floor = floor;
        self.left = 0;
        self.seen.clear();
        self.capacity = 0;
        (self.singles, self.is_whole) = (false, false);
    }

    /// Where it is known that the list of all leads nowhere, it begins with the single types.
    fn begins_with(&mut self, list: RequestedList) {
        if matches!(list.of, ListOf::Single(_)) && self.end_ignored {
            self.singles = true;
            self.left = SINGLES - 1;
        }
    }

    /// What is being read is left for later.
    fn breaks_off(&mut self, due: Duration) {
        if self.is_whole {
            self.whole_due = Some(due);
            return;
        }
        self.rest_due = Some(due);
        // In a quiet round the overlap may be left out.
        let floor = self.floor.map(|floor| floor.saturating_sub(OVERLAP_US));
        self.rest_floor = match self.rest_floor {
            Some(rest) => floor.min(Some(rest)),
            None => floor,
        };
    }

    /// A page came; says how many more it asks for.
    fn answer(&mut self, list: RequestedList, page: &Page) -> u64 {
        let in_place = || page.entries.iter().filter(|it| !it.is_pinned);
        let says_more = page.says_more || page.entries.len() >= FULL;
        let is_below = list.end_ts.is_some()
            && in_place().any(|it| self.floor.is_some_and(|floor| it.session_ts < floor));
        let mut fresh = false;
        for entry in &page.entries {
            fresh |= self.seen.insert(entry.id);
        }
        let goes_on = match list.of {
            // An empty page of what changed is no place to go on from: the list of all is.
            ListOf::New => true,
            ListOf::All | ListOf::Single(_) => {
                fresh || list.end_ts.is_none() && !page.entries.is_empty()
            }
        };
        let mut more = u64::from(says_more && goes_on && !is_below);
        let ignores = |it: &ListEntry| list.end_ts.is_some_and(|end| it.session_ts > end);
        self.end_ignored |= !matches!(list.of, ListOf::Single(_)) && in_place().any(ignores);
        // As long as a page is, and nothing in place that is lower: whether `end_ts` was obeyed does not show.
        let is_full = page.entries.len() >= self.capacity;
        self.capacity = self.capacity.max(page.entries.len());
        let leads_down = list
            .end_ts
            .is_none_or(|end| in_place().any(|it| it.session_ts < end - 1));
        let is_unclear = list.of == ListOf::All && !leads_down && is_full;
        if (self.end_ignored || is_unclear) && says_more && !self.singles {
            self.singles = true;
            more += SINGLES;
        }
        self.left += more;
        more
    }

    fn fail(&mut self, now: Duration, list: RequestedList, meaning: Option<Meaning>) {
        self.left += 1;
        self.breaks_off(now);
        if let Some(Meaning::Refused | Meaning::OldKeys) = meaning {
            self.refused = Some(list);
        }
        self.has_failed = self.refused.is_none();
    }
}

impl Keys {
    /// Something is asked for: new keys once after they were refused, and seldom while they
    /// serve nobody; no more than side by side with keys that are refused throughout.
    ///
    /// While new keys are on their way, a reply beside the poller may ask for them as well.
    fn ask(
        &mut self,
        now: Duration,
        asked: RequestKind,
        max_parallel: usize,
        interval: Duration,
    ) -> Result<(), Breach> {
        match asked {
            RequestKind::Nav if !self.refused.is_empty() => {
                (self.good, self.are_new) = (false, true);
                let may_at = |at: Duration| at + RENEWALS * interval.min(PACE);
                let is_soon = self.renewed_at.is_some_and(|at| now < may_at(at));
                Breach::unless(!is_soon, Property::Polite, || {
                    let refused = self.refused.len();
                    format!("keys are asked for again although new ones are refused ({refused})")
                })
            }
            RequestKind::Fetch { id, .. } => {
                self.asked.insert(id);
                // A reply that is refused asks for no pause.
                let refused = self.refused.iter().flatten().count();
                Breach::unless(refused <= max_parallel, Property::Polite, || {
                    format!("{asked} although {refused} were refused a signature, and no pause")
                })
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, now: Duration, asked: RequestKind, meaning: Option<Meaning>) {
        let is_signed = asked.is_signed();
        let mut is_excused = false;
        if let Some(id) = asked.conversation() {
            self.asked.remove(&id);
            is_excused = self.excused.remove(&id);
        }
        match meaning {
            Some(Meaning::Right) if asked == RequestKind::Nav => {
                self.renewed_at = Some(now).filter(|_| !self.refused.is_empty());
            }
            Some(Meaning::Right) if is_signed => {
                *self = Self {
                    good: true,
                    asked: std::mem::take(&mut self.asked),
                    ..Self::default()
                }
            }
            Some(Meaning::Refused) if is_signed && !is_excused => {
                self.refused.insert(asked.conversation());
            }
            Some(Meaning::Refused) => {}
            Some(Meaning::OldKeys) => self.renewed_at = None,
            // Another trouble: with the new keys it was not refused.
            _ if is_signed => {
                self.refused.remove(&asked.conversation());
            }
            _ => {}
        }
    }

    /// A pause for all was announced, or for one: where the others are answered, or where
    /// nobody else was asked for with these keys.
    fn pause(&mut self, notice: &Warning) -> Result<(), Breach> {
        let id = match notice {
            Warning::Retry {
                conversation: Some(id),
                error,
                ..
            } if error.code() == Some(-403) => *id,
            Warning::Retry {
                conversation: Some(_),
                ..
            }
            | Warning::SendsPaused { .. }
            | Warning::ListIncomplete { .. } => return Ok(()),
            _ => {
                *self = Self {
                    good: self.good,
                    asked: self.asked.clone(),
                    excused: self.asked.clone(),
                    renewed_at: self.renewed_at,
                    ..Self::default()
                };
                return Ok(());
            }
        };
        self.waiting.insert(id);
        self.refused.remove(&Some(id));
        let most = if self.are_new { 1 } else { ALONE };
        Breach::unless(self.waiting.len() <= most, Property::Polite, || {
            format!("{id} waits, and not all, although others are refused as well: {notice}")
        })
    }
}

/// Each pause is longer than the last, until the longest is reached.
fn grows(
    last: Option<f64>,
    delay: f64,
    least: f64,
    cap: f64,
    notice: &Warning,
) -> Result<(), Breach> {
    let has_grown = last.is_none_or(|last| delay > last || last >= cap && delay >= cap);
    Breach::unless(delay >= least && has_grown, Property::Polite, || {
        format!("{delay:.1} s after {last:?}, at least {least}: {notice}")
    })
}

/// Whether a drained poller holds no more than it may.
pub(crate) fn holds(poller: &Poller, scenario: &Scenario) -> Result<(), Breach> {
    let (held, most) = (poller.held_messages(), scenario.backlog);
    Breach::unless(held <= most, Property::Bounded, || {
        format!("{held} messages are held, {most} may be")
    })
}

/// Whether a poller that has nothing to do remembers no more than it may: besides those that
/// are `unforgettable`. With a clock that is behind, or changes that lie ahead of it, all that
/// changed since then is listed again; so is all that a list shows which is never proven whole.
pub(crate) fn remembers(
    poller: &Poller,
    scenario: &Scenario,
    unforgettable: usize,
) -> Result<(), Breach> {
    let remembered = poller.remembered_conversations();
    let most = scenario.max_conversations.max(unforgettable);
    let is_behind = scenario.has(Trouble::DateOff) || scenario.has(Trouble::FutureTs);
    Breach::unless(remembered <= most || is_behind, Property::Bounded, || {
        format!("{remembered} conversations are remembered, {most} may be")
    })
}

/// Whether the time in a signature is the server's, whatever the local clock shows.
pub(crate) fn signed_in_time(
    scenario: &Scenario,
    asked: RequestKind,
    server_s: i64,
) -> Result<(), Breach> {
    let RequestKind::Fetch { wts, .. } = asked else {
        return Ok(());
    };
    let off = (wts - server_s).unsigned_abs();
    // The server's clock is known as it was when the last answer set out.
    let most = 5 + 2 * scenario.request_timeout.as_secs();
    Breach::unless(
        off <= most || scenario.has(Trouble::NoDate) || scenario.has(Trouble::DateOff),
        Property::WallClock,
        || format!("signed with a time that is off by {off} s"),
    )
}
