//! System notices: the first page of each source, and what follows.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::model::feed::Shown;
use crate::model::world::World;
use crate::wire::envelope::Refusal;
use crate::{FeedKind, NewNotification, NoticeSource};

pub(crate) fn query_user_notify(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    first_page(world, asked, 20, NoticeSource::User)
}

pub(crate) fn query_unified_notify(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    first_page(world, asked, 10, NoticeSource::Unified)
}

fn first_page(
    world: &mut World,
    asked: &RequestKind<'_>,
    usual: usize,
    source: NoticeSource,
) -> Outcome {
    let size = asked.request.number::<usize>("page_size")?.unwrap_or(usual);
    let list = page(world, asked, size.min(100), |notice| {
        [source, NoticeSource::Both].contains(&notice.item.source)
    })?;
    if world.quirks.feeds.reading_is_looking {
        let feeds = &mut world.account_mut(asked.uid)?.feeds;
        feeds.get_mut(FeedKind::System).look(asked.now_us);
    }
    Ok(
        json!({"system_notify_list": if list.is_empty() { Value::Null } else { Value::Array(list) }}),
    )
}

/// Answers a list of notices: the data is an array here, not an object.
pub(crate) fn query_notify_list(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let before: i64 = asked.request.required("cursor")?;
    asked
        .request
        .number::<i64>("data_type")?
        .ok_or(Refusal::BAD_REQUEST)?;
    let list = page(world, asked, usize::MAX, |notice| {
        notice.position.id < before
    })?;
    Ok(Value::Array(list))
}

/// Returns the newest of these notices, and does what asking for them leads to.
fn page(
    world: &mut World,
    asked: &RequestKind<'_>,
    most: usize,
    wanted: impl Fn(&Shown<'_>) -> bool,
) -> Result<Vec<Value>, Refusal> {
    let quirks = &world.quirks.feeds;
    let feed = world.account(asked.uid)?.feeds.get(FeedKind::System);
    let shown = feed.shown(asked.now_us, quirks);
    let mut notices = shown.iter().filter(|it| wanted(it));
    let page = notices.by_ref().take(most.min(quirks.page_size()));
    let page = page
        .map(|it| it.to_json(FeedKind::System, asked.now_us))
        .collect();
    if notices.next().is_some() && quirks.posts_between_pages {
        let new = NewNotification::new(FeedKind::System);
        world.notify(asked.now_us, asked.uid, new)?;
    }
    Ok(page)
}
