//! `unread`

use bilibili_session::endpoints::{
    GetUnreadMessages, GroupUnreadCount, MyGroupUnread, SingleUnread, SingleUnreadCounts,
    UnreadMessages,
};
use serde::Serialize;

use super::fields;
use crate::failure::Failure;
use crate::output::{Output, pairs};
use crate::runtime::Runtime;

#[derive(Serialize)]
struct Unread {
    event: &'static str,
    private: SingleUnreadCounts,
    group: GroupUnreadCount,
    feed: UnreadMessages,
}

pub(crate) fn run(runtime: &Runtime, out: &mut Output) -> Result<(), Failure> {
    let line = Unread {
        event: "unread",
        private: runtime.call(SingleUnread)?,
        group: runtime.call(MyGroupUnread)?,
        feed: runtime.call(GetUnreadMessages)?,
    };
    out.print(&line, || {
        let mut all = fields(&line.private);
        all.extend(fields(&line.group));
        all.extend(fields(&line.feed));
        pairs(&all)
    })
}
