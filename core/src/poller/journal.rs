//! A checkpoint as a file that grows by what changed: a snapshot, then short additions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Poller;
use super::checkpoint::{Body, Checkpoint, CheckpointError, Entry, check_sum};
use crate::event::Event;
use crate::feeds::FeedEvent;
use crate::ids::ConversationId;

const FORMAT: &str = "bilibili-session checkpoint addition";

/// Least number of bytes of additions before the file is replaced by a new snapshot.
const LEAST_ADDITIONS: usize = 64 * 1024;

/// State of a file of checkpoints: a snapshot, followed by what changed since.
///
/// Writing a whole [`Checkpoint`] after every message costs what is known, an addition costs what
/// changed. The file is text, which [`Checkpoint::from_json`] reads: up to the last addition that
/// is whole, so that a torn end costs no more than itself. Where writing fails, begin a new
/// journal: its first entry replaces the file.
///
/// ```
/// use bilibili_session::poller::{Journal, JournalEntry, Poller};
/// use std::fs::{File, OpenOptions};
/// use std::io::{self, Write};
///
/// fn save(poller: &mut Poller, journal: &mut Journal) -> io::Result<()> {
///     match poller.save(journal) {
///         // In a program: to another file, which then takes the place of this one.
///         Some(JournalEntry::Replace(text)) => File::create("checkpoint")?.write_all(text.as_bytes()),
///         Some(JournalEntry::Append(text)) => {
///             let mut file = OpenOptions::new().append(true).open("checkpoint")?;
///             file.write_all(text.as_bytes())
///         }
///         None => Ok(()),
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
    /// The state, with the conversations that changed alone.
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

/// Applies the additions that follow a snapshot, up to the first that is damaged.
///
/// # Errors
/// Fails when another snapshot follows: nobody knows which one counts.
pub(super) fn apply(checkpoint: &mut Checkpoint, additions: &str) -> Result<(), CheckpointError> {
    if additions.is_empty() {
        return Ok(());
    }
    let mut link = check_sum(&checkpoint.body);
    let mut known: BTreeMap<ConversationId, Entry> =
        std::mem::take(&mut checkpoint.body.conversations)
            .into_iter()
            .map(|entry| (entry.id(), entry))
            .collect();
    for line in additions.lines() {
        let Some(changes) = read(line, &link) else {
            if Checkpoint::from_snapshot(line).is_ok() {
                return Err(CheckpointError::Damaged(
                    "there are two checkpoints in it".to_owned(),
                ));
            }
            break;
        };
        link = changes.check;
        let Changes {
            mut state,
            forgotten,
            ..
        } = changes.body;
        for (session_type, talker_id) in forgotten {
            known.remove(&ConversationId::new(session_type, talker_id));
        }
        let changed = std::mem::take(&mut state.conversations);
        known.extend(changed.into_iter().map(|entry| (entry.id(), entry)));
        if state.feeds.is_empty() {
            // They did not change.
            state.feeds = std::mem::take(&mut checkpoint.body.feeds);
        }
        checkpoint.body = state;
    }
    checkpoint.body.conversations = known.into_values().collect();
    Ok(())
}

/// Reads an addition that goes on from the entry with this check sum.
fn read(line: &str, after: &str) -> Option<Addition<Changes>> {
    let addition: Addition<Changes> = serde_json::from_str(line).ok()?;
    let is_next = addition.format == FORMAT
        && addition.body.after == after
        && addition.check == check_sum(&addition.body);
    is_next.then_some(addition)
}

impl Poller {
    /// Returns the text that brings a file of checkpoints up to date: the file then covers exactly
    /// the events delivered so far. Returns `None` before the baseline is taken.
    ///
    /// The first entry of a journal replaces the file. A poller writes to one journal.
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
        let mut state = self.checkpoint_head()?;
        let have_feeds_changed = self.feeds.as_mut().is_some_and(|it| it.take_changed());
        let changed = self.conversations.take_changed();
        let Some(changed) = changed.filter(|_| journal.link.is_some() && !journal.is_long()) else {
            let mut checkpoint = self.checkpoint()?;
            unhandled.for_each(|event| checkpoint.rewind(event));
            unhandled_feeds.for_each(|event| checkpoint.rewind_feed(event));
            return Some(journal.replace(&checkpoint));
        };
        if !have_feeds_changed {
            state.feeds.clear();
        }
        let mut checkpoint = Checkpoint { body: state };
        let mut forgotten = Vec::new();
        for id in &changed {
            match self.conversations.get(*id) {
                Some(state) => checkpoint.body.conversations.push(state.save(*id)),
                None => forgotten.push((id.session_type(), id.talker_id())),
            }
        }
        // Where the conversation did not change, an earlier entry leaves the event out.
        unhandled
            .filter(|event| changed.contains(&event.conversation))
            .for_each(|event| checkpoint.rewind(event));
        unhandled_feeds.for_each(|event| checkpoint.rewind_feed(event));
        Some(journal.append(checkpoint.body, forgotten))
    }

    /// Notes that an event of this conversation was handled: the next entry of a journal covers
    /// it.
    pub(crate) fn event_handled(&mut self, id: ConversationId) {
        self.conversations.note_change(id);
    }
}
