//! `sessions`, `new-sessions`, `session`

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::endpoints::{GetSessionDetail, GetSessions, NewSessions, SessionFilter};
use bilibili_session::model::Conversation;
use bilibili_session::pager::SessionsPager;
use bilibili_session::{ConversationId, Event, Names, Uid, UnixMicros};
use serde::Serialize;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr as _;

use super::{each_page, report_unreadable};
use crate::args::SessionsArgs;
use crate::failure::Failure;
use crate::lines::MessageLine;
use crate::local_time::{self, local_time};
use crate::names::NameBook;
use crate::output::{BOLD, DIM, Output, note, padded, shortened};
use crate::runtime::Runtime;
use crate::secrets::Secrets;
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
    let secrets = out.secrets();
    let words = |conversation, last| Words::new(conversation, last, names, &secrets);
    let all = conversations.iter().zip(&events);
    let columns = match out.columns() {
        // Nothing is aligned for scripts.
        Some(terminal) if out.is_for_people() => {
            let words: Vec<Words> = all.clone().map(|(it, last)| words(it, last)).collect();
            Columns::on(terminal, &words)
        }
        _ => Columns::OFF_TERMINAL,
    };
    for (conversation, last) in all {
        let line = Line::new(conversation, last.as_ref(), names)?;
        out.print(&line, || words(conversation, last).in_columns(&columns))?;
    }
    out.flush()
}

/// Line of a conversation for people: time, conversation, number of unread messages, last message.
struct Words {
    time: String,
    who: String,
    unread: String,
    last: String,
}

impl Words {
    fn new(
        conversation: &Conversation,
        last: &Option<Event>,
        names: &Names,
        secrets: &Secrets,
    ) -> Self {
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
        let last = last.as_ref().map(|event| message_in_words(event, names));
        // Hidden before it is cut: nobody finds the half of a cookie.
        let hidden = |text: String| secrets.shown(&text).into_owned();
        Self {
            time: local_time(conversation.session_ts.to_seconds()),
            who: hidden(named(conversation.id(), names)),
            unread,
            last: marks + &hidden(last.unwrap_or_default()),
        }
    }

    fn in_columns(&self, columns: &Columns) -> String {
        format!(
            "{DIM}{}{DIM:#}  {BOLD}{}{BOLD:#}  {}  {}",
            self.time,
            padded(&shortened(&self.who, columns.longest_who), columns.who),
            padded(&self.unread, columns.unread),
            shortened(&self.last, columns.last),
        )
    }
}

/// Columns that a name and a message have, however narrow the terminal is.
const LEAST: usize = 12;

/// Widths of the columns, but for the times, which are all as long.
struct Columns {
    who: usize,
    longest_who: usize,
    unread: usize,
    last: usize,
}

impl Columns {
    /// Those of lines that no terminal shows.
    const OFF_TERMINAL: Self = Self {
        who: 34,
        longest_who: usize::MAX,
        unread: 8,
        last: 60,
    };

    /// Returns those that fill a terminal with these lines.
    fn on(terminal: usize, lines: &[Words]) -> Self {
        let widest = |of: fn(&Words) -> &str| lines.iter().map(|it| of(it).width()).max();
        let unread = widest(|it| &it.unread).unwrap_or_default();
        let room = terminal.saturating_sub(local_time::COLUMNS + 3 * 2 + unread);
        // The last message gets half of the room, if it can use it.
        let most = (room / 2).clamp(LEAST, Self::OFF_TERMINAL.who);
        let who = widest(|it| &it.who).unwrap_or_default().min(most);
        Self {
            who,
            longest_who: who,
            unread,
            last: room.saturating_sub(who).max(LEAST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(who: &str, unread: &str, last: &str) -> Words {
        Words {
            time: "2026-01-31 08:15:00".to_owned(),
            who: who.to_owned(),
            unread: unread.to_owned(),
            last: last.to_owned(),
        }
    }

    #[test]
    fn lines_fill_the_terminal_and_no_more() {
        let long = "今天也要加油呀，".repeat(30);
        let lines = [
            words("小电视 (20001)", "", &long),
            words("应援团 (group 221300)", "12 new", &long),
            words(&"很长的名字".repeat(9), "", "hi"),
        ];
        for terminal in [60, 80, 81, 120, 200] {
            let columns = Columns::on(terminal, &lines);
            let shown =
                |it: &Words| anstream::adapter::strip_str(&it.in_columns(&columns)).to_string();
            for line in &lines {
                let width = shown(line).width();
                assert!(width <= terminal, "{width}: {}", shown(line));
            }
            // But for a column that a wide character leaves.
            let full = shown(&lines[0]).width();
            assert!(full + 1 >= terminal, "{full} of {terminal}");
        }
        let narrow = Columns::on(10, &lines);
        assert_eq!((narrow.who, narrow.last), (LEAST, LEAST));
    }

    #[test]
    fn lines_off_a_terminal_are_as_wide_as_they_are() {
        let who = "很长的名字".repeat(9);
        let line = words(&who, "1 new", "hi").in_columns(&Columns::OFF_TERMINAL);
        assert!(line.contains(&who), "{line}");
        assert!(line.ends_with("  1 new     hi"), "{line}");
    }
}
