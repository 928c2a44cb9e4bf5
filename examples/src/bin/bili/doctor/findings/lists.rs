//! Lists of conversations.

use super::super::facts::{Facts, SINGLE_TYPES, Step};
use super::super::page::{Entry, List};
use super::super::plan::{LIST_PAGE, below_all, end_of, floor, ignores_end, number, pivot};
use super::{Finding, Found, finding, found, unknown};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let singles = SINGLE_TYPES.map(number);
    let singles = singles.map(|kind| {
        finding(
            format!("single_type_{kind}_ignores_end_ts"),
            false,
            single_ignores(facts, kind),
        )
    });
    let mut all = vec![finding("all_types_ignore_end_ts", false, all_ignore(facts))];
    all.extend(singles);
    all.extend([
        finding("new_sessions_takes_end_ts", false, changes_take_end(facts)),
        finding(
            "list_begin_ts_inclusive",
            false,
            begin_inclusive(facts, Step::AllBegin),
        ),
        finding(
            "new_sessions_begin_ts_inclusive",
            false,
            begin_inclusive(facts, Step::Changes),
        ),
        finding("list_end_ts_inclusive", false, end_inclusive(facts)),
        finding("list_page_largest", LIST_PAGE, largest(facts)),
        finding("list_has_more_when_more", true, more_when_more(facts)),
        finding("list_has_more_on_last_page", false, more_on_last(facts)),
        finding("list_empty_page_says_more", false, more_on_empty(facts)),
        finding("list_repeats_entries", false, repeats(facts)),
        finding("list_pinned_first", false, pinned_first(facts)),
        finding("list_max_seqno_is_newest", true, max_seqno(facts)),
    ]);
    all
}

/// Returns the list of all conversations, if there is one.
fn all(facts: &Facts) -> Result<&List, String> {
    facts
        .all()
        .ok_or_else(|| match facts.is_asked(Step::Unsigned) {
            true => "no list came".to_owned(),
            false => "no list was asked for".to_owned(),
        })
}

/// Returns the page that a later question brought, if it did.
fn page(facts: &Facts, step: Step) -> Result<&List, String> {
    if let Some(list) = facts.list(step) {
        return Ok(list);
    }
    Err(match facts.refused(step) {
        Some(refused) => match refused.code {
            Some(code) => format!("it was refused with {code}"),
            None => format!("it failed: {}", refused.class),
        },
        None => "it was not asked for".to_owned(),
    })
}

fn all_ignore(facts: &Facts) -> Found {
    ignores(facts, all(facts)?, Step::Unsigned, Step::AllEnd)
}

fn single_ignores(facts: &Facts, kind: u8) -> Found {
    let first = page(facts, Step::First(kind))?;
    ignores(facts, first, Step::First(kind), Step::End(kind))
}

fn ignores(facts: &Facts, first: &List, step: Step, bounded: Step) -> Found {
    if pivot(first).is_none() {
        let count = first.entries.len();
        return unknown(format!(
            "the list has {count} conversations, at least 2 are needed"
        ));
    }
    let got = page(facts, bounded)?;
    let ignores = ignores_end(facts, step, bounded);
    let ignores = ignores.ok_or("it was not asked for")?;
    if got.by_time().is_empty() {
        return unknown("nothing came before an entry that has others before it");
    }
    found(ignores, asked_below(first, got))
}

/// Describes the answer to a request for the part of a list before one of its entries.
fn asked_below(first: &List, got: &List) -> String {
    let Some(pivot) = pivot(first) else {
        return String::new();
    };
    let above = first.later_than(pivot.ts);
    let later = got.later_than(pivot.ts);
    format!(
        "asked for what lies before an entry that has {above} above it: {later} of {} that came lie above it",
        got.by_time().len()
    )
}

fn changes_take_end(facts: &Facts) -> Found {
    let first = all(facts)?;
    if pivot(first).is_none() {
        return unknown("the list has too few conversations, at least 2 are needed");
    }
    let got = page(facts, Step::Changes)?;
    let ignores = ignores_end(facts, Step::Unsigned, Step::Changes);
    let ignores = ignores.ok_or("it was not asked for")?;
    found(!ignores, asked_below(first, got))
}

/// Returns the entry that a lower bound names, and the page that came.
fn bounded_below(facts: &Facts, step: Step) -> Result<(Entry, &List), String> {
    let floor = floor(all(facts)?).ok_or("the list has too few conversations")?;
    let got = page(facts, step)?;
    match got.earlier_than(floor.ts) {
        0 => Ok((floor, got)),
        below => unknown(format!(
            "begin_ts is disregarded: {below} that came lie before it"
        )),
    }
}

fn begin_inclusive(facts: &Facts, step: Step) -> Found {
    let (floor, got) = bounded_below(facts, step)?;
    let is_shown = got.shows(&floor);
    let moved = |it: &Entry| it.id == floor.id && it.ts != floor.ts;
    if got.entries.iter().any(moved) {
        return unknown("the entry that was asked by moved meanwhile");
    }
    let takes_end =
        step == Step::Changes && ignores_end(facts, Step::Unsigned, Step::Changes) == Some(false);
    let end = pivot(all(facts)?).filter(|_| takes_end).map(|it| it.ts);
    // A page that is cut off above it says nothing.
    let last_before = all(facts)?
        .by_time()
        .into_iter()
        .rfind(|it| it.ts > floor.ts && end.is_none_or(|end| it.ts < end));
    // Where it moved to would lie above the end.
    if takes_end && !is_shown && !facts.stood_after(step, &floor) {
        return unknown("the entry that was asked by may have moved meanwhile");
    }
    let is_reached = last_before.is_none_or(|it| got.shows(&it));
    match is_shown || is_reached {
        true => found(
            is_shown,
            format!(
                "asked for what lies after an entry: {} came, it was {}among them",
                got.by_time().len(),
                not(is_shown)
            ),
        ),
        false => unknown("what came does not reach down to the entry"),
    }
}

fn not(is_shown: bool) -> &'static str {
    match is_shown {
        true => "",
        false => "not ",
    }
}

/// Returns whether the changed conversations were requested between two entries that have others
/// between them.
fn is_between(facts: &Facts) -> bool {
    let all = facts.all();
    match (all.and_then(floor), all.and_then(pivot)) {
        (Some(floor), Some(pivot)) => floor.ts < pivot.ts,
        _ => false,
    }
}

/// Finds whether `end_ts` is included, by the first list that takes it.
fn end_inclusive(facts: &Facts) -> Found {
    let singles = SINGLE_TYPES.map(number);
    let singles = singles.map(|kind| (Step::First(kind), Step::End(kind)));
    let lists = [
        (Step::Unsigned, Step::AllEnd),
        (Step::Unsigned, Step::Changes),
    ];
    for (step, bounded) in lists.into_iter().chain(singles) {
        let first = match step {
            Step::Unsigned => facts.all(),
            step => facts.list(step),
        };
        let pivot = first.and_then(pivot);
        let (Some(pivot), Some(got)) = (pivot, facts.list(bounded)) else {
            continue;
        };
        let is_at_end = match bounded {
            Step::Changes => is_between(facts),
            _ => first.and_then(end_of) == Some(pivot.ts),
        };
        let is_shown = got.shows(&pivot);
        // One that moved meanwhile is not there either.
        let is_telling = is_at_end && (is_shown || facts.stood_after(bounded, &pivot));
        if is_telling && ignores_end(facts, step, bounded) == Some(false) {
            let evidence = format!(
                "asked for what lies before an entry: it was {}among those that came",
                not(is_shown)
            );
            return found(is_shown, evidence);
        }
    }
    unknown("no list with enough conversations takes end_ts")
}

fn largest(facts: &Facts) -> Found {
    let all = all(facts)?;
    let count = all.entries.len();
    let is_full = count >= usize::try_from(LIST_PAGE).unwrap_or(usize::MAX);
    match below_all(facts, all) {
        below if below > 0 && !is_full => found(
            count,
            format!("asked for {LIST_PAGE}, {count} came, and {below} that lie below came later"),
        ),
        _ => found(
            format!("at least {count}"),
            match is_full {
                true => format!("asked for {LIST_PAGE}, as many came"),
                false => {
                    format!("asked for {LIST_PAGE}, {count} came, and nothing was seen below them")
                }
            },
        ),
    }
}

fn more_when_more(facts: &Facts) -> Found {
    let all = all(facts)?;
    if below_all(facts, all) > 0 {
        return found(all.has_more, "of a page with others below it");
    }
    match facts.list(Step::Few) {
        Some(few) if few.entries.len() < all.entries.len() => {
            found(few.has_more, "of a page of one of several conversations")
        }
        _ => unknown("no page was seen that has others below it"),
    }
}

/// Finds the value of `has_more` on the page that ends at a lower bound.
fn more_on_last(facts: &Facts) -> Found {
    let (floor, got) = bounded_below(facts, Step::AllBegin)?;
    let lowest = all(facts)?
        .by_time()
        .into_iter()
        .rfind(|it| it.ts > floor.ts);
    match lowest {
        Some(lowest) if got.shows(&lowest) => found(
            got.has_more,
            format!(
                "of a page that ends where begin_ts says, {} conversations long",
                got.entries.len()
            ),
        ),
        _ => unknown("no page was seen that ends where begin_ts says"),
    }
}

fn more_on_empty(facts: &Facts) -> Found {
    let empty = facts.lists().find(|(_, list)| list.entries.is_empty());
    match empty {
        Some((_, list)) => found(list.has_more, "of a list without conversations"),
        None => unknown("no list came empty"),
    }
}

fn repeats(facts: &Facts) -> Found {
    let pages: Vec<&List> = facts.lists().map(|(_, list)| list).collect();
    let pages: Vec<&&List> = pages.iter().filter(|it| !it.entries.is_empty()).collect();
    let repeating = pages.iter().filter(|it| it.repeats > 0).count();
    match pages.len() {
        0 => unknown("no list with conversations came"),
        all => found(
            repeating > 0,
            format!("{repeating} of {all} pages showed one twice"),
        ),
    }
}

/// Finds whether pinned conversations stand before later ones.
fn pinned_first(facts: &Facts) -> Found {
    let entries = &all(facts)?.entries;
    let leads = |at: usize, pinned: &Entry| {
        let later = |other: &&Entry| !other.is_pinned && other.ts > pinned.ts;
        let (before, after) = entries.split_at(at);
        let (passed, led) = (
            before.iter().any(|it| later(&it)),
            after.iter().any(|it| later(&it)),
        );
        (passed || led).then_some(led)
    };
    let pinned = entries.iter().enumerate().filter(|(_, it)| it.is_pinned);
    let leading: Vec<bool> = pinned.filter_map(|(at, it)| leads(at, it)).collect();
    match leading.len() {
        0 => unknown("no pinned conversation with later ones beside it came"),
        all => {
            let leads = leading.iter().filter(|leads| **leads).count();
            found(
                leads > 0,
                format!("{leads} of {all} pinned ones stand before later ones"),
            )
        }
    }
}

fn max_seqno(facts: &Facts) -> Found {
    let shown: Vec<(u64, u64)> = all(facts)?
        .entries
        .iter()
        .filter_map(|entry| Some((entry.max_seqno, entry.last_seqno?)))
        .collect();
    let ahead: Vec<u64> = shown
        .iter()
        .filter_map(|(max, last)| max.checked_sub(*last).filter(|it| *it > 0))
        .collect();
    let behind = shown.iter().filter(|(max, last)| max < last).count();
    if shown.is_empty() {
        return unknown("no list showed a newest message");
    }
    let by = match (ahead.iter().min(), ahead.iter().max()) {
        (Some(least), Some(most)) if least == most => format!(" by {least}"),
        (Some(least), Some(most)) => format!(" by {least} to {most}"),
        _ => String::new(),
    };
    found(
        ahead.is_empty() && behind == 0,
        format!(
            "of {} conversations it is ahead of the newest message in {}{by}, behind it in {behind}",
            shown.len(),
            ahead.len()
        ),
    )
}
