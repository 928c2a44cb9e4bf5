//! An owner's actions on notifications: ask who liked a thing, delete, mute, mark as read.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::FeedKind;
use crate::model::feed::Item;
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// Answer where there is no such item. Nobody knows that of the service; some services give it.
const NO_ITEM: Refusal = Refusal::http(StatusCode::OK, -404);

/// Number of users on a page of those who liked a thing.
const USERS: usize = 20;

/// Answers who liked a thing. The pages are those of `pn`: `last_mid` changes nothing here.
pub(crate) fn like_detail(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let card: i64 = asked.request.required("card_id")?;
    let page = asked.request.number::<usize>("pn")?.unwrap_or(1).max(1);
    asked.request.number::<i64>("last_mid")?;
    let feed = world.account(asked.uid)?.feeds.get(FeedKind::Like);
    let item = feed.item(card).ok_or(NO_ITEM)?;
    let mut users = item.likes(asked.now_us);
    let begin = (page - 1).saturating_mul(USERS).min(users.len());
    let mut rest = users.split_off(begin);
    let is_end = rest.len() <= USERS;
    rest.truncate(USERS);
    Ok(json!({"page": {"is_end": is_end}, "card": card_of(item), "items": rest}))
}

fn card_of(item: &Item) -> Value {
    item.fields.get("item").cloned().unwrap_or_default()
}

/// Deletes an item; what happens later to the same thing is an item anew.
pub(crate) fn delete(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let kind = match asked.request.required::<i64>("tp")? {
        0 => FeedKind::Like,
        1 => FeedKind::Reply,
        2 => FeedKind::At,
        _ => return Err(Refusal::BAD_REQUEST),
    };
    let id = asked.request.required("id")?;
    let feed = world.account_mut(asked.uid)?.feeds.get_mut(kind);
    feed.vanish(id).then(|| json!({})).ok_or(NO_ITEM)
}

/// Mutes the likes of a thing, or unmutes them. Whether a muted thing still shows new likes, nobody knows; here it does.
pub(crate) fn mute(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = asked.request.required("id")?;
    let state: i64 = asked.request.required("notice_state")?;
    if asked.request.required::<i64>("tp")? != 0 || ![0, 1].contains(&state) {
        return Err(Refusal::BAD_REQUEST);
    }
    let feed = world.account_mut(asked.uid)?.feeds.get_mut(FeedKind::Like);
    feed.mute(id, state).then(|| json!({})).ok_or(NO_ITEM)
}

/// Marks system notices as read. It writes although it is a GET, and its token stands in the query.
pub(crate) fn update_cursor(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    if asked.request.text("csrf") != Some(asked.bili_jct) {
        return Err(Refusal::WRONG_CSRF);
    }
    let cursor = asked.request.required("cursor")?;
    let feeds = &mut world.account_mut(asked.uid)?.feeds;
    let notices = feeds.get_mut(FeedKind::System);
    notices.look_up_to(asked.now_us, cursor);
    Ok(json!({}))
}
