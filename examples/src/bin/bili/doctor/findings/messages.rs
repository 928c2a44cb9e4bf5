//! Messages of a conversation.

use super::super::facts::{ENOUGH, Facts, GapEnd, Step};
use super::super::page::Messages;
use super::super::plan::MESSAGE_PAGE;
use super::super::question::Question;
use super::{Finding, Found, finding, found, unknown};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    vec![
        finding(
            "message_begin_seqno_inclusive",
            false,
            begin_inclusive(facts),
        ),
        finding("message_end_seqno_inclusive", false, end_inclusive(facts)),
        finding("gap_brings", "newest", gap_brings(facts)),
        finding("message_page_largest", MESSAGE_PAGE, largest(facts)),
        finding("message_has_more_when_more", true, more_when_more(facts)),
        finding("message_has_more_on_last_page", false, more_on_last(facts)),
        finding(
            "message_has_more_disregards_begin",
            false,
            disregards_begin(facts),
        ),
        finding("message_empty_page_says_more", false, more_on_empty(facts)),
    ]
}

/// Returns the page that a question brought, or the reason why there is none.
fn page(facts: &Facts, step: Step) -> Result<&Messages, String> {
    if let Some(page) = facts.messages(step) {
        return Ok(page);
    }
    Err(why_none(facts, step))
}

fn why_none(facts: &Facts, step: Step) -> String {
    if facts.signatures_refused() {
        return "signed requests are refused".to_owned();
    }
    match (facts.refused(step), facts.chosen()) {
        (Some(refused), _) => match refused.code {
            Some(code) => format!("it was refused with {code}"),
            None => format!("it failed: {}", refused.class),
        },
        (None, Some(_)) if facts.known().len() < ENOUGH => {
            let count = facts.known().len();
            format!("the conversation looked at has {count} messages, at least {ENOUGH} are needed")
        }
        (None, Some(_)) => "it was not asked for".to_owned(),
        (None, None) => "no conversation with messages was looked at".to_owned(),
    }
}

/// Returns the page of a gap that has one message, and the messages at its ends.
fn between(facts: &Facts) -> Result<(&Messages, u64, u64), String> {
    let got = page(facts, Step::Between)?;
    match facts.question(Step::Between) {
        Some(Question::Messages {
            begin: Some(begin),
            end: Some(end),
            ..
        }) => Ok((got, begin.0, end.0)),
        _ => unknown("it was not asked for"),
    }
}

fn begin_inclusive(facts: &Facts) -> Found {
    let (got, begin, _) = between(facts)?;
    bound(got, got.seqnos.contains(&begin))
}

fn end_inclusive(facts: &Facts) -> Found {
    let (got, _, end) = between(facts)?;
    bound(got, got.seqnos.contains(&end))
}

fn bound(got: &Messages, is_shown: bool) -> Found {
    let count = got.seqnos.len();
    let evidence =
        format!("asked for what lies between two messages with one between them: {count} came");
    match count {
        0 => unknown(evidence),
        _ => found(is_shown, evidence),
    }
}

fn gap_brings(facts: &Facts) -> Found {
    let got = page(facts, Step::Gap)?;
    let evidence = "asked for one message of a gap that has several";
    match facts.gap_brings() {
        Some(GapEnd::Newest) => found("newest", evidence),
        Some(GapEnd::Oldest) => found("oldest", evidence),
        None => unknown(format!(
            "{evidence}: {} came, at neither end",
            got.seqnos.len()
        )),
    }
}

fn largest(facts: &Facts) -> Found {
    let Some((_, first)) = facts.chosen() else {
        return unknown(why_none(facts, Step::Newest(0)));
    };
    let count = first.seqnos.len();
    if count >= usize::try_from(MESSAGE_PAGE).unwrap_or(usize::MAX) {
        return found(
            format!("at least {count}"),
            format!("asked for {MESSAGE_PAGE}, as many came"),
        );
    }
    match facts.cut_off() {
        more @ 1.. => found(
            count,
            format!("asked for {MESSAGE_PAGE}, {count} came, and {more} others came later"),
        ),
        _ => found(
            format!("at least {count}"),
            format!("asked for {MESSAGE_PAGE}, {count} came, and no others were seen"),
        ),
    }
}

fn more_when_more(facts: &Facts) -> Found {
    let got = page(facts, Step::Gap)?;
    match got.seqnos.len() {
        1 => found(
            got.has_more,
            "of a page of one message of a gap that has several",
        ),
        count => unknown(format!("{count} messages came where one was asked for")),
    }
}

fn more_on_last(facts: &Facts) -> Found {
    if let Some(page) = facts.bottom_page() {
        return found(
            page.has_more,
            "of a page that ends where its conversation begins",
        );
    }
    let (got, ..) = between(facts)?;
    match got.has_more {
        false => found(false, "of a page that ends where begin_seqno says"),
        true => unknown("no page was seen that ends where its conversation begins"),
    }
}

fn disregards_begin(facts: &Facts) -> Found {
    let (got, ..) = between(facts)?;
    if !got.has_more {
        return found(
            false,
            "of a page that ends where begin_seqno says, with older ones below",
        );
    }
    match facts.bottom_page().map(|page| page.has_more) {
        Some(false) => found(
            true,
            "a page that ends where begin_seqno says has more, one that ends where its conversation begins has not",
        ),
        Some(true) => unknown("has_more says 1 also where there is no more"),
        None => unknown("no page was seen that ends where its conversation begins"),
    }
}

fn more_on_empty(facts: &Facts) -> Found {
    let empty = facts.pages().find(|(_, page)| page.seqnos.is_empty());
    match empty {
        Some((_, page)) => found(page.has_more, "of a page without messages"),
        None => unknown(match facts.signatures_refused() {
            true => "signed requests are refused",
            false => "no page of messages came empty",
        }),
    }
}
