//! Replies, mentions and likes, in pages.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::model::feed::{Feed, Position, Shown};
use crate::model::world::World;
use crate::wire::envelope::Refusal;
use crate::{FeedKind, FeedQuirks, NewNotification};

/// Number of the newest likes that also stand in `latest`.
const LATEST: usize = 3;

pub(crate) fn replies(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let page = Page::ask(world, asked, FeedKind::Reply)?;
    Ok(json!({"cursor": page.cursor, "items": page.items, "last_view_at": page.last_view_at}))
}

pub(crate) fn at(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let page = Page::ask(world, asked, FeedKind::At)?;
    Ok(json!({"cursor": page.cursor, "items": page.items}))
}

/// Answers likes: the newest stand in `latest` too, on the first page.
pub(crate) fn likes(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let page = Page::ask(world, asked, FeedKind::Like)?;
    Ok(json!({
        "latest": {"items": page.latest, "last_view_at": page.last_view_at},
        "total": {"cursor": page.cursor, "items": page.items},
    }))
}

/// Beginning of a page: after the item of this number, of this time, or of both.
#[derive(Clone, Copy)]
struct After {
    id: Option<i64>,
    time: Option<i64>,
}

impl After {
    fn read(asked: &RequestKind<'_>, time: &str) -> Result<Self, Refusal> {
        let given = |name: &str| {
            Ok(asked
                .request
                .number::<i64>(name)?
                .filter(|&given| given != 0))
        };
        Ok(Self {
            id: given("id")?,
            time: given(time)?,
        })
    }

    /// Returns whether this is the newest page.
    fn is_none(self) -> bool {
        self.id.is_none() && self.time.is_none()
    }

    /// Returns the place of the first item that follows.
    fn place(self, feed: &Feed, quirks: &FeedQuirks, shown: &[Shown<'_>]) -> usize {
        let is_after = |it: &Shown<'_>| match (self.id, self.time) {
            (Some(id), Some(time)) => {
                feed.rank(quirks, it.position) < feed.rank(quirks, Position { id, time })
            }
            (Some(id), None) => it.position.id < id,
            (None, Some(time)) => it.position.time < time,
            (None, None) => true,
        };
        let named = shown.iter().position(is_after).unwrap_or(shown.len());
        let given_out = feed.given_out.filter(|(position, _)| {
            quirks.cursor_is_place
                && (self.id, self.time) == (Some(position.id), Some(position.time))
        });
        // What has vanished since hides nothing.
        given_out.map_or(named, |(_, place)| place.min(named))
    }
}

struct Page {
    latest: Vec<Value>,
    items: Vec<Value>,
    cursor: Value,
    last_view_at: i64,
    position: Option<(Position, usize)>,
    has_more: bool,
}

impl Page {
    /// Answers a page, and does what that leads to.
    fn ask(world: &mut World, asked: &RequestKind<'_>, kind: FeedKind) -> Result<Self, Refusal> {
        let after = After::read(
            asked,
            match kind {
                FeedKind::Reply => "reply_time",
                FeedKind::At => "at_time",
                FeedKind::Like | FeedKind::System => "like_time",
            },
        )?;
        let quirks = world.quirks.feeds.clone();
        let feed = world.account_mut(asked.uid)?.feeds.get_mut(kind);
        let page = Self::read(feed, asked.now_us, &quirks, after);
        feed.given_out = page.position;
        if after.is_none() && quirks.reading_is_looking {
            feed.look(asked.now_us);
        }
        if page.has_more && quirks.posts_between_pages {
            world.notify(asked.now_us, asked.uid, NewNotification::new(kind))?;
        }
        Ok(page)
    }

    fn read(feed: &Feed, now_us: i64, quirks: &FeedQuirks, after: After) -> Self {
        let mut shown = feed.shown(now_us, quirks);
        let newest = LATEST.min(shown.len());
        let latest: Vec<Shown<'_>> = match feed.kind {
            FeedKind::Like if quirks.latest_alone => shown.drain(..newest).collect(),
            FeedKind::Like => shown.iter().copied().take(newest).collect(),
            FeedKind::Reply | FeedKind::At | FeedKind::System => Vec::new(),
        };
        let begin = after.place(feed, quirks, &shown);
        let items: Vec<Shown<'_>> = shown
            .iter()
            .skip(begin)
            .take(quirks.page_size())
            .copied()
            .collect();
        let end = begin.saturating_add(items.len());
        let has_more = end < shown.len();
        let last = items.last().map(|last| last.position);
        let cursor = match last {
            None if quirks.empty_cursor_null => Value::Null,
            None => json!({"is_end": true, "id": 0, "time": 0}),
            Some(Position { id, time }) => {
                let is_end = !has_more && !quirks.ends_on_empty_page;
                json!({"is_end": is_end, "id": id, "time": time})
            }
        };
        let written = |items: &[Shown<'_>]| {
            let written = items.iter().map(|it| it.to_json(feed.kind, now_us));
            written.collect()
        };
        Self {
            latest: if after.is_none() {
                written(&latest)
            } else {
                Vec::new()
            },
            items: written(&items),
            cursor,
            last_view_at: feed.last_view_at,
            position: last.map(|last| (last, end)),
            has_more,
        }
    }
}
