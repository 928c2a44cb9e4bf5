//! Notifications in one line of lives that go on from each other's checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{FeedEvent, FeedKind};

use super::FeedBase;
use super::ledger::{FeedLedger, Happened, State, token};
use crate::violation::{Breach, Property};

/// An event that came.
#[derive(Debug, Clone)]
struct Told {
    kind: FeedKind,
    subject: i64,
    state: State,
    users: Vec<i64>,
}

/// Notifications of a poller and of those that it was resumed from.
#[derive(Debug, Default)]
pub(crate) struct FeedLog {
    base: Option<FeedBase>,
    log: Vec<Told>,
    /// Places in the log, by subject.
    told: BTreeMap<(FeedKind, i64), Vec<usize>>,
    /// Notifications that must come and did not yet: when it showed, and its serial.
    pending: BTreeSet<(u64, usize)>,
    /// The last place in order, of each feed that was not read since.
    reading: BTreeMap<FeedKind, (i64, i64)>,
    /// Unreadable entries that a warning of this life named, as they came.
    warned: BTreeSet<String>,
    warned_of: BTreeSet<usize>,
    /// Unreadable entries that showed in this life.
    unwarned: BTreeSet<usize>,
}

impl FeedLog {
    /// Begins the log of a new poller at its baseline.
    pub(crate) fn begin(base: FeedBase) -> Self {
        Self {
            base: Some(base),
            ..Self::default()
        }
    }

    pub(crate) const fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// Returns the number of events.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// Goes back to a checkpoint that covers so many events, in another life.
    pub(crate) fn rewind(&mut self, len: usize, kinds: &[FeedKind], ledger: &FeedLedger) {
        self.log.truncate(len);
        self.told.clear();
        for (place, told) in self.log.iter().enumerate() {
            let subject = (told.kind, told.subject);
            self.told.entry(subject).or_default().push(place);
        }
        self.reading.clear();
        self.warned.clear();
        self.warned_of.clear();
        self.unwarned.clear();
        let due = ledger.all().filter(|(_, it)| it.is_due);
        let due: Vec<usize> = due.map(|(serial, _)| serial).collect();
        self.pending.clear();
        self.show(&due, kinds, ledger);
        self.unwarned.clear();
    }

    /// Notes what shows from now on.
    pub(crate) fn show(&mut self, due: &[usize], kinds: &[FeedKind], ledger: &FeedLedger) {
        let Some(base) = &self.base else { return };
        for serial in due {
            let Some(happened) = ledger.get(*serial) else {
                continue;
            };
            if !kinds.contains(&happened.kind) || !base.is_new(happened) {
                continue;
            }
            if !happened.is_readable {
                self.unwarned.insert(*serial);
            } else if !self.has_told(happened) {
                self.pending.insert((happened.shown_us, *serial));
            }
        }
    }

    /// Returns whether an event told of this, and of at least as much.
    fn has_told(&self, happened: &Happened) -> bool {
        let subject = (happened.kind, happened.subject);
        let mut told = self.told.get(&subject).into_iter().flatten();
        let wanted = happened.state;
        told.any(|place| {
            let told = self.log.get(*place);
            told.zip(wanted)
                .is_some_and(|(told, it)| it.is_within(told.state))
        })
    }

    /// Notes that a page of this feed was taken: what comes now is of another reading.
    pub(crate) fn page_taken(&mut self, kind: FeedKind) {
        self.reading.remove(&kind);
    }

    /// Checks and notes an event.
    pub(crate) fn event(
        &mut self,
        event: &FeedEvent,
        kinds: &[FeedKind],
        ledger: &FeedLedger,
        now_us: u64,
    ) -> Result<(), Breach> {
        let seen = Seen::of(event);
        let (kind, subject) = (seen.kind, seen.subject);
        let twice = |what: &str| {
            let what = format!("{kind} {subject} at {} {what}", seen.state.time);
            Err(Breach::new(Property::NothingTwice, what))
        };
        let Some(base) = self.base.as_ref().filter(|_| kinds.contains(&kind)) else {
            return twice("came, and nobody asked for it, or not yet");
        };
        let mut states = ledger.states(kind, subject, now_us);
        let Some((happened, _)) = states.find(|(_, state)| *state == seen.state) else {
            let what = format!("never was: {:?}", seen.state);
            return twice(&what);
        };
        let maker = ledger.maker(kind, subject, happened.incarnation);
        if !happened.is_readable || maker.map(token).as_deref() != Some(seen.text) {
            let what = format!("{kind} {subject} came with another's text: {}", seen.text);
            return Err(Breach::new(Property::OneBadItem, what));
        }
        if base.is_old(ledger, kind, subject, seen.state) {
            return twice("was there before the baseline");
        }
        let most = self.most(kind, subject);
        if most.is_some_and(|most| seen.state.is_within(most)) {
            return twice("came twice");
        }
        if let FeedEvent::Like(likes) = event {
            self.counts_right(likes.counts_before, &seen, ledger)?;
            self.users_right(&seen, ledger, now_us)?;
        }
        let place = (seen.state.time, seen.state.id);
        let last = self.reading.insert(kind, place);
        if let Some(last) = last.filter(|last| *last > place) {
            let what = format!("{kind} {place:?} came after {last:?}");
            return Err(Breach::new(Property::InOrder, what));
        }
        self.note(&seen, ledger);
        Ok(())
    }

    fn note(&mut self, seen: &Seen<'_>, ledger: &FeedLedger) {
        let subject = (seen.kind, seen.subject);
        let places = self.told.entry(subject).or_default();
        places.push(self.log.len());
        self.log.push(Told {
            kind: seen.kind,
            subject: seen.subject,
            state: seen.state,
            users: seen.users.clone(),
        });
        let is_told = |serial: usize| {
            let happened = ledger.get(serial);
            happened.is_some_and(|it| {
                let is_same = (it.kind, it.subject) == subject;
                is_same && it.state.is_some_and(|state| state.is_within(seen.state))
            })
        };
        self.pending.retain(|(_, serial)| !is_told(*serial));
    }

    /// Returns the most that was told of a subject.
    fn most(&self, kind: FeedKind, subject: i64) -> Option<State> {
        let places = self.told.get(&(kind, subject))?;
        let told = places.iter().filter_map(|place| self.log.get(*place));
        told.map(|told| told.state).reduce(|most, state| State {
            id: state.id,
            time: most.time.max(state.time),
            counts: most.counts.max(state.counts),
        })
    }

    /// Checks the number of likes before.
    fn counts_right(
        &self,
        before: Option<i64>,
        seen: &Seen<'_>,
        ledger: &FeedLedger,
    ) -> Result<(), Breach> {
        let told = self.most(seen.kind, seen.subject).map(|it| it.counts);
        let base = self.base.as_ref();
        let known = base.map(|base| base.known(ledger, seen.kind, seen.subject));
        let mut known = known.into_iter().flatten().map(|it| it.counts);
        let is_right = match before {
            // Nothing of it need have been on a page that was read.
            None => told.is_none(),
            Some(before) => {
                let is_known = known.any(|it| it == before);
                told.map_or(is_known, |told| before == told || before > told && is_known)
            }
        };
        Breach::unless(is_right, Property::NothingTwice, || {
            let subject = seen.subject;
            format!("{before:?} likes of {subject} before, but {told:?} were told")
        })
    }

    /// Checks the users whose likes are new: they are of this thing, and were not told before.
    fn users_right(&self, seen: &Seen<'_>, ledger: &FeedLedger, now_us: u64) -> Result<(), Breach> {
        let places = self.told.get(&(seen.kind, seen.subject));
        let places = places.into_iter().flatten();
        let told = places.filter_map(|place| self.log.get(*place));
        let told: BTreeSet<i64> = told.flat_map(|told| told.users.iter().copied()).collect();
        let is_right = |user: &i64| {
            let mut of = ledger.of(seen.kind, seen.subject);
            of.any(|it| it.user == *user && it.shown_us <= now_us) && !told.contains(user)
        };
        let wrong = seen.users.iter().find(|user| !is_right(user));
        Breach::unless(wrong.is_none(), Property::NothingTwice, || {
            let subject = seen.subject;
            format!("user {wrong:?} is said to have liked {subject} just now")
        })
    }

    /// Checks and notes a warning about an entry that cannot be read.
    pub(crate) fn warned(
        &mut self,
        kind: FeedKind,
        raw: &str,
        ledger: &FeedLedger,
    ) -> Result<(), Breach> {
        let bad = |what: &str| {
            let what = format!("{kind}: {what}: {raw}");
            Err(Breach::new(Property::OneBadItem, what))
        };
        let serial = raw.split_once('<').and_then(|(_, rest)| {
            let (serial, _) = rest.split_once('>')?;
            serial.parse().ok()
        });
        let happened = serial.and_then(|serial| Some((serial, ledger.get(serial)?)));
        let Some((serial, _)) = happened.filter(|(_, it)| it.kind == kind && !it.is_readable)
        else {
            return bad("a warning, and it can be read");
        };
        // Another like makes another entry of it.
        self.warned_of.insert(serial);
        match self.warned.insert(raw.to_owned()) {
            true => Ok(()),
            false => bad("a second warning"),
        }
    }

    /// Returns an unreadable entry that no warning has named, though it showed before `until_us`.
    pub(crate) fn unwarned(&self, ledger: &FeedLedger, until_us: u64) -> Option<String> {
        let mut unwarned = self.unwarned.iter().filter_map(|serial| {
            let happened = ledger.get(*serial)?;
            let maker = ledger.maker(happened.kind, happened.subject, happened.incarnation)?;
            let is_due = happened.shown_us < until_us && !happened.has_vanished;
            let is_missing = is_due && !self.warned_of.contains(&maker);
            is_missing.then(|| format!("{} {}", happened.kind, happened.subject))
        });
        unwarned.next()
    }

    /// Returns what must come and did not yet: the one that showed first.
    pub(crate) fn missing<'a>(&self, ledger: &'a FeedLedger) -> Option<(usize, u64, &'a Happened)> {
        let mut pending = self.pending.iter().filter_map(|(shown_us, serial)| {
            let happened = ledger.get(*serial)?;
            (!happened.has_vanished).then_some((*shown_us, happened))
        });
        let (shown_us, first) = pending.next()?;
        Some((1 + pending.count(), shown_us, first))
    }

    /// Returns the first thing that must come and did not yet, without counting the others.
    pub(crate) fn first_missing<'a>(&self, ledger: &'a FeedLedger) -> Option<(u64, &'a Happened)> {
        let mut pending = self.pending.iter().filter_map(|(shown_us, serial)| {
            let happened = ledger.get(*serial)?;
            (!happened.has_vanished).then_some((*shown_us, happened))
        });
        pending.next()
    }
}

/// An event, as far as it matters here.
struct Seen<'a> {
    kind: FeedKind,
    subject: i64,
    state: State,
    text: &'a str,
    users: Vec<i64>,
}

impl<'a> Seen<'a> {
    fn of(event: &'a FeedEvent) -> Self {
        let kind = event.kind();
        let entry = |text, users| Self {
            kind,
            subject: event.id(),
            state: State {
                id: event.id(),
                time: event.time().map_or(0, |time| time.0),
                counts: 0,
            },
            text,
            users,
        };
        match event {
            FeedEvent::Reply(reply) => entry(&reply.item.source_content, Vec::new()),
            FeedEvent::At(at) => entry(&at.item.source_content, Vec::new()),
            FeedEvent::Like(likes) => {
                let users = likes.users.iter().map(|user| user.mid.0).collect();
                let like = entry(&likes.like.item.title, users);
                Self {
                    subject: likes.like.item.item_id,
                    state: State {
                        counts: likes.like.counts,
                        ..like.state
                    },
                    ..like
                }
            }
            FeedEvent::System(notice) => entry(&notice.content, Vec::new()),
            _ => entry("", Vec::new()),
        }
    }
}
