//! `sessions`, `new-sessions`, `session`

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::endpoints::{GetSessionDetail, GetSessions, NewSessions, SessionFilter};
use bilibili_session::model::Conversation;
use bilibili_session::pager::SessionsPager;
use bilibili_session::{ConversationId, Event, OneLine, UnixMicros};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{each_page, report_unreadable};
use crate::args::SessionsArgs;
use crate::failure::Failure;
use crate::lines::message_or_null;
use crate::local_time::local_time;
use crate::output::{BOLD, DIM, Output, note, padded, shortened};
use crate::runtime::Runtime;

/// The most that a page takes.
const FULL_PAGE: u32 = 100;

/// Conversation as printed on a line.
#[derive(Serialize)]
struct Line {
    event: &'static str,
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(serialize_with = "message_or_null")]
    last_msg: Option<Event>,
}

impl Line {
    fn new(conversation: &Conversation) -> Result<Self, Failure> {
        let mut fields = match serde_json::to_value(conversation) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => Map::new(),
            Err(error) => return Err(Failure::Output(error.into())),
        };
        fields.remove("last_msg");
        Ok(Self {
            event: "conversation",
            fields,
            last_msg: conversation.last_event(),
        })
    }
}

pub(crate) fn list(
    runtime: &Runtime,
    args: &SessionsArgs,
    out: &mut Output,
) -> Result<(), Failure> {
    let session_type = SessionFilter::from_number(args.session_type)
        .ok_or_else(|| Failure::usage("--type is one of 1, 2, 3, 4, 5, 7, 8 and 9"))?;
    let call = GetSessions::new()
        .session_type(session_type)
        .group_fold(false)
        .unfollow_fold(false);
    if !args.all {
        let page = runtime.call(call)?;
        report_unreadable(page.unreadable.len());
        return print_all(&page.session_list, out);
    }
    all_pages(runtime, call, |page| print_all(&page, out))
}

/// Returns the list of all conversations.
pub(crate) fn whole(runtime: &Runtime) -> Result<Vec<Conversation>, Failure> {
    let call = GetSessions::new().group_fold(false).unfollow_fold(false);
    let mut conversations = Vec::new();
    all_pages(runtime, call, |page| {
        conversations.extend(page);
        Ok(())
    })?;
    Ok(conversations)
}

/// Reads a list to its end, and says so where that may not be all.
fn all_pages(
    runtime: &Runtime,
    call: GetSessions,
    page: impl FnMut(Vec<Conversation>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut pager = SessionsPager::new(call.size(FULL_PAGE));
    each_page(runtime, &mut pager, page)?;
    if pager.is_incomplete() {
        note(
            "the list may lack some conversations: the service said that there are more, and no page led to them",
        );
    }
    Ok(())
}

/// Prints the changed conversations of the first page; where there may be more, the list of
/// all conversations goes on from there, down to where nothing is new.
pub(crate) fn new(runtime: &Runtime, since: i64, out: &mut Output) -> Result<(), Failure> {
    let page = runtime.call(NewSessions::new(UnixMicros(since)).size(FULL_PAGE))?;
    report_unreadable(page.unreadable.len());
    let is_full = u32::try_from(page.session_list.len()).is_ok_and(|it| it >= FULL_PAGE);
    let bottom = bottom(&page.session_list).filter(|_| page.has_more || is_full);
    let mut seen: BTreeSet<ConversationId> = BTreeSet::new();
    let mut print_new = |mut page: Vec<Conversation>| {
        page.retain(|it| it.session_ts.0 >= since && seen.insert(it.id()));
        print_all(&page, out)
    };
    print_new(page.session_list)?;
    let Some(bottom) = bottom else {
        return Ok(());
    };
    let rest = GetSessions::new()
        .group_fold(false)
        .unfollow_fold(false)
        .begin_ts(UnixMicros(since))
        .end_ts(bottom.plus(Duration::from_micros(1)));
    all_pages(runtime, rest, print_new)
}

/// Returns the lowest time of a page; pinned conversations stand at the front whatever their time.
fn bottom(page: &[Conversation]) -> Option<UnixMicros> {
    let times = |pinned: bool| {
        page.iter()
            .filter(move |it| (it.top_ts.0 > 0) == pinned)
            .map(|it| it.session_ts)
    };
    times(false).min().or_else(|| times(true).max())
}

pub(crate) fn one(runtime: &Runtime, id: ConversationId, out: &mut Output) -> Result<(), Failure> {
    let conversation = runtime.call(GetSessionDetail::new(id))?;
    print_all(&[conversation], out)
}

fn print_all(conversations: &[Conversation], out: &mut Output) -> Result<(), Failure> {
    for conversation in conversations {
        out.print(&Line::new(conversation)?, || in_words(conversation))?;
    }
    out.flush()
}

/// Returns the columns: time, conversation, number of unread messages, last message.
fn in_words(conversation: &Conversation) -> String {
    let name = match &conversation.account_info {
        Some(account) if !account.name.is_empty() => &account.name,
        _ => &conversation.group_name,
    };
    let name = shortened(&OneLine(name).to_string(), 16);
    let unread = match conversation.unread_count {
        0 => String::new(),
        unread => format!("{unread} new"),
    };
    let marks = [
        (conversation.top_ts.0 > 0, "pinned"),
        (conversation.is_dnd, "muted"),
        (conversation.is_intercept, "intercepted"),
    ];
    let marks = marks.iter().filter(|(is_set, _)| *is_set);
    let marks: String = marks.map(|(_, mark)| format!("[{mark}] ")).collect();
    let last = conversation.last_event().map(|event| event.to_string());
    format!(
        "{DIM}{}{DIM:#}  {}  {BOLD}{}{BOLD:#}  {}  {marks}{}",
        local_time(conversation.session_ts.to_seconds()),
        padded(&conversation.id().to_string(), 22),
        padded(&name, 16),
        padded(&unread, 8),
        shortened(&last.unwrap_or_default(), 60),
    )
}
