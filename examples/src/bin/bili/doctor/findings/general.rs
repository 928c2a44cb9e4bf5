//! Signatures, clocks, shapes.

use bilibili_session::ErrorClass;

use super::super::clock::{median, rounded};
use super::super::facts::{Facts, Step};
use super::super::shapes::UNREAD;
use super::{Finding, Found, finding, found, unknown};

pub(super) fn signatures(facts: &Facts) -> Vec<Finding> {
    vec![
        finding("unsigned_list_code", 0, unsigned_code(facts)),
        finding("lists_want_signature", false, want_signature(facts)),
        finding("signatures_accepted", true, accepted(facts)),
    ]
}

pub(super) fn the_rest(facts: &Facts) -> Vec<Finding> {
    let shapes = &facts.shapes;
    let of_type = |(plain, odd): (usize, usize), what: &str| match plain + odd {
        0 => unknown("nothing came that shows it"),
        all => found(odd > 0, format!("{odd} of {all} {what}")),
    };
    vec![
        finding("date_comes", true, date_comes(facts)),
        finding("date_stands_still", false, date_stands_still(facts)),
        finding("date_off_s", 0, date_off(facts)),
        finding(
            "session_ts_minus_message_time_s",
            0,
            ahead_of_messages(facts),
        ),
        finding(
            "numbers_as_strings",
            false,
            of_type(shapes.numbers, "ids came as strings"),
        ),
        finding(
            "flags_as_bool",
            false,
            of_type(shapes.flags, "flags came as true or false"),
        ),
        finding(
            "empty_arrays_are_null",
            false,
            of_type(shapes.arrays, "lists of mentions came as null"),
        ),
        finding("unread_zeros_absent", false, zeros_absent(facts)),
        finding(
            "unknown_fields",
            "none",
            found(
                shapes.unknown_fields(),
                "of lists, conversations, messages and counts; not of contents",
            ),
        ),
        finding(
            "unknown_message_types",
            "none",
            found(
                shapes.unknown_message_types(),
                format!("messages looked at: {}", shapes.message_types()),
            ),
        ),
        finding(
            "unknown_conversation_types",
            "none",
            found(
                shapes.unknown_conversation_types(),
                format!(
                    "entries of lists looked at: {}",
                    shapes.conversation_types()
                ),
            ),
        ),
    ]
}

/// Finds the answer to an unsigned list: 0, or the code of the refusal.
fn unsigned_code(facts: &Facts) -> Found {
    if facts.list(Step::Unsigned).is_some() {
        return found(0, "a list came without a signature");
    }
    match facts.refused(Step::Unsigned) {
        Some(refused) => match refused.code {
            Some(code) => found(code, "the first list was refused so"),
            None => unknown(format!("the first list failed: {}", refused.class)),
        },
        None => unknown("no list was asked for"),
    }
}

fn want_signature(facts: &Facts) -> Found {
    if facts.list(Step::Unsigned).is_some() {
        return found(false, "a list came without a signature");
    }
    if facts.list(Step::Signed).is_some() {
        return found(
            true,
            "a list was refused without a signature, and came with one",
        );
    }
    match facts.refused(Step::Unsigned).map(|it| it.class) {
        Some(ErrorClass::Signature) => {
            unknown("a list was refused without a signature, and did not come with one")
        }
        Some(ErrorClass::RiskControl) => {
            unknown("the risk control refused the first list, which was not signed")
        }
        Some(class) => unknown(format!("the first list failed: {class}")),
        None => unknown("no list was asked for"),
    }
}

fn accepted(facts: &Facts) -> Found {
    let is_served = facts.list(Step::Signed).is_some() || facts.pages().next().is_some();
    match (facts.signatures_refused(), is_served) {
        (true, _) => found(
            false,
            "a request signed with new keys was refused with -403",
        ),
        (false, true) => found(true, "signed requests were served"),
        (false, false) => unknown("nothing signed was asked for, or it failed for other reasons"),
    }
}

fn date_comes(facts: &Facts) -> Found {
    match facts.dates.counts() {
        (0, _) => unknown("no answer came"),
        (all, dated) => found(dated > 0, format!("{dated} of {all} answers had one")),
    }
}

fn date_stands_still(facts: &Facts) -> Found {
    match (facts.dates.counts(), facts.dates.stand_still()) {
        ((_, 0), _) => unknown("no answer had a date"),
        (_, Some(true)) => found(true, "it was the same, seconds later"),
        (_, Some(false)) => found(false, "it moved"),
        (_, None) => unknown("the answers came within three seconds"),
    }
}

fn date_off(facts: &Facts) -> Found {
    match (facts.dates.off_s(), facts.dates.stand_still()) {
        (None, _) => unknown("no answer had a date"),
        (Some(_), Some(true)) => unknown("it stands still"),
        (Some(off), _) => found(off, "ahead of the local clock, rounded; below 0 behind it"),
    }
}

/// Finds the distance of `session_ts` of lists after the newest message.
fn ahead_of_messages(facts: &Facts) -> Found {
    let entries = facts.all().map(|list| list.entries.as_slice());
    let ahead: Vec<i64> = entries
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some(entry.ts.to_seconds().0.saturating_sub(entry.last_time?)))
        .collect();
    let count = ahead.len();
    match median(ahead) {
        Some(ahead) => found(
            rounded(ahead),
            format!("the middle of {count} conversations, rounded"),
        ),
        None => unknown("no list showed the time of a newest message"),
    }
}

fn zeros_absent(facts: &Facts) -> Found {
    let Some(names) = facts.unread() else {
        return unknown("unread counts were not asked for, or did not come");
    };
    let absent = UNREAD.iter().filter(|name| !names.contains(**name));
    let absent = absent.count();
    found(
        absent > 0,
        format!("{absent} of {} counts were absent", UNREAD.len()),
    )
}
