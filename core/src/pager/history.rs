//! The messages of a conversation, from one end to the other.
//!
//! Two habits of the service are unknown: the greatest number of messages on a page, and the end
//! of the requested stretch from which a page takes them when there are more. So nothing here
//! relies on either. A page that says there is more lies at one end of its stretch; the next page
//! shows which end, because only on one side of the page there is anything. The side that is
//! asked first is a guess from the page before, and a wrong guess costs one request, nothing
//! else.

use super::{Pager, Tally};
use crate::endpoints::{FetchSessionMsgs, MessagePage};
use crate::error::PageError;
use crate::event::Event;
use crate::ids::{ConversationId, Seqno};
use crate::json::Unreadable;

/// Default number of messages to ask for at once.
const PAGE: u32 = 200;

/// Number of empty pages in a row that say there is more, until that is taken for a habit of the
/// service.
const STALLS: u8 = 3;

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

/// Bounds, both exclusive; 0 and the highest number are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    begin: u64,
    end: u64,
}

impl Stretch {
    const fn holds(self, seqno: u64) -> bool {
        self.begin < seqno && seqno < self.end
    }

    /// Returns whether no number lies between the bounds.
    const fn is_empty(self) -> bool {
        self.end.saturating_sub(self.begin) <= 1
    }
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

    fn new(conversation: ConversationId, order: Order, begin: u64) -> Self {
        Self {
            conversation,
            size: PAGE,
            order,
            ahead: vec![Stretch {
                begin,
                end: u64::MAX,
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
        if !page.has_more {
            self.hand_out(page.events, out);
            return;
        }
        let below = Stretch {
            end: page.lowest,
            ..stretch
        };
        let above = Stretch {
            begin: page.highest,
            ..stretch
        };
        let events = page.events;
        match (below.is_empty(), above.is_empty()) {
            (true, true) => self.hand_out(events, out),
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
            self.hand_out(events, out);
        } else if let (Some(first), Some(last)) = (events.first(), events.last()) {
            // The turn of this page comes after the rest, with a refetch.
            self.ahead.push(Stretch {
                begin: first.msg_seqno().0.saturating_sub(1),
                end: last.msg_seqno().0.saturating_add(1),
            });
        }
        self.ahead.push(rest);
    }

    fn hand_out(&mut self, mut events: Vec<Event>, out: &mut Vec<Event>) {
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
        let Stretch { begin, end } = self.asked()?;
        let mut call = FetchSessionMsgs::new(self.conversation).size(self.size);
        if begin > 0 {
            call = call.begin_seqno(Seqno(begin));
        }
        if end < u64::MAX {
            call = call.end_seqno(Seqno(end));
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
        let page = match Page::read(page, asked, self.size, &mut self.tally) {
            Ok(page) => page,
            Err(error) => {
                self.stage = Stage::Over;
                return Err(error);
            }
        };
        let mut out = Vec::new();
        match std::mem::replace(&mut self.stage, Stage::Ask) {
            Stage::Ask => {
                self.ahead.pop();
                self.arrive(asked, page, &mut out);
            }
            Stage::Probe(held) => {
                let Held {
                    events,
                    below,
                    above,
                    probed,
                } = *held;
                let found = !page.is_empty;
                // A message above means that the held page is the oldest end, and so on.
                let end = match (probed, found) {
                    (End::Newest, true) | (End::Oldest, false) => End::Oldest,
                    (End::Newest, false) | (End::Oldest, true) => End::Newest,
                };
                self.habit = end;
                let rest = match end {
                    End::Newest => below,
                    End::Oldest => above,
                };
                self.split(end, events, rest, &mut out);
                if found {
                    self.ahead.pop();
                    self.arrive(rest, page, &mut out);
                }
            }
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

fn is_plausible(seqno: u64) -> bool {
    Seqno(seqno).is_plausible()
}

/// A page, cut to the stretch that was asked for.
struct Page {
    /// The messages in rising seqno, each once.
    events: Vec<Event>,
    lowest: u64,
    highest: u64,
    is_empty: bool,
    has_more: bool,
}

impl Page {
    fn read(
        page: MessagePage,
        asked: Stretch,
        size: u32,
        tally: &mut Tally,
    ) -> Result<Self, PageError> {
        // A full page may have more behind it, whatever it says.
        let items = page.messages.len() + page.unreadable.len();
        let is_full = u32::try_from(items).is_ok_and(|items| items >= size);
        let mut events = page.messages;
        let seqnos = events.iter().map(|event| event.msg_seqno().0);
        // Messages that cannot be read count only in the bounds that the page states.
        let said = [page.min_seqno.0, page.max_seqno.0]
            .into_iter()
            .filter(|seqno| !page.unreadable.is_empty() && is_plausible(*seqno));
        let (within, beyond): (Vec<u64>, Vec<u64>) =
            seqnos.chain(said).partition(|seqno| asked.holds(*seqno));
        if page.has_more && within.is_empty() {
            return Err(PageError::Stalled);
        }
        // A message at or beyond a bound shows that the page reaches up to that bound.
        let lowest = match beyond.iter().any(|seqno| *seqno <= asked.begin) {
            true => Some(asked.begin.saturating_add(1)),
            false => within.iter().min().copied(),
        };
        let highest = match beyond.iter().any(|seqno| *seqno >= asked.end) {
            true => Some(asked.end.saturating_sub(1)),
            false => within.iter().max().copied(),
        };
        tally.note(page.unreadable);
        events.retain(|event| asked.holds(event.msg_seqno().0));
        events.sort_by_key(Event::msg_seqno);
        events.dedup_by_key(|event| event.msg_seqno());
        Ok(Self {
            events,
            lowest: lowest.unwrap_or_default(),
            highest: highest.unwrap_or_default(),
            is_empty: within.is_empty(),
            has_more: page.has_more || (is_full && !within.is_empty()),
        })
    }
}
