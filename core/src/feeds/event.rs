//! Notifications as a user of the poller sees them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::FeedKind;
use crate::model::{At, FeedItem, FeedUser, Like, Reply, SystemNotice};
use crate::names::Names;
use crate::one_line::OneLine;
use crate::time::UnixSeconds;

/// A notification that arrived.
///
/// Its `Display` is one line for people, whatever the notification holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum FeedEvent {
    /// Somebody replied to something of this account.
    Reply(Reply),
    /// Somebody mentioned this account.
    At(At),
    /// Something of this account was liked, once or several times.
    Like(NewLikes),
    /// The system sent a notice.
    System(SystemNotice),
}

/// New likes of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewLikes {
    /// The entry of the feed, with all that it says of the thing.
    pub like: Like,
    /// The number of likes that was known before; `None` if the thing was not known.
    pub counts_before: Option<i64>,
    /// The users whose likes are new, the newest first, as far as the feed names them.
    pub users: Vec<FeedUser>,
}

impl FeedEvent {
    /// Returns the feed of the notification.
    pub const fn kind(&self) -> FeedKind {
        match self {
            Self::Reply(_) => FeedKind::Replies,
            Self::At(_) => FeedKind::At,
            Self::Like(_) => FeedKind::Likes,
            Self::System(_) => FeedKind::System,
        }
    }

    /// Returns the number of the notification within its feed: the `id` of an entry, the `cursor`
    /// of a system notice, which holds for both sources.
    pub const fn id(&self) -> i64 {
        match self {
            Self::Reply(reply) => reply.id,
            Self::At(at) => at.id,
            Self::Like(likes) => likes.like.id,
            Self::System(notice) if notice.cursor == 0 => notice.id,
            Self::System(notice) => notice.cursor,
        }
    }

    /// Returns the users who did it, the newest first, as far as the feed names them; nobody for a
    /// system notice.
    pub const fn users(&self) -> &[FeedUser] {
        match self {
            Self::Reply(reply) => std::slice::from_ref(&reply.user),
            Self::At(at) => std::slice::from_ref(&at.user),
            Self::Like(likes) => likes.users.as_slice(),
            Self::System(_) => &[],
        }
    }

    /// Shows the notification on one line as its `Display` does, with the names that are known of
    /// users whom the feed does not name.
    pub fn with_names<'a>(&'a self, names: &'a Names) -> impl fmt::Display + 'a {
        Line(self, Some(names))
    }

    /// Returns the time of the notification; `None` if the service gives none.
    pub fn time(&self) -> Option<UnixSeconds> {
        let time = match self {
            Self::Reply(reply) => reply.reply_time,
            Self::At(at) => at.at_time,
            Self::Like(likes) => likes.like.like_time,
            Self::System(notice) => return notice.time_at.unix(),
        };
        (time.0 > 0).then_some(time)
    }
}

/// `reply from 小电视 (20001): hi`, `12 likes (3 new) of a video: title`.
impl fmt::Display for FeedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line(self, None).fmt(f)
    }
}

/// A notification on one line, with names for users that the feed does not name.
struct Line<'a>(&'a FeedEvent, Option<&'a Names>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(event, names) = *self;
        match event {
            FeedEvent::Reply(Reply { user, item, .. }) => {
                write!(f, "reply from {}: {}", Person(user, names), Comment(item))
            }
            FeedEvent::At(At { user, item, .. }) => {
                write!(f, "mention by {}: {}", Person(user, names), Comment(item))
            }
            FeedEvent::Like(likes) => likes.write(f, names),
            FeedEvent::System(notice) => {
                let body = notice.body();
                write!(
                    f,
                    "system notice: {}: {}",
                    OneLine(&notice.title),
                    OneLine(&body.text)
                )
            }
        }
    }
}

impl fmt::Display for NewLikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

impl NewLikes {
    fn write(&self, f: &mut fmt::Formatter<'_>, names: Option<&Names>) -> fmt::Result {
        let item = &self.like.item;
        match self.counts_before {
            Some(before) if before < self.like.counts => {
                let new = self.like.counts.saturating_sub(before);
                write!(f, "{} likes ({new} new)", self.like.counts)?;
            }
            _ => write!(f, "{} likes", self.like.counts)?,
        }
        write!(f, " of {}", OneLine(&item.business))?;
        if !item.title.is_empty() {
            write!(f, " {}", OneLine(&item.title))?;
        }
        for (place, user) in self.users.iter().enumerate() {
            f.write_str(if place == 0 { ", from " } else { ", " })?;
            write!(f, "{}", Person(user, names))?;
        }
        Ok(())
    }
}

/// A user's name and number.
struct Person<'a>(&'a FeedUser, Option<&'a Names>);

impl fmt::Display for Person<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(user, names) = self;
        match (user.nickname.as_str(), names) {
            ("", Some(names)) => names.display(user.mid).fmt(f),
            ("", None) => write!(f, "user {}", user.mid),
            (name, _) => write!(f, "{} ({})", OneLine(name), user.mid),
        }
    }
}

/// A comment, and the title of the thing that it stands below.
struct Comment<'a>(&'a FeedItem);

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(item) = self;
        OneLine(&item.source_content).fmt(f)?;
        match item.title.as_str() {
            "" => Ok(()),
            title => write!(f, " [{}]", OneLine(title)),
        }
    }
}
