//! Checks that a list is requested only as far as the answers so far call for one.

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::ConversationId;

use crate::adversary::Meaning;
use crate::page::{ListEntry, Page};
use crate::request_kind::{ListOf, RequestKind, RequestedList};
use crate::violation::{Breach, Property};

/// Distance that a list may reach below what was seen (µs).
const OVERLAP_US: i64 = 5_000_000;
/// The longest page of a list.
const FULL: usize = 100;
/// Number of single types to be read.
const SINGLES: u64 = 5;

/// Progress of one reading of the lists.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Set if the last request began the reading.
    pub(super) begins: bool,
    /// Changes were asked for in this life.
    has_begun: bool,
    /// Number of further pages that the answers so far call for.
    pub(super) left: u64,
    /// Set if the last page failed, and with it the round's list.
    pub(super) has_failed: bool,
    /// Number of pages beyond that.
    slack: u64,
    /// Time at which the reading may end.
    floor: Option<i64>,
    seen: BTreeSet<ConversationId>,
    /// The longest page.
    capacity: usize,
    /// The single types were asked for, or may be.
    singles: bool,
    /// List that was refused because it was not signed, or with old keys.
    pub(super) refused: Option<RequestedList>,
    /// The list of all types was seen to disregard `end_ts`.
    end_ignored: bool,
    /// Time from which on the rest of an earlier reading may be read.
    pub(super) rest_due: Option<Duration>,
    /// Time at which that rest may end.
    rest_floor: Option<i64>,
    whole_interval: Option<Duration>,
    /// Time from which on the whole list may be read.
    pub(super) whole_due: Option<Duration>,
    pub(super) is_whole: bool,
}

impl Walk {
    pub(super) fn new(whole_interval: Option<Duration>) -> Self {
        Self {
            whole_interval,
            ..Self::default()
        }
    }

    /// Checks a request for a list: it begins a round, answers so far ask for it, or it begins to
    /// read what is left of an earlier one, or the whole list.
    pub(super) fn ask(&mut self, now: Duration, list: RequestedList) -> Result<(), Breach> {
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
                // How long ago a former life read it is not known here, nor, where no clock is right,
                // how long ago this one did.
                self.whole_due = Some(now);
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

    /// Begins with the single types where the list of all is known to lead nowhere.
    fn begins_with(&mut self, list: RequestedList) {
        if matches!(list.of, ListOf::Single(_)) && self.end_ignored {
            self.singles = true;
            self.left = SINGLES - 1;
        }
    }

    /// Leaves the current reading for later.
    pub(super) fn breaks_off(&mut self, due: Duration) {
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

    /// Notes a page; returns the number of further pages that it calls for.
    pub(super) fn answer(&mut self, list: RequestedList, page: &Page) -> u64 {
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
                // A conversation may stand there twice, lower the second time.
                let is_lower = |end: i64| in_place().any(|it| it.session_ts < end - 1);
                fresh || list.end_ts.map_or(!page.entries.is_empty(), is_lower)
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

    pub(super) fn fail(&mut self, now: Duration, list: RequestedList, meaning: Option<Meaning>) {
        self.left += 1;
        self.breaks_off(now);
        if let Some(Meaning::Refused | Meaning::OldKeys) = meaning {
            self.refused = Some(list);
        }
        self.has_failed = self.refused.is_none();
    }
}
