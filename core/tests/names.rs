//! The cache of names: who is asked for, how often, and what is remembered.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use bilibili_session::endpoints::{GetUserInfos, UserInfos};
use bilibili_session::model::{Conversation, FeedUser};
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::{
    ConversationId, Endpoint, Error, Event, GroupId, Message, Names, Now, TransportError, Uid,
    UnixMicros,
};
use serde_json::json;
use support::context;

const HOUR: u64 = 60 * 60;

fn at(seconds: u64) -> Now {
    Now {
        monotonic: Duration::from_secs(seconds),
        wall: UnixMicros(0),
    }
}

fn uids(range: std::ops::RangeInclusive<i64>) -> Vec<Uid> {
    range.map(Uid).collect()
}

/// The answer of a service that knows these users by these names.
fn answer(call: &GetUserInfos, known: &[(i64, &str)]) -> UserInfos {
    let users: Vec<_> = known
        .iter()
        .map(|(mid, name)| json!({"mid": mid, "name": name}))
        .collect();
    call.decode(&json!(users)).unwrap()
}

fn failed() -> Error {
    TransportError::timeout().into()
}

#[test]
fn nobody_is_asked_for_again_within_a_day() {
    let mut names = Names::new(1000);
    let both = [Uid(20001), Uid(20002)];
    let call = names.next_call(at(0), both).unwrap();
    assert_eq!(call.uids(), both);
    names.handle_answer(at(1), Ok(answer(&call, &[(20001, "小电视")])));
    assert_eq!(names.get(Uid(20001)), Some("小电视"));
    assert_eq!(names.get(Uid(20002)), None);
    for seconds in [1, HOUR, 24 * HOUR] {
        assert_eq!(names.next_call(at(seconds), both), None, "{seconds}");
    }
    // A day after the answer both are, the unknown one too; the old name is shown meanwhile.
    let call = names.next_call(at(24 * HOUR + 1), both).unwrap();
    assert_eq!(call.uids(), both);
    assert_eq!(names.get(Uid(20001)), Some("小电视"));
    let renamed = answer(&call, &[(20001, "大电视"), (20002, "b")]);
    names.handle_answer(at(24 * HOUR + 2), Ok(renamed));
    assert_eq!(names.get(Uid(20001)), Some("大电视"));
    assert_eq!(names.get(Uid(20002)), Some("b"));
    // A clock that goes back asks for nobody again.
    assert_eq!(names.next_call(at(0), both), None);
}

#[test]
fn requests_are_for_fifty_and_one_at_a_time() {
    let mut names = Names::new(1000);
    let all = uids(1..=120);
    let mut sizes = Vec::new();
    while let Some(call) = names.next_call(at(0), all.clone()) {
        assert_eq!(names.next_call(at(0), all.clone()), None);
        sizes.push(call.uids().len());
        names.handle_answer(at(0), Ok(answer(&call, &[])));
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(names.next_call(at(0), []), None);
    assert_eq!(names.next_call(at(0), [Uid(0), Uid(-5)]), None);
}

#[test]
fn a_failure_is_a_pause_for_all() {
    let mut names = Names::new(1000);
    let one = [Uid(20001)];
    assert!(names.next_call(at(10), one).is_some());
    names.handle_answer(at(10), Err(failed()));
    assert_eq!(names.next_call(at(309), one), None);
    assert_eq!(names.next_call(at(309), [Uid(20002)]), None);
    assert_eq!(names.next_call(at(310), one).unwrap().uids(), one);
}

#[test]
fn the_oldest_are_forgotten_where_there_are_too_many() {
    let mut names = Names::new(100);
    for n in 1..=300 {
        names.learn(at(0), Uid(n), &format!("n{n}"));
    }
    let is_known = |names: &Names, n: i64| names.get(Uid(n)).is_some();
    assert!(!is_known(&names, 200) && is_known(&names, 201) && is_known(&names, 300));
    // Those that are learned again stay.
    names.learn(at(0), Uid(201), "again");
    names.learn(at(0), GroupId(1), "a group");
    assert!(is_known(&names, 201) && !is_known(&names, 202));
    // Unknown ones count as well, and what nobody asked for does not come in.
    let call = names.next_call(at(0), uids(1001..=1050)).unwrap();
    let others: Vec<(i64, &str)> = (5001..=5400).map(|n| (n, "x")).collect();
    names.handle_answer(at(0), Ok(answer(&call, &others)));
    assert!(!is_known(&names, 5001) && !is_known(&names, 252) && is_known(&names, 253));
    // A name may be as long as it likes.
    names.learn(at(0), Uid(1), &"长".repeat(10_000));
    assert_eq!(names.get(Uid(1)).unwrap().chars().count(), 64);
    // The least is what one request asks for.
    let mut small = Names::new(0);
    let call = small.next_call(at(0), uids(1..=50)).unwrap();
    small.handle_answer(at(0), Ok(answer(&call, &[])));
    assert_eq!(small.next_call(at(0), uids(1..=50)), None);
}

fn conversation(id: ConversationId, more: &serde_json::Value) -> Conversation {
    let mut conversation = serde_json::to_value(id).unwrap();
    for (name, value) in more.as_object().unwrap() {
        conversation[name] = value.clone();
    }
    serde_json::from_value(conversation).unwrap()
}

#[test]
fn what_others_tell_is_not_asked_for() {
    let mut names = Names::new(1000);
    let group = conversation(GroupId(221_300).into(), &json!({"group_name": "应援团"}));
    let system = json!({"account_info": {"name": "客服"}});
    names.learn_conversation(at(0), &group);
    names.learn_conversation(at(0), &conversation(Uid(5).into(), &system));
    let mut user = FeedUser::default();
    user.mid = Uid(6);
    user.nickname = "路人".to_owned();
    names.learn_user(at(0), &user);
    assert_eq!(names.get(GroupId(221_300)), Some("应援团"));
    assert_eq!(names.get(Uid(221_300)), None);
    assert_eq!(names.next_call(at(0), [Uid(5), Uid(6)]), None);

    // Users of a list are asked for when a name is needed anyway, the latest first.
    for uid in uids(1001..=1300) {
        names.learn_conversation(at(0), &conversation(uid.into(), &json!({})));
    }
    assert_eq!(names.next_call(at(0), [Uid(5)]), None);
    let call = names.next_call(at(0), [Uid(7), Uid(5)]).unwrap();
    assert_eq!(call.uids().first(), Some(&Uid(7)));
    assert_eq!(call.uids().get(1..), Some(&uids(1252..=1300)[..]));
}

#[test]
fn lines_show_names() {
    let mut names = Names::new(1000);
    names.learn(at(0), Uid(20001), "小\n电视");
    names.learn(at(0), GroupId(221_300), "应援团");
    let line = |conversation: ConversationId, sender: i64| {
        let mut message = Message::default();
        message.sender_uid = Uid(sender);
        message.msg_type = bilibili_session::EventType::Text;
        message.content = r#"{"content":"hi"}"#.to_owned();
        let event = Event::new(conversation, message);
        let shown = event.shown_user().map(|uid| uid.0);
        let empty = Names::new(0);
        assert_eq!(event.with_names(&empty).to_string(), event.to_string());
        (event.with_names(&names).to_string(), shown)
    };
    let (user, group) = (Uid(20001).into(), GroupId(221_300).into());
    for (conversation, sender, expected, shown) in [
        (user, 20001, r"小\n电视 (20001): hi", Some(20001)),
        (user, 10001, r"to 小\n电视 (20001): hi", Some(20001)),
        (user, 0, r"小\n电视 (20001), the system: hi", Some(20001)),
        (Uid(20002).into(), 20002, "user 20002: hi", Some(20002)),
        (
            group,
            20001,
            r"应援团 (group 221300), 小\n电视 (20001): hi",
            Some(20001),
        ),
        (
            group,
            20002,
            "应援团 (group 221300), user 20002: hi",
            Some(20002),
        ),
        (group, 0, "应援团 (group 221300), the system: hi", None),
    ] {
        assert_eq!(line(conversation, sender), (expected.to_owned(), shown));
    }
}

#[test]
fn a_poller_tells_nothing_unless_it_is_to() {
    let mut poller = Poller::new(context(), PollerConfig::new()).unwrap();
    let mut names = Names::new(1000);
    poller.tell_names(at(0), &mut names);
    assert_eq!(names.next_call(at(0), []), None);
}
