//! System notices: the first page of each source, and what follows.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::model::notice::Notices;
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// Number of notices of a page.
const PAGE: usize = 20;

pub(crate) fn query_user_notify(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    first_page(world, asked, 20, |notices| {
        notices.all.get(Notices::USER_FROM..)
    })
}

pub(crate) fn query_unified_notify(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    first_page(world, asked, 10, |notices| {
        notices.all.get(..Notices::UNIFIED.min(notices.all.len()))
    })
}

fn first_page(
    world: &World,
    asked: &RequestKind<'_>,
    usual: usize,
    source: fn(&Notices) -> Option<&[Value]>,
) -> Outcome {
    let size = asked
        .request
        .number::<usize>("page_size")?
        .unwrap_or(usual)
        .min(100);
    let notices = source(&world.account(asked.uid)?.notices).unwrap_or_default();
    let list: Vec<&Value> = notices.iter().take(size).collect();
    Ok(json!({"system_notify_list": if list.is_empty() { Value::Null } else { json!(list) }}))
}

/// Answers a list of notices: the data is an array here, not an object.
pub(crate) fn query_notify_list(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let before: i64 = asked.request.required("cursor")?;
    asked
        .request
        .number::<i64>("data_type")?
        .ok_or(Refusal::BAD_REQUEST)?;
    let notices = &world.account(asked.uid)?.notices.all;
    let list: Vec<&Value> = notices
        .iter()
        .filter(|notice| Notices::cursor(notice) < before)
        .take(PAGE)
        .collect();
    Ok(json!(list))
}
