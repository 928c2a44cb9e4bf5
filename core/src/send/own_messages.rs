//! Reading what the account itself has written in a conversation.

use std::time::Duration;

use http::Request;

use super::fingerprint::Fingerprint;
use crate::call::{Call, Output};
use crate::call_machine::CallLogin;
use crate::endpoints::{FetchSessionMsgs, MessagePage};
use crate::error::{Error, PageError};
use crate::event::Event;
use crate::ids::{ConversationId, MsgKey, Seqno, Uid};
use crate::pager::{History, Pager as _};
use crate::time::{Now, UnixSeconds};

/// Number of messages to ask for at once.
const PAGE: u32 = 50;

/// Number of pages after which a reading is given up.
const MOST_PAGES: u8 = 40;

/// The service's code for a conversation that there is not.
const NEVER_TALKED: i64 = 1_000_004;

/// A message that the account has written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    pub(crate) seqno: Seqno,
    pub(crate) key: MsgKey,
    pub(crate) content: Option<Fingerprint>,
    pub(crate) timestamp: UnixSeconds,
}

/// A reading of the own messages of a conversation.
#[derive(Debug)]
pub(super) struct OwnMessages {
    conversation: ConversationId,
    history: History,
    /// Messages before this time are of no interest; where it is not known all are.
    since: Option<UnixSeconds>,
    call: Option<Call<FetchSessionMsgs>>,
    pages: u8,
    found: Vec<Own>,
    newest: Seqno,
    has_unreadable: bool,
    is_over: bool,
}

/// Outcome of a reading.
#[derive(Debug)]
pub(super) struct Read {
    /// The own messages, in rising seqno.
    pub(super) own: Vec<Own>,
    /// The newest message of anybody, or the one that the reading began after.
    pub(super) newest: Seqno,
    /// Set if a message could not be read at all: that may be one of the account's.
    pub(super) has_unreadable: bool,
}

/// The next thing to do for a reading.
pub(super) enum Step {
    Send(Request<Vec<u8>>),
    Wait(Duration),
    Done(Result<Read, Error>),
}

impl OwnMessages {
    /// Reads what was written after this message.
    pub(super) fn after(conversation: ConversationId, seqno: Seqno) -> Self {
        Self::new(
            conversation,
            History::rising(conversation, seqno),
            None,
            seqno,
        )
    }

    /// Reads what was written since this time.
    pub(super) fn since(conversation: ConversationId, since: UnixSeconds) -> Self {
        let history = History::newest_first(conversation);
        Self::new(conversation, history, Some(since), Seqno(0))
    }

    fn new(
        conversation: ConversationId,
        history: History,
        since: Option<UnixSeconds>,
        newest: Seqno,
    ) -> Self {
        Self {
            conversation,
            history: history.size(PAGE),
            since,
            call: None,
            pages: 0,
            found: Vec::new(),
            newest,
            has_unreadable: false,
            is_over: false,
        }
    }

    pub(super) fn poll<L: CallLogin>(&mut self, login: &mut L, now: Now) -> Step {
        loop {
            if self.call.is_none() {
                match self.history.next_call().filter(|_| !self.is_over) {
                    Some(_) if self.pages >= MOST_PAGES => {
                        return Step::Done(Err(PageError::Stalled.into()));
                    }
                    Some(fetch) => self.call = Some(Call::new(fetch)),
                    None => return Step::Done(Ok(self.take())),
                }
            }
            let Some(call) = &mut self.call else { continue };
            let page = match login.poll_one(now, call) {
                Output::Send(request) => return Step::Send(request),
                Output::Wait(until) => return Step::Wait(until),
                Output::Done(page) => page,
            };
            self.call = None;
            let own = login.account().uid();
            let page = match page {
                // Nobody has written anything there.
                Err(error) if error.code() == Some(NEVER_TALKED) => Ok(MessagePage::default()),
                page => page,
            };
            if let Err(error) = page.and_then(|page| Ok(self.handle_page(page, own)?)) {
                return Step::Done(Err(error));
            }
        }
    }

    pub(super) fn call(&mut self) -> Option<&mut Call<FetchSessionMsgs>> {
        self.call.as_mut()
    }

    fn handle_page(&mut self, page: MessagePage, own: Option<Uid>) -> Result<(), PageError> {
        self.pages = self.pages.saturating_add(1);
        for event in &page.messages {
            self.newest = self.newest.max(event.msg_seqno());
        }
        self.has_unreadable |= !page.unreadable.is_empty();
        for event in self.history.handle_page(page)? {
            let time = event.timestamp();
            let is_old = time.0 > 0 && self.since.is_some_and(|since| time < since);
            // The newest come first then: what follows is older still.
            self.is_over |= is_old;
            if !is_old && self.is_own(&event, own) {
                self.found.push(Own {
                    seqno: event.msg_seqno(),
                    key: event.msg_key(),
                    content: Fingerprint::of(&event.content),
                    timestamp: event.timestamp(),
                });
            }
        }
        Ok(())
    }

    fn is_own(&self, event: &Event, own: Option<Uid>) -> bool {
        match (own, self.conversation) {
            (Some(own), _) => event.sender_uid() == own,
            // Of two, who is not the other.
            (None, ConversationId::User(other)) => {
                event.sender_uid() != other && event.sender_uid() != Uid(0)
            }
            (None, _) => false,
        }
    }

    fn take(&mut self) -> Read {
        let mut own = std::mem::take(&mut self.found);
        own.sort_unstable_by_key(|own| own.seqno);
        Read {
            own,
            newest: self.newest,
            has_unreadable: self.has_unreadable,
        }
    }
}
