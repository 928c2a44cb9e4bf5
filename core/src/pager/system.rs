//! System notices out of all their sources.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Pager, Tally};
use crate::endpoints::{GetSystemMessages, SystemPage};
use crate::error::PageError;
use crate::json::Unreadable;
use crate::json::lenient::required_int;
use crate::model::SystemNotice;

/// All system notices, newest first, each once: the newest of both sources, merged, then the
/// older ones.
#[derive(Debug, Clone)]
#[must_use]
pub struct SystemPager {
    stage: Stage,
    /// Notices that came and are not delivered yet, newest first.
    held: BTreeMap<Reverse<(i64, i64)>, SystemNotice>,
    seen: BTreeSet<i64>,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    User,
    /// The unified source, with the lowest cursor of the user's source.
    Unified(Option<i64>),
    /// The notices before this cursor.
    Older(i64),
    Over,
}

impl SystemPager {
    /// Creates a pager of all notices, from the newest on.
    pub const fn new() -> Self {
        Self {
            stage: Stage::User,
            held: BTreeMap::new(),
            seen: BTreeSet::new(),
            tally: Tally::new(),
        }
    }

    /// Sets the greatest number of notices.
    pub const fn limit(mut self, notices: usize) -> Self {
        self.tally.left = notices;
        self
    }

    /// Takes out the held notices from this cursor up: no newer ones can come any more.
    fn release(&mut self, from: i64) -> Vec<SystemNotice> {
        let older = self.held.split_off(&Reverse((from, i64::MIN)));
        let released = std::mem::replace(&mut self.held, older);
        self.tally.take(released.into_values().collect())
    }
}

/// Returns the cursor of a notice that cannot be read.
fn cursor_of(notice: &Unreadable) -> Option<i64> {
    let read: Cursor = serde_json::from_str(&notice.raw).ok()?;
    Some(read.cursor)
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(deserialize_with = "required_int")]
    cursor: i64,
}

impl Default for SystemPager {
    fn default() -> Self {
        Self::new()
    }
}

impl Pager for SystemPager {
    type Endpoint = GetSystemMessages;
    type Item = SystemNotice;

    fn next_call(&self) -> Option<GetSystemMessages> {
        match self.stage {
            _ if self.tally.is_full() => None,
            Stage::User => Some(GetSystemMessages::new()),
            Stage::Unified(_) => Some(GetSystemMessages::unified()),
            Stage::Older(cursor) => Some(GetSystemMessages::older(cursor)),
            Stage::Over => None,
        }
    }

    /// Takes a page; the pager ends on one that leads no further down.
    fn handle_page(&mut self, page: SystemPage) -> Result<Vec<SystemNotice>, PageError> {
        // One that cannot be read leads on as well, if its cursor can.
        let unreadable = page.unreadable.iter().filter_map(cursor_of);
        let cursors = page.notices.iter().map(|notice| notice.cursor);
        let cursors = cursors.chain(unreadable);
        let lowest = cursors.filter(|cursor| *cursor > 0).min();
        self.tally.note(page.unreadable);
        for notice in page.notices {
            // The cursor identifies a notice over both sources; an older shape has none.
            let number = if notice.cursor > 0 {
                notice.cursor
            } else {
                notice.id
            };
            if self.seen.insert(number) {
                self.held
                    .insert(Reverse((notice.cursor, notice.id)), notice);
            }
        }
        // The older ones begin where the shorter of both lists ends: below that, the
        // other one alone may be no whole list.
        let next = match self.stage {
            Stage::User => Stage::Unified(lowest),
            Stage::Unified(user) => user.max(lowest).map_or(Stage::Over, Stage::Older),
            Stage::Older(cursor) => match lowest {
                // Also where all of it was known: the newest of one source may fill a page of the
                // older ones, and what neither source had lies below them.
                Some(lowest) if lowest < cursor => Stage::Older(lowest),
                _ => Stage::Over,
            },
            Stage::Over => return Err(PageError::Unasked),
        };
        self.stage = next;
        Ok(match next {
            Stage::User | Stage::Unified(_) => Vec::new(),
            Stage::Older(cursor) => self.release(cursor),
            Stage::Over => self.release(i64::MIN),
        })
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}
