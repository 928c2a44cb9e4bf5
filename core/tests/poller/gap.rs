//! Paging a gap: whichever end the pages come from, with holes, with too little room.

use std::time::Duration;

use bilibili_session::poller::{Output, PollerConfig, Warning};
use bilibili_session::{ConversationId, Error};
use serde_json::{Value, json};

use crate::scenario::{START, Scenario, Sent, entry, page, text_at, user};

/// The messages that a server answers with when there are too many.
#[derive(Debug, Clone, Copy)]
enum End {
    Newest,
    Oldest,
    /// Now this, now that.
    Either(usize),
}

/// A server's answer to a fetch.
fn serve(sent: &Sent, id: ConversationId, seqnos: &[u64], end: &mut End) -> Value {
    let bound = |name, default| sent.get(name).map_or(default, |text| text.parse().unwrap());
    let (begin, limit) = (bound("begin_seqno", 0), bound("end_seqno", u64::MAX));
    let size = sent.get("size").unwrap().parse().unwrap();
    let within: Vec<u64> = seqnos
        .iter()
        .copied()
        .filter(|seqno| begin < *seqno && *seqno < limit)
        .collect();
    let newest = match end {
        End::Newest => true,
        End::Oldest => false,
        End::Either(turn) => {
            *turn += 1;
            *turn % 3 != 0
        }
    };
    let cut = within.len().saturating_sub(size);
    let chosen = if newest {
        &within[cut..]
    } else {
        &within[..within.len().min(size)]
    };
    let messages: Vec<Value> = chosen
        .iter()
        .rev()
        .map(|seqno| text_at(id, *seqno, START))
        .collect();
    page(&messages, cut > 0)
}

/// Serves fetches until the poller waits; how many there were, and what came out.
fn drain(
    scenario: &mut Scenario,
    id: ConversationId,
    seqnos: &[u64],
    mut end: End,
) -> (usize, Vec<u64>) {
    let mut requests = 0;
    let mut out = Vec::new();
    loop {
        match scenario.poll() {
            Output::Event(event) => out.push(event.msg_seqno().0),
            Output::Send(outgoing) => {
                requests += 1;
                assert!(requests < 1000, "it does not end");
                let query =
                    url::form_urlencoded::parse(outgoing.request.uri().query().unwrap().as_bytes());
                let sent = Sent {
                    id: outgoing.id,
                    path: String::new(),
                    query: query.into_owned().collect(),
                };
                let answer = serve(&sent, id, seqnos, &mut end);
                scenario.answer(&sent, answer);
            }
            Output::Wait(_) => return (requests, out),
            other => panic!("{other:?}"),
        }
    }
}

/// Rising, with holes: 8, 9, 11, 14, 18 …
fn with_holes(count: u64) -> Vec<u64> {
    (0..count)
        .map(|n| 8 + n * (n % 5 + 1))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[test]
fn everything_comes_in_order_whichever_end_the_pages_come_from() {
    let id = user(20001);
    for count in [1, 2, 9, 10, 11, 20, 45, 450] {
        for end in [End::Newest, End::Oldest, End::Either(0)] {
            for backlog in [0, 15, 5000] {
                let seqnos = with_holes(count);
                let config = PollerConfig::new().page_size(10).backlog(backlog);
                let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
                scenario.list(&[entry(id, *seqnos.last().unwrap(), 6)]);
                let (_, out) = drain(&mut scenario, id, &seqnos, end);
                assert_eq!(out, seqnos, "{count} {end:?} {backlog}");
            }
        }
    }
}

#[test]
fn newest_first_costs_about_a_request_a_page() {
    let id = user(20001);
    let seqnos = with_holes(4500);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, *seqnos.last().unwrap(), 6)]);
    let (requests, out) = drain(&mut scenario, id, &seqnos, End::Newest);
    assert_eq!(out, seqnos);
    let pages = seqnos.len().div_ceil(199);
    assert!(
        requests <= pages + 1,
        "{requests} requests for {pages} pages"
    );
}

#[test]
fn a_small_backlog_costs_no_more_than_every_page_twice() {
    let id = user(20001);
    let seqnos = with_holes(4500);
    let config = PollerConfig::new().backlog(400);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, *seqnos.last().unwrap(), 6)]);
    let (requests, out) = drain(&mut scenario, id, &seqnos, End::Newest);
    assert_eq!(out, seqnos);
    let pages = seqnos.len().div_ceil(199);
    assert!(
        requests <= 2 * pages + 2,
        "{requests} requests for {pages} pages"
    );
}

#[test]
fn messages_that_arrive_between_list_and_fetch_come_at_once() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 8, 6)]);
    scenario.fetch(id, &[10, 9, 8], false);
    scenario.expect_seqnos([8, 9, 10]);
    scenario.list(&[entry(id, 10, 6)]);
    scenario.expect_wait();
}

/// Below a page of two lies nothing, though an empty page says that there is more.
#[test]
fn more_that_moves_no_end_is_an_error_and_then_taken_for_a_habit() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 12, 6)]);
    scenario.fetch(id, &[12, 11], true);
    // Without the message that it was asked to end with it is asked once more.
    scenario.fetch(id, &[], true);
    for _ in 0..2 {
        scenario.fetch(id, &[], true);
        match scenario.expect_warning() {
            Warning::Retry {
                conversation: Some(of),
                error: Error::Decode(error),
                ..
            } => {
                assert_eq!(of, id);
                assert_eq!(error.path(), "data.has_more");
            }
            other => panic!("{other:?}"),
        }
        scenario.advance(Duration::from_secs(30));
        let list = scenario.expect_call("new_sessions");
        scenario.answer(&list, json!({"session_list": null, "has_more": 0}));
    }
    scenario.fetch(id, &[], true);
    scenario.expect_seqnos([11, 12]);
    scenario.expect_wait();

    // It is learned once, not in each stretch again.
    scenario.list(&[entry(id, 17, 36)]);
    scenario.fetch(id, &[17, 16], true);
    scenario.fetch(id, &[], true);
    scenario.fetch(id, &[], true);
    scenario.expect_seqnos([16, 17]);
    scenario.expect_wait();
}

#[test]
fn a_full_page_that_says_it_is_the_last_is_not_believed() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 12, 6)]);
    scenario.fetch(id, &[12, 11, 10], false);
    scenario.fetch(id, &[10, 9, 8], false);
    scenario.expect_seqnos([8, 9, 10, 11, 12]);
    scenario.expect_wait();
}

/// The stretch that is asked for ends with a message that is known to be there.
#[test]
fn a_page_that_lacks_its_end_is_not_the_last() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 20, 6)]);
    scenario.fetch(id, &[20, 18, 16], true);
    scenario.fetch(id, &[10], false);
    scenario.fetch(id, &[10, 8], false);
    scenario.expect_seqnos([8, 10]);
    let above = scenario.fetch(id, &[16, 14, 12], false);
    assert_eq!(above.get("begin_seqno"), Some("10"));
    scenario.fetch(id, &[12], false);
    scenario.expect_seqnos([12, 14, 16, 18, 20]);
    scenario.expect_wait();
}

#[test]
fn an_empty_page_that_lacks_its_end_is_not_believed() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 20, 6)]);
    scenario.fetch(id, &[20, 18, 16], true);
    scenario.fetch(id, &[], false);
    scenario.fetch(id, &[10, 8], false);
    scenario.expect_seqnos([8, 10, 16, 18, 20]);
    scenario.expect_wait();
}

#[test]
fn a_page_that_lacks_what_the_list_knows_of_is_not_the_last() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 20, 6)]);
    scenario.fetch(id, &[12, 11], false);
    let below = scenario.fetch(id, &[11, 9], false);
    assert_eq!(below.get("end_seqno"), Some("12"), "with the lowest");
    scenario.expect_seqnos([9, 11, 12]);
    // What is above may not be there yet.
    scenario.list(&[]);
    let above = scenario.fetch(id, &[20], false);
    assert_eq!(above.get("begin_seqno"), Some("12"));
    scenario.expect_seqnos([20]);
    scenario.expect_wait();
}

#[test]
fn what_was_fetched_before_a_failure_is_not_fetched_again() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 12, 6)]);
    scenario.fetch(id, &[12, 11, 10], true);
    let lost = scenario.expect_fetch(id);
    scenario.lose(&lost);
    scenario.expect_retry();
    // Its own pause is over only after the next round has begun.
    while scenario.wait() < std::time::Duration::from_secs(1) {}
    let list = scenario.expect_call("new_sessions");
    scenario.answer(
        &list,
        serde_json::json!({"session_list": [], "has_more": 0}),
    );
    scenario.list(&[]);
    let again = scenario.fetch(id, &[10, 9, 8], false);
    assert_eq!(
        again.get("end_seqno"),
        Some("11"),
        "with the lowest that is here"
    );
    scenario.expect_seqnos([8, 9, 10, 11, 12]);
}

/// Such pages are a habit of the service, not of the conversation in which they were met.
#[test]
fn that_empty_pages_say_there_is_more_is_learned_once_for_all_conversations() {
    let (first, second) = (user(20001), user(20002));
    let known = [entry(first, 7, -5), entry(second, 7, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    scenario.list(&[entry(first, 12, 6)]);
    scenario.fetch(first, &[12, 11], true);
    scenario.fetch(first, &[], true);
    for _ in 0..2 {
        scenario.fetch(first, &[], true);
        scenario.expect_retry();
        scenario.advance(Duration::from_secs(30));
        let list = scenario.expect_call("new_sessions");
        scenario.answer(&list, json!({"session_list": null, "has_more": 0}));
    }
    scenario.fetch(first, &[], true);
    scenario.expect_seqnos([11, 12]);
    scenario.list(&[entry(second, 12, 80)]);
    scenario.fetch(second, &[12, 11], true);
    scenario.fetch(second, &[], true);
    scenario.fetch(second, &[], true);
    scenario.expect_seqnos([11, 12]);
    scenario.expect_wait();
}

/// A round whose fetch is lost; the next one lists the conversation as changed, and does not say
/// how far it goes.
#[track_caller]
fn changes_while_it_is_fetched(scenario: &mut Scenario, id: ConversationId) {
    let lost = scenario.expect_fetch(id);
    scenario.lose(&lost);
    scenario.expect_retry();
    scenario.advance(Duration::from_secs(30));
    let list = scenario.expect_call("new_sessions");
    let vague = entry(id, 0, 30);
    scenario.answer(&list, json!({"session_list": [vague], "has_more": 0}));
}

/// The newest known message is on the page, which says that there is more.
#[test]
fn a_change_of_unknown_extent_does_not_end_at_what_was_known() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 9, 6)]);
    changes_while_it_is_fetched(&mut scenario, id);
    scenario.fetch(id, &[10, 9, 8], true);
    scenario.expect_seqnos([8, 9, 10]);
    let above = scenario.fetch(id, &[12, 11], false);
    assert_eq!(above.get("begin_seqno"), Some("10"));
    scenario.expect_seqnos([11, 12]);
    scenario.list(&[]);
    scenario.expect_wait();
}

/// The newest known message is here already, and only those below it are missing.
#[test]
fn a_change_of_unknown_extent_is_asked_for_above_what_is_here() {
    let id = user(20001);
    let config = PollerConfig::new().page_size(3);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 12, 6)]);
    scenario.fetch(id, &[12, 11, 10], true);
    changes_while_it_is_fetched(&mut scenario, id);
    scenario.fetch(id, &[10, 9, 8], false);
    scenario.expect_seqnos(8..=12);
    let above = scenario.fetch(id, &[14, 13], false);
    assert_eq!(above.get("begin_seqno"), Some("12"));
    scenario.expect_seqnos([13, 14]);
    scenario.list(&[]);
    scenario.expect_wait();
}

/// Nothing beyond what was known is there yet.
#[test]
fn a_change_of_unknown_extent_is_asked_for_until_something_newer_comes() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 9, 6)]);
    changes_while_it_is_fetched(&mut scenario, id);
    scenario.fetch(id, &[9, 8], false);
    scenario.expect_seqnos([8, 9]);
    scenario.list(&[]);
    let again = scenario.fetch(id, &[10], false);
    assert_eq!(again.get("begin_seqno"), Some("9"));
    scenario.expect_seqnos([10]);
    scenario.list(&[]);
    scenario.expect_wait();
}

/// A pause came before anything of it was asked for.
#[test]
fn a_change_of_unknown_extent_before_the_first_page_does_not_end_at_what_was_known() {
    let (first, id) = (user(20001), user(20002));
    let known = [entry(first, 7, -5), entry(id, 7, -6)];
    let mut scenario = Scenario::connected(PollerConfig::new().max_parallel(1), &known);
    scenario.list(&[entry(first, 8, 7), entry(id, 9, 6)]);
    let sent = scenario.expect_fetch(first);
    scenario.refuse(&sent, -509);
    let delay = scenario.expect_warning().delay().unwrap();
    assert_eq!(scenario.wait(), delay);
    let list = scenario.expect_call("new_sessions");
    let vague = entry(id, 0, 30);
    scenario.answer(&list, json!({"session_list": [vague], "has_more": 0}));
    scenario.fetch(id, &[10, 9, 8], true);
    scenario.expect_seqnos([8, 9, 10]);
    scenario.fetch(first, &[8], false);
    scenario.expect_seqnos([8]);
    let above = scenario.fetch(id, &[12, 11], false);
    assert_eq!(above.get("begin_seqno"), Some("10"));
    scenario.expect_seqnos([11, 12]);
    scenario.expect_wait();
}
