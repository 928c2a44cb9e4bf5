//! The feeds of notifications, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A feed of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FeedKind {
    /// Replies to something of this account.
    Replies,
    /// Mentions of this account.
    At,
    /// Likes of something of this account.
    Likes,
    /// Notices of the system.
    System,
}

impl FeedKind {
    /// All feeds.
    pub const ALL: [Self; 4] = [Self::Replies, Self::At, Self::Likes, Self::System];

    /// Returns the name: `replies`, `at`, `likes` or `system`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replies => "replies",
            Self::At => "at",
            Self::Likes => "likes",
            Self::System => "system",
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is no feed: there are replies, at, likes and system", .0)]
#[non_exhaustive]
pub struct NotAFeed(pub String);

impl FromStr for FeedKind {
    type Err = NotAFeed;

    fn from_str(name: &str) -> Result<Self, NotAFeed> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        named.ok_or_else(|| NotAFeed(name.to_owned()))
    }
}
