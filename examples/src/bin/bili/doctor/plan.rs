//! The next question, by what is known.

use std::time::Duration;

use bilibili_session::endpoints::SessionFilter;
use bilibili_session::{ErrorClass, Seqno, UnixMicros};

use super::facts::{ENOUGH, Facts, GapEnd, SINGLE_TYPES, Step};
use super::page::{Entry, List};
use super::question::{ListKind, Question};

/// The longest pages that the service is said to give.
pub(super) const LIST_PAGE: u32 = 100;
pub(super) const MESSAGE_PAGE: u32 = 2000;
/// Number of conversations that are tried for one that has enough messages.
const CANDIDATES: usize = 2;
/// Time in the future that no conversation reaches.
const NEVER: UnixMicros = UnixMicros(4_000_000_000_000_000);

/// Returns the next question that can be answered, if there is one.
pub(super) fn next(facts: &Facts) -> Option<(Step, Question)> {
    let candidates = (0..CANDIDATES).map(Step::Newest);
    let singles = SINGLE_TYPES.map(number);
    let singles = singles
        .into_iter()
        .flat_map(|kind| [Step::First(kind), Step::End(kind)]);
    [
        Step::Unsigned,
        Step::Signed,
        Step::AllEnd,
        Step::AllBegin,
        Step::Changes,
    ]
    .into_iter()
    .chain(candidates)
    .chain([
        Step::Below,
        Step::Above,
        Step::Gap,
        Step::Between,
        Step::Hollow,
        Step::Short,
    ])
    .chain(singles)
    .chain([Step::Nothing, Step::Few, Step::Unread])
    .filter(|step| !facts.is_asked(*step))
    .find_map(|step| Some((step, question(facts, step)?)))
}

/// Returns the question of a step, if the facts so far allow and demand it.
fn question(facts: &Facts, step: Step) -> Option<Question> {
    let is_message = matches!(
        step,
        Step::Newest(_) | Step::Below | Step::Above | Step::Gap | Step::Between
    ) || matches!(step, Step::Hollow | Step::Short);
    if is_message && facts.signatures_refused() {
        return None;
    }
    let list = |kind, begin, end, size| Question::List {
        kind,
        begin,
        end,
        size,
        signed: facts.signs_lists(),
    };
    let all = ListKind::Of(SessionFilter::All);
    Some(match step {
        Step::Unsigned => list(all, None, None, LIST_PAGE),
        Step::Signed => {
            let refused = facts.refused(Step::Unsigned)?.class == ErrorClass::Signature;
            refused.then_some(Question::List {
                kind: all,
                begin: None,
                end: None,
                size: LIST_PAGE,
                signed: true,
            })?
        }
        Step::AllEnd => list(all, None, Some(end_of(facts.all()?)?), LIST_PAGE),
        Step::AllBegin => list(all, Some(floor(facts.all()?)?.ts), None, LIST_PAGE),
        Step::Changes => {
            let (floor, pivot) = (floor(facts.all()?)?, pivot(facts.all()?)?);
            // Where there are but two, between them lies the lower one.
            let end = match floor.ts < pivot.ts {
                true => pivot.ts,
                false => pivot.ts.plus(Duration::from_micros(1)),
            };
            list(ListKind::Changes, Some(floor.ts), Some(end), LIST_PAGE)
        }
        Step::Newest(n) => {
            let enough = facts.chosen().map(|(_, page)| page.seqnos.len()) >= Some(ENOUGH);
            let entry = facts.candidates().get(n).copied().filter(|_| !enough)?;
            messages(entry, None, None, MESSAGE_PAGE)
        }
        Step::Below => {
            let (entry, first) = examined(facts)?;
            let is_wanted =
                first < ENOUGH || facts.gap_brings() == Some(GapEnd::Newest) && is_cut(first);
            let lowest = facts.chosen()?.1.lowest().filter(|_| is_wanted)?;
            messages(entry, None, Some(lowest), MESSAGE_PAGE)
        }
        Step::Above => {
            let (entry, first) = examined(facts)?;
            let is_short = first < ENOUGH && facts.brought(Step::Below) == Some(0);
            let is_wanted = is_short || facts.gap_brings() == Some(GapEnd::Oldest) && is_cut(first);
            let highest = facts.chosen()?.1.highest().filter(|_| is_wanted)?;
            messages(entry, Some(highest), None, MESSAGE_PAGE)
        }
        Step::Gap => {
            let (entry, _) = examined(facts)?;
            let known = facts.known();
            let [lowest, _, .., _, highest] = *known.as_slice() else {
                return None;
            };
            messages(entry, Some(Seqno(lowest)), Some(Seqno(highest)), 1)
        }
        Step::Between => {
            let (entry, _) = examined(facts)?;
            let [first, _, third, ..] = *facts.known().as_slice() else {
                return None;
            };
            messages(entry, Some(Seqno(first)), Some(Seqno(third)), LIST_PAGE)
        }
        Step::Hollow => {
            let (entry, _) = examined(facts)?;
            let is_seen = facts.pages().any(|(_, page)| page.seqnos.is_empty());
            let [first, second, ..] = *facts.known().as_slice() else {
                return None;
            };
            let question = messages(entry, Some(Seqno(first)), Some(Seqno(second)), LIST_PAGE);
            (!is_seen).then_some(question)?
        }
        // What a page says that has nothing below shows what one says that a lower bound ends.
        Step::Short => {
            let says_more = facts.messages(Step::Between)?.has_more;
            let is_wanted = says_more && facts.bottom_page().is_none();
            messages(
                shortest(facts).filter(|_| is_wanted)?,
                None,
                None,
                MESSAGE_PAGE,
            )
        }
        Step::First(kind) => {
            facts.all()?;
            list(ListKind::Of(single(kind)?), None, None, LIST_PAGE)
        }
        Step::End(kind) => {
            let end = end_of(facts.list(Step::First(kind))?)?;
            list(ListKind::Of(single(kind)?), None, Some(end), LIST_PAGE)
        }
        Step::Nothing => {
            facts.all()?;
            let is_seen = facts.lists().any(|(_, list)| list.entries.is_empty());
            let question = list(ListKind::Changes, Some(NEVER), None, LIST_PAGE);
            (!is_seen).then_some(question)?
        }
        Step::Few => {
            let is_wanted = facts.all()?.entries.len() > 1 && !shows_more(facts);
            is_wanted.then(|| list(all, None, None, 1))?
        }
        Step::Unread => {
            facts.all()?;
            Question::Unread
        }
    })
}

fn messages(entry: Entry, begin: Option<Seqno>, end: Option<Seqno>, size: u32) -> Question {
    Question::Messages {
        id: entry.id,
        begin,
        end,
        size,
    }
}

/// Returns whether a page is shorter than the limit; a longer one proves no lower limit.
fn is_cut(page: usize) -> bool {
    page < MESSAGE_PAGE as usize
}

/// Returns the conversation examined, and the length of its first page.
fn examined(facts: &Facts) -> Option<(Entry, usize)> {
    let (n, page) = facts.chosen()?;
    Some((*facts.candidates().get(n)?, page.seqnos.len()))
}

/// Returns a conversation that was not read, a group of few messages if there is one.
fn shortest(facts: &Facts) -> Option<Entry> {
    let rest = facts.candidates().into_iter().enumerate();
    let rest = rest.filter(|(n, _)| !facts.is_asked(Step::Newest(*n)));
    rest.map(|(_, entry)| entry)
        .min_by_key(|entry| (entry.id.is_user(), entry.max_seqno))
}

/// Returns the first entry that has a later one above it: the list before it must not show that one.
pub(super) fn pivot(list: &List) -> Option<Entry> {
    let entries = list.by_time();
    let pairs = entries.windows(2).filter_map(|pair| match pair {
        [above, below] if above.ts.0 > below.ts.0.saturating_add(1) => Some(*below),
        _ => None,
    });
    pairs.into_iter().next()
}

/// Returns the upper bound of a list: the pivot, which comes if the bound is inclusive; just
/// above the pivot where nothing lies below, so that something must come.
pub(super) fn end_of(list: &List) -> Option<UnixMicros> {
    let ts = pivot(list)?.ts;
    match list.earlier_than(ts) {
        0 => Some(ts.plus(Duration::from_micros(1))),
        _ => Some(ts),
    }
}

/// Returns an entry a little below that one, the fourth if there are so many: the list after it is short.
pub(super) fn floor(list: &List) -> Option<Entry> {
    let entries = list.by_time();
    let pivot = pivot(list)?;
    let below = entries.iter().filter(|entry| entry.ts < pivot.ts);
    Some(below.take(2).last().copied().unwrap_or(pivot))
}

/// Returns whether a page is known to have had more below it.
pub(super) fn shows_more(facts: &Facts) -> bool {
    facts.all().is_some_and(|all| below_all(facts, all) > 0)
}

/// Returns the number of known conversations that lie below the end of the list of all.
pub(super) fn below_all(facts: &Facts, all: &List) -> usize {
    let Some(bottom) = all.bottom() else {
        return 0;
    };
    let of_all = |question: &Question| match question {
        Question::List { kind, .. } => {
            matches!(kind, ListKind::Changes | ListKind::Of(SessionFilter::All))
        }
        _ => false,
    };
    // What type 4 leaves out although a single type has it says nothing of its length.
    let has_second_page = ignores_end(facts, Step::Unsigned, Step::AllEnd) == Some(false);
    let others = facts
        .lists()
        .filter(|(question, _)| !has_second_page || of_all(question))
        .map(|(_, list)| list.earlier_than(bottom));
    others.max().unwrap_or_default()
}

/// Returns whether a list disregards `end_ts`: it shows what lies above.
pub(super) fn ignores_end(facts: &Facts, first: Step, bounded: Step) -> Option<bool> {
    let first = match first {
        Step::Unsigned => facts.all()?,
        step => facts.list(step)?,
    };
    let end = pivot(first)?.ts;
    Some(facts.list(bounded)?.later_than(end) > 0)
}

/// Returns the number of a single type.
pub(super) fn number(kind: SessionFilter) -> u8 {
    u8::try_from(kind.number()).unwrap_or_default()
}

fn single(number: u8) -> Option<SessionFilter> {
    SessionFilter::from_number(i64::from(number))
}
