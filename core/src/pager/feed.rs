//! The pages of replies, mentions and likes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Pager, Tally};
use crate::coverage::STALLS;
use crate::endpoint::Endpoint;
use crate::endpoints::{GetAt, GetLikes, GetReplies};
use crate::error::PageError;
use crate::json::Unreadable;
use crate::model::{At, FeedCursor, FeedPage, Like, Reply};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::GetReplies {}
    impl Sealed for super::GetAt {}
    impl Sealed for super::GetLikes {}
}

/// A call whose pages a [`FeedPager`] asks for: [`GetReplies`], [`GetAt`] or [`GetLikes`].
pub trait Feed: Endpoint<Output = FeedPage<Self::Item>> + sealed::Sealed {
    /// The type of an item of the feed.
    type Item;

    /// Creates the call for the newest page, or for the one after this cursor.
    fn at(cursor: Option<FeedCursor>) -> Self;

    /// Returns the number of an item.
    fn id(item: &Self::Item) -> i64;

    /// Returns whether one of two items of a number tells of more than the other.
    fn tells_more(item: &Self::Item, than: &Self::Item) -> bool;
}

macro_rules! feed {
    ($name:ident, $item:ty, $extent:expr) => {
        impl Feed for $name {
            type Item = $item;

            fn at(cursor: Option<FeedCursor>) -> Self {
                cursor.map_or_else(Self::new, Self::after)
            }

            fn id(item: &$item) -> i64 {
                item.id
            }

            fn tells_more(item: &$item, than: &$item) -> bool {
                let extent = $extent;
                extent(item) > extent(than)
            }
        }
    };
}

feed!(GetReplies, Reply, |_: &Reply| 0);
feed!(GetAt, At, |_: &At| 0);
feed!(GetLikes, Like, |like: &Like| (like.like_time, like.counts));

/// A whole feed, newest first, each item once.
#[derive(Debug, Clone)]
#[must_use]
pub struct FeedPager<F> {
    next: Option<FeedCursor>,
    over: bool,
    seen: BTreeSet<i64>,
    asked: BTreeSet<FeedCursor>,
    /// Number of pages in a row that brought nothing new: what comes in meanwhile may move a page's
    /// worth of known items onto the next one.
    stalls: u8,
    tally: Tally,
    feed: std::marker::PhantomData<fn() -> F>,
}

impl<F: Feed> FeedPager<F> {
    /// Creates a pager of the feed from its newest item on.
    pub const fn new() -> Self {
        Self {
            next: None,
            over: false,
            seen: BTreeSet::new(),
            asked: BTreeSet::new(),
            stalls: 0,
            tally: Tally::new(),
            feed: std::marker::PhantomData,
        }
    }

    /// Sets the greatest number of items.
    pub const fn limit(mut self, items: usize) -> Self {
        self.tally.left = items;
        self
    }
}

impl<F: Feed> Default for FeedPager<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Feed> Pager for FeedPager<F> {
    type Endpoint = F;
    type Item = F::Item;

    fn next_call(&self) -> Option<F> {
        (!self.over && !self.tally.is_full()).then(|| F::at(self.next))
    }

    /// Takes a page; the pager ends at the last page, at one that is empty or leads nowhere, and
    /// when nothing new has come for some pages.
    fn handle_page(&mut self, page: FeedPage<F::Item>) -> Result<Vec<F::Item>, PageError> {
        if self.over {
            return Err(PageError::Unasked);
        }
        let FeedPage {
            mut latest,
            items,
            unreadable,
            cursor,
            ..
        } = page;
        let is_empty = items.is_empty() && unreadable.is_empty();
        let places = latest.iter().enumerate();
        let places: BTreeMap<i64, usize> = places.map(|(at, item)| (F::id(item), at)).collect();
        for item in items {
            // Of an item that is shown twice, the part that was made later may tell of more.
            let same = places.get(&F::id(&item));
            match same.and_then(|place| latest.get_mut(*place)) {
                Some(same) if F::tells_more(&item, same) => *same = item,
                Some(_) => {}
                None => latest.push(item),
            }
        }
        latest.retain(|item| self.seen.insert(F::id(item)));
        self.stalls = if latest.is_empty() && unreadable.is_empty() {
            self.stalls.saturating_add(1)
        } else {
            0
        };
        let leads_nowhere = cursor.id == 0 || !self.asked.insert(cursor);
        self.over = cursor.is_end || is_empty || leads_nowhere || self.stalls == STALLS;
        self.tally.note(unreadable);
        self.next = Some(cursor);
        Ok(self.tally.take(latest))
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}
