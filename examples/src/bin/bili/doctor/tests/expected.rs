//! Findings expected of the rich account, by the quirks that were set.

use std::collections::BTreeMap;

use bilibili_session_simulator::{DateHeader, HasMore, ListSignature, Quirks};
use serde_json::{Value, json};

use super::account::SECOND_US;

/// Returns the findings expected of the rich account under these quirks.
pub(super) fn expected(quirks: &Quirks) -> BTreeMap<String, Value> {
    const UNKNOWN: &str = "unknown";
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    let says = |truth: bool| match quirks.has_more {
        HasMore::Truthful => truth,
        HasMore::AlwaysNo => false,
        HasMore::AlwaysYes => true,
    };
    let signed = quirks.list_signature == ListSignature::Code403;
    let risk = quirks.list_signature == ListSignature::Code352;
    let listed = !(risk || signed && quirks.refuses_signatures);
    let fetched = listed && !quirks.refuses_signatures;
    let list = |value: Value| if listed { value } else { json!(UNKNOWN) };
    let message = |value: Value| if fetched { value } else { json!(UNKNOWN) };

    let code = match quirks.list_signature {
        ListSignature::NotWanted => 0,
        ListSignature::Code403 => -403,
        ListSignature::Code352 => -352,
    };
    put("unsigned_list_code", json!(code));
    put("lists_want_signature", list(json!(signed)));
    let accepted = if risk {
        json!(UNKNOWN)
    } else {
        json!(!quirks.refuses_signatures)
    };
    put("signatures_accepted", accepted);

    put(
        "all_types_ignore_end_ts",
        list(json!(quirks.all_types_ignore_end_ts)),
    );
    for kind in [1, 2, 3, 5, 7, 8, 9] {
        put(
            &format!("single_type_{kind}_ignores_end_ts"),
            list(json!(quirks.single_types_ignore_end_ts)),
        );
    }
    put(
        "new_sessions_takes_end_ts",
        list(json!(quirks.new_sessions_takes_end_ts)),
    );
    for name in ["list_begin_ts_inclusive", "new_sessions_begin_ts_inclusive"] {
        put(name, list(json!(quirks.begin_ts_inclusive)));
    }
    // Two entries beside the pinned one are too few to see it by the list of all.
    let has_few = quirks.pinned_first && quirks.conversation_page_cap == Some(3);
    let is_known = !quirks.all_types_ignore_end_ts && !has_few
        || !quirks.single_types_ignore_end_ts
        || quirks.new_sessions_takes_end_ts && !has_few;
    let inclusive = if is_known {
        json!(quirks.end_ts_inclusive)
    } else {
        json!(UNKNOWN)
    };
    put("list_end_ts_inclusive", list(inclusive));
    let largest = quirks.conversation_page_cap;
    let largest = largest.map_or(json!("at least 48"), |cap| json!(cap));
    put("list_page_largest", list(largest));
    put("list_has_more_when_more", list(json!(says(true))));
    put("list_has_more_on_last_page", list(json!(says(false))));
    let on_empty = json!(says(false) || quirks.empty_page_says_more);
    put("list_empty_page_says_more", list(on_empty.clone()));
    put("list_repeats_entries", list(json!(quirks.lists_twice)));
    let is_shown = quirks.pinned_first || quirks.conversation_page_cap != Some(3);
    let pinned = if is_shown {
        json!(quirks.pinned_first)
    } else {
        json!(UNKNOWN)
    };
    put("list_pinned_first", list(pinned));
    put(
        "list_max_seqno_is_newest",
        list(json!(quirks.list_max_seqno_ahead == 0)),
    );

    for name in [
        "message_begin_seqno_inclusive",
        "message_end_seqno_inclusive",
    ] {
        put(name, message(json!(false)));
    }
    let end = if quirks.oldest_of_gap {
        "oldest"
    } else {
        "newest"
    };
    put("gap_brings", message(json!(end)));
    let largest = quirks.message_page_cap;
    let largest = largest.map_or(json!("at least 45"), |cap| json!(cap));
    put("message_page_largest", message(largest));
    put("message_has_more_when_more", message(json!(says(true))));
    put("message_has_more_on_last_page", message(json!(says(false))));
    let disregards = match quirks.has_more {
        HasMore::Truthful => json!(quirks.has_more_disregards_begin),
        HasMore::AlwaysNo => json!(false),
        HasMore::AlwaysYes => json!(UNKNOWN),
    };
    put("message_has_more_disregards_begin", message(disregards));
    put("message_empty_page_says_more", message(on_empty));

    put("date_comes", json!(quirks.date != DateHeader::Absent));
    // One answer alone shows no clock that moves.
    let moves = if risk { json!(UNKNOWN) } else { json!(false) };
    let (stands_still, off) = match quirks.date {
        DateHeader::Truthful => (moves, json!(0)),
        DateHeader::Absent => (json!(UNKNOWN), json!(UNKNOWN)),
        DateHeader::Skewed(by) => (moves, json!(by)),
        DateHeader::Stale(_) => (json!(true), json!(UNKNOWN)),
    };
    if !(risk && matches!(quirks.date, DateHeader::Stale(_))) {
        put("date_stands_still", stands_still);
        put("date_off_s", off);
    }
    let ahead = -quirks.commit_lag_us / SECOND_US - quirks.message_time_offset_s;
    put("session_ts_minus_message_time_s", list(json!(ahead)));
    put("numbers_as_strings", list(json!(quirks.numbers_as_strings)));
    put("flags_as_bool", list(json!(quirks.flags_as_bool)));
    put("empty_arrays_are_null", list(json!(quirks.arrays_null)));
    put("unread_zeros_absent", list(json!(quirks.zeros_absent)));
    for name in [
        "unknown_fields",
        "unknown_message_types",
        "unknown_conversation_types",
    ] {
        put(name, json!("none"));
    }
    all
}
