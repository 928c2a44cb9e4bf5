//! The messages of a conversation, from one end to the other.
//!
//! Two habits of the service are unknown: the greatest number of messages on a page, and the end
//! of the requested stretch from which a page takes them when there are more. So nothing here
//! relies on either. A page that says there is more lies at one end of its stretch; the next page
//! shows which end, because only on one side of the page there is anything. The side that is
//! asked first is a guess from the page before, and a wrong guess costs one request, nothing
//! else.

use super::{Pager, Tally};
use crate::coverage::{Coverage, Ends, OPEN, STALLS, Stretch};
use crate::endpoints::{FetchSessionMsgs, MessagePage};
use crate::error::PageError;
use crate::event::Event;
use crate::ids::{ConversationId, Seqno};
use crate::json::Unreadable;

/// Default number of messages to ask for at once.
const PAGE: u32 = 200;

/// The messages of a conversation in order, newest first or rising, each once.
///
/// Of the stretches ahead only the bounds are kept, two numbers a page, so memory stays flat over
/// a long history; messages that the service serves in the other order are asked for twice.
#[derive(Debug, Clone)]
#[must_use]
pub struct History {
    conversation: ConversationId,
    size: u32,
    order: Order,
    /// Stretches to be delivered, the next one last.
    ahead: Vec<Stretch>,
    stage: Stage,
    /// The end from which the service was seen to take a page.
    habit: End,
    /// Number of empty pages in a row that said there is more.
    stalls: u8,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    Rising,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Newest,
    Oldest,
}

#[derive(Debug, Clone)]
enum Stage {
    /// The next stretch ahead is asked for.
    Ask,
    /// A page that does not fill its stretch is held, and one side of it is asked for.
    Probe(Box<Held>),
    Over,
}

#[derive(Debug, Clone)]
struct Held {
    /// The messages of the page, in rising seqno.
    events: Vec<Event>,
    below: Stretch,
    above: Stretch,
    probed: End,
}

/// A page of a stretch.
struct Page {
    events: Vec<Event>,
    ends: Option<Ends>,
    /// True if nothing of the stretch came.
    is_empty: bool,
    /// True if the stretch may hold more than came.
    has_more: bool,
}

impl History {
    /// Creates a pager of the whole history, from the newest message down.
    pub fn newest_first(conversation: impl Into<ConversationId>) -> Self {
        Self::new(conversation.into(), Order::NewestFirst, 0)
    }

    /// Creates a pager of all messages after `after`, rising; after 0 the whole history.
    pub fn rising(conversation: impl Into<ConversationId>, after: Seqno) -> Self {
        Self::new(conversation.into(), Order::Rising, after.0)
    }

    fn new(conversation: ConversationId, order: Order, after: u64) -> Self {
        Self {
            conversation,
            size: PAGE,
            order,
            ahead: vec![Stretch {
                after,
                before: OPEN,
            }],
            stage: Stage::Ask,
            habit: End::Newest,
            stalls: 0,
            tally: Tally::new(),
        }
    }

    /// Sets the greatest number of messages.
    pub const fn limit(mut self, messages: usize) -> Self {
        self.tally.left = messages;
        self
    }

    /// Sets the number of messages to ask for at once, 1 to 2000.
    pub const fn size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Returns the stretch that is asked for next.
    fn asked(&self) -> Option<Stretch> {
        match &self.stage {
            Stage::Ask => self.ahead.last().copied(),
            Stage::Probe(held) => Some(match held.probed {
                End::Newest => held.above,
                End::Oldest => held.below,
            }),
            Stage::Over => None,
        }
    }

    /// Takes the page for a stretch, and puts the messages that are next in order into `out`.
    fn arrive(&mut self, stretch: Stretch, page: Page, out: &mut Vec<Event>) {
        let Page { events, ends, .. } = page;
        let Some(Ends { low, high }) = ends.filter(|_| page.has_more) else {
            self.deliver(events, out);
            return;
        };
        let (below, above) = (stretch.below(low), stretch.above(high));
        match (below.is_empty(), above.is_empty()) {
            (true, true) => self.deliver(events, out),
            (true, false) => self.split(End::Oldest, events, above, out),
            (false, true) => self.split(End::Newest, events, below, out),
            (false, false) => {
                self.stage = Stage::Probe(Box::new(Held {
                    events,
                    below,
                    above,
                    // The side of the rest, if the service does as it did before.
                    probed: match self.habit {
                        End::Newest => End::Oldest,
                        End::Oldest => End::Newest,
                    },
                }));
            }
        }
    }

    /// Takes a page from one end of its stretch; the rest is still to be asked for.
    fn split(&mut self, end: End, events: Vec<Event>, rest: Stretch, out: &mut Vec<Event>) {
        let page_is_first = matches!(
            (self.order, end),
            (Order::NewestFirst, End::Newest) | (Order::Rising, End::Oldest)
        );
        if page_is_first {
            self.deliver(events, out);
        } else if let (Some(first), Some(last)) = (events.first(), events.last()) {
            // The turn of this page comes after the rest, with a refetch.
            self.ahead.push(Stretch {
                after: first.msg_seqno().0.saturating_sub(1),
                before: last.msg_seqno().0.saturating_add(1),
            });
        }
        self.ahead.push(rest);
    }

    /// Takes the page from one side of the held one, which shows from which end that came: only
    /// on one side of it there is anything.
    fn handle_probe(&mut self, held: Held, page: Page, out: &mut Vec<Event>) {
        // A message above means that the held page is the oldest end, and so on.
        let (end, rest) = match (held.probed, page.is_empty) {
            (End::Newest, false) | (End::Oldest, true) => (End::Oldest, held.above),
            (End::Newest, true) | (End::Oldest, false) => (End::Newest, held.below),
        };
        self.habit = end;
        self.split(end, held.events, rest, out);
        if !page.is_empty {
            self.ahead.pop();
            self.arrive(rest, page, out);
        }
    }

    fn deliver(&mut self, mut events: Vec<Event>, out: &mut Vec<Event>) {
        if self.order == Order::NewestFirst {
            events.reverse();
        }
        out.extend(events);
    }
}

impl Pager for History {
    type Endpoint = FetchSessionMsgs;
    type Item = Event;

    fn next_call(&self) -> Option<FetchSessionMsgs> {
        if self.tally.is_full() {
            return None;
        }
        let Stretch { after, before } = self.asked()?;
        let mut call = FetchSessionMsgs::new(self.conversation).size(self.size);
        if after > 0 {
            call = call.begin_seqno(Seqno(after));
        }
        if before < OPEN {
            call = call.end_seqno(Seqno(before));
        }
        Some(call)
    }

    /// Takes a page; fails on one that says there is more and brings nothing that was asked for.
    /// An empty one is asked for again, and at last believed to be empty.
    fn handle_page(&mut self, mut page: MessagePage) -> Result<Vec<Event>, PageError> {
        let asked = self.asked().ok_or(PageError::Unasked)?;
        let is_empty = page.messages.is_empty() && page.unreadable.is_empty();
        if is_empty && page.has_more {
            self.stalls = self.stalls.saturating_add(1);
            if self.stalls < STALLS {
                return Ok(Vec::new());
            }
            page.has_more = false;
        }
        self.stalls = 0;
        let says_more = page.has_more;
        let coverage = Coverage::new(page, self.size, asked);
        let is_empty = coverage.ends.is_none();
        if says_more && is_empty {
            self.stage = Stage::Over;
            return Err(PageError::Stalled);
        }
        self.tally.note(coverage.unreadable);
        let page = Page {
            events: coverage.events,
            ends: coverage.page_ends,
            is_empty,
            has_more: says_more || (coverage.is_full && !is_empty),
        };
        let mut out = Vec::new();
        match std::mem::replace(&mut self.stage, Stage::Ask) {
            Stage::Ask => {
                self.ahead.pop();
                self.arrive(asked, page, &mut out);
            }
            Stage::Probe(held) => self.handle_probe(*held, page, &mut out),
            Stage::Over => return Err(PageError::Unasked),
        }
        if matches!(self.stage, Stage::Ask) && self.ahead.is_empty() {
            self.stage = Stage::Over;
        }
        Ok(self.tally.take(out))
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}
