//! The rules of paging that the poller and the pagers share: the part of a stretch of messages
//! that a page covers.

use crate::endpoints::MessagePage;
use crate::event::Event;
use crate::json::Unreadable;

/// Upper bound of a stretch that goes up to the newest message, whatever its number.
pub(crate) const OPEN: u64 = u64::MAX;

/// Number of pages in a row that bring nothing and say there is more, until that is taken for a
/// habit of the service.
pub(crate) const STALLS: u8 = 3;

/// A stretch of a conversation by sequence numbers; both bounds are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) after: u64,
    pub(crate) before: u64,
}

impl Stretch {
    pub(crate) const fn holds(self, seqno: u64) -> bool {
        self.after < seqno && seqno < self.before
    }

    /// Returns whether no number lies between the bounds.
    pub(crate) const fn is_empty(self) -> bool {
        self.before.saturating_sub(self.after) <= 1
    }

    /// Returns the part below this number; empty where the number is at the bound or beyond.
    pub(crate) const fn below(self, low: u64) -> Self {
        Self {
            before: low,
            ..self
        }
    }

    /// Returns the part above this number; empty where the number is at the bound or beyond.
    pub(crate) const fn above(self, high: u64) -> Self {
        Self {
            after: high,
            ..self
        }
    }
}

/// The lowest and the highest message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Ends {
    fn of(seqnos: impl Iterator<Item = u64> + Clone) -> Option<Self> {
        let (low, high) = seqnos.clone().min().zip(seqnos.max())?;
        Some(Self { low, high })
    }
}

/// The part of a stretch that a page covers.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// The messages of the stretch in rising order, each once.
    pub(crate) events: Vec<Event>,
    /// The ends of the page within the stretch, readable or not.
    pub(crate) ends: Option<Ends>,
    /// The ends of the whole page, which may show messages at the bounds and beyond. A page that
    /// does reaches up to that bound.
    pub(crate) page_ends: Option<Ends>,
    /// The page has as many items as were asked for. Such a page may not be the last, whatever
    /// it says.
    pub(crate) is_full: bool,
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Coverage {
    /// Reads a page of `size` messages that were asked for in this stretch.
    pub(crate) fn new(page: MessagePage, size: u32, stretch: Stretch) -> Self {
        let items = page.messages.len() + page.unreadable.len();
        let is_full = items >= usize::try_from(size).unwrap_or(usize::MAX);
        // Items that cannot be read are somewhere between the ends that the page states.
        let stated = [page.min_seqno, page.max_seqno]
            .into_iter()
            .filter(|seqno| !page.unreadable.is_empty() && seqno.is_plausible());
        let mut events = page.messages;
        let seqnos = events.iter().map(Event::msg_seqno).chain(stated);
        let seqnos = seqnos.map(|seqno| seqno.0);
        let page_ends = Ends::of(seqnos.clone());
        let ends = Ends::of(seqnos.filter(|seqno| stretch.holds(*seqno)));
        events.retain(|event| stretch.holds(event.msg_seqno().0));
        events.sort_by_key(|event| (event.msg_seqno(), event.msg_key()));
        events.dedup_by_key(|event| (event.msg_seqno(), event.msg_key()));
        Self {
            events,
            ends,
            page_ends,
            is_full,
            unreadable: page.unreadable,
        }
    }
}
