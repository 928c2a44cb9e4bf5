//! The backfill of a conversation, and the attempts that brought nothing.

use crate::ids::Seqno;
use crate::poller::backfill::Backfill;

/// Number of times that a message which the list tells of is asked for before it is taken as
/// gone.
pub(super) const STRIKES: u8 = 3;

/// Least size of a page: one message to go on from, and one more.
const SMALLEST_PAGE: u32 = 2;

/// The messages that are being fetched, and the number of attempts that brought nothing.
#[derive(Debug, Default)]
pub(in crate::poller) struct Attempt {
    pub(super) backfill: Option<Backfill>,
    /// The newest message that was known when a list showed a change without saying how far the
    /// conversation goes: a message beyond it is to come.
    pub(super) beyond: Option<Seqno>,
    /// Number of messages of a page, where the configured number is too large.
    page_size: Option<u32>,
    /// Number of times in a row that nothing came although the list tells of more.
    strikes: u8,
    /// The highest message that was seen by an attempt which fell short.
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

    /// Returns whether nothing is kept that a new attempt would not have, where all messages up to
    /// `cursor` were delivered.
    pub(super) fn is_idle(&self, cursor: Option<Seqno>) -> bool {
        self.backfill.is_none()
            && self.beyond.is_none()
            && self.page_size.is_none()
            && self.strikes == 0
            && Some(self.seen_to) <= cursor.or(Some(Seqno(0)))
    }

    /// Returns whether the conversation changed since a list last told how far it goes: to
    /// `target`.
    pub(super) fn is_vague(&self, target: Seqno) -> bool {
        self.beyond.is_some_and(|known| target <= known)
    }

    /// Takes out the backfill when none of its messages is missing or held any more.
    pub(super) fn finish(&mut self) -> Option<Backfill> {
        let backfill = self.backfill.take_if(|backfill| backfill.is_drained())?;
        self.page_size = None;
        Some(backfill)
    }

    /// Notes that the list tells of newer messages.
    pub(super) fn extend(&mut self, newest: Seqno) {
        self.forgive();
        if let Some(backfill) = &mut self.backfill {
            backfill.extend(newest);
        }
    }

    /// Notes newer messages beyond a known one, of which the list does not say how far they go.
    pub(super) fn reopen(&mut self, known: Seqno) {
        self.beyond = Some(known);
        self.forgive();
        if let Some(backfill) = &mut self.backfill {
            backfill.reopen();
        }
    }

    /// Begins to count anew.
    pub(super) const fn forgive(&mut self) {
        self.strikes = 0;
    }

    /// Notes that an attempt fell short of the target. Returns whether that happened too often.
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
