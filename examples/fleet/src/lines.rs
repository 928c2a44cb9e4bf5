//! The row of an event: its key, and the line that `bili --json` prints for it.

#[path = "../../src/bin/bili/lines.rs"]
#[allow(
    dead_code,
    reason = "the command has more to say than messages and notifications"
)]
mod bili;

use bilibili_session::feeds::NewLikes;
use bilibili_session::poller::Warning;
use bilibili_session::session::Update;
use bilibili_session::{Event, FeedEvent, Names};

use bili::{FeedLine, MessageLine, WarningLine};

/// Returns the line of a warning.
pub(crate) fn of_warning(warning: &Warning) -> String {
    serde_json::to_string(&WarningLine(warning)).unwrap_or_default()
}

/// An event as it stands in the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) session_type: i64,
    pub(crate) talker_id: i64,
    pub(crate) seqno: i64,
    pub(crate) key: i64,
    pub(crate) liked_at: i64,
    pub(crate) line: String,
}

impl Row {
    /// Returns the row of an update that is an event.
    pub(crate) fn of(update: &Update) -> Option<Self> {
        match update {
            Update::Event(event) => Some(Self::of_message(event)),
            Update::Feed(event) => Some(Self::of_feed(event)),
            Update::Warning(_) | Update::Status(_) => None,
        }
    }

    fn of_message(event: &Event) -> Self {
        let names = Names::new(0);
        Self {
            kind: "message",
            session_type: event.conversation.session_type(),
            talker_id: event.conversation.talker_id(),
            seqno: i64::try_from(event.msg_seqno().0).unwrap_or(i64::MAX),
            key: event.msg_key().0,
            liked_at: 0,
            // What the server sent as JSON always serialises.
            line: serde_json::to_string(&MessageLine(event, &names)).unwrap_or_default(),
        }
    }

    fn of_feed(event: &FeedEvent) -> Self {
        let names = Names::new(0);
        let (kind, seqno, liked_at) = match event {
            FeedEvent::Reply(_) => ("reply", 0, 0),
            FeedEvent::At(_) => ("at", 0, 0),
            // One thing is liked again and again: its count rises, or one goes and a later one comes.
            FeedEvent::Like(NewLikes { like, .. }) => ("like", like.counts, like.like_time.0),
            _ => ("system", 0, 0),
        };
        Self {
            kind,
            session_type: 0,
            talker_id: 0,
            seqno,
            key: event.id(),
            liked_at,
            line: serde_json::to_string(&FeedLine(event, &names)).unwrap_or_default(),
        }
    }
}
