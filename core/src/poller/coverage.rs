//! The part of a missing stretch that a page covers.

use super::backfill::{Age, Missing};
use crate::coverage::{self, OPEN};
use crate::endpoints::MessagePage;
use crate::event::Event;

/// The part of a missing stretch that a page covers: its messages, and what they prove of the rest.
#[derive(Debug)]
pub(super) struct Coverage {
    /// The messages of the stretch, in rising order.
    pub(super) events: Vec<Event>,
    /// No page after this one would bring more.
    pub(super) is_last: bool,
    /// The message that the stretch ends with came as well.
    anchor_came: bool,
    ends: Option<Ends>,
}

/// The lowest and the highest message of a page, readable or not.
#[derive(Debug, Clone, Copy)]
struct Ends {
    low: u64,
    low_is_readable: bool,
    high: u64,
}

/// The stretches of a missing one that remain missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) below: Option<Missing>,
    pub(super) above: Option<Missing>,
}

impl Coverage {
    /// Reads a page of `size` messages that was asked for; the list tells of messages up to
    /// `target`, if it says so.
    pub(super) fn new(page: MessagePage, size: u32, missing: Missing, target: Option<u64>) -> Self {
        let mut seqnos = page.messages.iter().map(|event| event.msg_seqno().0);
        let anchor_came = seqnos.clone().any(|seqno| seqno == missing.before);
        let is_newest_known = seqnos.next().is_some_and(|seqno| Some(seqno) == target);
        let came = page.messages.len() + page.unreadable.len();
        // A page that holds nothing but the message that it had to is the last: some servers say
        // that there is more because older ones lie below what was asked for.
        let is_alone = came == 1 && (anchor_came || is_newest_known);
        let says_last = !page.has_more || is_alone;
        let coverage::Coverage {
            events,
            ends,
            is_full,
            ..
        } = coverage::Coverage::new(page, size, missing.stretch());
        // Nor is a page the last that does not reach the message that it was asked to end with.
        let is_last = says_last && !is_full && (anchor_came || !missing.anchored);
        let ends = ends.map(|coverage::Ends { low, high }| Ends {
            low,
            low_is_readable: lowest(&events) == Some(low),
            high,
        });
        Self {
            events,
            is_last,
            anchor_came,
            ends,
        }
    }

    /// Returns the highest message that the page shows within the stretch.
    pub(super) fn high(&self) -> Option<u64> {
        self.ends.map(|ends| ends.high)
    }

    /// Leaves out what may be history, and returns what remains missing; `None` where nothing of
    /// the stretch came.
    pub(super) fn judge(
        &mut self,
        missing: Missing,
        target: Option<u64>,
        age: Option<&dyn Fn(&Event) -> Age>,
    ) -> Option<Rest> {
        let mut ends = self.ends?;
        let can_go_lower = ends.low_is_readable && !self.is_last;
        if can_go_lower && age.is_some_and(|age| leave_out_undated(&mut self.events, age)) {
            ends.low = lowest(&self.events).unwrap_or(ends.low);
            ends.low_is_readable = false;
        }
        let mut rest = self.rest(missing, target, ends);
        if let Some(age) = age {
            // What has no time goes with what lies below, or, where nothing does, above.
            let is_undated = self.events.iter().all(|event| age(event) == Age::Undated);
            if is_undated && rest.above.is_some() {
                self.events.clear();
            }
            if leave_out_history(&mut self.events, age) {
                rest.below = None;
            }
        }
        Some(rest)
    }

    fn rest(&self, missing: Missing, target: Option<u64>, ends: Ends) -> Rest {
        let Ends {
            low,
            low_is_readable,
            high,
        } = ends;
        let is_last = self.is_last;
        let stretch = missing.stretch();
        let target = target.filter(|_| missing.before == OPEN);
        let top_is_here = self.anchor_came
            || stretch.above(high).is_empty()
            || target.is_some_and(|target| high >= target);
        // Where the newest is not there yet, what is there may not be all that lies below.
        let stops_short = target.is_some_and(|target| high < target);
        let may_lie_below = !stretch.below(low).is_empty() && (!is_last || stops_short);
        let below = may_lie_below.then_some(Missing {
            after: missing.after,
            before: low,
            anchored: low_is_readable,
        });
        let above = (!is_last && !top_is_here).then_some(Missing {
            after: high,
            ..missing
        });
        Rest { below, above }
    }
}

fn lowest(events: &[Event]) -> Option<u64> {
    events.first().map(|event| event.msg_seqno().0)
}

/// Leaves out the lowest that have no time: they are to come again with those below them,
/// whose time tells. Says whether there were any; not if none has a time.
fn leave_out_undated(events: &mut Vec<Event>, age: &dyn Fn(&Event) -> Age) -> bool {
    let dated = events.iter().position(|event| age(event) != Age::Undated);
    let undated = dated.unwrap_or_default();
    events.drain(..undated);
    undated > 0
}

/// Leaves out what was there before the baseline; says whether there was any.
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
