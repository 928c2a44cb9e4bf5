//! Checks that notifications are asked for with a reason, and that what goes wrong with them
//! concerns them alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::FeedKind;
use bilibili_session::poller::{Hint, Warning};
use serde_json::Value;

use super::pauses::{Graver, grows};
use super::pauses::{RETRY_CAP, RISK_CAP};
use crate::adversary::Meaning;
use crate::page::int;
use crate::request_kind::{RequestKind, Step};
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// Number of rounds from one look at the counters to the next.
const COUNTERS_ROUNDS: u32 = 5;
/// Number of rounds, and time, after which a feed is read without a reason.
const MOST_ROUNDS: u32 = 50;
const MOST_TIME: Duration = Duration::from_secs(5 * 60);
/// Longest time from the page of one source to that of the other.
const LONGEST_APART: Duration = Duration::from_secs(20);
/// Number of rounds more after which a feed must have been read.
const MORE_ROUNDS: u32 = 5;
/// Greatest number of readings that a hint leads to while they bring nothing.
const HINT_READINGS: u8 = 5;
/// Least time between two readings that hints lead to.
const LEAST_APART: Duration = Duration::from_secs(3);
/// Distance of requests out of turn that go on for long, and the greatest time ahead of
/// that: some more than hints have, since a counter may be a reason at the same time.
const LASTING: Duration = Duration::from_secs(6);
const CREDIT: Duration = Duration::from_secs(24 * 6);
/// Greatest number of readings that counters are a reason for: each feed twice.
const MOVED: u8 = 8;
/// Distance of the lowest entry that may be new from the newest (s).
const LATE: i64 = 61;

/// Aim of a request: a feed, or the counters.
type Call = Option<FeedKind>;

/// Requests for notifications, and their warnings.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    kinds: Vec<FeedKind>,
    interval: Duration,
    backlog: usize,
    /// Set if the poller may have to read further down than times tell.
    reads_deep: bool,
    paused_until: Duration,
    risk_until: Duration,
    retry_until: BTreeMap<Call, Duration>,
    last_retry: BTreeMap<Call, f64>,
    graver: Graver,
    pauses: u64,
    /// Requests on their way, each with the number of pauses before.
    open: BTreeMap<Call, u64>,
    /// Calls whose last request failed.
    failed: BTreeSet<Call>,
    /// Number of rounds since the counters were asked for.
    rounds: u32,
    /// Set if a hint gave a reason to ask for the counters.
    counters_hinted: bool,
    counters_at: Option<Duration>,
    /// Time of the last request out of turn, and how far such requests are ahead of the lasting
    /// distance.
    out_of_turn_at: Option<Duration>,
    ahead: Duration,
    /// Number of readings that a counter gave a reason for, and not a hint.
    moved: u8,
    counters: BTreeMap<FeedKind, [i64; 2]>,
    readings: BTreeMap<FeedKind, Reading>,
    owed: Option<Meaning>,
    /// Time since which nothing stands in the way.
    pub(super) free_since: Duration,
    pub(super) was_last: bool,
}

/// The reading of a feed.
#[derive(Debug, Default)]
struct Reading {
    /// Number of readings that there is a reason for, besides hints.
    reasons: u8,
    /// Number of readings that hints may lead to.
    hints: u8,
    /// Number of rounds, time and number of events since its last page.
    rounds: u32,
    read_at: Option<Duration>,
    told: usize,
    /// Beginning of the last reading.
    began: Option<Duration>,
    /// Time of the newest entry that was told, now and when the last two readings began; nothing
    /// lower than a minute below the earliest can be new.
    newest: i64,
    newest_before: [i64; 2],
    floor: i64,
    /// The time of the lowest entry of the last page.
    lowest: Option<i64>,
    /// Set after the page of the first of two sources: too late for the second both are read again.
    is_at_second: bool,
}

impl Feeds {
    pub(super) fn new(scenario: &Scenario, reads_deep: bool) -> Self {
        let has = |trouble| scenario.has(trouble);
        Self {
            kinds: scenario.feeds.clone(),
            interval: scenario.interval,
            backlog: scenario.backlog,
            // What did not fit is read again from below.
            reads_deep: reads_deep
                || scenario.backlog < 4_500
                || has(Trouble::WallClock)
                || has(Trouble::DateOff),
            ..Self::default()
        }
    }

    /// Checks a request.
    pub(super) fn ask(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        let call = match asked {
            RequestKind::Feed(kind, _) => Some(kind),
            _ => None,
        };
        let impolite = |what: String| Err(Breach::new(Property::Polite, what));
        if self.kinds.is_empty() || call.is_some_and(|kind| !self.kinds.contains(&kind)) {
            return impolite(format!("{asked}, and nobody asked for that"));
        }
        let retry_until = self.retry_until.get(&call).copied().unwrap_or_default();
        let until = self.paused_until.max(retry_until);
        if now < until {
            return impolite(format!("{asked} although that waits until {until:?}"));
        }
        if self.open.insert(call, self.pauses).is_some() {
            return impolite(format!("{asked} beside another"));
        }
        let is_again = self.failed.remove(&call);
        match asked {
            RequestKind::Feed(kind, Step::Newest) => {
                let is_cut = self.backlog < 4_500;
                let reading = self.readings.entry(kind).or_default();
                match !is_again && reading.begin(now, is_cut)? {
                    true => self.is_out_of_turn(now, asked),
                    false => Ok(()),
                }
            }
            RequestKind::Feed(kind, Step::Further) => {
                let reading = self.readings.entry(kind).or_default();
                let is_below = reading.lowest.is_some_and(|lowest| lowest < reading.floor);
                Breach::unless(!is_below || self.reads_deep, Property::Polite, || {
                    let (lowest, floor) = (reading.lowest, reading.floor);
                    format!("{asked}, and the last reached {lowest:?}, below {floor}")
                })
            }
            _ => {
                let rounds = std::mem::take(&mut self.rounds);
                let is_hinted = std::mem::take(&mut self.counters_hinted);
                let before = self.counters_at.replace(now);
                let is_close = before.is_some_and(|before| now < before + LEAST_APART);
                let is_early = rounds < COUNTERS_ROUNDS && (is_close || !is_hinted) && !is_again;
                Breach::unless(!is_early, Property::Polite, || {
                    format!("the counters again after {rounds} rounds")
                })?;
                match !is_again && rounds < COUNTERS_ROUNDS {
                    true => self.is_out_of_turn(now, asked),
                    false => Ok(()),
                }
            }
        }
    }

    /// Checks that requests out of turn do not come too fast for too long.
    fn is_out_of_turn(&mut self, now: Duration, asked: RequestKind) -> Result<(), Breach> {
        if self.moved > 0 {
            self.moved -= 1;
            return Ok(());
        }
        let before = self.out_of_turn_at.replace(now).unwrap_or(now);
        self.ahead = self.ahead.saturating_sub(now - before) + LASTING;
        Breach::unless(self.ahead <= CREDIT, Property::Polite, || {
            format!(
                "{asked}: hints lead to requests that are {:?} ahead",
                self.ahead
            )
        })
    }

    /// Notes the end of a request, and what was taken.
    pub(super) fn answered(
        &mut self,
        now: Duration,
        asked: RequestKind,
        meaning: Option<Meaning>,
        body: &[u8],
    ) {
        let call = match asked {
            RequestKind::Feed(kind, _) => Some(kind),
            _ => None,
        };
        let sent_at = self.open.remove(&call);
        self.owed = meaning;
        self.was_last = meaning.is_some();
        if meaning != Some(Meaning::Right) {
            self.failed.insert(call);
            return;
        }
        self.last_retry.remove(&call);
        if sent_at == Some(self.pauses) {
            self.graver = Graver::default();
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match call {
            Some(kind) => {
                let reading = self.readings.entry(kind).or_default();
                (reading.rounds, reading.read_at, reading.told) = (0, Some(now), 0);
                reading.is_at_second = asked == RequestKind::Feed(FeedKind::System, Step::Newest);
                let lowest = times(&body).last();
                reading.lowest = if kind == FeedKind::System {
                    None
                } else {
                    lowest
                };
            }
            None => self.counters_came(&body),
        }
    }

    fn counters_came(&mut self, body: &Value) {
        for kind in &self.kinds {
            let names = match kind {
                FeedKind::Replies => ["reply", "recv_reply"],
                FeedKind::At => ["at", ""],
                FeedKind::Likes => ["like", "recv_like"],
                _ => ["sys_msg", "up"],
            };
            let data = body.get("data").unwrap_or(&Value::Null);
            let now = names.map(|name| data.get(name).map_or(0, int));
            let before = self.counters.insert(*kind, now).unwrap_or_default();
            if now != before && now != [0; 2] {
                // One reading, and one more if that came too early.
                let reading = self.readings.entry(*kind).or_default();
                reading.reasons = 2;
                self.moved = (self.moved + 2).min(MOVED);
            }
        }
    }

    /// Checks that what was answered led to the pause it asks for.
    pub(super) fn drained(&mut self, now: Duration) -> Result<(), Breach> {
        self.was_last = false;
        let owed = self.owed.take();
        let until = match owed {
            Some(Meaning::RiskControl) => self.risk_until,
            Some(Meaning::Throttled) => self.paused_until,
            _ => return Ok(()),
        };
        Breach::unless(until > now, Property::Polite, || {
            format!("{owed:?} was answered to a feed, and feeds do not pause")
        })
    }

    /// Checks a warning that announces a pause of a feed, or of all feeds.
    pub(super) fn warns(&mut self, now: Duration, warning: &Warning) -> Result<(), Breach> {
        let (call, delay) = (warning.feed(), warning.delay().unwrap_or_default());
        let (until, seconds) = (now + delay, delay.as_secs_f64());
        self.hinders(until);
        let least = self.interval.as_secs_f64();
        let (last, least, cap) = match warning {
            Warning::FeedsPaused { .. } => {
                self.pauses += 1;
                self.paused_until = self.paused_until.max(until);
                if warning.kind() == "risk_control" {
                    self.risk_until = until;
                    (self.graver.risk.replace(seconds), 300.0, RISK_CAP)
                } else {
                    (self.graver.throttled.replace(seconds), 30.0, RETRY_CAP)
                }
            }
            _ => {
                self.retry_until.insert(call, until);
                (self.last_retry.insert(call, seconds), least, RETRY_CAP)
            }
        };
        grows(last, seconds, least, cap, warning)
    }

    /// Notes a hint, which gives a reason to read.
    pub(super) fn hinted(&mut self, hint: Hint) {
        let kind = match hint {
            Hint::Replies => FeedKind::Replies,
            Hint::At => FeedKind::At,
            Hint::Likes => FeedKind::Likes,
            Hint::Other | Hint::Connected => {
                self.counters_hinted = true;
                return;
            }
            _ => return,
        };
        if self.kinds.contains(&kind) {
            let reading = self.readings.entry(kind).or_default();
            reading.hints = HINT_READINGS;
        }
    }

    /// Notes that nothing can be read before then.
    pub(super) fn hinders(&mut self, until: Duration) {
        self.free_since = self.free_since.max(until);
    }

    /// Notes that the poller has begun: what it could not read at the start it reads now.
    pub(super) fn connects(&mut self, now: Duration) {
        self.hinders(now);
        for kind in &self.kinds {
            let reading = self.readings.entry(*kind).or_default();
            reading.reasons = reading.reasons.max(1);
        }
    }

    /// Notes an event, and its time if that does not lie ahead.
    pub(super) fn told(&mut self, kind: FeedKind, time: Option<i64>) {
        let reading = self.readings.entry(kind).or_default();
        reading.told += 1;
        reading.hints = reading.hints.min(1);
        reading.newest = reading.newest.max(time.unwrap_or_default());
    }

    /// Checks, when a round begins, that no feed was forgotten.
    pub(super) fn round_begins(&mut self, now: Duration) -> Result<(), Breach> {
        self.rounds += 1;
        for (kind, reading) in &mut self.readings {
            reading.rounds += 1;
            let is_busy = self.open.contains_key(&Some(*kind)) || now <= self.free_since;
            let is_forgotten = reading.rounds > MOST_ROUNDS + MORE_ROUNDS && !is_busy;
            if is_busy {
                reading.rounds = reading.rounds.min(MOST_ROUNDS);
            }
            if is_forgotten {
                let what = format!("{kind} was not read for {} rounds", reading.rounds);
                return Err(Breach::new(Property::NothingLost, what));
            }
        }
        Ok(())
    }
}

impl Reading {
    /// Checks that there is a reason to read the feed; returns whether it is out of turn.
    fn begin(&mut self, now: Duration, is_cut: bool) -> Result<bool, Breach> {
        // What was told when the reading before the last began is settled by now.
        let [settled, before] = self.newest_before;
        self.floor = settled.saturating_sub(LATE);
        self.newest_before = [before, self.newest];
        self.lowest = None;
        let since = self.read_at.map(|at| now.saturating_sub(at));
        let is_regular = since.is_none_or(|since| since >= MOST_TIME) || self.rounds >= MOST_ROUNDS;
        // Where few are held, what did not fit is read at once.
        let is_again = std::mem::take(&mut self.is_at_second)
            && since.is_some_and(|since| since > LONGEST_APART);
        let before = self.began.replace(now);
        if is_regular || is_again || is_cut && self.told > 0 {
            return Ok(false);
        }
        let apart = before.map(|before| now.saturating_sub(before));
        if let Some(apart) = apart.filter(|apart| *apart < LEAST_APART) {
            let what = format!("a feed is read {apart:?} after it was");
            return Err(Breach::new(Property::Polite, what));
        }
        let has_reason = self.hints > 0 || self.reasons > 0;
        match self.hints {
            0 => self.reasons = self.reasons.saturating_sub(1),
            _ => self.hints -= 1,
        }
        Breach::unless(has_reason, Property::Polite, || {
            format!("a feed is read {since:?} after it was, and nothing gives a reason")
        })?;
        Ok(true)
    }
}

/// Returns the times of the entries of a page.
fn times(body: &Value) -> impl Iterator<Item = i64> {
    let lists = ["/data/items", "/data/total/items"];
    let lists = lists
        .into_iter()
        .filter_map(|list| body.pointer(list)?.as_array());
    let names = ["reply_time", "at_time", "like_time"];
    let time = move |item: &Value| names.iter().find_map(|name| item.get(*name).map(int));
    // What cannot be read leads nobody.
    let readable = lists
        .flatten()
        .filter(|item| item.get("id").map_or(0, int) > 0);
    readable.filter_map(time)
}
