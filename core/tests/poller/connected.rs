//! State 1: rounds, events, what is new and what is not.

use std::time::Duration;

use bilibili_session::poller::{PollerConfig, Warning};
use bilibili_session::{Content, ConversationId, EventType, Uid};
use serde_json::{Value, json};

use crate::scenario::{OWN, START, Scenario, entry, group, page, text_at, user};

#[test]
fn a_message_comes_out_once() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    scenario.list(&[entry(user(20001), 8, 6)]);
    let sent = scenario.fetch(user(20001), &[8], false);
    assert_eq!(sent.get("begin_seqno"), Some("7"));
    assert_eq!(sent.get("end_seqno"), None);
    assert!(sent.get("w_rid").is_some());
    let event = scenario.expect_event();
    assert_eq!(event.text(), Some("message 8"));
    assert_eq!(event.event_type(), EventType::Text);
    assert_eq!(event.conversation, user(20001));
    // The overlap shows it again; it is no news.
    scenario.list(&[entry(user(20001), 8, 6)]);
    scenario.expect_wait();
}

#[test]
fn rounds_keep_their_interval() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    for _ in 0..3 {
        assert_eq!(scenario.wait(), Duration::from_secs(6));
        let list = scenario.expect_call("new_sessions");
        scenario.advance(Duration::from_secs(2));
        scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
        assert_eq!(scenario.expect_wait(), Duration::from_secs(4));
        scenario.advance(Duration::from_secs(4));
        let list = scenario.expect_call("new_sessions");
        scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
    }
}

#[test]
fn a_user_and_a_group_of_one_number_are_two_conversations() {
    let mut scenario = Scenario::connected(
        PollerConfig::new(),
        &[entry(user(7), 100, -5), entry(group(7), 3, -6)],
    );
    scenario.list(&[entry(user(7), 101, 6), entry(group(7), 4, 6)]);
    let of_user = scenario.expect_fetch(user(7));
    let of_group = scenario.expect_fetch(group(7));
    scenario.answer(&of_group, page(&[text_at(group(7), 4, START)], false));
    scenario.answer(&of_user, page(&[text_at(user(7), 101, START)], false));
    assert_eq!(scenario.expect_event().conversation, group(7));
    assert_eq!(scenario.expect_event().conversation, user(7));
}

#[test]
fn fetches_run_side_by_side_up_to_the_limit() {
    let mut scenario = Scenario::connected(PollerConfig::new().max_parallel(2), &[]);
    let list: Vec<_> = (1..=3).map(|n| entry(user(20000 + n), 5, 6)).collect();
    scenario.list(&list);
    let first = scenario.expect_fetch(user(20001));
    let _second = scenario.expect_fetch(user(20002));
    scenario.expect_wait();
    scenario.answer(&first, page(&[], false));
    scenario.expect_fetch(user(20003));
}

#[test]
fn a_conversation_never_seen_brings_its_new_messages_only() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    let id = user(20001);
    scenario.list(&[entry(id, 50, 6)]);
    let sent = scenario.expect_fetch(id);
    let old = START - 3600;
    let messages = [
        text_at(id, 50, START + 5),
        text_at(id, 49, START + 4),
        text_at(id, 48, old),
        text_at(id, 47, old),
    ];
    scenario.answer(&sent, page(&messages, true));
    scenario.expect_seqnos([49, 50]);
    scenario.expect_wait();
    scenario.list(&[entry(id, 51, 12)]);
    let sent = scenario.fetch(id, &[51], false);
    assert_eq!(sent.get("begin_seqno"), Some("50"));
    scenario.expect_seqnos([51]);
}

#[test]
fn a_new_conversation_without_a_page_yet_stays_new() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    let id = user(20001);
    scenario.list(&[entry(id, 50, 6)]);
    scenario.fetch(id, &[], false);
    scenario.list(&[]);
    let sent = scenario.expect_fetch(id);
    let messages = [text_at(id, 50, START + 5), text_at(id, 49, START - 3600)];
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos([50]);
    scenario.expect_wait();
}

/// Such a message goes with the one below it, also when that one is on the next page.
#[test]
fn a_message_without_a_time_is_as_old_as_the_one_below() {
    let id = user(20001);
    for (below, comes) in [(START - 900, vec![9]), (START + 3, vec![7, 8, 9])] {
        let config = PollerConfig::new().page_size(2);
        let mut scenario = Scenario::connected(config, &[]);
        scenario.list(&[entry(id, 9, 6)]);
        let undated = text_at(id, 8, 0);
        let sent = scenario.expect_fetch(id);
        let newest = text_at(id, 9, START + 5);
        scenario.answer(&sent, page(&[newest, undated.clone()], true));
        let sent = scenario.expect_fetch(id);
        assert_eq!(sent.get("end_seqno"), Some("9"));
        scenario.answer(&sent, page(&[undated, text_at(id, 7, below)], true));
        if below > START {
            scenario.fetch(id, &[7], false);
        }
        scenario.expect_seqnos(comes);
        scenario.expect_wait();
    }
}

/// An entry that does not say how far its conversation goes.
fn vague(id: ConversationId) -> Value {
    vague_at(id, 6)
}

fn vague_at(id: ConversationId, at: i64) -> Value {
    let mut entry = entry(id, 0, at);
    entry.as_object_mut().unwrap().remove("max_seqno");
    entry
}

/// Of what came so far all is history; there may be more history above it.
#[test]
fn a_new_conversation_whose_newest_is_late_stays_new() {
    let id = user(20001);
    for listed in [entry(id, 9, 6), vague(id)] {
        let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
        scenario.list(&[listed]);
        let sent = scenario.expect_fetch(id);
        scenario.answer(&sent, page(&[text_at(id, 3, START - 900)], false));
        scenario.list(&[]);
        let sent = scenario.expect_fetch(id);
        let old = text_at(id, 5, START - 600);
        let messages = [scenario.message(id, 9), old, text_at(id, 3, START - 900)];
        scenario.answer(&sent, page(&messages, false));
        scenario.expect_seqnos([9]);
        scenario.list(&[]);
        scenario.expect_wait();
    }
}

#[test]
fn a_conversation_that_changed_without_a_page_yet_is_asked_again() {
    let id = user(20001);
    for known in [vec![], vec![entry(id, 7, -5)]] {
        let mut scenario = Scenario::connected(PollerConfig::new(), &known);
        scenario.list(&[vague(id)]);
        scenario.fetch(id, &[], false);
        scenario.list(&[vague(id)]);
        scenario.fetch(id, &[8], false);
        scenario.expect_seqnos([8]);
        scenario.list(&[vague(id)]);
        scenario.expect_wait();
    }
}

#[test]
fn a_conversation_that_changed_for_no_message_is_asked_in_three_rounds() {
    let id = user(20001);
    for known in [vec![], vec![entry(id, 7, -5)]] {
        let mut scenario = Scenario::connected(PollerConfig::new(), &known);
        for _ in 0..3 {
            scenario.list(&[vague(id)]);
            scenario.fetch(id, &[], false);
        }
        scenario.list(&[vague(id)]);
        scenario.expect_wait();
    }
}

#[test]
fn a_conversation_that_was_over_and_changed_is_asked_again() {
    let id = group(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[vague(id)]);
    let sent = scenario.expect_fetch(id);
    scenario.refuse(&sent, 700_014);
    assert!(matches!(
        scenario.expect_warning(),
        Warning::ConversationFailed { .. }
    ));
    scenario.list(&[vague(id)]);
    scenario.expect_wait();
    let checkpoint = scenario.poller.checkpoint().unwrap().to_json();
    assert!(checkpoint.contains("recheck"), "it is not forgotten");
    scenario.list(&[vague_at(id, 18)]);
    scenario.fetch(id, &[9, 8], false);
    scenario.expect_seqnos([8, 9]);
}

#[test]
fn own_messages_are_left_out_unless_wanted() {
    for exclude in [true, false] {
        let config = PollerConfig::new().exclude_self(exclude);
        let mut scenario = Scenario::connected(config, &[entry(user(20001), 7, -5)]);
        scenario.list(&[entry(user(20001), 9, 6)]);
        let sent = scenario.expect_fetch(user(20001));
        let mut own = text_at(user(20001), 8, START + 6);
        own["sender_uid"] = json!(OWN);
        own["receiver_id"] = json!(20001);
        scenario.answer(
            &sent,
            page(&[text_at(user(20001), 9, START + 6), own], false),
        );
        if !exclude {
            assert_eq!(scenario.expect_event().sender_uid(), Uid(OWN));
        }
        assert_eq!(scenario.expect_event().msg_seqno().0, 9);
        scenario.expect_wait();
    }
}

#[test]
fn a_withdrawal_carries_what_it_takes_back() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    scenario.list(&[entry(user(20001), 9, 6)]);
    let sent = scenario.expect_fetch(user(20001));
    let first = text_at(user(20001), 8, START + 6);
    let mut withdrawal = text_at(user(20001), 9, START + 7);
    withdrawal["msg_type"] = json!(5);
    withdrawal["content"] = json!(first["msg_key"].to_string());
    scenario.answer(&sent, page(&[withdrawal, first], false));
    let first = scenario.expect_event();
    let withdrawal = scenario.expect_event();
    assert_eq!(withdrawal.content, Content::Withdraw(first.msg_key()));
    assert_eq!(withdrawal.withdrawn.as_ref(), Some(&first));
}

#[test]
fn an_unreadable_message_harms_no_neighbour() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    scenario.list(&[entry(user(20001), 11, 6)]);
    let sent = scenario.expect_fetch(user(20001));
    let mut messages: Vec<_> = (8..=11)
        .rev()
        .map(|n| text_at(user(20001), n, START))
        .collect();
    messages[1]["content"] = json!("not json{");
    messages[2]["timestamp"] = json!({"no": "time"});
    messages.insert(1, json!({"msg_seqno": "none", "content": "?"}));
    scenario.answer(&sent, page(&messages, false));
    assert!(matches!(
        scenario.expect_warning(),
        Warning::Undecodable { conversation: Some(id), .. } if id == user(20001)
    ));
    assert_eq!(scenario.expect_event().text(), Some("message 8"));
    for seqno in [9, 10] {
        let event = scenario.expect_event();
        assert_eq!(event.msg_seqno().0, seqno);
        assert!(
            matches!(event.content, Content::Undecodable { .. }),
            "{seqno}"
        );
    }
    assert_eq!(scenario.expect_event().text(), Some("message 11"));
    scenario.expect_wait();
}

#[test]
fn messages_that_never_come_are_asked_for_in_three_rounds() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 9, 6)]);
    scenario.fetch(id, &[], false);
    scenario.list(&[]);
    scenario.fetch(id, &[], false);
    scenario.list(&[]);
    scenario.fetch(id, &[], false);
    match scenario.expect_warning() {
        Warning::Gap {
            conversation,
            from_seqno,
            to_seqno,
        } => {
            assert_eq!((conversation, from_seqno.0, to_seqno.0), (id, 8, 9));
        }
        other => panic!("{other:?}"),
    }
    scenario.list(&[entry(id, 9, 6)]);
    scenario.expect_wait();
    // The cursor did not move past what never came: if it comes after all, it comes out.
    scenario.list(&[entry(id, 10, 30)]);
    let sent = scenario.fetch(id, &[10, 9], false);
    assert_eq!(sent.get("begin_seqno"), Some("7"));
    scenario.expect_seqnos([9, 10]);
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    for (skew, seqno) in [(-7200, 8), (36_000, 9), (0, 10)] {
        scenario.skew = skew;
        let at = scenario.server_now() - START;
        scenario.list(&[entry(user(20001), seqno, at)]);
        scenario.fetch(user(20001), &[seqno], false);
        scenario.expect_seqnos([seqno]);
    }
}

#[test]
fn a_time_in_the_future_does_not_hide_what_comes_before_it() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, 3600)]);
    scenario.wait();
    let list = scenario.expect_call("new_sessions");
    let begin = ((START - 5) * 1_000_000).to_string();
    assert_eq!(list.get("begin_ts"), Some(begin.as_str()));
}
