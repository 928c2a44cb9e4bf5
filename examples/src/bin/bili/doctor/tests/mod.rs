//! The examination against the simulator, in virtual time: it names exactly what was set.

mod account;
mod expected;

use bilibili_session::{ErrorClass, Hosts, UnixSeconds};
use bilibili_session_simulator::{
    ConversationId, DateHeader, Fault, FaultKind, HasMore, ListSignature, LoginCookies, NewMessage,
    Quirks, Rng,
};
use serde_json::{Value, json};

use super::examination::{Examination, MOST};
use account::Account;
use expected::expected;

#[track_caller]
fn names_exactly(what: &str, quirks: &Quirks) -> u32 {
    let examined = Account::rich(quirks).examine();
    let expected = expected(quirks);
    for finding in &examined.all {
        let right = expected.get(&finding.name).unwrap_or(&finding.value);
        assert_eq!(&finding.value, right, "{what}: {finding:?}\n{quirks:#?}");
    }
    for name in expected.keys() {
        assert!(examined.findings.contains_key(name), "{what}: {name}");
    }
    assert!(examined.requests <= MOST, "{what}: {}", examined.requests);
    let risk = quirks.list_signature == ListSignature::Code352;
    let refused = quirks.list_signature == ListSignature::Code403 && quirks.refuses_signatures;
    let ended = match (risk, refused) {
        (true, _) => Some(ErrorClass::RiskControl),
        (_, true) => Some(ErrorClass::Signature),
        _ => None,
    };
    assert_eq!(examined.ended, ended, "{what}");
    examined.requests
}

/// Returns each quirk that the doctor can see, as control requests write it.
fn each() -> Vec<Value> {
    vec![
        json!({}),
        json!({"oldest_of_gap": true}),
        json!({"begin_ts_inclusive": true}),
        json!({"end_ts_inclusive": true}),
        json!({"lists_twice": true}),
        json!({"message_page_cap": 2}),
        json!({"message_page_cap": 5}),
        json!({"message_page_cap": 30}),
        json!({"conversation_page_cap": 3}),
        json!({"conversation_page_cap": 20}),
        json!({"has_more": "always_no"}),
        json!({"has_more": "always_yes"}),
        json!({"pinned_first": true}),
        json!({"numbers_as_strings": true}),
        json!({"flags_as_bool": true}),
        json!({"arrays_null": true}),
        json!({"zeros_absent": true}),
        json!({"commit_lag_us": 3_600_000_000_i64}),
        json!({"commit_lag_us": -3_600_000_000_i64}),
        json!({"all_types_ignore_end_ts": true}),
        json!({"single_types_ignore_end_ts": true}),
        json!({"new_sessions_takes_end_ts": true}),
        json!({"list_signature": "code403"}),
        json!({"list_signature": "code352"}),
        json!({"has_more_disregards_begin": true}),
        json!({"empty_page_says_more": true}),
        json!({"date": "absent"}),
        json!({"date": {"skewed": 17}}),
        json!({"date": {"skewed": -7200}}),
        json!({"date": {"stale": 1_600_000_000}}),
        json!({"message_time_offset_s": 28_800}),
        json!({"refuses_signatures": true}),
        json!({"refuses_signatures": true, "list_signature": "code403"}),
        json!({"list_max_seqno_ahead": 7}),
    ]
}

#[test]
fn it_names_each_quirk_that_can_be_seen() {
    for quirks in each() {
        let requests = names_exactly(&quirks.to_string(), &Quirks::from_json(&quirks).unwrap());
        println!("{requests:2} requests  {quirks}");
    }
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    *rng.choose(of).unwrap()
}

fn combination(rng: &mut Rng) -> Quirks {
    let mut wants = [ListSignature::NotWanted; 10];
    wants[..4].fill(ListSignature::Code403);
    wants[9] = ListSignature::Code352;
    Quirks {
        oldest_of_gap: rng.chance(500),
        begin_ts_inclusive: rng.chance(500),
        end_ts_inclusive: rng.chance(500),
        lists_twice: rng.chance(500),
        message_page_cap: pick(rng, &[None, Some(2), Some(5), Some(30)]),
        conversation_page_cap: pick(rng, &[None, Some(3), Some(20)]),
        has_more: pick(
            rng,
            &[
                HasMore::Truthful,
                HasMore::Truthful,
                HasMore::AlwaysNo,
                HasMore::AlwaysYes,
            ],
        ),
        pinned_first: rng.chance(500),
        numbers_as_strings: rng.chance(500),
        flags_as_bool: rng.chance(500),
        arrays_null: rng.chance(500),
        zeros_absent: rng.chance(500),
        commit_lag_us: pick(rng, &[0, 0, 3_600_000_000, -3_600_000_000]),
        all_types_ignore_end_ts: rng.chance(500),
        single_types_ignore_end_ts: rng.chance(500),
        new_sessions_takes_end_ts: rng.chance(500),
        list_signature: pick(rng, &wants),
        has_more_disregards_begin: rng.chance(500),
        empty_page_says_more: rng.chance(500),
        date: pick(
            rng,
            &[
                DateHeader::Truthful,
                DateHeader::Absent,
                DateHeader::Skewed(3600),
                DateHeader::Skewed(-90 * 60),
                DateHeader::Stale(1_600_000_000),
            ],
        ),
        message_time_offset_s: pick(rng, &[0, 28_800, -7200]),
        session_ts_stands_still: false,
        refuses_signatures: rng.below(10) == 0,
        sends_refused: None,
        list_max_seqno_ahead: pick(rng, &[0, 1, 1000]),
        // Of logins, which the doctor does not look at.
        login_cookies: LoginCookies::default(),
        refresh_token_once: false,
        confirms_once: false,
    }
}

/// Fifty that are examined to the end; those that a refusal of all lists ends at once come beside.
#[test]
fn it_names_fifty_combinations() {
    let mut rng = Rng::new(0x5eed_0009);
    let (mut whole, mut ended) = (Vec::new(), Vec::new());
    for n in 0.. {
        let quirks = combination(&mut rng);
        let requests = names_exactly(&format!("combination {n}"), &quirks);
        match requests {
            ..4 => ended.push(requests),
            _ => whole.push(requests),
        }
        if whole.len() == 50 {
            break;
        }
    }
    println!("requests: {whole:?}, most {:?}", whole.iter().max());
    println!("ended at once: {ended:?}");
}

/// Checks that every finding is right, or unknown, for any account under any quirks.
#[test]
fn it_is_never_wrong() {
    let mut rng = Rng::new(0x0bad_5eed);
    let (mut known, mut unknown) = (0, 0);
    for n in 0..100 {
        let quirks = combination(&mut rng);
        let mut account = Account::any(&quirks, |count| rng.below(count));
        account.is_lively = rng.below(4) == 0;
        let examined = account.examine();
        let mut truth = expected(&quirks);
        let inclusive = json!(quirks.end_ts_inclusive);
        truth.insert("list_end_ts_inclusive".to_owned(), inclusive);
        let leads = json!(quirks.pinned_first);
        truth.insert("list_pinned_first".to_owned(), leads);
        for finding in &examined.all {
            let text = finding.value.as_str().unwrap_or_default();
            if text == "unknown" || text.starts_with("at least ") {
                unknown += 1;
                continue;
            }
            known += 1;
            let Some(right) = truth.get(&finding.name) else {
                continue;
            };
            assert_eq!(&finding.value, right, "{n}: {finding:?}\n{quirks:#?}");
        }
        assert!(examined.requests <= MOST, "{n}: {}", examined.requests);
    }
    println!("{known} known, {unknown} not known");
}

/// Checks that findings give a reason where an account has too little to show them.
#[test]
fn too_little_is_said_to_be_too_little() {
    let mut account = Account::new(&Quirks::default());
    account.receive(NewMessage::text(20_001, "你好"));
    let examined = account.examine();
    assert_eq!(examined.ended, None);
    for finding in &examined.all {
        assert!(!finding.evidence.is_empty(), "{finding:?}");
    }
    for name in [
        "all_types_ignore_end_ts",
        "single_type_1_ignores_end_ts",
        "list_begin_ts_inclusive",
        "gap_brings",
        "message_has_more_disregards_begin",
    ] {
        assert_eq!(examined.findings[name], "unknown", "{name}");
    }
    let empty = Account::new(&Quirks::default()).examine();
    assert_eq!(empty.findings["message_page_largest"], "unknown");
    assert_eq!(empty.findings["lists_want_signature"], false);
    println!(
        "{} requests for one conversation, {} for none",
        examined.requests, empty.requests
    );
}

#[test]
fn unknown_fields_and_types_are_named_and_no_value() {
    let mut account = Account::rich(&Quirks::default());
    let mut odd = NewMessage::new(20_001, 999, &json!({"content": "秘密的话"}));
    odd.raw = json!({"new_thing": {"10001": "秘密的话"}})
        .as_object()
        .unwrap()
        .clone();
    account.receive(odd);
    let id = ConversationId {
        session_type: 6,
        talker_id: 77_001,
    };
    account.receive(NewMessage::text(77_001, "秘密的话").in_conversation(id));
    let examined = account.examine();
    assert_eq!(
        examined.findings["unknown_fields"],
        "messages[].new_thing: object; session_list[].last_msg.new_thing: object"
    );
    assert_eq!(examined.findings["unknown_message_types"], "999");
    assert_eq!(examined.findings["unknown_conversation_types"], "6");
}

/// Checks that a report has no number of more than a few digits, and no text or name of anybody.
#[test]
fn a_report_says_nothing_of_anybody() {
    for quirks in each() {
        let quirks = Quirks::from_json(&quirks).unwrap();
        let mut account = Account::rich(&quirks);
        account.receive(NewMessage::text(20_002, "秘密的话"));
        for finding in account.examine().all {
            let line = serde_json::to_string(&finding).unwrap();
            let runs = line.split(|c: char| !c.is_ascii_digit());
            assert!(runs.clone().all(|run| run.len() < 6), "{line}");
            assert!(line.is_ascii(), "{line}");
            let ids = runs.filter_map(|run| run.parse::<i64>().ok());
            for id in ids {
                assert!(!(20_001..=70_000).contains(&id) || id == 28_800, "{line}");
            }
        }
    }
}

#[test]
fn the_risk_control_ends_it_at_once() {
    let quirks = Quirks::from_json(&json!({"list_signature": "code352"})).unwrap();
    let examined = Account::rich(&quirks).examine();
    assert_eq!(examined.requests, 2);
    assert_eq!(examined.ended, Some(ErrorClass::RiskControl));
    assert_eq!(examined.findings["unsigned_list_code"], -352);
}

#[test]
fn a_service_that_fails_is_left_in_peace() {
    for (kind, requests, ended) in [
        (FaultKind::Code(-509), 5, ErrorClass::Throttled),
        (FaultKind::Code(-101), 5, ErrorClass::LoginLost),
        (FaultKind::Voucher, 5, ErrorClass::RiskControl),
        (FaultKind::Garbage, 7, ErrorClass::Server),
    ] {
        let mut account = Account::rich(&Quirks::default());
        // Nav, and three lists, are let pass.
        let fault = Fault::once("/", kind.clone()).times(100).after(4);
        account.simulator.push_fault(fault);
        let examined = account.examine();
        let all = (examined.requests, examined.ended);
        assert_eq!(all, (requests, Some(ended)), "{kind:?}");
        // What was found out before stays.
        assert_eq!(examined.findings["all_types_ignore_end_ts"], false);
        assert_eq!(examined.findings["gap_brings"], "unknown");
    }
}

#[test]
fn a_type_that_is_refused_is_no_reason_to_end() {
    let mut account = Account::rich(&Quirks::default());
    let fault = Fault::once("get_sessions", FaultKind::Code(2)).after(3);
    account.simulator.push_fault(fault);
    let examined = account.examine();
    assert_eq!(examined.ended, None);
    assert_eq!(examined.findings["single_type_1_ignores_end_ts"], "unknown");
    assert_eq!(examined.findings["single_type_2_ignores_end_ts"], false);
}

#[test]
fn the_service_itself_is_asked_slowly() {
    let account = Account::new(&Quirks::default());
    assert_eq!(super::pace(&account.context).as_secs(), 3);
    let hosts = Hosts::origin("http://127.0.0.1:1").unwrap();
    assert!(super::pace(&account.context.hosts(hosts)).is_zero());
}

/// Checks that messages which arrive meanwhile are not taken for the rest of a page that was too short.
#[test]
fn it_does_not_mistake_news_for_habits() {
    for oldest_of_gap in [false, true] {
        let quirks = Quirks {
            oldest_of_gap,
            ..Quirks::default()
        };
        let mut account = Account::rich(&quirks);
        account.is_lively = true;
        let examined = account.examine();
        let mut expected = expected(&quirks);
        // How many it has depends on when it was looked at; that it was cut off must not be said.
        let largest = examined.findings["message_page_largest"].clone();
        let text = largest.as_str().unwrap_or_default();
        assert!(text.starts_with("at least "), "{largest}");
        expected.insert("message_page_largest".to_owned(), largest);
        for finding in &examined.all {
            let right = expected.get(&finding.name).unwrap_or(&finding.value);
            assert_eq!(&finding.value, right, "{finding:?}");
        }
    }
}

/// Answers that say neither one thing nor the other.
#[test]
fn what_does_not_tell_is_unknown() {
    let mut account = Account::rich(&Quirks::default());
    let entry =
        json!({"talker_id": 20_001, "session_type": 1, "session_ts": 1_700_000_100_000_000_i64});
    let cut = json!({"code": 0, "data": {"session_list": [entry], "has_more": 1}});
    let cut = FaultKind::Body(cut.to_string().into_bytes());
    account
        .simulator
        .push_fault(Fault::once("new_sessions", cut));
    let messages = account.simulator.messages(ConversationId::user(20_001));
    let all: Vec<Value> = messages.map(|(it, _)| json!({"msg_seqno": it})).collect();
    let both = json!({"code": 0, "data": {"messages": all, "has_more": 0}});
    let both = FaultKind::Body(both.to_string().into_bytes());
    let gap = Fault::once("fetch_session_msgs", both).after(1);
    account.simulator.push_fault(gap);
    let examined = account.examine();
    for name in [
        "new_sessions_begin_ts_inclusive",
        "gap_brings",
        "message_has_more_when_more",
    ] {
        assert_eq!(examined.findings[name], "unknown", "{name}");
    }
    assert_eq!(examined.findings["list_begin_ts_inclusive"], false);
}

#[test]
fn the_signatures_time_is_the_services() {
    let mut examination = Examination::new();
    let next = examination.next().unwrap();
    let reply = super::question::Reply {
        data: Ok(Value::Null),
        date: Some(UnixSeconds(7300)),
    };
    examination.learn(next, Ok(reply), UnixSeconds(100).to_micros());
    let later = UnixSeconds(160).to_micros();
    assert_eq!(examination.server_now(later), UnixSeconds(7360));
}
