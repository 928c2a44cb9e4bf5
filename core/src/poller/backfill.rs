//! The messages of a conversation that are still missing.
//!
//! A backfill is a row of segments in rising seqno: stretches that are still missing and
//! stretches that are here. The lowest missing one is always asked for next, so that the
//! front can be delivered; a page may answer from either end of what was asked for.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::coverage::Coverage;
use crate::coverage::{OPEN, STALLS, Stretch};
use crate::endpoints::MessagePage;
use crate::event::Event;
use crate::ids::Seqno;
use crate::time::UnixSeconds;

/// A page said that there is more and moved no end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stalled;

/// Bounds of a request, both exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) begin_seqno: Seqno,
    pub(super) end_seqno: Option<Seqno>,
}

/// The messages of a conversation after a cursor: which are here, which are missing.
#[derive(Debug)]
pub(super) struct Backfill {
    segments: VecDeque<Segment>,
    /// The cursor that it began at.
    began: u64,
    /// The highest message seen, readable or not, or the cursor.
    reached: u64,
    /// The time of the earliest message that came, if one has a time.
    earliest: Option<UnixSeconds>,
    /// The newest message that the list knows of, if it says so.
    target: Option<u64>,
    /// Number of pages in a row that brought nothing and said there is more.
    stalls: u8,
}

#[derive(Debug)]
enum Segment {
    Missing(Missing),
    /// Shared already: an event is large, and goes through many hands.
    Here(VecDeque<Arc<Event>>),
}

/// A stretch that is missing: after one seqno, before another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missing {
    pub(super) after: u64,
    pub(super) before: u64,
    /// The message at `before` exists: asking for it as well shows, when it comes, that
    /// nothing lies between it and the rest of the page.
    pub(super) anchored: bool,
}

impl Missing {
    pub(super) const fn stretch(self) -> Stretch {
        let Self { after, before, .. } = self;
        Stretch { after, before }
    }
}

impl Backfill {
    /// Everything after `cursor`; the list says that it goes to `target` at least, or, where
    /// that is no higher, that it moved.
    pub(super) fn new(cursor: Seqno, target: Seqno) -> Self {
        Self {
            segments: VecDeque::from([Segment::Missing(Missing {
                after: cursor.0,
                before: OPEN,
                anchored: false,
            })]),
            began: cursor.0,
            reached: cursor.0,
            earliest: None,
            target: (target > cursor).then_some(target.0),
            stalls: 0,
        }
    }

    /// Returns the next stretch to ask for; `None` when nothing is missing.
    pub(super) fn ask(&self) -> Option<Ask> {
        let missing = self.lowest_missing()?.1;
        Some(Ask {
            begin_seqno: Seqno(missing.after),
            end_seqno: match missing.before {
                OPEN => None,
                before if missing.anchored => Some(Seqno(before.saturating_add(1))),
                before => Some(Seqno(before)),
            },
        })
    }

    /// Returns the end of what was seen of it.
    pub(super) const fn reached(&self) -> Seqno {
        Seqno(self.reached)
    }

    /// The cursor that it began at.
    pub(super) const fn began(&self) -> Seqno {
        Seqno(self.began)
    }

    /// Returns the number of messages that are held.
    pub(super) fn held(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Here(events) => events.len(),
                Segment::Missing(_) => 0,
            })
            .sum()
    }

    /// Returns whether the lowest message can be delivered.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.segments.front(), Some(Segment::Here(_)))
    }

    /// Returns whether no message is missing any more, and all were delivered.
    pub(super) fn is_drained(&self) -> bool {
        self.segments.is_empty()
    }

    /// Takes the lowest message, if none below it is missing.
    pub(super) fn pop(&mut self) -> Option<Arc<Event>> {
        let Some(Segment::Here(events)) = self.segments.front_mut() else {
            return None;
        };
        let event = events.pop_front();
        if events.is_empty() {
            self.segments.pop_front();
        }
        event
    }

    /// Takes the answer to the last [`ask`](Self::ask), which was for `size` messages.
    ///
    /// Where `age` is given, what it calls history is left out with all that lies below.
    /// `empty_says_more` is set once empty pages are known to say that there is more: from then
    /// on they are believed at once.
    pub(super) fn handle_page(
        &mut self,
        page: MessagePage,
        size: u32,
        age: Option<&dyn Fn(&Event) -> Age>,
        empty_says_more: &mut bool,
    ) -> Result<(), Stalled> {
        let Some((place, missing)) = self.lowest_missing() else {
            return Ok(());
        };
        let has_more = page.has_more;
        let mut coverage = Coverage::new(page, size, missing, self.target);
        let Some(rest) = coverage.judge(missing, self.target, age) else {
            return self.handle_nothing(place, coverage.is_last, has_more, empty_says_more);
        };
        self.reached = self.reached.max(coverage.high().unwrap_or_default());
        self.stalls = 0;
        let events = coverage.events;
        let times = events.iter().map(Event::timestamp).filter(|ts| ts.0 > 0);
        self.earliest = self.earliest.into_iter().chain(times).min();
        let events: VecDeque<_> = events.into_iter().map(Arc::new).collect();
        let pieces = [
            rest.below.map(Segment::Missing),
            (!events.is_empty()).then_some(Segment::Here(events)),
            rest.above.map(Segment::Missing),
        ];
        self.segments.remove(place);
        for piece in pieces.into_iter().flatten().rev() {
            self.segments.insert(place, piece);
        }
        Ok(())
    }

    /// Gives the highest stretch back, to be fetched again later; not the front one.
    ///
    /// It stays a stretch of its own: joined with the missing one above or below, it would forget
    /// where it began, and the page that brought it would be asked for again for ever.
    pub(super) fn give_back(&mut self) -> bool {
        let highest = self
            .segments
            .iter()
            .rposition(|segment| matches!(segment, Segment::Here(_)));
        let Some(place) = highest.filter(|place| *place > 0) else {
            return false;
        };
        let Some(segment) = self.segments.get_mut(place) else {
            return false;
        };
        let Segment::Here(events) = segment else {
            return false;
        };
        let Some((low, high)) = events.front().zip(events.back()) else {
            return false;
        };
        *segment = Segment::Missing(Missing {
            after: low.msg_seqno().0.saturating_sub(1),
            before: high.msg_seqno().0.saturating_add(1),
            anchored: false,
        });
        true
    }

    /// Returns whether messages are held above a stretch that is missing.
    pub(super) fn holds_above(&self) -> bool {
        let missing = self.lowest_missing().map(|(place, _)| place);
        missing.is_some_and(|place| {
            let above = self.segments.iter().skip(place);
            above.into_iter().any(|it| matches!(it, Segment::Here(_)))
        })
    }

    /// Returns whether messages came, none beyond `newest` and none from before `since`.
    pub(super) fn is_of(&self, newest: Seqno, since: UnixSeconds) -> bool {
        self.reached > self.began
            && self.reached <= newest.0
            && self.earliest.is_none_or(|earliest| earliest >= since)
    }

    /// Gives up all that is missing, so that all that is here can be delivered. Returns the
    /// stretches below something that is here.
    pub(super) fn end(&mut self) -> Vec<RangeInclusive<u64>> {
        let missing = self.segments.iter().filter_map(|segment| match segment {
            Segment::Missing(missing) if missing.before != OPEN => {
                Some(missing.after.saturating_add(1)..=missing.before.saturating_sub(1))
            }
            _ => None,
        });
        let missing: Vec<_> = missing.filter(|range| !range.is_empty()).collect();
        self.segments
            .retain(|segment| matches!(segment, Segment::Here(_)));
        missing
    }

    /// Drops the missing stretches, which will not come now: only what can be delivered before it stays.
    pub(super) fn give_up(&mut self) {
        if let Some((place, missing)) = self.lowest_missing() {
            self.segments.truncate(place);
            self.reached = missing.after;
        }
    }

    /// The list knows of newer messages by now.
    pub(super) fn extend(&mut self, target: Seqno) {
        if Some(target.0) <= self.target {
            return;
        }
        self.target = Some(target.0);
        if self.reached < target.0 {
            self.open();
        }
    }

    /// There are newer messages by now, and the list does not say how far they go.
    pub(super) fn reopen(&mut self) {
        self.target = None;
        self.open();
    }

    fn open(&mut self) {
        let is_open = matches!(
            self.segments.back(),
            Some(Segment::Missing(Missing { before: OPEN, .. }))
        );
        if !is_open {
            self.segments.push_back(Segment::Missing(Missing {
                after: self.reached,
                before: OPEN,
                anchored: false,
            }));
        }
    }

    fn handle_nothing(
        &mut self,
        place: usize,
        is_last: bool,
        has_more: bool,
        empty_says_more: &mut bool,
    ) -> Result<(), Stalled> {
        let Some(Segment::Missing(missing)) = self.segments.get_mut(place) else {
            return Ok(());
        };
        if missing.anchored && !is_last {
            // The anchor alone filled the page, or it did not come: ask without it.
            missing.anchored = false;
            return Ok(());
        }
        // Of what is open upwards, the list tells whether more is to come.
        if has_more && !is_last && missing.before != OPEN && !*empty_says_more {
            self.stalls = self.stalls.saturating_add(1);
            if self.stalls < STALLS {
                return Err(Stalled);
            }
            *empty_says_more = true;
        }
        self.stalls = 0;
        self.segments.remove(place);
        Ok(())
    }

    fn lowest_missing(&self) -> Option<(usize, Missing)> {
        self.segments
            .iter()
            .enumerate()
            .find_map(|(place, segment)| match segment {
                Segment::Missing(missing) => Some((place, *missing)),
                Segment::Here(_) => None,
            })
    }
}

/// Age of a message, by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Arrived after the baseline.
    New,
    /// Was there before the baseline.
    History,
    /// Has no time.
    Undated,
}
