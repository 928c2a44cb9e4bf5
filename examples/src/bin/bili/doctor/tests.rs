//! The examination against the simulator, in virtual time: it names exactly what was set.

use std::collections::BTreeMap;

use bilibili_session::endpoints::{Nav, SetTop};
use bilibili_session::{
    Auth, Context, Credential, Endpoint, ErrorClass, Identity, Uid, UnixMicros, UnixSeconds,
};
use bilibili_session_simulator::{
    ConversationId, DateHeader, Fault, FaultKind, HasMore, ListSignature, NewMessage, Quirks,
    Simulator,
};
use serde_json::{Value, json};

use super::examination::{Examination, MOST};
use super::findings::Finding;
use super::question::Probe;

/// Far behind the last message: an account that is at rest.
const START_US: i64 = 1_700_000_000_000_000;
const SECOND_US: i64 = 1_000_000;

/// What an examination said, and how many requests it took.
struct Examined {
    findings: BTreeMap<String, Value>,
    all: Vec<Finding>,
    requests: u32,
    ended: Option<ErrorClass>,
}

struct Account {
    simulator: Simulator,
    context: Context,
    now_us: i64,
}

impl Account {
    fn new(quirks: &Quirks) -> Self {
        let mut simulator = Simulator::default();
        *simulator.quirks_mut() = quirks.clone();
        let login = simulator.login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()
            .unwrap();
        Self {
            simulator,
            context: Context::new(credential),
            now_us: START_US,
        }
    }

    /// Conversations of each type side by side, the oldest first; that with 20001 is the
    /// newest and has 45 messages; a group has one; 20008 is pinned.
    fn rich(quirks: &Quirks) -> Self {
        let mut account = Self::new(quirks);
        for n in (1..=8).rev() {
            account.receive(NewMessage::text(40_000 + n, "好").in_group(221_300 + n));
            for (first, is_follow, is_intercept, system) in [
                (30_000, false, false, 0),
                (50_000, false, true, 0),
                (60_000, true, false, 5),
                (20_010, true, false, 0),
                (20_000, true, false, 0),
            ] {
                let peer = account.simulator.peer_mut(first + n);
                peer.is_follow = is_follow;
                peer.is_intercept = is_intercept;
                peer.system_msg_type = system;
                let count = if first + n == 20_001 { 45 } else { 1 };
                for _ in 0..count {
                    account.receive(NewMessage::text(first + n, "你好"));
                }
            }
        }
        account.call(&SetTop::pin(Uid(20_003)));
        account.now_us += 3600 * SECOND_US;
        account
    }

    fn receive(&mut self, message: NewMessage) {
        self.now_us += SECOND_US;
        self.simulator.receive(self.now_us, message).unwrap();
    }

    fn call<E: Endpoint>(&mut self, endpoint: &E) -> E::Output {
        let proof = E::Auth::without_identity().unwrap();
        let request = endpoint.request(&self.context, proof).unwrap();
        let answer = self.simulator.handle(self.now_us, &request);
        endpoint.parse(&answer.into_response().unwrap()).unwrap()
    }

    fn examine(&mut self) -> Examined {
        let identity: Identity = self.call(&Nav).into_identity().unwrap();
        let mut examination = Examination::new();
        while let Some(next) = examination.next() {
            self.now_us += 3 * SECOND_US;
            let now = UnixMicros(self.now_us);
            let probe = Probe {
                question: next.1,
                keys: &identity.keys,
                wts: examination.server_now(now),
            };
            let request = probe.request(&self.context, ()).unwrap();
            assert_eq!(request.method(), "GET", "{next:?}");
            let answer = self.simulator.handle(self.now_us, &request);
            let reply = probe.parse(&answer.into_response().unwrap());
            examination.learn(next, reply, now);
        }
        let all = examination.findings();
        Examined {
            findings: all
                .iter()
                .map(|it| (it.name.clone(), it.value.clone()))
                .collect(),
            all,
            requests: examination.asked(),
            ended: examination.ended().map(|error| error.class()),
        }
    }
}

/// What must be said of the rich account under these quirks.
fn expected(quirks: &Quirks) -> BTreeMap<String, Value> {
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
    let listed = !risk && !(signed && quirks.refuses_signatures);
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
    // Two entries beside the pinned one are too few to see it by the changed ones.
    let has_few = quirks.pinned_first && quirks.conversation_page_cap == Some(3);
    let is_told = !quirks.all_types_ignore_end_ts
        || !quirks.single_types_ignore_end_ts
        || quirks.new_sessions_takes_end_ts && !has_few;
    let inclusive = if is_told {
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

/// Each quirk that the doctor can see, as control requests write it.
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

/// A xorshift: the same combinations in each run.
struct Rng(u64);

impl Rng {
    fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % count
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

fn combination(rng: &mut Rng) -> Quirks {
    let mut wants = [ListSignature::NotWanted; 10];
    wants[..4].fill(ListSignature::Code403);
    wants[9] = ListSignature::Code352;
    Quirks {
        oldest_of_gap: rng.yes(),
        begin_ts_inclusive: rng.yes(),
        end_ts_inclusive: rng.yes(),
        lists_twice: rng.yes(),
        message_page_cap: rng.pick(&[None, Some(2), Some(5), Some(30)]),
        conversation_page_cap: rng.pick(&[None, Some(3), Some(20)]),
        has_more: rng.pick(&[
            HasMore::Truthful,
            HasMore::Truthful,
            HasMore::AlwaysNo,
            HasMore::AlwaysYes,
        ]),
        pinned_first: rng.yes(),
        numbers_as_strings: rng.yes(),
        flags_as_bool: rng.yes(),
        arrays_null: rng.yes(),
        zeros_absent: rng.yes(),
        commit_lag_us: rng.pick(&[0, 0, 3_600_000_000, -3_600_000_000]),
        all_types_ignore_end_ts: rng.yes(),
        single_types_ignore_end_ts: rng.yes(),
        new_sessions_takes_end_ts: rng.yes(),
        list_signature: rng.pick(&wants),
        has_more_disregards_begin: rng.yes(),
        empty_page_says_more: rng.yes(),
        date: rng.pick(&[
            DateHeader::Truthful,
            DateHeader::Absent,
            DateHeader::Skewed(3600),
            DateHeader::Skewed(-90 * 60),
            DateHeader::Stale(1_600_000_000),
        ]),
        message_time_offset_s: rng.pick(&[0, 28_800, -7200]),
        session_ts_stands_still: false,
        refuses_signatures: rng.below(10) == 0,
        sends_refused: None,
        list_max_seqno_ahead: rng.pick(&[0, 1, 1000]),
    }
}

#[test]
fn it_names_fifty_combinations() {
    let mut rng = Rng(0x5eed_0009);
    let mut counts = Vec::new();
    for n in 0..50 {
        let quirks = combination(&mut rng);
        counts.push(names_exactly(&format!("combination {n}"), &quirks));
    }
    println!("requests: {counts:?}");
    println!("most: {:?}", counts.iter().max());
}

/// Of an account that has too little it says why it does not know.
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

/// No number of more than a few digits, and nothing that anybody wrote or is called.
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
