//! One reading of a feed, from its newest entry down to the floor.

use std::cmp::Reverse;
use std::collections::VecDeque;

use http::{Request, Response};

use super::FeedKind;
use super::item::{Item, items};
use super::mark::{LATE, Mark};
use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint};
use crate::endpoints::{GetAt, GetLikes, GetReplies, GetSystemMessages, SystemPage};
use crate::error::{BuildError, Error};
use crate::json::Unreadable;
use crate::model::{At, FeedPage, Like, Reply};
use crate::pager::{FeedPager, Pager, SystemPager};
use crate::time::UnixSeconds;

/// Greatest number of pages of the first reading, which delivers nothing.
const MOST_FIRST_PAGES: u32 = 10;

/// A page of a feed.
#[derive(Debug)]
pub(crate) enum FeedAnswer {
    Replies(FeedPage<Reply>),
    At(FeedPage<At>),
    Likes(FeedPage<Like>),
    System(SystemPage),
}

impl FeedAnswer {
    /// Returns whether nothing stands below, should no page lead on. Pages of notices lead on by
    /// what stands on them.
    fn is_end(&self) -> bool {
        match self {
            Self::Replies(page) => is_end(page),
            Self::At(page) => is_end(page),
            Self::Likes(page) => is_end(page),
            Self::System(page) => page.unreadable.is_empty(),
        }
    }
}

fn is_end<T>(page: &FeedPage<T>) -> bool {
    let is_empty = page.items.is_empty() && page.unreadable.is_empty();
    page.cursor.is_end || page.cursor.id == 0 || is_empty
}

/// Reads the answer to a request for a page of this feed.
pub(crate) fn decode(kind: FeedKind, answer: &Response<Vec<u8>>) -> Result<FeedAnswer, Error> {
    Ok(match kind {
        FeedKind::Replies => FeedAnswer::Replies(GetReplies::new().parse(answer)?),
        FeedKind::At => FeedAnswer::At(GetAt::new().parse(answer)?),
        FeedKind::Likes => FeedAnswer::Likes(GetLikes::new().parse(answer)?),
        FeedKind::System => FeedAnswer::System(GetSystemMessages::new().parse(answer)?),
    })
}

/// Pages of a feed.
#[derive(Debug)]
enum Pages {
    Replies(FeedPager<GetReplies>),
    At(FeedPager<GetAt>),
    Likes(FeedPager<GetLikes>),
    System(SystemPager),
}

/// One reading of a feed.
#[derive(Debug)]
pub(super) struct Walk {
    pages: Pages,
    /// Entries that are new, or in a first reading all, the newest first.
    found: VecDeque<Item>,
    /// The time of the lowest entry so far; `None` before the first.
    bottom: Option<UnixSeconds>,
    /// The latest time that it can have been when the reading began; `None` before the first page.
    began: Option<UnixSeconds>,
    /// The time of the newest entry, at most that.
    newest: Option<UnixSeconds>,
    /// The time of the newest entry that is not from the future.
    reached: Option<UnixSeconds>,
    pages_read: u32,
    /// Set if entries were dropped because too many are held.
    is_cut: bool,
    /// Set if no page led on, although the feed goes on below.
    is_broken_off: bool,
}

/// The position of a reading after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Over,
}

impl Walk {
    pub(super) const fn new(kind: FeedKind) -> Self {
        Self {
            pages: match kind {
                FeedKind::Replies => Pages::Replies(FeedPager::new()),
                FeedKind::At => Pages::At(FeedPager::new()),
                FeedKind::Likes => Pages::Likes(FeedPager::new()),
                FeedKind::System => Pages::System(SystemPager::new()),
            },
            found: VecDeque::new(),
            bottom: None,
            began: None,
            newest: None,
            reached: None,
            pages_read: 0,
            is_cut: false,
            is_broken_off: false,
        }
    }

    /// Returns the request for the next page.
    ///
    /// A reading that is not over has one; the first page stands in for it otherwise.
    pub(super) fn request(&self, context: &ClientConfig) -> Result<Request<Vec<u8>>, BuildError> {
        match &self.pages {
            Pages::Replies(pages) => request(pages, context),
            Pages::At(pages) => request(pages, context),
            Pages::Likes(pages) => request(pages, context),
            Pages::System(pages) => request(pages, context),
        }
    }

    /// Takes a page. Entries that are known by `mark` are passed over; without a mark all are
    /// kept. Of those that are new at most `most` are held, the oldest.
    pub(super) fn handle_page(
        &mut self,
        answer: FeedAnswer,
        mark: Option<&Mark>,
        latest: UnixSeconds,
        most: usize,
    ) -> (Progress, Vec<Unreadable>) {
        let above = self.bottom.unwrap_or(latest);
        let is_end = answer.is_end();
        let (mut items, unreadable, is_over) = self.pages.take(answer, above);
        self.pages_read = self.pages_read.saturating_add(1);
        // An entry from the future does not make others old.
        let began = *self.began.get_or_insert(latest);
        for item in &mut items {
            item.settled = item.time.min(began);
        }
        let newest = items.iter().map(|item| item.settled).max();
        self.newest = self.newest.max(newest);
        let times = items.iter().map(|item| item.time);
        self.reached = self.reached.max(times.filter(|time| *time <= began).max());
        self.bottom = items.last().map(|item| item.time).or(self.bottom);
        self.found
            .extend(items.into_iter().filter(|it| is_wanted(mark, it)));
        if mark.is_some() {
            self.drop_newest(most);
        }
        let floor = match mark {
            Some(mark) => mark.floor(),
            None => self.newest.map_or(UnixSeconds(i64::MAX), late),
        };
        let is_below = self.bottom.is_some_and(|bottom| bottom < floor);
        let is_long = mark.is_none() && self.pages_read >= MOST_FIRST_PAGES;
        self.is_broken_off = (is_over && !is_end || is_long) && !is_below;
        let progress = match is_over || is_below || is_long {
            true => Progress::Over,
            false => Progress::More,
        };
        (progress, unreadable)
    }

    /// Drops the newest entries where more than `most` are held.
    fn drop_newest(&mut self, most: usize) {
        let Some(too_many) = self.found.len().checked_sub(most).filter(|it| *it > 0) else {
            return;
        };
        // A feed need not stand in the order of its times.
        let found = self.found.make_contiguous();
        found.sort_by_key(|item| Reverse(item.place()));
        self.found.drain(..too_many);
        self.is_cut = true;
    }

    /// Returns the time of the newest entry that is not from the future.
    pub(super) const fn reached(&self) -> Option<UnixSeconds> {
        self.reached
    }

    /// Returns whether the second page comes next.
    pub(super) const fn is_at_second(&self) -> bool {
        self.pages_read == 1
    }

    /// Returns whether the reading ended above the floor, although the feed goes on below.
    pub(super) const fn is_broken_off(&self) -> bool {
        self.is_broken_off
    }

    /// Returns whether entries were dropped: they are found in another reading.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns the entries in the order of delivery.
    pub(super) fn into_found(self) -> VecDeque<Item> {
        let mut found = Vec::from(self.found);
        found.sort_by_key(Item::place);
        found.into()
    }

    /// Returns the mark after a first reading: all that is in the feed is old. `earliest` is the
    /// earliest time that it can be.
    pub(super) fn into_mark(self, earliest: UnixSeconds) -> Mark {
        let Some(newest) = self.newest else {
            return Mark::at(late(earliest));
        };
        let mut floor = late(newest);
        if let (true, Some(bottom)) = (self.is_broken_off, self.bottom) {
            // What was not read is old, also in the second of the lowest that was.
            floor = floor.max(UnixSeconds(bottom.0.saturating_add(1)));
        }
        let mut mark = Mark::at(floor);
        for item in &self.found {
            mark.note(item);
        }
        mark
    }
}

impl Pages {
    /// Takes a page. Returns its entries in order, its unreadable ones, and whether it was the
    /// last.
    fn take(
        &mut self,
        answer: FeedAnswer,
        above: UnixSeconds,
    ) -> (Vec<Item>, Vec<Unreadable>, bool) {
        match (self, answer) {
            (Self::Replies(pages), FeedAnswer::Replies(page)) => take(pages, page, above),
            (Self::At(pages), FeedAnswer::At(page)) => take(pages, page, above),
            (Self::Likes(pages), FeedAnswer::Likes(page)) => take(pages, page, above),
            (Self::System(pages), FeedAnswer::System(page)) => take(pages, page, above),
            // An answer is read by the feed that it was asked for.
            _ => (Vec::new(), Vec::new(), true),
        }
    }
}

fn request<P>(pages: &P, context: &ClientConfig) -> Result<Request<Vec<u8>>, BuildError>
where
    P: Pager,
    P::Endpoint: Default + Endpoint<Auth = CookieAuth>,
{
    let call = pages.next_call().unwrap_or_default();
    call.request(context, ())
}

fn take<P: Pager>(
    pages: &mut P,
    page: <P::Endpoint as Endpoint>::Output,
    above: UnixSeconds,
) -> (Vec<Item>, Vec<Unreadable>, bool)
where
    P::Item: Into<super::FeedEvent>,
{
    let entries = pages.handle_page(page).unwrap_or_default();
    let unreadable = pages.take_unreadable();
    let is_over = pages.next_call().is_none();
    (items(entries, above), unreadable, is_over)
}

fn is_wanted(mark: Option<&Mark>, item: &Item) -> bool {
    mark.is_none_or(|mark| mark.is_new(item))
}

fn late(newest: UnixSeconds) -> UnixSeconds {
    newest.to_micros().minus(LATE).to_seconds()
}
