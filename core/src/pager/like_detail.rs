//! The users who liked one thing.

use std::collections::BTreeSet;

use super::{Pager, Tally};
use crate::coverage::STALLS;
use crate::endpoints::GetLikeDetail;
use crate::error::PageError;
use crate::ids::Uid;
use crate::json::Unreadable;
use crate::model::{LikeDetail, LikeDetailPage};

/// All users who liked one thing, newest first, each once.
#[derive(Debug, Clone)]
#[must_use]
pub struct LikeDetailPager {
    next: GetLikeDetail,
    page: u32,
    over: bool,
    seen: BTreeSet<Uid>,
    /// Number of pages in a row that brought nobody new: likes that come in meanwhile move known
    /// users onto the next page.
    stalls: u8,
    tally: Tally,
}

impl LikeDetailPager {
    /// Creates a pager of the likes of the item of this number
    /// ([`Like::id`](crate::model::Like::id)).
    pub const fn new(card_id: i64) -> Self {
        Self {
            next: GetLikeDetail::new(card_id),
            page: 1,
            over: false,
            seen: BTreeSet::new(),
            stalls: 0,
            tally: Tally::new(),
        }
    }

    /// Sets the greatest number of users.
    pub const fn limit(mut self, users: usize) -> Self {
        self.tally.left = users;
        self
    }
}

impl Pager for LikeDetailPager {
    type Endpoint = GetLikeDetail;
    type Item = LikeDetail;

    fn next_call(&self) -> Option<GetLikeDetail> {
        (!self.over && !self.tally.is_full()).then_some(self.next)
    }

    /// Takes a page; the pager ends at the last page, at one that names nobody, and when nobody new
    /// has come for some pages.
    fn handle_page(&mut self, page: LikeDetailPage) -> Result<Vec<LikeDetail>, PageError> {
        if self.over {
            return Err(PageError::Unasked);
        }
        let LikeDetailPage {
            mut items,
            unreadable,
            is_end,
            ..
        } = page;
        let is_empty = items.is_empty() && unreadable.is_empty();
        self.page = self.page.saturating_add(1);
        self.next = self.next.page(self.page);
        if let Some(last) = items.last() {
            self.next = self.next.last_mid(last.user.mid);
        }
        items.retain(|item| self.seen.insert(item.user.mid));
        self.stalls = match items.is_empty() {
            true => self.stalls.saturating_add(1),
            false => 0,
        };
        self.tally.note(unreadable);
        self.over = is_end || is_empty || self.stalls == STALLS;
        Ok(self.tally.take(items))
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}
