//! The baseline, and the parts of the lists that are still to be read.
//!
//! Every round asks for the changes since the newest change that was shown. A list that breaks
//! off, or that cannot be proven whole, leaves a part below that is owed: the baseline stays
//! under it, and the part is read after the round's messages. Soon after the start, and seldom
//! later, the whole list is read, for two reasons: it shows what a list of changes does not, and
//! in each conversation that it makes known the numbers tell what is new, not a clock.

use std::time::Duration;

use super::PollerConfig;
use super::backoff::{Backoff, Rng};
use super::checkpoint;
use super::latest_now::LatestNow;
use crate::endpoints::{GetSessions, SessionPage};
use crate::list_walk::{ListWalk, Newest};
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// Number of entries of a page.
const PAGE_SIZE: u32 = 100;

/// Distance between the baseline and the beginning of a list of changes: a conversation may be
/// committed a moment late with an earlier time.
const OVERLAP: Duration = Duration::from_secs(5);

/// Delay of the first whole list after the start, if the first page has no room for all: the list
/// makes known how far each conversation goes.
const FIRST_WHOLE: Duration = Duration::from_secs(60);

/// Distance of the baseline to the server's clock if the first list is empty.
const BEFORE_NOW: Duration = Duration::from_secs(5);

/// Greatest difference between the clock of messages and that of their conversation: three hours.
const MOST_OFF: u64 = 3 * 60 * 60 * 1_000_000;

/// A list of so many times more entries than conversations are remembered has no end.
const ENDLESS: usize = 100;

/// Asks for the newest page of all conversations: by time, with no folding of groups or of the
/// unfollowed.
pub(super) const fn newest_page() -> GetSessions {
    GetSessions::new().group_fold(false).size(PAGE_SIZE)
}

/// One reading of a list, and its part.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) walk: ListWalk,
    pub(super) part: Part,
    /// Beginning of the reading, by the monotonic clock.
    began: Duration,
}

/// Part of the lists that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The changes since the last round.
    Changes,
    /// The part that an earlier round owes.
    Owed,
    /// All conversations.
    All,
}

/// The baseline, and the parts of the lists that are still to be read.
#[derive(Debug)]
pub(super) struct Lists {
    /// The newest change that was shown; the next list of changes begins a little before.
    seen_to: UnixMicros,
    /// First showing of `seen_to`, by the monotonic clock.
    seen_at: Duration,
    /// Set once a list that began a little before `seen_to` was read, late enough to show changes
    /// committed late: the next list need not begin before.
    is_settled: bool,
    /// Beginnings of the last three lists of changes that were read to their end, the latest first.
    /// An entry that moved up during the first two of them is on the third, and what it still owes
    /// then is as old as the entries that the first one was about.
    read_from: [UnixMicros; 3],
    /// Beginning of other parts that were read since: entries that moved up meanwhile were on no
    /// page of them, and are on a list of changes that is still to be read to its end.
    moved_up_from: Option<UnixMicros>,
    owed: Option<Owed>,
    whole: WholeList,
    /// End of the hold after a failed list: no other list is asked for before.
    held_until: Duration,
    first: FirstList,
    all_ignores_end_ts: bool,
    max_entries: usize,
    interval: Duration,
}

/// Changes after `floor` and not later than `bottom` that are not read yet.
#[derive(Debug)]
struct Owed {
    /// The baseline, which stays here while the part is owed.
    base: UnixMicros,
    floor: UnixMicros,
    bottom: UnixMicros,
    due: Duration,
    backoff: Backoff,
}

/// The whole list, read seldom.
#[derive(Debug)]
struct WholeList {
    interval: Option<Duration>,
    max_entries: usize,
    due: Duration,
    /// Changes before this were on a whole list, or on the first one.
    base: UnixMicros,
    /// The baseline at the beginning of the present reading.
    next_base: UnixMicros,
    /// Time of the last reading, by the server's clock.
    read_at: UnixSeconds,
}

/// Proof that the newest message of a conversation is new.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// Messages not older than this are new as well, whatever the server's clock says.
    pub(super) new_since: Option<UnixSeconds>,
}

/// Knowledge of the conversations that were not on the first list.
#[derive(Debug, Clone, Copy, Default)]
struct FirstList {
    /// A conversation that changed later has something new.
    listed_to: Option<UnixMicros>,
    /// A conversation that changed no later has not changed since, where the list had no room for
    /// all.
    oldest: Option<UnixMicros>,
    /// Set if some conversations were known and were forgotten.
    has_forgotten: bool,
}

impl Lists {
    pub(super) fn new(config: &PollerConfig) -> Self {
        Self {
            seen_to: UnixMicros(0),
            seen_at: Duration::ZERO,
            is_settled: false,
            read_from: [UnixMicros(0); 3],
            moved_up_from: None,
            owed: None,
            whole: WholeList {
                interval: config.whole_list_interval,
                max_entries: config.max_conversations,
                due: Duration::MAX,
                base: UnixMicros(0),
                next_base: UnixMicros(0),
                read_at: UnixSeconds(0),
            },
            held_until: Duration::ZERO,
            first: FirstList::default(),
            all_ignores_end_ts: config.habits.all_types_ignore_end_ts == Some(true),
            max_entries: config.max_conversations.saturating_mul(ENDLESS),
            interval: config.interval,
        }
    }

    /// Takes the baseline from the first list, which came with this date. Returns the least time
    /// of new messages in the conversations that are not on the list.
    pub(super) fn begin(
        &mut self,
        page: &SessionPage,
        date: Option<UnixSeconds>,
        latest: LatestNow,
    ) -> UnixSeconds {
        let newest = Newest::of(page);
        let base = match (newest.first.0 > 0, latest.server) {
            (true, _) => latest.bound(newest),
            (false, Some(server)) => server.to_micros().minus(BEFORE_NOW),
            // No conversation and no clock: all messages to come are new.
            (false, None) => UnixMicros(0),
        };
        self.seen_to = base;
        self.whole.base = base.min(newest.oldest);
        let has_all = !page.has_more && page.session_list.len() < newest_page().page_size();
        let oldest = Some(newest.oldest).filter(|oldest| oldest.0 > 0);
        self.first = FirstList {
            listed_to: Some(base.max(oldest.unwrap_or_default())),
            oldest: oldest.filter(|_| !has_all),
            has_forgotten: false,
        };
        if has_all {
            self.whole.read_at = latest.server.unwrap_or(latest.local);
        }
        // Changes up to that time were listed. A date may lie ahead of them by any amount.
        let listed = date.or(latest.server).unwrap_or_default();
        base.to_seconds().max(listed.min(newest.first.to_seconds()))
    }

    /// Returns the walk over what the first list had no room for, down to this time, if the list does not go so far back.
    pub(super) fn rest_of_first(&self, floor: UnixMicros) -> Option<ListWalk> {
        let oldest = self.first.oldest.filter(|oldest| *oldest >= floor)?;
        let walk = ListWalk::below(newest_page(), oldest, floor);
        Some(walk.all_ignores(self.all_ignores_end_ts))
    }

    /// Returns whether an entry lies below the first list, so that it has not changed since.
    pub(super) fn is_below_first(&self, entry: &Conversation) -> bool {
        let oldest = self.first.oldest;
        oldest.is_some_and(|oldest| entry.session_ts <= oldest)
    }

    /// Goes on from a checkpoint.
    pub(super) fn resume(&mut self, base: UnixMicros, saved: &checkpoint::Lists) {
        self.seen_to = base;
        // Entries that moved up while a former poller read are not known.
        self.moved_up_from = Some(UnixMicros(0));
        self.whole.base = UnixMicros(saved.whole_base.unwrap_or(base.0)).min(base);
        self.whole.read_at = UnixSeconds(saved.whole_read_at.unwrap_or_default());
        self.first = FirstList {
            listed_to: saved.listed_to.map(UnixMicros),
            oldest: saved.first_oldest.map(UnixMicros),
            has_forgotten: saved.has_forgotten,
        };
    }

    /// Begins to count time. The next whole list is due after the configured interval since the
    /// last one, as far as the server's clock tells.
    pub(super) fn start(&mut self, clock: Duration, server_now: UnixSeconds) {
        self.seen_at = clock;
        let Some(interval) = self.whole.interval else {
            return;
        };
        if self.whole.read_at.0 == 0 {
            self.whole.due = clock.saturating_add(FIRST_WHOLE.min(interval));
            return;
        }
        let passed = server_now.0.saturating_sub(self.whole.read_at.0);
        let passed = Duration::from_secs(u64::try_from(passed).unwrap_or(0));
        self.whole.due = clock.saturating_add(interval.saturating_sub(passed));
    }

    /// Returns the state that a checkpoint keeps, besides the baseline.
    pub(super) fn save(&self) -> checkpoint::Lists {
        checkpoint::Lists {
            whole_base: Some(self.whole.base.0),
            whole_read_at: Some(self.whole.read_at.0),
            listed_to: self.first.listed_to.map(|ts| ts.0),
            first_oldest: self.first.oldest.map(|ts| ts.0),
            has_forgotten: self.first.has_forgotten,
        }
    }

    /// Returns the baseline: all changes up to it were on a list that was read.
    pub(super) fn base_ts(&self) -> UnixMicros {
        self.owed.as_ref().map_or(self.seen_to, |owed| owed.base)
    }

    /// Returns the time up to which no change is still to be shown, or will be shown again.
    pub(super) fn settled_to(&self) -> UnixMicros {
        let owed = self.owed.as_ref().map(|owed| owed.floor);
        let read = self.read_from.map(Some).into_iter();
        let floors = read.chain([self.moved_up_from, owed]);
        floors.flatten().min().unwrap_or_default()
    }

    /// Notes the latest change of forgotten conversations: one of them that shows up again need
    /// not have a new message.
    pub(super) fn forget_to(&mut self, changed_at: UnixMicros) {
        self.first.has_forgotten |= changed_at.0 > 0;
        let listed_to = &mut self.first.listed_to;
        *listed_to = listed_to.map(|ts| ts.max(changed_at));
    }

    /// Begins a list of the changes since the last round.
    pub(super) fn changes(&self, clock: Duration) -> Listing {
        let floor = match self.is_settled {
            // Changes of the same time are shown, whether the bound is inclusive or not.
            true => UnixMicros(self.seen_to.0.saturating_sub(1).max(0)),
            false => before(self.seen_to),
        };
        Listing {
            walk: ListWalk::changes(newest_page(), floor).all_ignores(self.all_ignores_end_ts),
            part: Part::Changes,
            began: clock,
        }
    }

    /// Notes that a list failed: no other is asked for before `until`.
    pub(super) fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Returns the next part that is due: the owed one, or all conversations.
    pub(super) fn next_due(&mut self, clock: Duration) -> Option<Listing> {
        if clock < self.held_until {
            return None;
        }
        let (walk, part) = match &self.owed {
            Some(owed) if owed.due <= clock => {
                let walk = ListWalk::below(newest_page(), owed.bottom, owed.floor);
                (walk.all_ignores(self.all_ignores_end_ts), Part::Owed)
            }
            _ if self.whole.due <= clock => {
                self.whole.next_base = self.base_ts();
                (ListWalk::whole(newest_page()), Part::All)
            }
            _ => return None,
        };
        Some(Listing {
            walk,
            part,
            began: clock,
        })
    }

    /// Returns whether an entry that is not known may have something new: since the beginning of
    /// the reading or of the last whole list it changed, or its newest message was written.
    pub(super) fn may_be_new(&self, listing: &Listing, entry: &Conversation) -> bool {
        let ts = entry.session_ts;
        let last = entry.last_msg.as_ref();
        let written = last.map_or(UnixMicros(0), |it| it.timestamp.to_micros());
        match listing.part {
            Part::All if ts.max(written).0 <= 0 => true,
            Part::All => ts.max(written) >= before(self.whole.base),
            Part::Changes | Part::Owed => {
                let was_there = self.first.oldest.is_some_and(|oldest| ts < before(oldest));
                ts.0 <= 0 || ts >= listing.walk.floor() && !was_there
            }
        }
    }

    /// Returns the proof that a conversation that is not known has at least one new message: it
    /// was not in this state when the first list was made.
    pub(super) fn proof(&self, entry: &Conversation, latest: LatestNow) -> Option<Proof> {
        let listed_to = self.first.listed_to?;
        if entry.session_ts <= listed_to {
            return None;
        }
        // The same moment by the clock of its messages, as the newest of them shows it.
        let message = entry.last_msg.as_ref().filter(|it| it.timestamp.0 > 0);
        let off = message.map(|it| {
            entry
                .session_ts
                .0
                .saturating_sub(it.timestamp.to_micros().0)
        });
        let is_future = entry.session_ts > latest.to_micros();
        let new_since = off
            .filter(|off| off.unsigned_abs() <= MOST_OFF && !is_future && !self.first.has_forgotten)
            .map(|off| UnixMicros(listed_to.0.saturating_sub(off)).to_seconds());
        Some(Proof { new_since })
    }

    /// Returns whether a walk is so long that it seems to have no end.
    pub(super) fn is_endless(&self, listing: &Listing) -> bool {
        listing.walk.entries() > self.max_entries
    }

    /// Returns whether the rest of a whole list is about conversations that are not remembered.
    pub(super) fn is_enough(&self, listing: &Listing) -> bool {
        let walk = &listing.walk;
        listing.part == Part::All
            && walk.entries() > self.whole.max_entries
            && walk.bottom() < before(self.whole.base)
    }

    /// Takes over the result of a list that was read to its end.
    pub(super) fn finish(&mut self, listing: &Listing, clock: Duration, latest: LatestNow) {
        self.learn(listing);
        match listing.part {
            Part::Changes => {
                let floor = listing.walk.floor();
                // The list may have gone as low as what was owed.
                self.owed.take_if(|owed| owed.floor >= floor);
                let moved_up_from = self.moved_up_from.take_if(|_| self.owed.is_none());
                let from = moved_up_from.map_or(floor, |from| from.min(floor));
                let [last, before, _] = self.read_from;
                self.read_from = [from, last, before];
                let was_late = listing.began.saturating_sub(self.seen_at) >= OVERLAP;
                self.is_settled |= was_late;
                self.see(listing, latest);
            }
            Part::Owed => {
                let floor = self.owed.take().map(|owed| owed.floor);
                self.move_up_from(floor.unwrap_or(self.read_from[0]));
            }
            Part::All => {
                self.owed = None;
                self.move_up_from(before(self.whole.base));
                // A baseline that lies ahead would hide what changes until then.
                let oldest = listing.walk.newest().unwrap_or_default().oldest;
                self.whole.base = self.whole.next_base.min(oldest);
                self.whole.read_at = latest.server.unwrap_or(latest.local);
                self.put_whole_off(clock);
            }
        }
    }

    /// Takes over the result of a list that broke off. The rest is read when `due`.
    pub(super) fn interrupt(&mut self, listing: &Listing, due: Duration, latest: LatestNow) {
        match listing.part {
            Part::Changes if listing.walk.newest().is_none() => {}
            Part::Changes => {
                self.owe(listing, due);
                self.see(listing, latest);
            }
            Part::Owed => self.owe(listing, due),
            Part::All => self.whole.due = due,
        }
    }

    /// Takes over the result of a list that cannot be proven whole. Returns the delay until the
    /// rest is tried again.
    pub(super) fn doubt(
        &mut self,
        listing: &Listing,
        clock: Duration,
        latest: LatestNow,
        rng: &mut Rng,
    ) -> Duration {
        self.learn(listing);
        if listing.part == Part::All {
            self.put_whole_off(clock);
            return self.whole.due.saturating_sub(clock);
        }
        self.interrupt(listing, clock, latest);
        let Some(owed) = &mut self.owed else {
            return Duration::ZERO;
        };
        let delay = owed.backoff.next(rng);
        owed.due = clock.saturating_add(delay);
        delay
    }

    /// Notes that entries after `floor` may have moved up while their part was read: to the next
    /// list of changes, or, where that breaks off, to its owed rest. All of them are shown once
    /// nothing is owed.
    fn move_up_from(&mut self, floor: UnixMicros) {
        let lowest = self.moved_up_from.map_or(floor, |from| from.min(floor));
        self.moved_up_from = Some(lowest);
    }

    fn owe(&mut self, listing: &Listing, due: Duration) {
        let owed = self.owed.get_or_insert_with(|| Owed {
            base: self.seen_to,
            floor: listing.walk.floor(),
            bottom: listing.walk.bottom(),
            due,
            backoff: Backoff::retry(self.interval),
        });
        // The part that an earlier round still owed lies below: both are read in one go.
        owed.bottom = match listing.part {
            Part::Changes => listing.walk.bottom(),
            Part::Owed | Part::All => owed.bottom.min(listing.walk.bottom()),
        };
        owed.due = due;
    }

    fn see(&mut self, listing: &Listing, latest: LatestNow) {
        let newest = listing.walk.newest().unwrap_or_default();
        let seen_to = latest.bound(newest);
        if seen_to > self.seen_to {
            self.seen_to = seen_to;
            self.seen_at = listing.began;
            self.is_settled = false;
        }
    }

    fn learn(&mut self, listing: &Listing) {
        let ignores = listing.walk.all_ignores_end_ts();
        match listing.part {
            // A whole list did not go by the known habit, so its finding replaces it.
            Part::All => self.all_ignores_end_ts = ignores,
            Part::Changes | Part::Owed => self.all_ignores_end_ts |= ignores,
        }
    }

    fn put_whole_off(&mut self, clock: Duration) {
        let interval = self.whole.interval.unwrap_or(Duration::MAX);
        self.whole.due = clock.saturating_add(interval);
    }
}

/// Returns a time a little before a baseline.
fn before(ts: UnixMicros) -> UnixMicros {
    ts.minus(OVERLAP).max(UnixMicros(0))
}
