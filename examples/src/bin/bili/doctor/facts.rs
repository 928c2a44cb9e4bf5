//! Knowledge so far: answers, by the step that brought them.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::endpoints::SessionFilter;
use bilibili_session::{ConversationId, ErrorClass, UnixMicros};

use super::clock::Dates;
use super::page::{Answer, Entry, List, Messages, Refused};
use super::question::{Question, Reply};
use super::shapes::Shapes;

/// Step of the examination, named by the purpose of its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The list of all conversations.
    Unsigned,
    /// The same list, signed, where it was refused.
    Signed,
    /// The same list before one of its entries.
    AllEnd,
    /// The same list after one of its entries.
    AllBegin,
    /// The changed conversations between two entries.
    Changes,
    /// The messages of the first, the second … conversation that comes into question.
    Newest(usize),
    /// Messages before the known ones of the conversation chosen.
    Below,
    /// Messages after the known ones.
    Above,
    /// One message of a gap that has several.
    Gap,
    /// All messages of a gap that has one.
    Between,
    /// All messages of a gap that has none.
    Hollow,
    /// The messages of a conversation that probably has few.
    Short,
    /// The list of a type.
    First(u8),
    /// The same list before one of its entries.
    End(u8),
    /// A list that has nothing to show.
    Nothing,
    /// One conversation of the list, which has more.
    Few,
    /// Unread counts.
    Unread,
}

/// The single types, those first that a poller reads.
pub(super) const SINGLE_TYPES: [SessionFilter; 7] = [
    SessionFilter::UserAndSystem,
    SessionFilter::NotFollowed,
    SessionFilter::FanGroup,
    SessionFilter::Intercepted,
    SessionFilter::System,
    SessionFilter::FollowedAndSystem,
    SessionFilter::Stranger,
];

/// Number of messages that show which end of a gap comes, and whether bounds are in it.
pub(super) const ENOUGH: usize = 4;

/// Result of a step.
#[derive(Debug, Clone)]
struct Learnt {
    /// Number of results before this one.
    after: usize,
    question: Question,
    answer: Answer,
}

/// Knowledge so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    answers: BTreeMap<Step, Learnt>,
    pub(super) shapes: Shapes,
    pub(super) dates: Dates,
}

impl Facts {
    /// Takes an answer in.
    pub(super) fn learn(&mut self, step: Step, question: Question, reply: &Reply, at: UnixMicros) {
        self.dates.observe(at, reply.date);
        if let Ok(data) = &reply.data {
            self.shapes.observe(&question, data);
        }
        let answer = Answer::of(&question, reply);
        let learnt = Learnt {
            after: self.answers.len(),
            question,
            answer,
        };
        self.answers.insert(step, learnt);
    }

    pub(super) fn is_asked(&self, step: Step) -> bool {
        self.answers.contains_key(&step)
    }

    pub(super) fn question(&self, step: Step) -> Option<&Question> {
        self.answers.get(&step).map(|it| &it.question)
    }

    pub(super) fn refused(&self, step: Step) -> Option<Refused> {
        match &self.answers.get(&step)?.answer {
            Answer::Refused(refused) => Some(*refused),
            _ => None,
        }
    }

    pub(super) fn list(&self, step: Step) -> Option<&List> {
        match &self.answers.get(&step)?.answer {
            Answer::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn messages(&self, step: Step) -> Option<&Messages> {
        match &self.answers.get(&step)?.answer {
            Answer::Messages(page) => Some(page),
            _ => None,
        }
    }

    pub(super) fn unread(&self) -> Option<&BTreeSet<String>> {
        match &self.answers.get(&Step::Unread)?.answer {
            Answer::Unread(names) => Some(names),
            _ => None,
        }
    }

    /// Returns all pages of lists.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&Question, &List)> {
        self.answers
            .values()
            .filter_map(|learnt| match &learnt.answer {
                Answer::List(list) => Some((&learnt.question, list)),
                _ => None,
            })
    }

    /// Returns all pages of messages.
    pub(super) fn pages(&self) -> impl Iterator<Item = (Step, &Messages)> {
        self.answers
            .iter()
            .filter_map(|(step, learnt)| match &learnt.answer {
                Answer::Messages(page) => Some((*step, page)),
                _ => None,
            })
    }

    /// Returns whether a list that came after this step shows that an entry had not moved by then.
    pub(super) fn stood_after(&self, step: Step, entry: &Entry) -> bool {
        let Some(at) = self.answers.get(&step).map(|it| it.after) else {
            return false;
        };
        let later = self.answers.values().filter(|it| it.after > at);
        later.into_iter().any(|it| match &it.answer {
            Answer::List(list) => list.shows(entry),
            _ => false,
        })
    }

    /// Returns the list of all conversations, without bounds.
    pub(super) fn all(&self) -> Option<&List> {
        self.list(Step::Signed)
            .or_else(|| self.list(Step::Unsigned))
    }

    /// Returns whether lists are signed from here on.
    pub(super) fn signs_lists(&self) -> bool {
        self.is_asked(Step::Signed)
    }

    /// Returns whether a signature was refused, so that none is sent any more.
    pub(super) fn signatures_refused(&self) -> bool {
        self.answers.iter().any(|(step, learnt)| {
            let refused =
                matches!(&learnt.answer, Answer::Refused(it) if it.class == ErrorClass::Signature);
            refused && *step != Step::Unsigned
        })
    }

    /// Returns the conversations whose messages may be read, the likeliest to have enough first.
    pub(super) fn candidates(&self) -> Vec<Entry> {
        let entries = self.all().map(|list| list.entries.clone());
        let mut entries = entries.unwrap_or_default();
        entries.retain(|entry| !matches!(entry.id, ConversationId::Other { .. }));
        entries.sort_by_key(|entry| match entry.id {
            ConversationId::User(_) => u8::from(entry.is_system),
            // In groups the newest number is how many there were.
            _ if entry.max_seqno >= 2 * ENOUGH as u64 => 1,
            _ => 2,
        });
        entries
    }

    /// Returns the conversation to examine among those that were read, and its first page.
    pub(super) fn chosen(&self) -> Option<(usize, &Messages)> {
        let pages = self.pages().filter_map(|(step, page)| match step {
            Step::Newest(n) if !page.seqnos.is_empty() => Some((n, page)),
            _ => None,
        });
        pages.reduce(
            |best, next| match next.1.seqnos.len() > best.1.seqnos.len() {
                true => next,
                false => best,
            },
        )
    }

    /// Returns the known numbers of the conversation examined, without a hole.
    pub(super) fn known(&self) -> Vec<u64> {
        let newest = self.chosen().map(|(_, page)| page);
        let others = [Step::Below, Step::Above].map(|step| self.messages(step));
        let pages = newest.into_iter().chain(others.into_iter().flatten());
        let all: BTreeSet<u64> = pages.flat_map(|page| &page.seqnos).copied().collect();
        all.into_iter().collect()
    }

    /// Returns the number of messages on a further page that the first one had not shown for its
    /// length; without those that arrived meanwhile.
    pub(super) fn cut_off(&self) -> usize {
        let newest = self.chosen().and_then(|(n, page)| {
            let listed = self.candidates().get(n)?.last_seqno;
            Some((page.highest()?.0, listed?))
        });
        let is_at_top = newest.is_some_and(|(highest, listed)| highest >= listed);
        let above = self.brought(Step::Above).filter(|_| !is_at_top);
        let below = self.brought(Step::Below);
        below.unwrap_or_default().max(above.unwrap_or_default())
    }

    /// Returns the number of messages that a further page of the conversation examined brought.
    pub(super) fn brought(&self, step: Step) -> Option<usize> {
        let first = &self.chosen()?.1.seqnos;
        Some(self.messages(step)?.seqnos.difference(first).count())
    }

    /// Returns the end of a gap that comes first.
    pub(super) fn gap_brings(&self) -> Option<GapEnd> {
        let known = self.known();
        let got = &self.messages(Step::Gap)?.seqnos;
        let [lowest, second, .., second_last, highest] = *known.as_slice() else {
            return None;
        };
        let came = |seqno: u64| got.contains(&seqno);
        match (
            came(second_last) || came(highest),
            came(second) || came(lowest),
        ) {
            (true, false) => Some(GapEnd::Newest),
            (false, true) => Some(GapEnd::Oldest),
            _ => None,
        }
    }

    /// Returns a page below which its conversation has nothing, requested without a lower bound.
    pub(super) fn bottom_page(&self) -> Option<&Messages> {
        let (chosen, first) = self.chosen()?;
        let further = match self.gap_brings() {
            Some(GapEnd::Newest) => self.brought(Step::Below),
            Some(GapEnd::Oldest) => self.brought(Step::Above),
            None => {
                let (below, above) = (self.brought(Step::Below), self.brought(Step::Above));
                below.and_then(|below| Some(below + above?))
            }
        };
        let is_whole = further == Some(0);
        if is_whole {
            return Some(first);
        }
        // One that is shorter than another page was not cut off.
        let below = self
            .messages(Step::Below)
            .filter(|_| self.gap_brings() == Some(GapEnd::Newest));
        let others = self.pages().filter_map(|(step, page)| match step {
            Step::Newest(n) if n != chosen => Some(page),
            Step::Short => Some(page),
            _ => None,
        });
        let is_short = |page: &&Messages| (1..first.seqnos.len()).contains(&page.seqnos.len());
        below.into_iter().chain(others).find(is_short)
    }
}

/// End of a gap that comes first, where the gap has more than a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GapEnd {
    Newest,
    Oldest,
}
