//! `sessions`, `new-sessions`, `session`

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::endpoints::{GetSessionDetail, GetSessions, NewSessions, SessionFilter};
use bilibili_session::model::Conversation;
use bilibili_session::pager::SessionsPager;
use bilibili_session::{ConversationId, Event, Names, Uid, UnixMicros};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{each_page, report_unreadable};
use crate::args::SessionsArgs;
use crate::failure::Failure;
use crate::lines::MessageLine;
use crate::local_time::local_time;
use crate::names::NameBook;
use crate::output::{BOLD, DIM, Output, note, padded, shortened};
use crate::runtime::Runtime;
use crate::texts::{message_in_words, named, say, text};

/// The most that a page takes.
const FULL_PAGE: u32 = 100;

/// Conversation as printed on a line.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    last_msg: Option<MessageLine<'a>>,
}

impl<'a> Line<'a> {
    fn new(
        conversation: &Conversation,
        last: Option<&'a Event>,
        names: &'a Names,
    ) -> Result<Self, Failure> {
        let mut fields = match serde_json::to_value(conversation) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => Map::new(),
            Err(error) => return Err(Failure::Output(error.into())),
        };
        fields.remove("last_msg");
        Ok(Self {
            event: "conversation",
            fields,
            name: names.get(conversation.id()),
            last_msg: last.map(|event| MessageLine(event, names)),
        })
    }
}

pub(crate) fn list(
    runtime: &Runtime,
    args: &SessionsArgs,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let session_type = SessionFilter::from_number(args.session_type)
        .ok_or_else(|| Failure::Usage(text!("not-a-session-type")))?;
    let call = GetSessions::new()
        .session_type(session_type)
        .group_fold(false)
        .unfollow_fold(false);
    if !args.all {
        let page = runtime.call(call)?;
        report_unreadable(page.unreadable.len());
        return print_all(&page.session_list, names, out);
    }
    all_pages(runtime, call, |page| print_all(&page, names, out))
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
        note(&say!("list-incomplete"));
    }
    Ok(())
}

/// Prints the changed conversations of the first page; where there may be more, the list of
/// all conversations goes on from there, down to where nothing is new.
pub(crate) fn new(
    runtime: &Runtime,
    since: i64,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let page = runtime.call(NewSessions::new(UnixMicros(since)).size(FULL_PAGE))?;
    report_unreadable(page.unreadable.len());
    let is_full = u32::try_from(page.session_list.len()).is_ok_and(|it| it >= FULL_PAGE);
    let bottom = bottom(&page.session_list).filter(|_| page.has_more || is_full);
    let mut seen: BTreeSet<ConversationId> = BTreeSet::new();
    let mut print_new = |mut page: Vec<Conversation>| {
        page.retain(|it| it.session_ts.0 >= since && seen.insert(it.id()));
        print_all(&page, names, out)
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

pub(crate) fn one(
    runtime: &Runtime,
    id: ConversationId,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let conversation = runtime.call(GetSessionDetail::new(id))?;
    print_all(&[conversation], names, out)
}

fn print_all(
    conversations: &[Conversation],
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let events: Vec<Option<Event>> = conversations.iter().map(Conversation::last_event).collect();
    names.learn(|now, names| {
        for conversation in conversations {
            names.learn_conversation(now, conversation);
        }
    });
    let talkers = conversations.iter().map(|it| match it.id() {
        ConversationId::User(uid) => Some(uid),
        _ => None,
    });
    let senders = events.iter().flatten().map(|event| names.user_of(event));
    let users: Vec<Uid> = talkers.chain(senders).flatten().collect();
    names.look_up(&users);
    let names = names.names();
    for (conversation, last) in conversations.iter().zip(&events) {
        let line = Line::new(conversation, last.as_ref(), names)?;
        out.print(&line, || in_words(conversation, last.as_ref(), names))?;
    }
    out.flush()
}

/// Returns the columns: time, conversation, number of unread messages, last message.
fn in_words(conversation: &Conversation, last: Option<&Event>, names: &Names) -> String {
    let who = named(conversation.id(), names);
    let unread = match conversation.unread_count {
        0 => String::new(),
        unread => say!("unread", count = unread),
    };
    let marks = [
        (conversation.top_ts.0 > 0, say!("mark-pinned")),
        (conversation.is_dnd, say!("mark-muted")),
        (conversation.is_intercept, say!("mark-intercepted")),
    ];
    let marks = marks.iter().filter(|(is_set, _)| *is_set);
    let marks: String = marks.map(|(_, mark)| format!("{mark} ")).collect();
    let last = last.map(|event| message_in_words(event, names));
    format!(
        "{DIM}{}{DIM:#}  {BOLD}{}{BOLD:#}  {}  {marks}{}",
        local_time(conversation.session_ts.to_seconds()),
        padded(&who, 34),
        padded(&unread, 8),
        shortened(&last.unwrap_or_default(), 60),
    )
}
