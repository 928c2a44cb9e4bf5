//! The order in which handlers are called, and what a checkpoint covers meanwhile.

use std::any::Any;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, PollerConfig, Status, Warning};
use bilibili_session::session::{
    Dispatch, HandlerList, Output, SessionMachine, Update, handler_failure,
};
use bilibili_session::{ConversationId, Error, Now};
use http::Response;
use serde_json::{Value, json};

use crate::drive::{ok, parse};
use crate::scenario::{START, Scenario, entry, page, text_at, user};

struct Handling {
    machine: SessionMachine,
    now: Now,
}

impl Handling {
    /// Messages 1 to `count` of each of these are there to be handled.
    fn with(conversations: &[ConversationId], count: u64) -> Self {
        let list: Vec<_> = conversations.iter().map(|id| entry(*id, 0, -100)).collect();
        let mut scenario = Scenario::connected(PollerConfig::new(), &list);
        let seqnos: Vec<u64> = (1..=count).collect();
        let list: Vec<_> = conversations
            .iter()
            .map(|id| entry(*id, count, 6))
            .collect();
        scenario.list(&list);
        let sent: Vec<_> = conversations
            .iter()
            .map(|id| (*id, scenario.expect_fetch(*id)))
            .collect();
        for (id, sent) in sent {
            let messages: Vec<_> = seqnos.iter().map(|it| scenario.message(id, *it)).collect();
            scenario.answer(&sent, crate::scenario::page(&messages, false));
        }
        Self {
            now: scenario.now(),
            machine: SessionMachine::new(scenario.poller),
        }
    }

    #[track_caller]
    fn expect_event(&mut self) -> (Dispatch, (i64, u64)) {
        match self.machine.poll_output(self.now) {
            Output::Handle(dispatch) => {
                let event = dispatch.update().event().unwrap();
                let place = (event.conversation.talker_id(), event.msg_seqno().0);
                (dispatch, place)
            }
            other => panic!("expected an event, got {other:?}"),
        }
    }

    #[track_caller]
    fn expect_busy(&mut self) {
        let output = self.machine.poll_output(self.now);
        assert!(matches!(output, Output::Busy), "{output:?}");
    }

    /// Returns the messages that come after a resume from this moment: the lowest seqno
    /// that is asked for, conversation by conversation.
    fn resumes_after(&self) -> Vec<(i64, u64)> {
        let checkpoint = self.machine.checkpoint().unwrap();
        let value = serde_json::to_value(&checkpoint).unwrap();
        let conversations = value["body"]["conversations"].as_array().unwrap();
        conversations
            .iter()
            .map(|it| {
                let talker = it["talker_id"].as_i64().unwrap();
                (talker, it["cursor"].as_u64().unwrap())
            })
            .collect()
    }
}

#[test]
fn of_one_conversation_in_order_of_different_ones_side_by_side() {
    let mut handling = Handling::with(&[user(1), user(2)], 2);
    handling.machine.set_limits(9, 9);
    let (first, place) = handling.expect_event();
    assert_eq!(place, (1, 1));
    let (other, place) = handling.expect_event();
    assert_eq!(place, (2, 1));
    // The second message of each is here, and waits for the first.
    assert!(matches!(
        handling.machine.poll_output(handling.now),
        Output::Wait(_)
    ));
    handling.machine.handle_done(other, Vec::new());
    let (_other, place) = handling.expect_event();
    assert_eq!(place, (2, 2));
    handling.machine.handle_done(first, Vec::new());
    assert_eq!(handling.expect_event().1, (1, 2));
}

#[test]
fn no_more_side_by_side_than_allowed() {
    let mut handling = Handling::with(&[user(1), user(2)], 1);
    handling.machine.set_limits(1, 9);
    let (first, _) = handling.expect_event();
    assert!(matches!(
        handling.machine.poll_output(handling.now),
        Output::Wait(_)
    ));
    handling.machine.handle_done(first, Vec::new());
    assert_eq!(handling.expect_event().1, (2, 1));
}

#[test]
fn when_too_many_wait_nothing_more_is_asked_for() {
    let mut handling = Handling::with(&[user(1)], 5);
    handling.machine.set_limits(1, 2);
    let mut at_work = handling.expect_event().0;
    // Two more wait now, two are still with the poller.
    for seqno in 2..=5 {
        if seqno < 4 {
            handling.expect_busy();
        }
        handling.machine.handle_done(at_work, Vec::new());
        let (dispatch, place) = handling.expect_event();
        assert_eq!(place, (1, seqno));
        at_work = dispatch;
    }
}

#[test]
fn a_checkpoint_covers_what_was_handled() {
    let mut handling = Handling::with(&[user(1), user(2)], 3);
    handling.machine.set_limits(9, 9);
    let (first, _) = handling.expect_event();
    let (other, _) = handling.expect_event();
    assert_eq!(handling.resumes_after(), [(1, 0), (2, 0)]);
    handling.machine.handle_done(other, Vec::new());
    assert_eq!(handling.resumes_after(), [(1, 0), (2, 1)]);
    handling.machine.handle_done(first, Vec::new());
    assert_eq!(handling.resumes_after(), [(1, 1), (2, 1)]);
}

#[test]
fn what_is_given_up_comes_again_before_what_follows() {
    let mut handling = Handling::with(&[user(1)], 2);
    let (dispatch, place) = handling.expect_event();
    assert_eq!(place, (1, 1));
    handling.machine.handle_dropped(&dispatch);
    assert_eq!(handling.resumes_after(), [(1, 0)]);
    let (dispatch, place) = handling.expect_event();
    assert_eq!(place, (1, 1));
    handling.machine.handle_done(dispatch, Vec::new());
    assert_eq!(handling.expect_event().1, (1, 2));
}

#[test]
fn what_fails_is_told_and_what_is_said_of_a_warning_is_not() {
    let mut handling = Handling::with(&[user(1)], 1);
    let (dispatch, _) = handling.expect_event();
    let failures = vec!["one".to_owned(), "two".to_owned()];
    handling.machine.handle_done(dispatch, failures);
    for expected in ["one", "two"] {
        let Output::Handle(dispatch) = handling.machine.poll_output(handling.now) else {
            panic!("no warning");
        };
        match dispatch.update().warning().map(AsRef::as_ref) {
            Some(Warning::HandlerFailed { reason, .. }) => assert_eq!(reason, expected),
            other => panic!("{other:?}"),
        }
        handling
            .machine
            .handle_done(dispatch, vec!["its own".to_owned()]);
    }
    assert!(matches!(
        handling.machine.poll_output(handling.now),
        Output::Wait(_)
    ));
}

#[test]
fn a_close_waits_for_what_is_at_work_and_leaves_the_rest() {
    let mut handling = Handling::with(&[user(1), user(2)], 2);
    handling.machine.set_limits(1, 9);
    let (dispatch, _) = handling.expect_event();
    assert!(matches!(
        handling.machine.poll_output(handling.now),
        Output::Wait(_)
    ));
    handling.machine.handle_close();
    handling.expect_busy();
    assert_eq!(handling.machine.result(), Some(&Ok(())));
    handling.machine.handle_done(dispatch, Vec::new());
    let mut told = Vec::new();
    loop {
        match handling.machine.poll_output(handling.now) {
            Output::Handle(dispatch) => match handling.machine.deliver(dispatch) {
                Update::Status(change) => told.push(change.status),
                other => panic!("{other:?}"),
            },
            Output::Finished(result) => break assert_eq!(result, Ok(())),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [Status::Closing, Status::Closed]);
    assert_eq!(handling.resumes_after(), [(1, 1), (2, 0)]);
}

/// A message is being handled while so many others come that its conversation is forgotten.
#[test]
fn a_checkpoint_covers_what_is_handled_of_a_forgotten_conversation() {
    let id = user(20001);
    let config = PollerConfig::new().max_conversations(100);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 8, 6)]);
    scenario.fetch(id, &[8], false);
    let mut now = scenario.now();
    let mut machine = SessionMachine::new(scenario.poller);
    machine.set_limits(16, 256);
    let mut at_work = None;
    let (mut round, mut handled) = (0_i64, 0);
    while handled < 300 {
        match machine.poll_output(now) {
            Output::Handle(dispatch) => {
                let event = dispatch.update().event();
                if event.is_some_and(|event| event.conversation == id) {
                    at_work = Some(dispatch);
                } else {
                    handled += 1;
                    machine.handle_done(dispatch, Vec::new());
                }
            }
            Output::Wait(until) => {
                let by = until - now.monotonic;
                now.monotonic = until;
                now.wall.0 += i64::try_from(by.as_micros()).unwrap();
            }
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                let at = now.wall.to_seconds().0;
                let data = match sent.path.as_str() {
                    "new_sessions" => {
                        round += 1;
                        let ids = (0..60).map(|n| user(30_000 + round * 60 + n));
                        let list: Vec<Value> = ids.map(|id| entry(id, 9, at - START)).collect();
                        json!({"session_list": list, "has_more": 0})
                    }
                    _ => {
                        let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                        page(&[text_at(user(n), 9, at)], false)
                    }
                };
                let date = std::time::UNIX_EPOCH + Duration::from_secs(at.unsigned_abs());
                let response = Response::builder()
                    .header("date", httpdate::fmt_http_date(date))
                    .body(ok(data).to_string().into_bytes())
                    .unwrap();
                machine.handle_response(now, outgoing.id, Ok(response));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(at_work.is_some());
    // Killed now: the handler of message 8 has not returned.
    let checkpoint = machine.checkpoint().unwrap();
    let value = serde_json::to_value(&checkpoint).unwrap();
    let conversations = value["body"]["conversations"].as_array().unwrap();
    let kept: Vec<&Value> = conversations
        .iter()
        .filter(|it| it["talker_id"] == 20001)
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&kept[0]["cursor"], &kept[0]["target"]),
        (&json!(7), &json!(8))
    );
}

#[test]
fn a_handler_that_was_removed_is_looked_up_in_vain_and_the_others_keep_their_order() {
    let mut list = HandlerList::new();
    let [first, second, third] = ["first", "second", "third"].map(|name| list.add(name));
    assert_eq!(list.remove(second), Some("second"));
    assert_eq!(list.remove(second), None);
    assert_eq!(list.get(second), None);
    let last = list.add("last");
    assert_eq!(list.ids(), [first, third, last]);
    assert_eq!(list.get(third), Some(&"third"));
}

/// A session that is driven within a handler of another one is another session.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "another thread has another identity, nothing else does"
)]
fn a_wait_is_refused_on_the_thread_of_a_handler_and_nowhere_else() {
    let here = std::thread::current().id();
    let there = std::thread::spawn(|| std::thread::current().id());
    let there = there.join().unwrap();
    let mut machine = Handling::with(&[user(1)], 1).machine;
    let mut other = Handling::with(&[user(1)], 1).machine;
    assert_eq!(machine.check_wait(here), Ok(()));
    machine.begin_handler(here);
    assert_eq!(machine.check_wait(there), Ok(()));
    assert_eq!(other.check_wait(here), Ok(()));
    assert!(!machine.end_handler(here), "it did not wait");
    machine.begin_handler(here);
    machine.begin_handler(there);
    assert_eq!(machine.check_wait(here), Err(Error::WithinHandler));
    assert!(!machine.end_handler(there), "the other thread's did not");
    assert!(machine.end_handler(here));
    assert_eq!(machine.check_wait(here), Ok(()));
}

#[test]
fn a_handler_fails_by_its_error_its_panic_or_a_wait_that_was_refused() {
    assert_eq!(handler_failure(Ok(Ok(())), false), None);
    let refused = Some(Error::WithinHandler.to_string());
    assert_eq!(handler_failure(Ok(Ok(())), true), refused);
    let own = Some("its own".to_owned());
    assert_eq!(handler_failure(Ok(Err("its own".into())), true), own);
    let payloads: [(Box<dyn Any + Send>, &str); 3] = [
        (Box::new("made up"), "it panicked: made up"),
        (Box::new("made up".to_owned()), "it panicked: made up"),
        (Box::new(7), "it panicked: a panic without words"),
    ];
    for (payload, words) in payloads {
        assert_eq!(handler_failure(Err(payload), false), Some(words.to_owned()));
    }
}

#[test]
fn a_journal_covers_what_was_handled() {
    let mut handling = Handling::with(&[user(1), user(2)], 2);
    handling.machine.set_limits(9, 9);
    let (mut journal, mut file) = (Journal::new(), String::new());
    let mut open = Vec::new();
    for step in 0.. {
        match handling.machine.save(&mut journal).unwrap() {
            JournalEntry::Replace(text) => {
                assert_eq!(step, 0);
                file = text;
            }
            JournalEntry::Append(text) => file += &text,
        }
        let read = Checkpoint::from_json(&file).unwrap();
        assert_eq!(read, handling.machine.checkpoint().unwrap(), "step {step}");
        // Two are begun, then one is done, and so on: what is done is not what came first.
        if step % 3 != 2 && open.len() < 2 {
            match handling.machine.poll_output(handling.now) {
                Output::Handle(dispatch) => open.push(dispatch),
                Output::Wait(_) if open.is_empty() => break,
                Output::Wait(_) => {}
                other => panic!("{other:?}"),
            }
        } else if let Some(done) = open.pop() {
            handling.machine.handle_done(done, Vec::new());
        }
    }
    assert_eq!(handling.resumes_after(), [(1, 2), (2, 2)]);
}
