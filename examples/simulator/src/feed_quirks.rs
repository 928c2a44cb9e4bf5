//! Behaviour of the notification feeds where the real server is odd, or unknown.

use serde::Deserialize;

/// Behaviour of replies, mentions, likes, system notices and their counters where the real server is odd or unknown. It
/// is the part `feeds` of [`Quirks`](crate::Quirks).
///
/// What concerns a happening counts from the moment it happens: a change leaves those before as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedQuirks {
    /// Number of items of a page, at least 1; 20 without it. With posts between pages and a cursor that is a place, a
    /// page of one item leads nowhere.
    pub page_size: Option<usize>,
    /// Delay (seconds) after which every other happening shows up, the first one included, with the number and the time
    /// that it had from the beginning.
    pub late_s: i64,
    /// Distance (seconds) into the future of the time of every third happening, the first one included, unless one is given.
    pub ahead_s: i64,
    /// Every item of so many is one that cannot be read, its number being a word; 0 for none.
    pub unreadable_every: u32,
    /// Items of one second stand in any order, always the same one.
    pub seconds_in_any_order: bool,
    /// Replies and mentions stand in the order of their numbers, whatever their times say, and so do pages.
    pub by_id: bool,
    /// A like of something that was liked before gives the item a new number; else it keeps its own.
    pub likes_get_new_ids: bool,
    /// Likes that stand in `latest` do not stand in `total`.
    pub latest_alone: bool,
    /// Something new happens after each page that is not the last one of its feed.
    pub posts_between_pages: bool,
    /// The newest cursor of a feed means a place, counted from the newest item: the next page repeats as many items as
    /// have come since. Other cursors mean the item that they name.
    pub cursor_is_place: bool,
    /// The cursor of an empty page is null.
    pub empty_cursor_null: bool,
    /// The last page denies that it is the last, and an empty one follows.
    pub ends_on_empty_page: bool,
    /// Value of the counters of `unread`.
    pub counters: Counters,
    /// Reading the newest page of a feed marks it as seen, as a look in a browser does.
    pub reading_is_looking: bool,
}

/// Value of the counters of `unread` for the feeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counters {
    /// The number of happenings since the last look.
    #[default]
    Truthful,
    /// The same, this long (seconds) after each showed up.
    Late(i64),
    /// New things are never counted; what was counted before goes with a look.
    Stuck,
}

impl FeedQuirks {
    /// Number of items of a page where nothing says otherwise.
    const PAGE: usize = 20;

    pub(crate) fn page_size(&self) -> usize {
        self.page_size.unwrap_or(Self::PAGE).max(1)
    }
}
