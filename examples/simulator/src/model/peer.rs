//! The others: users who have no account here, and groups.

use serde::Deserialize;

/// Another user, as the accounts see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The name shown.
    pub name: String,
    /// Set if the account follows the user.
    pub is_follow: bool,
    /// Set if the messages of the user were intercepted as unwanted.
    pub is_intercept: bool,
    /// Kind of system source: 0 for people; 1 live, 5 notices, 7 creators, 8 service, 9 payment.
    pub system_msg_type: i64,
    /// The code that refuses what is sent to them (25003, 21047 …), if any.
    pub refuses: Option<i64>,
}

impl Peer {
    pub(crate) fn made_up(uid: i64) -> Self {
        Self {
            name: format!("用户{uid}"),
            is_follow: true,
            is_intercept: false,
            system_msg_type: 0,
            refuses: None,
        }
    }
}

/// A fan group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name shown.
    pub name: String,
    /// Relation of the accounts to the group.
    pub standing: Standing,
}

impl Group {
    pub(crate) fn made_up(id: i64) -> Self {
        Self {
            name: format!("应援团{id}"),
            standing: Standing::Member,
        }
    }
}

/// Relation of the accounts to a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Member: all is well.
    #[default]
    Member,
    /// The group is no more: 700013.
    Dissolved,
    /// No longer a member: 700014.
    Left,
}

impl Standing {
    pub(crate) fn code(self) -> Option<i64> {
        match self {
            Self::Member => None,
            Self::Dissolved => Some(700_013),
            Self::Left => Some(700_014),
        }
    }
}
