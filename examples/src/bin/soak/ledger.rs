//! Messages that came, and those that should have.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bilibili_session::Event;
use bilibili_session::poller::{Status, StatusChange, Warning};

use crate::Failure;
use crate::server::Totals;

/// Events of the bot. Clones are the same ledger.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    is_connected: bool,
    /// By conversation, the last text: they count from 1.
    last: BTreeMap<String, u64>,
    seen: u64,
    lost: u64,
    twice: u64,
    unexpected: u64,
    replies: usize,
    replies_failed: usize,
    warnings: BTreeMap<&'static str, u64>,
}

/// Messages that should have come.
pub(crate) struct All {
    pub(crate) totals: Totals,
    pub(crate) replies: usize,
}

impl Ledger {
    pub(crate) fn event(&self, event: &Event) {
        let mut book = self.book();
        let Some(number) = event.text().and_then(|text| text.parse::<u64>().ok()) else {
            book.unexpected += 1;
            return;
        };
        book.seen += 1;
        let last = book.last.entry(name(event)).or_default();
        let missing = number.saturating_sub(*last + 1);
        let is_old = number <= *last;
        *last = number.max(*last);
        book.lost += missing;
        book.twice += u64::from(is_old);
    }

    /// Returns whether the bot answers: every tenth private text.
    pub(crate) fn wants_reply(event: &Event) -> bool {
        event.conversation.is_user() && event.text().is_some_and(|text| text.ends_with('0'))
    }

    pub(crate) fn reply(&self, succeeded: bool) {
        let mut book = self.book();
        match succeeded {
            true => book.replies += 1,
            false => book.replies_failed += 1,
        }
    }

    pub(crate) fn warning(&self, warning: &Warning) {
        *self.book().warnings.entry(warning.kind()).or_default() += 1;
    }

    pub(crate) fn status(&self, change: &StatusChange) {
        if change.status == Status::Connected {
            self.book().is_connected = true;
        }
    }

    pub(crate) fn wait_until_connected(&self, patience: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while !self.book().is_connected {
            if begun.elapsed() > patience {
                return Err("no base line was taken".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn is_complete(&self, totals: &Totals) -> bool {
        self.book().last == totals.messages
    }

    pub(crate) fn warnings(&self) -> String {
        let book = self.book();
        let warnings = book.warnings.iter();
        let warnings: Vec<String> = warnings.map(|(kind, n)| format!("{n} {kind}")).collect();
        warnings.join(", ")
    }

    pub(crate) fn verdict(&self, all: &All) -> Verdict {
        let book = self.book();
        let tail: u64 = all
            .totals
            .messages
            .iter()
            .map(|(name, count)| {
                count.saturating_sub(book.last.get(name).copied().unwrap_or_default())
            })
            .sum();
        Verdict {
            arrived: all.totals.messages.values().sum(),
            faults: all.totals.faults,
            seen: book.seen,
            lost: book.lost + tail,
            twice: book.twice,
            unexpected: book.unexpected,
            replies: book.replies,
            replies_arrived: all.replies,
            replies_failed: book.replies_failed,
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(event: &Event) -> String {
    let id = event.conversation;
    let kind = if id.is_user() { "user" } else { "group" };
    format!("{kind} {}", id.talker_id())
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.book();
        let warnings: u64 = book.warnings.values().sum();
        write!(
            f,
            "{} seen, {} lost, {} twice, {} replies, {warnings} warnings",
            book.seen, book.lost, book.twice, book.replies
        )
    }
}

/// Result of a soak.
pub(crate) struct Verdict {
    arrived: u64,
    faults: u64,
    seen: u64,
    lost: u64,
    twice: u64,
    unexpected: u64,
    replies: usize,
    replies_arrived: usize,
    replies_failed: usize,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        self.seen == self.arrived
            && self.lost == 0
            && self.twice == 0
            && self.unexpected == 0
            && self.replies == self.replies_arrived
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arrived,
            faults,
            seen,
            lost,
            twice,
            unexpected,
            replies,
            replies_arrived,
            replies_failed,
        } = self;
        write!(
            f,
            "{arrived} messages arrived among {faults} faults; {seen} seen, {lost} lost, {twice} twice, {unexpected} unexpected; {replies} replies sent, {replies_arrived} arrived, {replies_failed} refused"
        )
    }
}
