//! Whether it asks politely, and holds little.

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session::ConversationId;
use bilibili_session::poller::{Notice, Poller};

use super::adversary::Meaning;
use super::asked::Asked;
use super::scenario::Scenario;
use super::trouble::Trouble;
use super::violation::{Breach, Property};

/// Pauses that double end here (s).
const RETRY_CAP: f64 = 300.0;
const RISK_CAP: f64 = 3600.0;

/// What one life of a poller asked for, and what it announced.
#[derive(Debug, Default)]
pub(super) struct Manners {
    interval: Duration,
    max_parallel: usize,
    /// When a round began last; over lives, as far as a checkpoint knows.
    pub(super) round_began: Option<Duration>,
    /// Requests on their way.
    fetches: usize,
    lists: usize,
    paused_until: Duration,
    risk_until: Duration,
    lists_paused_until: Duration,
    conversations_paused_until: BTreeMap<ConversationId, Duration>,
    /// The last delay of each kind, since the last success of that kind.
    last_risk: Option<f64>,
    last_throttled: Option<f64>,
    last_retry: Option<f64>,
    last_conversation: BTreeMap<ConversationId, f64>,
    /// How often in a row nothing new came.
    in_vain: BTreeMap<ConversationId, u32>,
    /// Whether somebody asked for a pause since the round began.
    round_paused: bool,
    /// What the last answer asks for, until notices were seen.
    owed: Option<Meaning>,
    /// Requests so far, and how many there may be.
    pub(super) requests: u64,
    pub(super) rounds: u64,
    allowed: u64,
}

impl Manners {
    pub(super) fn new(scenario: &Scenario, round_began: Option<Duration>) -> Self {
        Self {
            interval: scenario.interval,
            max_parallel: scenario.max_parallel,
            round_began,
            allowed: 3 + 3 * u64::from(scenario.conversations + 30),
            ..Self::default()
        }
    }

    /// It asks for something.
    pub(super) fn asks(&mut self, now: Duration, asked: Asked) -> Result<(), Breach> {
        self.requests += 1;
        let impolite = |what: String| Err(Breach::new(Property::Polite, what));
        if now < self.paused_until {
            return impolite(format!("{asked} during a pause to {:?}", self.paused_until));
        }
        if asked.is_list() {
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
        }
        if asked.begins_round() {
            let since = self.round_began.map(|began| now.saturating_sub(began));
            if let Some(since) = since.filter(|since| *since < self.interval) {
                return impolite(format!("{asked} only {since:?} after the last round"));
            }
            if !self.round_paused {
                (self.last_risk, self.last_throttled) = (None, None);
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

    /// A request is over; an answer that was taken means this. It brought so many items.
    pub(super) fn answered(
        &mut self,
        asked: Asked,
        meaning: Option<Meaning>,
        items: u64,
        more: u64,
    ) {
        if asked.is_list() {
            self.lists = self.lists.saturating_sub(1);
        }
        if asked.conversation().is_some() {
            self.fetches = self.fetches.saturating_sub(1);
        }
        self.owed = meaning;
        // Every failure may be followed by nav and one more; every page by the next one.
        self.allowed += match (meaning, asked) {
            (Some(Meaning::Right), asked) if asked.is_list() => {
                self.last_retry = None;
                items + more
            }
            (Some(Meaning::Right), Asked::Fetch { id, .. }) => {
                self.last_conversation.remove(&id);
                let vain = self.in_vain.entry(id).or_default();
                *vain = if items > 0 { 0 } else { *vain + 1 };
                match vain {
                    0 => 2,
                    1..=3 => 1,
                    _ => 0,
                }
            }
            (Some(Meaning::Right), _) => 0,
            _ => 3,
        };
    }

    /// It said something.
    pub(super) fn says(&mut self, now: Duration, notice: &Notice) -> Result<(), Breach> {
        let Some(delay) = notice.delay() else {
            return Ok(());
        };
        let until = now + delay;
        let seconds = delay.as_secs_f64();
        let (last, least, cap) = match notice {
            Notice::RiskControl { .. } => {
                self.risk_until = until;
                self.paused_until = self.paused_until.max(until);
                (&mut self.last_risk, 300.0, RISK_CAP)
            }
            Notice::Throttled { .. } => {
                self.paused_until = self.paused_until.max(until);
                (&mut self.last_throttled, 30.0, RETRY_CAP)
            }
            Notice::Retry {
                conversation: Some(id),
                ..
            } => {
                self.conversations_paused_until.insert(*id, until);
                let previous = self.last_conversation.insert(*id, seconds);
                return grows(
                    previous,
                    seconds,
                    self.interval.as_secs_f64(),
                    RETRY_CAP,
                    notice,
                );
            }
            _ => {
                self.lists_paused_until = self.lists_paused_until.max(until);
                (&mut self.last_retry, self.interval.as_secs_f64(), RETRY_CAP)
            }
        };
        if !matches!(notice, Notice::Retry { .. }) {
            self.round_paused = true;
        }
        grows(last.replace(seconds), seconds, least, cap, notice)
    }

    /// Everything is said that there is to say.
    pub(super) fn drained(&mut self, now: Duration) -> Result<(), Breach> {
        let owed = self.owed.take();
        let paused_until = match owed {
            Some(Meaning::RiskControl) => self.risk_until,
            Some(Meaning::Throttled) => self.paused_until,
            _ => return Ok(()),
        };
        Breach::unless(paused_until > now, Property::Polite, || {
            format!("{owed:?} was answered, and it does not pause")
        })
    }

    /// Requests were given up at their deadline.
    pub(super) fn overdue(&mut self, asked: Asked) {
        self.answered(asked, None, 0, 0);
    }
}

/// Each pause is longer than the last, until the longest is reached.
fn grows(
    last: Option<f64>,
    delay: f64,
    least: f64,
    cap: f64,
    notice: &Notice,
) -> Result<(), Breach> {
    let has_grown = last.is_none_or(|last| delay > last || last >= cap && delay >= cap);
    Breach::unless(delay >= least && has_grown, Property::Polite, || {
        format!("{delay:.1} s after {last:?}, at least {least}: {notice}")
    })
}

/// Whether a drained poller holds no more than it may.
pub(super) fn holds(poller: &Poller, scenario: &Scenario) -> Result<(), Breach> {
    let (held, most) = (poller.held_messages(), scenario.backlog);
    Breach::unless(held <= most, Property::Bounded, || {
        format!("{held} messages are held, {most} may be")
    })
}

/// Whether a poller that has nothing to do remembers no more than it may.
pub(super) fn remembers(poller: &Poller, scenario: &Scenario) -> Result<(), Breach> {
    let (remembered, most) = (
        poller.remembered_conversations(),
        scenario.max_conversations,
    );
    Breach::unless(remembered <= most, Property::Bounded, || {
        format!("{remembered} conversations are remembered, {most} may be")
    })
}

/// Whether the time in a signature is the server's, whatever the local clock shows.
pub(super) fn signed_in_time(
    scenario: &Scenario,
    asked: Asked,
    server_s: i64,
) -> Result<(), Breach> {
    let Asked::Fetch { wts, .. } = asked else {
        return Ok(());
    };
    let off = (wts - server_s).unsigned_abs();
    // The server's clock is known as it was when the last answer set out.
    let most = 5 + 2 * scenario.request_timeout.as_secs();
    Breach::unless(
        off <= most || scenario.has(Trouble::NoDate),
        Property::WallClock,
        || format!("signed with a time that is off by {off} s"),
    )
}
