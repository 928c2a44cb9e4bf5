//! Feeds of notifications, as the tables and the command line name them.

use std::str::FromStr;

use bilibili_session::FeedKind;

use crate::error::Error;

/// Feeds that an account is watched for beside its messages: `none`, `all`, or some of `replies,at,likes,system`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedList(Vec<FeedKind>);

impl FeedList {
    /// All feeds.
    pub fn all() -> Self {
        Self(FeedKind::ALL.to_vec())
    }

    /// Returns the names, as they stand in the table.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.as_str()).collect()
    }
}

impl FromStr for FeedList {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "none" => return Ok(Self::default()),
            "all" => return Ok(Self::all()),
            _ => {}
        }
        let named = text.split(',').map(|name| name.trim().parse());
        let kinds: Result<Vec<FeedKind>, _> = named.collect();
        let mut kinds = kinds.map_err(|error| Error::usage(format!("{error}, or none, or all")))?;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Self(kinds))
    }
}

/// Returns the feeds of these names; a name that a newer version has written is passed over.
pub(crate) fn known(names: &[&str]) -> Vec<FeedKind> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_feeds_once_in_their_order() {
        let names = |text: &str| text.parse::<FeedList>().map(|list| list.names());
        assert_eq!(
            names("system, replies,system").unwrap(),
            ["replies", "system"]
        );
        assert_eq!(names("all").unwrap(), ["replies", "at", "likes", "system"]);
        assert!(names("none").unwrap().is_empty());
        for text in ["", "like", "replies,", "none,at"] {
            assert!(names(text).is_err(), "{text}");
        }
        assert_eq!(known(&["at", "of tomorrow"]), [FeedKind::At]);
    }
}
