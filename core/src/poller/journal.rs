//! A checkpoint as a file that grows by what changed: a snapshot, then short additions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Poller;
use super::checkpoint::{Body, Checkpoint, CheckpointError, Entry, check_sum};
use crate::event::Event;
use crate::feeds::FeedEvent;
use crate::ids::ConversationId;
use crate::send::SavedReplies;

const FORMAT: &str = "bilibili-session checkpoint addition";

/// Least number of bytes of additions before the file is replaced by a new snapshot.
const LEAST_ADDITIONS: usize = 64 * 1024;

/// State of a file of checkpoints: a snapshot, followed by what changed since.
///
/// Writing a whole [`Checkpoint`] after every message costs what is known, an addition costs what
/// changed. The file is text, which [`Checkpoint::from_json`] reads. The last line of the file may
/// be torn, which costs no more than that line; other damage is an error. So nothing is ever
/// appended to a torn line: where writing fails, and in a new process, begin a new journal, whose
/// first entry replaces the file.
///
/// ```
/// use bilibili_session::poller::{Journal, JournalEntry, Poller};
/// use std::fs::{self, OpenOptions};
/// use std::io::{self, Write};
///
/// fn save(poller: &mut Poller, journal: &mut Journal) -> io::Result<()> {
///     let Some(entry) = poller.save(journal) else {
///         return Ok(());
///     };
///     let written = write(&entry);
///     if written.is_err() {
///         *journal = Journal::new();
///     }
///     written
/// }
///
/// fn write(entry: &JournalEntry) -> io::Result<()> {
///     match entry {
///         JournalEntry::Replace(text) => {
///             fs::write("checkpoint.new", text)?;
///             fs::rename("checkpoint.new", "checkpoint")
///         }
///         JournalEntry::Append(text) => {
///             let mut file = OpenOptions::new().append(true).open("checkpoint")?;
///             file.write_all(text.as_bytes())
///         }
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Journal {
    /// The check sum of the last entry, which the next one goes on from; `None` before the first
    /// snapshot.
    link: Option<String>,
    snapshot_size: usize,
    additions_size: usize,
}

/// Text to write to a file of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a writer does each of these")]
#[must_use = "later entries go on from this one"]
pub enum JournalEntry {
    /// Replace the file by this text: as a whole, or not at all.
    Replace(String),
    /// Append this text to the file.
    Append(String),
}

/// An addition to a snapshot, in an envelope that shows damage.
#[derive(Serialize, Deserialize)]
struct Addition<B> {
    format: String,
    check: String,
    body: B,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// Check sum of the entry before.
    after: String,
    /// The state, with the conversations and the replies that changed alone.
    state: Body,
    /// Conversations that are no longer remembered: `session_type` and `talker_id` of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<(i64, i64)>,
}

impl Journal {
    /// Creates the state of a file that is to be replaced by a first snapshot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether the additions have grown beyond the snapshot, so that a new one pays.
    const fn is_long(&self) -> bool {
        self.additions_size > LEAST_ADDITIONS && self.additions_size > self.snapshot_size
    }

    fn replace(&mut self, checkpoint: &Checkpoint) -> JournalEntry {
        let mut text = checkpoint.to_json();
        text.push('\n');
        *self = Self {
            link: Some(check_sum(&checkpoint.body)),
            snapshot_size: text.len(),
            additions_size: 0,
        };
        JournalEntry::Replace(text)
    }

    fn append(&mut self, state: Body, forgotten: Vec<(i64, i64)>) -> JournalEntry {
        let body = Changes {
            after: self.link.take().unwrap_or_default(),
            state,
            forgotten,
        };
        let check = check_sum(&body);
        self.link = Some(check.clone());
        let format = FORMAT.to_owned();
        // A struct of numbers always serialises.
        let mut text = serde_json::to_string(&Addition {
            format,
            check,
            body,
        })
        .unwrap_or_default();
        text.push('\n');
        self.additions_size = self.additions_size.saturating_add(text.len());
        JournalEntry::Append(text)
    }
}

/// Applies the additions that follow a snapshot. The last one may be torn, and is left out then: its end is missing, or
/// zeros stand where a part of it never came to the disk.
///
/// # Errors
/// Fails when an addition is damaged in another way, or before the last one, when one is missing, or when another
/// snapshot follows: nobody knows which one counts.
pub(super) fn apply(checkpoint: &mut Checkpoint, additions: &str) -> Result<(), CheckpointError> {
    if additions.is_empty() {
        return Ok(());
    }
    let mut link = check_sum(&checkpoint.body);
    let mut known = by_id(&mut checkpoint.body.conversations, Entry::id);
    let mut replies = by_id(&mut checkpoint.body.replies, SavedReplies::id);
    let damaged = |why: &str| Err(CheckpointError::Damaged(why.to_owned()));
    let mut lines = additions.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some(changes) = read(line) else {
            if Checkpoint::from_snapshot(line).is_ok() {
                return damaged("there are two checkpoints in it");
            }
            let is_torn = !line.ends_with('\n') || line.contains('\0');
            if lines.peek().is_some() || !is_torn {
                return damaged("an addition to it cannot be read");
            }
            break;
        };
        if changes.body.after != link {
            return damaged("an addition to it is missing");
        }
        link = changes.check;
        let Changes {
            mut state,
            forgotten,
            ..
        } = changes.body;
        for (session_type, talker_id) in forgotten {
            known.remove(&ConversationId::new(session_type, talker_id));
        }
        known.extend(by_id(&mut state.conversations, Entry::id));
        replies.extend(by_id(&mut state.replies, SavedReplies::id));
        if state.feeds.is_empty() {
            // They did not change.
            state.feeds = std::mem::take(&mut checkpoint.body.feeds);
        }
        checkpoint.body = state;
    }
    checkpoint.body.conversations = known.into_values().collect();
    checkpoint.body.replies = replies.into_values().collect();
    Ok(())
}

/// Takes out entries, by their conversations.
fn by_id<T>(
    entries: &mut Vec<T>,
    id: impl Fn(&T) -> ConversationId,
) -> BTreeMap<ConversationId, T> {
    let entries = std::mem::take(entries).into_iter();
    entries.map(|entry| (id(&entry), entry)).collect()
}

/// Reads an addition, if the line is a whole one.
fn read(line: &str) -> Option<Addition<Changes>> {
    let addition: Addition<Changes> = serde_json::from_str(line).ok()?;
    let is_whole = addition.format == FORMAT && addition.check == check_sum(&addition.body);
    is_whole.then_some(addition)
}

impl Poller {
    /// Returns the text that brings a file of checkpoints up to date: the file then covers exactly
    /// the events delivered so far. Returns `None` before the baseline is taken.
    ///
    /// The first entry of a journal replaces the file, and so does one of a journal that did not
    /// take the last entry of this poller.
    pub fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        self.save_without(journal, std::iter::empty(), std::iter::empty())
    }

    /// Returns the same as [`save`](Self::save), without these events, which are not handled yet.
    pub(crate) fn save_without<'a>(
        &mut self,
        journal: &mut Journal,
        unhandled: impl Iterator<Item = &'a Event>,
        unhandled_feeds: impl Iterator<Item = &'a FeedEvent>,
    ) -> Option<JournalEntry> {
        let state = self.checkpoint_head()?;
        let have_feeds_changed = self.feeds.as_mut().is_some_and(|it| it.take_changed());
        let goes_on = journal.link.is_some() && journal.link == self.saved && !journal.is_long();
        let changed = self.conversations.take_changed().filter(|_| goes_on);
        let replied = self.account.sends_mut().take_changed_replies();
        let entry = match changed {
            Some(changed) => {
                let mut head = Checkpoint { body: state };
                head.body.replies = replied;
                if have_feeds_changed {
                    unhandled_feeds.for_each(|event| head.rewind_feed(event));
                } else {
                    head.body.feeds.clear();
                }
                self.addition(journal, head, &changed, unhandled)
            }
            None => {
                let mut checkpoint = self.checkpoint()?;
                unhandled.for_each(|event| checkpoint.rewind(event));
                unhandled_feeds.for_each(|event| checkpoint.rewind_feed(event));
                journal.replace(&checkpoint)
            }
        };
        self.saved.clone_from(&journal.link);
        Some(entry)
    }

    fn addition<'a>(
        &self,
        journal: &mut Journal,
        mut checkpoint: Checkpoint,
        changed: &BTreeSet<ConversationId>,
        unhandled: impl Iterator<Item = &'a Event>,
    ) -> JournalEntry {
        let mut forgotten = Vec::new();
        for id in changed {
            match self.conversations.get(*id) {
                Some(state) => checkpoint.body.conversations.push(state.save(*id)),
                None => forgotten.push((id.session_type(), id.talker_id())),
            }
        }
        // Where the conversation did not change, an earlier entry leaves the event out.
        unhandled
            .filter(|event| changed.contains(&event.conversation))
            .for_each(|event| checkpoint.rewind(event));
        journal.append(checkpoint.body, forgotten)
    }

    /// Notes that an event of this conversation was handled: the next entry of a journal covers
    /// it.
    pub(crate) fn event_handled(&mut self, id: ConversationId) {
        self.conversations.note_change(id);
    }
}
