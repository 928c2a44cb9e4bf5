//! Replies, mentions and likes, in pages.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// Number of items of a page.
const PAGE: usize = 20;

pub(crate) fn replies(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let (items, cursor) = page(
        &world.account(asked.uid)?.feeds.replies,
        asked,
        "reply_time",
    )?;
    Ok(json!({"cursor": cursor, "items": items, "last_view_at": LAST_VIEW}))
}

pub(crate) fn at(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let (items, cursor) = page(&world.account(asked.uid)?.feeds.at, asked, "at_time")?;
    Ok(json!({"cursor": cursor, "items": items}))
}

/// Answers likes: the newest stand in `latest` too, on the first page.
pub(crate) fn likes(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let feeds = &world.account(asked.uid)?.feeds;
    let (items, cursor) = page(&feeds.likes, asked, "like_time")?;
    let first = asked.request.text("id").is_none();
    let latest: Vec<&Value> = feeds
        .likes
        .iter()
        .take(if first { feeds.latest_likes } else { 0 })
        .collect();
    Ok(json!({
        "latest": {"items": latest, "last_view_at": LAST_VIEW},
        "total": {"cursor": cursor, "items": items},
    }))
}

const LAST_VIEW: i64 = 1_699_990_000;

/// Returns the items after the one that the cursor names, and the next cursor.
fn page<'a>(
    feed: &'a [Value],
    asked: &RequestKind<'_>,
    time: &str,
) -> Result<(Vec<&'a Value>, Value), Refusal> {
    let number = |item: &Value, name: &str| item.get(name).and_then(Value::as_i64).unwrap_or(0);
    let after: Option<i64> = asked.request.number::<i64>("id")?.filter(|&id| id != 0);
    let until: Option<i64> = asked.request.number::<i64>(time)?.filter(|&at| at != 0);
    let mut rest = feed.iter().filter(|item| match (after, until) {
        (Some(id), Some(at)) => (number(item, time), number(item, "id")) < (at, id),
        (Some(id), None) => number(item, "id") < id,
        (None, Some(at)) => number(item, time) < at,
        (None, None) => true,
    });
    let items: Vec<&Value> = rest.by_ref().take(PAGE).collect();
    let is_end = rest.next().is_none();
    let (id, at) = items
        .last()
        .map_or((0, 0), |last| (number(last, "id"), number(last, time)));
    Ok((items, json!({"is_end": is_end, "id": id, "time": at})))
}
