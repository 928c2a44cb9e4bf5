//! One reading of the lists of conversations, page by page, from the newest down.
//!
//! A list is whole only where that is known: its last page denies that there is more and was not
//! full, or the walk reached below its floor. A page that was asked for lower entries and brings
//! none proves nothing: the list of all conversations is reported to disregard `end_ts`. Then the
//! lists of the single types are read, each down to the same floor.

use crate::endpoints::{GetSessions, NewSessions, SessionFilter, SessionPage};
use crate::ids::ConversationId;
use crate::model::Conversation;
use crate::time::UnixMicros;

/// The year 2100, later than any entry.
const END_OF_TIME: UnixMicros = UnixMicros(4_102_444_800_000_000);

/// Least number of entries that a page has room for.
const LEAST_CAPACITY: usize = 2;

/// The types that together hold every conversation.
const SINGLE_TYPES: [SessionFilter; 5] = [
    SessionFilter::UserAndSystem,
    SessionFilter::NotFollowed,
    SessionFilter::FanGroup,
    SessionFilter::Intercepted,
    SessionFilter::System,
];

/// A call for a page of a list.
#[derive(Debug, Clone)]
pub(crate) enum ListCall {
    /// Conversations that changed after a time.
    Changes(NewSessions),
    /// Conversations of a type, the newest or those before a time.
    Sessions(GetSessions),
}

/// Meaning of a page for the walk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Another page follows.
    More,
    /// All entries down to the floor were read.
    Whole,
    /// No page leads further down, and it is not known that nothing lies there.
    Unproven,
}

/// One reading of the lists: its position, and the proof that it is whole.
#[derive(Debug, Clone)]
pub(crate) struct ListWalk {
    template: GetSessions,
    floor: UnixMicros,
    newest: Option<Newest>,
    bottom: UnixMicros,
    all_ignores_end_ts: bool,
    entries: usize,
    stage: Stage,
    /// True if a list was not proven whole.
    is_unproven: bool,
    /// Number of conversations that a page has room for, as far as is known.
    capacity: usize,
}

/// The newest changes of a page, and its oldest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Newest {
    pub(crate) first: UnixMicros,
    /// The newest change of another conversation.
    pub(crate) second: UnixMicros,
    /// The oldest change in its place; 0 if there is none.
    pub(crate) oldest: UnixMicros,
}

impl Newest {
    pub(crate) fn of(page: &SessionPage) -> Self {
        let mut newest = Self {
            oldest: Span::of(&page.session_list)
                .map(|span| span.oldest)
                .unwrap_or_default(),
            ..Self::default()
        };
        let mut newest_id = None;
        for entry in &page.session_list {
            if entry.session_ts > newest.first {
                if newest_id != Some(entry.id()) {
                    newest.second = newest.first;
                }
                newest.first = entry.session_ts;
                newest_id = Some(entry.id());
            } else if newest_id != Some(entry.id()) {
                newest.second = newest.second.max(entry.session_ts);
            }
        }
        newest
    }
}

/// The list that is being read.
#[derive(Debug, Clone)]
enum Stage {
    /// The page that the reading begins with.
    First(ListCall),
    /// The list of the template, below the bottom.
    Template,
    /// One of the single types.
    Single { place: usize, bottom: UnixMicros },
}

impl ListWalk {
    /// Begins a walk over the changes after `floor`, with a list of changes first.
    pub(crate) fn changes(template: GetSessions, floor: UnixMicros) -> Self {
        let first = Stage::First(ListCall::Changes(changes_after(&template, floor)));
        Self::new(template, END_OF_TIME, floor, first)
    }

    /// Begins a walk over a list from its newest page to its end.
    pub(crate) fn whole(template: GetSessions) -> Self {
        let first = Stage::First(ListCall::Sessions(template.clone()));
        Self::new(template, END_OF_TIME, UnixMicros(0), first)
    }

    /// Begins a walk over the changes after `floor` and not later than `bottom`: the rest was
    /// read before.
    pub(crate) const fn below(
        template: GetSessions,
        bottom: UnixMicros,
        floor: UnixMicros,
    ) -> Self {
        Self::new(template, bottom, floor, Stage::Template)
    }

    const fn new(
        template: GetSessions,
        bottom: UnixMicros,
        floor: UnixMicros,
        stage: Stage,
    ) -> Self {
        Self {
            template,
            floor,
            newest: None,
            bottom,
            all_ignores_end_ts: false,
            entries: 0,
            stage,
            is_unproven: false,
            capacity: LEAST_CAPACITY,
        }
    }

    /// Sets whether the list of all conversations disregards `end_ts`: then the single types are
    /// read at once.
    pub(crate) const fn all_ignores(mut self, ignores_end_ts: bool) -> Self {
        self.all_ignores_end_ts = ignores_end_ts;
        if ignores_end_ts && matches!(self.stage, Stage::Template) {
            self.begin_single(0);
        }
        self
    }

    /// Returns the floor: only changes after this time are wanted.
    pub(crate) const fn floor(&self) -> UnixMicros {
        self.floor
    }

    /// Returns the newest changes on the first page, once it was read. Changes during the walk
    /// lie above: they are for the next walk.
    pub(crate) const fn newest(&self) -> Option<Newest> {
        self.newest
    }

    /// Returns the time above which all was read. The time does not move while the single types
    /// are read.
    pub(crate) const fn bottom(&self) -> UnixMicros {
        self.bottom
    }

    /// Returns whether the list of all conversations is known to disregard `end_ts`.
    pub(crate) const fn all_ignores_end_ts(&self) -> bool {
        self.all_ignores_end_ts
    }

    /// Returns the number of entries on the pages so far.
    pub(crate) const fn entries(&self) -> usize {
        self.entries
    }

    /// Returns the call for the next page.
    pub(crate) fn call(&self) -> ListCall {
        // Two entries may have the same time, so the last one is asked for again.
        ListCall::Sessions(match &self.stage {
            Stage::First(call) => return call.clone(),
            Stage::Template => self.template.clone().end_ts(above(self.bottom)),
            Stage::Single { place, bottom } => {
                let session_type = SINGLE_TYPES.get(*place).copied().unwrap_or_default();
                let page = self.template.clone().session_type(session_type);
                page.end_ts(above(*bottom))
            }
        })
    }

    /// Takes the page that [`call`](Self::call) asked for.
    pub(crate) fn handle_page(&mut self, page: &SessionPage) -> Progress {
        let came = page.session_list.len() + page.unreadable.len();
        self.entries = self.entries.saturating_add(came);
        self.newest.get_or_insert_with(|| Newest::of(page));
        let distinct = distinct(&page.session_list);
        let is_short = distinct < self.capacity;
        self.capacity = self.capacity.max(distinct);

        // A page that is full may not be the last, whatever it says.
        let is_last = !page.has_more && came < self.template.page_size();
        let span = Span::of(&page.session_list);
        let reached = span.is_some_and(|span| !span.rises && span.oldest < self.floor);
        if is_last || reached {
            return self.next_part();
        }
        let asked_below = self.stage_bottom();
        if span.is_some_and(|span| self.moves_on(span)) {
            return Progress::More;
        }
        // The entries below were asked for and came, and are less than a page holds: there are no
        // more, whatever the page says.
        let obeys = span.is_none_or(|span| span.newest <= above(asked_below));
        let is_all = asked_below == END_OF_TIME && came == 0;
        if !matches!(self.stage, Stage::First(_)) && (obeys && is_short || is_all) {
            return self.next_part();
        }
        self.give_up_stage()
    }

    /// Goes on from a page, and returns whether it leads further.
    fn moves_on(&mut self, span: Span) -> bool {
        if span.rises {
            return self.moves_up(span);
        }
        if span.oldest >= self.stage_bottom() {
            return false;
        }
        if let Stage::Single { bottom, .. } = &mut self.stage {
            *bottom = span.oldest;
            return true;
        }
        self.bottom = span.oldest;
        match self.all_ignores_end_ts && self.has_single_types() {
            true => self.begin_single(0),
            // There is no known way to a second page of changes.
            false => self.stage = Stage::Template,
        }
        true
    }

    /// Goes on above a page that begins with its oldest entry.
    fn moves_up(&mut self, span: Span) -> bool {
        let next = UnixMicros(span.newest.0.saturating_sub(1));
        let call = changes_after(&self.template, next);
        match &self.stage {
            Stage::Single { .. } => return false,
            Stage::First(ListCall::Changes(before)) if before.changed_after() >= next => {
                return false;
            }
            _ => self.stage = Stage::First(ListCall::Changes(call)),
        }
        true
    }

    fn stage_bottom(&self) -> UnixMicros {
        match self.stage {
            Stage::Single { bottom, .. } => bottom,
            Stage::First(_) | Stage::Template => self.bottom,
        }
    }

    /// Goes on with another list where this one leads no further.
    fn give_up_stage(&mut self) -> Progress {
        match self.stage {
            // Only pinned entries, or none: the others begin below the end of time.
            Stage::First(_) if !self.all_ignores_end_ts => self.stage = Stage::Template,
            Stage::First(_) | Stage::Template if self.has_single_types() => {
                self.all_ignores_end_ts = true;
                self.begin_single(0);
            }
            _ => {
                self.is_unproven = true;
                return self.next_part();
            }
        }
        Progress::More
    }

    /// Ends the reading of one list, at its end or as far as it leads.
    const fn next_part(&mut self) -> Progress {
        if let Stage::Single { place, .. } = self.stage {
            self.begin_single(place + 1);
            if place + 1 < SINGLE_TYPES.len() {
                return Progress::More;
            }
        }
        match self.is_unproven {
            true => Progress::Unproven,
            false => Progress::Whole,
        }
    }

    fn has_single_types(&self) -> bool {
        self.template.lists() == SessionFilter::All
    }

    const fn begin_single(&mut self, place: usize) {
        self.stage = Stage::Single {
            place,
            bottom: self.bottom,
        };
    }
}

/// Returns the time just above another.
const fn above(ts: UnixMicros) -> UnixMicros {
    UnixMicros(ts.0.saturating_add(1))
}

/// Asks for changes after a time, in pages as long as the template's.
fn changes_after(template: &GetSessions, after: UnixMicros) -> NewSessions {
    let size = u32::try_from(template.page_size()).unwrap_or(u32::MAX);
    NewSessions::new(after).size(size)
}

fn distinct(list: &[Conversation]) -> usize {
    let mut ids: Vec<ConversationId> = list.iter().map(Conversation::id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// The times of a page. Pinned entries stand first whatever their time, and an entry without a
/// time has no place: both are passed over.
#[derive(Debug, Clone, Copy)]
struct Span {
    oldest: UnixMicros,
    newest: UnixMicros,
    /// True if the oldest entry comes first.
    rises: bool,
}

impl Span {
    fn of(list: &[Conversation]) -> Option<Self> {
        let in_place = || {
            let entries = list.iter().filter(|entry| entry.top_ts.0 == 0);
            entries.map(|entry| entry.session_ts).filter(|ts| ts.0 > 0)
        };
        let (oldest, newest) = in_place().min().zip(in_place().max())?;
        let neighbours = || in_place().zip(in_place().skip(1));
        let rising = neighbours().filter(|(a, b)| a < b).count();
        let falling = neighbours().filter(|(a, b)| a > b).count();
        Some(Self {
            oldest,
            newest,
            rises: rising > falling,
        })
    }
}
