//! All notifications that ever were, and what the feeds showed of them, and when.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::FeedKind;

/// Greatest distance below the newest entry at which one may still show up, and must come (s).
const LATE: i64 = 59;

/// Item of a feed as it shows: an entry, or a thing that was liked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) id: i64,
    pub(crate) time: i64,
    /// Number of likes; 0 of other entries.
    pub(crate) counts: i64,
}

impl State {
    /// Returns whether the state tells of nothing that another one does not.
    pub(crate) const fn is_within(self, other: Self) -> bool {
        self.time <= other.time && self.counts <= other.counts
    }
}

/// Something that happened: an entry of a feed, or one like of a thing.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) kind: FeedKind,
    /// Number of the entry, or of the thing that was liked.
    pub(crate) subject: i64,
    /// Number of times that the subject had vanished before.
    pub(crate) incarnation: usize,
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) time: i64,
    /// Time from which on it shows (µs since the epoch).
    pub(crate) shown_us: u64,
    pub(crate) is_readable: bool,
    pub(crate) has_vanished: bool,
    /// Subject as the feed showed it from then on, once it did.
    pub(crate) state: Option<State>,
    /// Set if it showed no more than a minute below the newest one, and as something more.
    pub(crate) is_due: bool,
}

/// Text that names the happening which made an entry.
pub(crate) fn token(serial: usize) -> String {
    format!("<{serial}>")
}

/// All that happened, in order.
#[derive(Debug, Default)]
pub(crate) struct FeedLedger {
    all: Vec<Happened>,
    by_subject: BTreeMap<(FeedKind, i64), Vec<usize>>,
    /// Those that do not show yet.
    upcoming: BTreeSet<(u64, usize)>,
    /// The newest time that showed, of each feed; and the newest that lay ahead.
    newest: BTreeMap<FeedKind, i64>,
    ahead: BTreeMap<FeedKind, i64>,
}

impl FeedLedger {
    /// Returns the number of what happened: the serial of the next.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn add(&mut self, happened: Happened) {
        let serial = self.all.len();
        let subject = (happened.kind, happened.subject);
        self.by_subject.entry(subject).or_default().push(serial);
        self.upcoming.insert((happened.shown_us, serial));
        self.all.push(happened);
    }

    pub(crate) fn get(&self, serial: usize) -> Option<&Happened> {
        self.all.get(serial)
    }

    /// Returns what made this subject what it is, in order.
    pub(crate) fn of(&self, kind: FeedKind, subject: i64) -> impl Iterator<Item = &Happened> {
        let serials = self.by_subject.get(&(kind, subject));
        let serials = serials.into_iter().flatten();
        serials.filter_map(|serial| self.all.get(*serial))
    }

    /// Returns the serial of the happening that made the entry of this subject.
    pub(crate) fn maker(&self, kind: FeedKind, subject: i64, incarnation: usize) -> Option<usize> {
        let serials = self.by_subject.get(&(kind, subject))?;
        let of = |serial: &&usize| {
            let happened = self.all.get(**serial);
            happened.is_some_and(|it| it.incarnation == incarnation)
        };
        serials.iter().find(of).copied()
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (usize, &Happened)> {
        self.all.iter().enumerate()
    }

    /// Returns the number of times that a subject has vanished.
    pub(crate) fn incarnation(&self, kind: FeedKind, subject: i64) -> usize {
        let newest = self.of(kind, subject).last();
        newest.map_or(0, |it| it.incarnation + usize::from(it.has_vanished))
    }

    /// Removes an entry, as its author does.
    pub(crate) fn vanish(&mut self, kind: FeedKind, subject: i64) {
        for serial in self.by_subject.get(&(kind, subject)).into_iter().flatten() {
            if let Some(happened) = self.all.get_mut(*serial) {
                happened.has_vanished = true;
            }
        }
    }

    /// Returns what a feed shows of a subject at this moment.
    pub(crate) fn state(
        &self,
        kind: FeedKind,
        subject: i64,
        incarnation: usize,
        at_us: u64,
    ) -> Option<State> {
        let of = self.of(kind, subject);
        let shown = of.filter(|it| it.incarnation == incarnation && it.shown_us <= at_us);
        let shown: Vec<&Happened> = shown.collect();
        let newest = shown.iter().max_by_key(|it| it.time)?;
        let likes = i64::try_from(shown.len()).unwrap_or(i64::MAX);
        Some(State {
            id: newest.id,
            time: newest.time,
            counts: if kind == FeedKind::Likes { likes } else { 0 },
        })
    }

    /// Returns all that a feed ever showed of a subject up to this moment.
    pub(crate) fn states(
        &self,
        kind: FeedKind,
        subject: i64,
        at_us: u64,
    ) -> impl Iterator<Item = (&Happened, State)> {
        let of = self.of(kind, subject);
        let shown = of.filter(move |it| it.shown_us <= at_us);
        shown.filter_map(|it| Some((it, it.state?)))
    }

    /// Lets all show that does by now; returns what is due of it.
    pub(crate) fn advance(&mut self, now_us: u64) -> Vec<usize> {
        let mut due = Vec::new();
        while let Some(first) = self.upcoming.first().copied().filter(|it| it.0 <= now_us) {
            self.upcoming.remove(&first);
            if self.show(first.1) {
                due.push(first.1);
            }
        }
        due
    }

    /// Returns whether something will show up later.
    pub(crate) fn has_upcoming(&self) -> bool {
        !self.upcoming.is_empty()
    }

    /// Lets this one show; returns whether it is due from now on.
    fn show(&mut self, serial: usize) -> bool {
        let Some(happened) = self.all.get(serial) else {
            return false;
        };
        let (kind, subject, shown_us) = (happened.kind, happened.subject, happened.shown_us);
        let (time, shown_s) = (happened.time, seconds(shown_us));
        let state = self.state(kind, subject, happened.incarnation, shown_us);
        let before = self.states(kind, subject, shown_us.saturating_sub(1));
        // What rose before, of whatever was there under this number.
        let most = before.fold(None, |most: Option<(i64, i64)>, (_, it)| {
            let (time, counts) = most.unwrap_or((it.time, it.counts));
            Some((time.max(it.time), counts.max(it.counts)))
        });
        let rises = state.is_some_and(|it| {
            most.is_none_or(|(time, counts)| it.time > time || it.counts > counts)
        });
        let newest = self.newest.get(&kind).copied().unwrap_or(i64::MIN);
        let ahead = self.ahead.get(&kind).copied().unwrap_or(i64::MIN);
        let floor = newest.max(ahead.min(shown_s)).saturating_sub(LATE);
        let is_in_time = state.is_some_and(|it| it.time >= floor);
        self.newest.insert(kind, newest.max(time.min(shown_s)));
        self.ahead.insert(kind, ahead.max(time));
        let Some(happened) = self.all.get_mut(serial) else {
            return false;
        };
        happened.state = state;
        happened.is_due = is_in_time && rises && !happened.has_vanished;
        happened.is_due
    }
}

/// Converts a time to whole seconds.
pub(crate) fn seconds(at_us: u64) -> i64 {
    i64::try_from(at_us / 1_000_000).unwrap_or(i64::MAX)
}
