//! What is still missing of a conversation.
//!
//! A gap is a row of segments in rising seqno: stretches that are still missing and
//! stretches that are here. The lowest missing one is always asked for next, so that the
//! front can be handed out; a page may answer from either end of what was asked for.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use crate::endpoints::MessagePage;
use crate::event::Event;
use crate::ids::Seqno;

/// No bound: up to whatever the newest is.
const OPEN: u64 = u64::MAX;

/// Number of pages in a row that bring nothing and say there is more, until that is taken for
/// a habit.
const STALLS: u8 = 3;

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
pub(super) struct Gap {
    segments: VecDeque<Segment>,
    /// The cursor that it began at.
    began: u64,
    /// The highest message seen, readable or not, or the cursor.
    reached: u64,
    /// The newest message that the list knows of, if it says so.
    target: Option<u64>,
    /// Number of pages in a row that brought nothing and said there is more.
    stalls: u8,
}

#[derive(Debug)]
enum Segment {
    Missing(Missing),
    Here(VecDeque<Event>),
}

/// A stretch that is missing: after one seqno, before another.
#[derive(Debug, Clone, Copy)]
struct Missing {
    after: u64,
    before: u64,
    /// The message at `before` exists: asking for it as well shows, when it comes, that
    /// nothing lies between it and the rest of the page.
    anchored: bool,
}

impl Missing {
    const fn is_within(&self, seqno: u64) -> bool {
        self.after < seqno && seqno < self.before
    }
}

impl Gap {
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
            target: (target > cursor).then_some(target.0),
            stalls: 0,
        }
    }

    /// What to ask for next; `None` when nothing is missing.
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

    /// How far it was seen to go.
    pub(super) const fn reached(&self) -> Seqno {
        Seqno(self.reached)
    }

    /// The cursor that it began at.
    pub(super) const fn began(&self) -> Seqno {
        Seqno(self.began)
    }

    /// How many messages are held.
    pub(super) fn held(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Here(events) => events.len(),
                Segment::Missing(_) => 0,
            })
            .sum()
    }

    /// Whether the front can be handed out.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.segments.front(), Some(Segment::Here(_)))
    }

    /// Takes the lowest message, if none below it is missing.
    pub(super) fn pop(&mut self) -> Option<Event> {
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
    pub(super) fn handle_page(
        &mut self,
        page: MessagePage,
        size: u32,
        age: Option<&dyn Fn(&Event) -> Age>,
    ) -> Result<(), Stalled> {
        let Some((place, missing)) = self.lowest_missing() else {
            return Ok(());
        };
        let came = page.messages.len() + page.unreadable.len();
        let anchor_came = page
            .messages
            .iter()
            .any(|event| event.msg_seqno().0 == missing.before);
        // A page that is full may not be the last, whatever it says; nor is one that does not
        // reach the message that it was asked to end with. One that holds nothing but the
        // message that it had to is the last: some servers say that there is more because older
        // ones lie below what was asked for.
        let is_alone = came == 1 && (anchor_came || self.is_newest_known(page.messages.first()));
        let is_last = (!page.has_more || is_alone)
            && came < usize::try_from(size).unwrap_or(usize::MAX)
            && (anchor_came || !missing.anchored);
        let mut events: Vec<Event> = page
            .messages
            .into_iter()
            .filter(|event| missing.is_within(event.msg_seqno().0))
            .collect();
        events.sort_by_key(|event| (event.msg_seqno(), event.msg_key()));
        events.dedup_by_key(|event| (event.msg_seqno(), event.msg_key()));

        // Items that cannot be read are somewhere between the ends that the page tells of.
        let told = [page.min_seqno, page.max_seqno]
            .into_iter()
            .filter(|seqno| !page.unreadable.is_empty() && seqno.is_plausible())
            .map(|seqno| seqno.0)
            .filter(|seqno| missing.is_within(*seqno));
        let came = events.iter().map(|event| event.msg_seqno().0).chain(told);
        let Some((mut low, high)) = came.clone().min().zip(came.max()) else {
            return self.handle_nothing(place, missing, is_last, page.has_more);
        };
        let lowest = |events: &[Event]| events.first().map(|it| it.msg_seqno().0);
        let mut low_is_readable = lowest(&events) == Some(low);
        let can_go_lower = low_is_readable && !is_last;
        if can_go_lower && age.is_some_and(|age| leave_out_undated(&mut events, age)) {
            low = lowest(&events).unwrap_or(low);
            low_is_readable = false;
        }
        self.reached = self.reached.max(high);
        self.stalls = 0;

        let is_open = missing.before == OPEN;
        let top_is_here = anchor_came
            || high.saturating_add(1) == missing.before
            || is_open && self.target.is_some_and(|target| high >= target);
        // Where the newest is not there yet, what is there may not be all that lies below.
        let stops_short = is_open && self.target.is_some_and(|target| high < target);
        let may_lie_below = missing.after.saturating_add(1) < low && (!is_last || stops_short);
        let mut below = may_lie_below.then_some(Missing {
            after: missing.after,
            before: low,
            anchored: low_is_readable,
        });
        let above = (!is_last && !top_is_here).then_some(Missing {
            after: high,
            ..missing
        });
        if let Some(age) = age {
            // What has no time goes with what lies below, or, where nothing does, above.
            let is_undated = events.iter().all(|event| age(event) == Age::Undated);
            if is_undated && above.is_some() {
                events.clear();
            }
            if leave_out_history(&mut events, age) {
                below = None;
            }
        }
        self.segments.remove(place);
        let pieces = [
            below.map(Segment::Missing),
            (!events.is_empty()).then(|| Segment::Here(events.into())),
            above.map(Segment::Missing),
        ];
        for piece in pieces.into_iter().flatten().rev() {
            self.segments.insert(place, piece);
        }
        Ok(())
    }

    /// Gives the highest stretch back, to be fetched again later; not the front one.
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

    /// Gives up all that is missing, so that all that is here can be handed out. Returns the
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

    /// What is missing will not come now: only what can be handed out before it stays.
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

    fn is_newest_known(&self, event: Option<&Event>) -> bool {
        event.is_some_and(|event| Some(event.msg_seqno().0) == self.target)
    }

    fn handle_nothing(
        &mut self,
        place: usize,
        missing: Missing,
        is_last: bool,
        has_more: bool,
    ) -> Result<(), Stalled> {
        if missing.anchored && !is_last {
            // The anchor alone filled the page, or it did not come: ask without it.
            if let Some(Segment::Missing(missing)) = self.segments.get_mut(place) {
                missing.anchored = false;
            }
            return Ok(());
        }
        // Of what is open upwards, the list tells whether more is to come.
        if has_more && !is_last && missing.before != OPEN {
            self.stalls = self.stalls.saturating_add(1);
            if self.stalls < STALLS {
                return Err(Stalled);
            }
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

/// What a message's time says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It arrived after the base line.
    New,
    /// It was there before.
    History,
    /// It has no time.
    Undated,
}

/// Leaves out the lowest that have no time: they are to come again with those below them,
/// whose time tells. Says whether there were any; not if none has a time.
fn leave_out_undated(events: &mut Vec<Event>, age: &dyn Fn(&Event) -> Age) -> bool {
    let dated = events.iter().position(|event| age(event) != Age::Undated);
    let undated = dated.unwrap_or_default();
    events.drain(..undated);
    undated > 0
}

/// Leaves out what was there before the base line; says whether there was any.
/// A message without a time goes with the one below it.
fn leave_out_history(events: &mut Vec<Event>, age: &dyn Fn(&Event) -> Age) -> bool {
    let first_dated = events
        .iter()
        .map(age)
        .find(|age| *age != Age::Undated)
        .unwrap_or(Age::New);
    let mut last = first_dated;
    let mut any = false;
    events.retain(|event| {
        match age(event) {
            Age::Undated => {}
            dated => last = dated,
        }
        any |= last == Age::History;
        last == Age::New
    });
    any
}
