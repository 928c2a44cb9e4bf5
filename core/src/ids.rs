//! Numbers that must not be mistaken for each other, each with its own type.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::lenient;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
        #[serde(transparent)]
        #[expect(clippy::exhaustive_structs, reason = "a number with a name, nothing else")]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$inner> for $name {
            fn from(number: $inner) -> Self {
                Self(number)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        /// Reads a number, a number as a string, or null (as 0).
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                lenient::int(deserializer).map(Self)
            }
        }
    };
}

number! {
    /// Number of a user (`mid`, `uid`); 0 is the system.
    Uid(i64)
}
number! {
    /// Number of a fan group. Groups and users are numbered apart: the same number may be both.
    GroupId(i64)
}
number! {
    /// Position of a message in its conversation: rising, with holes. About 1e15 for
    /// users, small for groups.
    Seqno(u64)
}
number! {
    /// Key of a message, unique in the service, about 7.5e18: more than a JavaScript number holds.
    MsgKey(i64)
}

impl Seqno {
    /// Returns whether a message can have this number. Seqnos are 63 bits and begin
    /// at 1; 0 and all ones are what the service says for "none", and no cursor may stand there.
    pub(crate) fn is_plausible(self) -> bool {
        i64::try_from(self.0).is_ok_and(|seqno| (1..i64::MAX).contains(&seqno))
    }
}

/// Identity of a conversation: with a user, or in a group.
///
/// In the service's words the pair (`session_type`, `talker_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "`Other` is every type that is not known"
)]
pub enum ConversationId {
    /// `session_type` 1: the conversation with this user.
    User(Uid),
    /// `session_type` 2: the conversation of this group.
    Group(GroupId),
    /// A `session_type` that this version does not know. It can be read, not written to.
    Other {
        /// The number the service gave, neither 1 nor 2.
        session_type: i64,
        /// The other side, of an unknown kind.
        talker_id: i64,
    },
}

impl ConversationId {
    /// Reads the service's pair of numbers.
    pub const fn new(session_type: i64, talker_id: i64) -> Self {
        match session_type {
            1 => Self::User(Uid(talker_id)),
            2 => Self::Group(GroupId(talker_id)),
            _ => Self::Other {
                session_type,
                talker_id,
            },
        }
    }

    /// Returns 1 for a user, 2 for a group.
    pub const fn session_type(self) -> i64 {
        match self {
            Self::User(_) => 1,
            Self::Group(_) => 2,
            Self::Other { session_type, .. } => session_type,
        }
    }

    /// Returns the number of the other user, or of the group.
    pub const fn talker_id(self) -> i64 {
        match self {
            Self::User(Uid(id)) | Self::Group(GroupId(id)) => id,
            Self::Other { talker_id, .. } => talker_id,
        }
    }

    /// Returns whether this is a conversation with one user, not a group.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::User(_))
    }
}

impl From<Uid> for ConversationId {
    fn from(uid: Uid) -> Self {
        Self::User(uid)
    }
}

impl From<GroupId> for ConversationId {
    fn from(group: GroupId) -> Self {
        Self::Group(group)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(f, "user {uid}"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Other {
                session_type,
                talker_id,
            } => write!(f, "conversation {talker_id} of type {session_type}"),
        }
    }
}

/// Error of a text that names no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a conversation: neither `user 20001` nor `group 5`")]
#[non_exhaustive]
pub struct NotAConversationId;

/// Reads the text that `Display` writes: `user 20001`, `group 5`, `conversation 7 of type 3`.
impl FromStr for ConversationId {
    type Err = NotAConversationId;

    fn from_str(text: &str) -> Result<Self, NotAConversationId> {
        let number = |text: &str| text.parse().map_err(|_| NotAConversationId);
        match text.split(' ').collect::<Vec<_>>().as_slice() {
            ["user", uid] => Ok(Self::new(1, number(uid)?)),
            ["group", group] => Ok(Self::new(2, number(group)?)),
            ["conversation", talker, "of", "type", session_type] => {
                Ok(Self::new(number(session_type)?, number(talker)?))
            }
            _ => Err(NotAConversationId),
        }
    }
}

/// Writes `{"session_type": 1, "talker_id": 20001}`.
impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_struct("ConversationId", 2)?;
        pair.serialize_field("session_type", &self.session_type())?;
        pair.serialize_field("talker_id", &self.talker_id())?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for ConversationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Pair {
            session_type: i64,
            talker_id: i64,
        }
        let pair = Pair::deserialize(deserializer)?;
        Ok(Self::new(pair.session_type, pair.talker_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_not_a_group() {
        let user = ConversationId::from(Uid(7));
        let group = ConversationId::from(GroupId(7));
        assert_ne!(user, group);
        assert_eq!(ConversationId::new(1, 7), user);
        assert_eq!(ConversationId::new(2, 7), group);
        assert_eq!(ConversationId::new(3, 7).session_type(), 3);
    }

    #[test]
    fn a_text_is_read_as_it_is_written() {
        for id in [
            ConversationId::new(1, 20001),
            ConversationId::new(2, 0),
            ConversationId::new(i64::MIN, i64::MAX),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in [
            "",
            "user",
            "user x",
            "user 1 ",
            "User 1",
            "20001",
            "group 1 2",
        ] {
            assert_eq!(
                text.parse::<ConversationId>(),
                Err(NotAConversationId),
                "{text}"
            );
        }
        assert_eq!("7".parse(), Ok(Seqno(7)));
        assert!("-1".parse::<Seqno>().is_err());
        assert_eq!(i64::MIN.to_string().parse(), Ok(MsgKey(i64::MIN)));
    }

    #[test]
    fn serialises_as_the_pair() {
        let json = serde_json::to_string(&ConversationId::from(GroupId(5))).unwrap();
        assert_eq!(json, r#"{"session_type":2,"talker_id":5}"#);
        let back: ConversationId = serde_json::from_str(&json).unwrap();
        assert_eq!(back, ConversationId::Group(GroupId(5)));
    }
}
