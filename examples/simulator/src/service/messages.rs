//! The messages of a conversation, in pages.

use serde_json::{Value, json};

use super::lists::conversation_id;
use super::{Outcome, RequestKind};
use crate::Quirks;
use crate::model::message::Message;
use crate::model::world::World;
use crate::wire::envelope::put;

/// Length limit of a page, whatever `size` asks for.
const LONGEST_PAGE: usize = 2000;
/// Type of the messages that come although no size was given.
const TIP: i64 = 18;

pub(crate) fn fetch_session_msgs(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = conversation_id(asked.request)?;
    let begin: u64 = asked.request.number("begin_seqno")?.unwrap_or(0);
    let end: u64 = asked
        .request
        .number("end_seqno")?
        .filter(|&seqno| seqno != 0)
        .unwrap_or(u64::MAX);
    let asked_for = asked.request.number::<usize>("size")?.unwrap_or(0);
    if let Some(refusal) = world.closed(id) {
        return Err(refusal);
    }
    let conversation = world.conversation(asked.uid, id)?;

    let quirks = &world.quirks;
    let only_tips = asked_for == 0;
    let size = if only_tips {
        LONGEST_PAGE
    } else {
        asked_for.min(LONGEST_PAGE)
    };
    let size = size
        .min(quirks.message_page_cap.unwrap_or(usize::MAX))
        .max(1);
    let visible = |(seqno, key)| {
        let message = world.messages.get(&key)?;
        let shown = !message.taken_down && (!only_tips || message.msg_type == TIP);
        shown.then_some((seqno, message))
    };
    let there = conversation.between(begin, end).filter_map(visible);
    let mut page: Vec<(u64, &Message)> = if quirks.oldest_of_gap {
        there.take(size + 1).collect()
    } else {
        there.rev().take(size + 1).collect()
    };
    let more = page.len() > size;
    page.truncate(size);
    if quirks.oldest_of_gap {
        page.reverse();
    }
    // Newest first from here on.
    let (Some((max_seqno, _)), Some((min_seqno, _))) = (page.first(), page.last()) else {
        return Ok(empty_page(quirks));
    };
    let more = if quirks.has_more_disregards_begin {
        let mut older = conversation.between(0, *min_seqno).filter_map(visible);
        older.next_back().is_some()
    } else {
        more
    };
    let mut data = json!({
        "has_more": quirks.say_more(more, false),
        "min_seqno": min_seqno,
        "max_seqno": max_seqno,
    });
    let messages = page
        .iter()
        .map(|(seqno, message)| message.to_json(*seqno))
        .collect();
    put(&mut data, "messages", messages);
    let emotes = emotes(page.iter().map(|(_, message)| message.content.as_str()));
    if !emotes.is_empty() {
        put(&mut data, "e_infos", emotes.into());
    }
    Ok(data)
}

/// Returns the page of a conversation, or part of one, without messages.
pub(crate) fn empty_page(quirks: &Quirks) -> Value {
    let has_more = quirks.say_more(false, true);
    json!({"messages": null, "has_more": has_more, "min_seqno": u64::MAX, "max_seqno": 0})
}

/// Returns the little pictures that texts name.
pub(crate) fn emotes<'a>(contents: impl Iterator<Item = &'a str> + Clone) -> Vec<Value> {
    let known = ["[doge]", "[微笑]", "[热词系列_知识增加]"]
        .into_iter()
        .zip(1..);
    known
        .filter(|(text, _)| contents.clone().any(|content| content.contains(text)))
        .map(|(text, n)| json!({"text": text, "url": format!("https://i0.hdslb.com/bfs/emote/{n:040x}.png"), "size": 1, "gif_url": ""}))
        .collect()
}
