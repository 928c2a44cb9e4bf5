//! Reading a list of conversations, page by page.

use std::collections::BTreeSet;

use crate::endpoints::{GetSessions, NewSessions, SessionPage};
use crate::ids::ConversationId;
use crate::model::Conversation;
use crate::time::UnixMicros;

/// Entries of a page.
const PAGE_SIZE: u32 = 100;

/// After all times there are: the year 2100.
const END_OF_TIME: UnixMicros = UnixMicros(4_102_444_800_000_000);

/// Which page of the list to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// What changed after a time.
    After(UnixMicros),
    /// What changed before a time.
    Before(UnixMicros),
}

/// The newest page of all conversations: groups and the unfollowed not folded, by time.
pub(super) const fn newest_page() -> GetSessions {
    GetSessions::new().group_fold(false).size(PAGE_SIZE)
}

/// The page before a time.
pub(super) const fn page_before(end_ts: UnixMicros) -> GetSessions {
    newest_page().end_ts(end_ts)
}

/// The page after a time.
pub(super) const fn page_after(begin_ts: UnixMicros) -> NewSessions {
    NewSessions::new(begin_ts).size(PAGE_SIZE)
}

/// One reading of the list, from the newest conversation down to the base line.
#[derive(Debug)]
pub(super) struct Listing {
    /// What changed after this is wanted.
    pub(super) floor: UnixMicros,
    /// The page to ask for next.
    pub(super) page: Page,
    /// The newest `session_ts` seen.
    pub(super) newest: UnixMicros,
    seen: BTreeSet<ConversationId>,
}

/// What a page means for the listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is another page.
    More,
    /// All is read.
    Done,
}

impl Listing {
    pub(super) const fn new(floor: UnixMicros) -> Self {
        Self {
            floor,
            page: Page::After(floor),
            newest: UnixMicros(0),
            seen: BTreeSet::new(),
        }
    }

    /// How many conversations it showed so far.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn handle_page(&mut self, page: &SessionPage) -> Progress {
        let mut fresh = false;
        for conversation in &page.session_list {
            fresh |= self.seen.insert(conversation.id());
            self.newest = self.newest.max(conversation.session_ts);
        }
        let came = page.session_list.len() + page.unreadable.len();
        // A page that is full may not be the last, whatever it says.
        let is_last = !page.has_more && came < usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
        if is_last || !fresh {
            return Progress::Done;
        }
        let Some((order, last)) = order_of(&page.session_list) else {
            // Nothing but pinned entries: the others begin below the end of time.
            self.page = Page::Before(END_OF_TIME);
            return Progress::More;
        };
        if order == Order::OldestFirst {
            // The rest is above.
            self.page = Page::After(UnixMicros(last.0.saturating_sub(1)));
            return Progress::More;
        }
        if last < self.floor {
            return Progress::Done;
        }
        // Two may carry the same time, so the last one is asked for again.
        self.page = Page::Before(UnixMicros(last.0.saturating_add(1)));
        Progress::More
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
}

/// Which way a page goes, and the time that it goes on from: the oldest entry's, or, where
/// it rises, the newest one's. Pinned entries stand first whatever their time, and one
/// without a time has no place: both are passed over.
fn order_of(list: &[Conversation]) -> Option<(Order, UnixMicros)> {
    let in_place: Vec<UnixMicros> = list
        .iter()
        .filter(|entry| entry.top_ts.0 == 0)
        .map(|entry| entry.session_ts)
        .filter(|ts| ts.0 > 0)
        .collect();
    let (oldest, newest) = in_place.iter().min().zip(in_place.iter().max())?;
    let neighbours = || in_place.iter().zip(in_place.iter().skip(1));
    let rising = neighbours().filter(|(a, b)| a < b).count();
    let falling = neighbours().filter(|(a, b)| a > b).count();
    Some(if rising > falling {
        (Order::OldestFirst, *newest)
    } else {
        (Order::NewestFirst, *oldest)
    })
}
