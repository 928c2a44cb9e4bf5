//! Going on where another life ended.

use std::time::Duration;

use bilibili_session::poller::{
    Checkpoint, CheckpointError, Journal, JournalEntry, Output, Poller, PollerConfig, Status,
    Warning,
};
use bilibili_session::{ClientConfig, Credential};
use serde_json::json;

use crate::scenario::{START, Scenario, entry, nav_data, page, text_at, user};

fn resumed(checkpoint: &Checkpoint) -> Scenario {
    let written = Checkpoint::from_json(&checkpoint.to_json()).unwrap();
    assert_eq!(&written, checkpoint);
    let mut scenario = Scenario::resume(PollerConfig::new(), &written);
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    scenario.expect_status(Status::Connected);
    scenario
}

#[test]
fn nothing_is_lost_whenever_it_was_taken() {
    let id = user(20001);
    let stranger = user(20002);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let mut taken = vec![(scenario.poller.checkpoint().unwrap(), 0)];
    scenario.list(&[entry(id, 9, 6), entry(stranger, 3, 6)]);
    let known = scenario.expect_fetch(id);
    let new = scenario.expect_fetch(stranger);
    taken.push((scenario.poller.checkpoint().unwrap(), 0));
    scenario.answer(
        &known,
        page(&[text_at(id, 9, START), text_at(id, 8, START)], false),
    );
    scenario.answer(
        &new,
        page(
            &[
                text_at(stranger, 3, START),
                text_at(stranger, 2, START - 3600),
            ],
            false,
        ),
    );
    taken.push((scenario.poller.checkpoint().unwrap(), 0));
    for delivered in 1..=3 {
        scenario.expect_event();
        taken.push((scenario.poller.checkpoint().unwrap(), delivered));
    }
    scenario.expect_wait();
    taken.push((scenario.poller.checkpoint().unwrap(), 3));
    for (checkpoint, delivered) in taken {
        let mut scenario = resumed(&checkpoint);
        scenario.list(&[entry(id, 9, 6), entry(stranger, 3, 6)]);
        let mut events = 0;
        loop {
            match scenario.poll() {
                Output::Send(outgoing) => {
                    let uri = outgoing.request.uri().to_string();
                    let of = if uri.contains("talker_id=20001") {
                        id
                    } else {
                        stranger
                    };
                    let after: u64 = uri
                        .split("begin_seqno=")
                        .nth(1)
                        .unwrap()
                        .split('&')
                        .next()
                        .unwrap()
                        .parse()
                        .unwrap();
                    let all = if of == id {
                        vec![
                            text_at(id, 9, START),
                            text_at(id, 8, START),
                            text_at(id, 7, START),
                        ]
                    } else {
                        vec![
                            text_at(stranger, 3, START),
                            text_at(stranger, 2, START - 3600),
                        ]
                    };
                    let messages: Vec<_> = all
                        .into_iter()
                        .filter(|m| m["msg_seqno"].as_u64().unwrap() > after)
                        .collect();
                    let sent = crate::scenario::Sent {
                        id: outgoing.id,
                        path: String::new(),
                        query: Default::default(),
                    };
                    scenario.answer(&sent, page(&messages, false));
                }
                Output::Event(_) => events += 1,
                Output::Wait(_) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(events, 3 - delivered, "{checkpoint:?}");
    }
}

#[test]
fn an_event_that_is_not_handled_yet_can_be_taken_back_out() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 9, 6)]);
    scenario.fetch(id, &[9, 8], false);
    let first = scenario.expect_event();
    scenario.expect_event();
    let mut checkpoint = scenario.poller.checkpoint().unwrap();
    checkpoint.rewind(&first);
    let mut scenario = resumed(&checkpoint);
    scenario.list(&[]);
    let sent = scenario.expect_fetch(id);
    assert_eq!(sent.get("begin_seqno"), Some("7"));
}

#[test]
fn a_restart_is_no_way_round_the_interval() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.advance(Duration::from_secs(2));
    let checkpoint = scenario.poller.checkpoint().unwrap();
    for (asleep, skew, wait) in [
        // The clocks are believed to three seconds.
        (0, 0, 6),
        (3, 0, 4),
        (60, 0, 0),
        (0, 86_400, 6),
        (60, 86_400, 0),
        (0, -86_400, 6),
        (60, -86_400, 0),
    ] {
        let mut next = Scenario::resume(PollerConfig::new(), &checkpoint);
        next.elapsed = scenario.elapsed + Duration::from_secs(asleep);
        next.skew = skew;
        let nav = next.expect_send();
        next.answer(&nav, nav_data());
        next.expect_status(Status::Connected);
        if wait == 0 {
            next.expect_call("new_sessions");
        } else {
            assert_eq!(next.wait(), Duration::from_secs(wait), "{asleep} {skew}");
        }
    }
}

#[test]
fn it_belongs_to_one_account() {
    let scenario = Scenario::connected(PollerConfig::new(), &[]);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let other = Credential::parse("SESSDATA=made%2Cup; DedeUserID=10002").unwrap();
    assert!(Poller::resume(ClientConfig::new(other), PollerConfig::new(), &checkpoint).is_err());

    let mut scenario = Scenario::resume(PollerConfig::new(), &checkpoint);
    let nav = scenario.expect_send();
    let mut somebody_else = nav_data();
    somebody_else["mid"] = json!(10002);
    scenario.answer(&nav, somebody_else);
    scenario.expect_status(Status::Error);
    assert!(matches!(scenario.poll(), Output::Finished(Err(_))));
}

/// A list that does not say how far a conversation goes says so only once.
#[test]
fn a_conversation_that_is_to_be_looked_at_again_stays_so() {
    let id = user(20001);
    for known in [vec![], vec![entry(id, 8, -5)]] {
        let mut scenario = Scenario::connected(PollerConfig::new(), &known);
        let mut vague = entry(id, 0, 6);
        vague.as_object_mut().unwrap().remove("max_seqno");
        scenario.list(&[vague]);
        let sent = scenario.expect_fetch(id);
        let before = scenario.poller.checkpoint().unwrap();
        // The oldest end first: there is more above.
        let messages = [scenario.message(id, 9), text_at(id, 8, START - 900)];
        let count = if known.is_empty() { 2 } else { 1 };
        scenario.answer(&sent, page(&messages[..count], true));
        scenario.expect_seqnos([9]);
        let after = scenario.poller.checkpoint().unwrap();
        for (checkpoint, comes) in [(before, &[10, 9][..]), (after, &[10])] {
            let mut scenario = resumed(&checkpoint);
            scenario.list(&[]);
            scenario.fetch(id, comes, false);
            scenario.expect_seqnos(comes.iter().rev().copied());
        }
    }
}

/// All that it had was taken down: after a resume it is looked at once, not in every round.
#[test]
fn a_new_conversation_that_came_to_nothing_is_left_alone() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    for _ in 0..3 {
        scenario.list(&[entry(id, 9, 6)]);
        scenario.fetch(id, &[], false);
    }
    assert!(matches!(scenario.expect_warning(), Warning::Gap { .. }));
    let mut scenario = resumed(&scenario.poller.checkpoint().unwrap());
    scenario.list(&[]);
    scenario.fetch(id, &[], false);
    scenario.list(&[]);
    scenario.expect_wait();
}

#[test]
fn a_bad_one_is_refused_with_the_reason() {
    let id = user(20001);
    let scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let text = scenario.poller.checkpoint().unwrap().to_json();
    for cut in 0..text.len() {
        assert!(Checkpoint::from_json(&text[..cut]).is_err(), "cut at {cut}");
    }
    let changed = text.replacen("\"cursor\":7", "\"cursor\":8", 1);
    assert_ne!(text, changed);
    assert!(matches!(
        Checkpoint::from_json(&changed),
        Err(CheckpointError::Damaged(_))
    ));
    let newer = text.replacen("\"version\":4", "\"version\":5", 1);
    assert_eq!(
        Checkpoint::from_json(&newer),
        Err(CheckpointError::Newer { found: 5 })
    );
    let older = text.replacen("\"version\":4", "\"version\":0", 1);
    assert!(matches!(
        Checkpoint::from_json(&older),
        Err(CheckpointError::Damaged(_))
    ));
    for foreign in [
        "{}",
        "[]",
        "7",
        "{\"format\":\"x\",\"version\":1,\"check\":\"\",\"body\":{}}",
    ] {
        assert_eq!(
            Checkpoint::from_json(foreign),
            Err(CheckpointError::Foreign),
            "{foreign}"
        );
    }
}

#[test]
fn the_same_seed_and_inputs_give_the_same_outputs() {
    let run = |seed| {
        let mut scenario = Scenario::connected(PollerConfig::new().seed(seed), &[]);
        (0..5)
            .map(|_| {
                let waited = scenario.wait();
                let sent = scenario.expect_send();
                scenario.lose(&sent);
                scenario.expect_warning();
                waited
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Rounds with a message each; returns what a journal wrote of them, entry by entry.
fn journal_of(scenario: &mut Scenario, rounds: u64) -> Vec<(JournalEntry, Checkpoint)> {
    let id = user(20001);
    let mut journal = Journal::new();
    let mut entries = Vec::new();
    for seqno in 8..8 + rounds {
        scenario.list(&[entry(id, seqno, 6)]);
        let fetch = scenario.expect_fetch(id);
        scenario.answer(&fetch, page(&[text_at(id, seqno, START)], false));
        scenario.expect_event();
        let written = scenario.poller.save(&mut journal).unwrap();
        entries.push((written, scenario.poller.checkpoint().unwrap()));
    }
    entries
}

/// A file of five entries; and the end of each in it, with the checkpoint up to there.
fn journal_file() -> (String, Vec<(usize, Checkpoint)>) {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    let mut file = String::new();
    let mut ends = Vec::new();
    for (written, checkpoint) in journal_of(&mut scenario, 5) {
        match written {
            JournalEntry::Replace(text) => file = text,
            JournalEntry::Append(text) => file += &text,
        }
        ends.push((file.len(), checkpoint));
    }
    (file, ends)
}

#[test]
fn the_last_entry_of_a_journal_may_be_torn() {
    let (file, ends) = journal_file();
    let first = ends[0].0;
    for torn in first..file.len() {
        // The end of a line need not be there.
        let whole = ends.iter().rfind(|(end, _)| *end <= torn + 1).unwrap();
        let read = Checkpoint::from_json(&file[..torn]);
        assert_eq!(read.as_ref(), Ok(&whole.1), "torn at {torn}");
    }
    // Sectors that never came to the disk, before some that did.
    let (before, last) = file.split_at(ends[3].0);
    for zeros in 1..last.len() {
        let torn = [before, &"\0".repeat(zeros), &last[zeros..]].concat();
        let read = Checkpoint::from_json(&torn);
        assert_eq!(read.as_ref(), Ok(&ends[3].1), "{zeros} zeros");
    }
}

#[test]
fn damage_in_the_middle_of_a_journal_is_an_error() {
    let (file, ends) = journal_file();
    let is_damaged = |text: &str, what: &str| {
        let read = Checkpoint::from_json(text);
        assert!(matches!(read, Err(CheckpointError::Damaged(_))), "{what}");
    };
    // The last one as well: it has its end, so it was written whole.
    for at in ends[0].0..file.len() - 1 {
        let mut damaged = file.clone().into_bytes();
        damaged[at] ^= 1;
        let damaged = String::from_utf8(damaged).unwrap();
        is_damaged(&damaged, &format!("a bit of byte {at}"));
    }
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let of = |places: &[usize]| places.iter().map(|n| lines[*n]).collect::<String>();
    is_damaged(&of(&[0, 1, 3, 4]), "one is missing");
    is_damaged(&of(&[0, 1, 2, 4]), "the last but one is missing");
    is_damaged(&of(&[0, 1, 1, 2, 3]), "one is there twice");
    is_damaged(&of(&[0, 2, 1, 3, 4]), "two have changed places");
    is_damaged(&of(&[0, 1, 0]), "the snapshot is there twice");
    // As after an append that was cut off, and went on all the same.
    let torn = [&of(&[0, 1]), &lines[2][..40], &of(&[3, 4])].concat();
    is_damaged(&torn, "one goes on behind a torn one");
    is_damaged(&(file + "something else\n"), "a line that is none");
}

#[test]
fn a_journal_begins_anew_when_it_is_long() {
    let list: Vec<_> = (0..50).map(|n| entry(user(20001 + n), 7, -5)).collect();
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    let entries = journal_of(&mut scenario, 400);
    let sizes: Vec<_> = entries
        .iter()
        .map(|(written, _)| match written {
            JournalEntry::Replace(text) => (true, text.len()),
            JournalEntry::Append(text) => (false, text.len()),
        })
        .collect();
    let replaced = sizes.iter().filter(|(replaces, _)| *replaces).count();
    assert!((2..5).contains(&replaced), "{replaced}");
    let largest = sizes.iter().filter(|(replaces, _)| !replaces);
    assert!(largest.map(|(_, size)| *size).max().unwrap() <= 1024);
}

#[test]
fn a_journal_goes_on_with_another_poller_from_a_snapshot() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(20001), 7, -5)]);
    let mut journal = Journal::new();
    for _ in 0..2 {
        let first = scenario.poller.save(&mut journal);
        assert!(matches!(first, Some(JournalEntry::Replace(_))), "{first:?}");
        let next = scenario.poller.save(&mut journal);
        assert!(matches!(next, Some(JournalEntry::Append(_))), "{next:?}");
        scenario = resumed(&scenario.poller.checkpoint().unwrap());
    }
}

/// Nothing is lost where two are mixed up: each entry goes on from the file that it is for.
#[test]
fn a_journal_that_missed_an_entry_is_replaced() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let mut journals = [(); 2].map(|()| (Journal::new(), String::new()));
    for (seqno, place) in (8..).zip([0, 0, 1, 1, 0, 1, 0, 0]) {
        scenario.list(&[entry(id, seqno, 6)]);
        scenario.fetch(id, &[seqno], false);
        scenario.expect_event();
        let (journal, file) = &mut journals[place];
        match scenario.poller.save(journal).unwrap() {
            JournalEntry::Replace(text) => *file = text,
            JournalEntry::Append(text) => *file += &text,
        }
        let read = Checkpoint::from_json(file).unwrap();
        assert_eq!(read, scenario.poller.checkpoint().unwrap(), "{seqno}");
    }
    let additions = journals.map(|(_, file)| file.lines().count() - 1);
    assert_eq!(additions, [1, 0]);
}
