//! The whole list of conversations.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Pager, Tally};
use crate::endpoints::{GetSessions, SessionPage};
use crate::error::PageError;
use crate::ids::ConversationId;
use crate::json::Unreadable;
use crate::model::Conversation;
use crate::time::UnixMicros;

/// The whole list of conversations, newest first, each once; pinned ones stand where
/// the service puts them.
#[derive(Debug, Clone)]
pub struct SessionsPager {
    call: GetSessions,
    over: bool,
    seen: BTreeSet<ConversationId>,
    tally: Tally,
}

impl SessionsPager {
    /// The list that this call begins.
    pub const fn new(call: GetSessions) -> Self {
        Self {
            call,
            over: false,
            seen: BTreeSet::new(),
            tally: Tally::new(),
        }
    }

    /// No more than so many conversations.
    #[must_use]
    pub const fn limit(mut self, conversations: usize) -> Self {
        self.tally.left = conversations;
        self
    }
}

impl Pager for SessionsPager {
    type Endpoint = GetSessions;
    type Item = Conversation;

    fn next_call(&self) -> Option<GetSessions> {
        (!self.over && !self.tally.is_full()).then(|| self.call.clone())
    }

    /// Ends at the last page, and on one that brings nothing new.
    fn handle_page(&mut self, page: SessionPage) -> Result<Vec<Conversation>, PageError> {
        if self.over {
            return Err(PageError::Unasked);
        }
        let bottom = bottom(&page.session_list);
        // A full page may have more behind it, whatever it says.
        let has_more = page.has_more || page.session_list.len() >= self.call.page_size();
        let mut fresh = page.session_list;
        fresh.retain(|conversation| self.seen.insert(conversation.id()));
        self.tally.note(page.unreadable);
        match bottom {
            Some(bottom) if has_more && !fresh.is_empty() => {
                // Two may carry the same time, so the next page begins with this one again.
                let end_ts = bottom.plus(Duration::from_micros(1));
                self.call = self.call.clone().end_ts(end_ts);
            }
            _ => self.over = true,
        }
        Ok(self.tally.take(fresh))
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}

/// How far down a page goes. Pinned conversations stand at the front whatever their time;
/// on a page of nothing else, the newest of them is as far as is certain.
fn bottom(list: &[Conversation]) -> Option<UnixMicros> {
    // One that is listed twice counts where it stands first.
    let mut seen = BTreeSet::new();
    let list: Vec<&Conversation> = list
        .iter()
        .filter(|conversation| seen.insert(conversation.id()))
        .collect();
    let times = |pinned: bool| {
        list.iter()
            .filter(move |conversation| (conversation.top_ts.0 > 0) == pinned)
            .map(|conversation| conversation.session_ts)
            .filter(|time| time.0 > 0)
    };
    times(false).next_back().or_else(|| times(true).max())
}
