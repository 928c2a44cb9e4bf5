//! The messages of a conversation that are being fetched.

use crate::ids::Seqno;
use crate::poller::backfill::Backfill;

/// Number of times that a message which the list knows of is asked for before it is taken as gone.
pub(super) const STRIKES: u8 = 3;

/// A page has room for two: one to go on from, and one more.
const SMALLEST_PAGE: u32 = 2;

/// The messages that are being fetched, and how often that came to nothing.
#[derive(Debug, Default)]
pub(in crate::poller) struct Attempt {
    pub(super) backfill: Option<Backfill>,
    /// Messages of a page, where one as long as configured is too large.
    page_size: Option<u32>,
    /// Number of times in a row that nothing came although the list knows of more.
    strikes: u8,
    /// The highest message that an attempt saw which fell short.
    seen_to: Seqno,
}

impl Attempt {
    /// Returns the size of the next page, where `usual` is that of the configuration.
    pub(super) fn page_size(&self, usual: u32) -> u32 {
        self.page_size.unwrap_or(usual)
    }

    /// Notes that a page of this size was too large. Returns whether a smaller one can be asked
    /// for.
    pub(super) fn shrink_page(&mut self, size: u32) -> bool {
        let smaller = (size / 2).max(SMALLEST_PAGE);
        self.page_size = Some(smaller);
        smaller < size
    }

    /// Takes the messages out when nothing of them is missing or here any more.
    pub(super) fn finish(&mut self) -> Option<Backfill> {
        let backfill = self.backfill.take();
        self.page_size = None;
        backfill
    }

    /// Takes that the list tells of newer messages.
    pub(super) fn extend(&mut self, newest: Seqno) {
        self.forgive();
        if let Some(backfill) = &mut self.backfill {
            backfill.extend(newest);
        }
    }

    /// Takes that there are newer messages, and the list does not say how far they go.
    pub(super) fn reopen(&mut self) {
        self.forgive();
        if let Some(backfill) = &mut self.backfill {
            backfill.reopen();
        }
    }

    /// Begins to count anew.
    pub(super) const fn forgive(&mut self) {
        self.strikes = 0;
    }

    /// Notes that it fell short of what the list knows of. Returns whether that happened too
    /// often.
    pub(super) fn fall_short(&mut self, backfill: &Backfill) -> bool {
        let reached = backfill.reached();
        self.strikes = match reached > self.seen_to.max(backfill.began()) {
            true => 0,
            false => self.strikes.saturating_add(1),
        };
        self.seen_to = self.seen_to.max(reached);
        self.strikes >= STRIKES
    }
}
