//! Replies of a process that dies between sending and storing.

use std::time::Duration;

use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{
    Checkpoint, Journal, JournalEntry, Output, Poller, PollerConfig, Status,
};
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::{Error, Event};

use super::service::{CUT, Fate, OTHER, Service, conversation};
use crate::scenario::{OWN, context};

/// A process that answers, and may die.
struct Process {
    poller: Poller,
}

impl Process {
    fn begin(service: &mut Service, checkpoint: Option<&Checkpoint>) -> Self {
        let config = PollerConfig::new()
            .spacing(Duration::ZERO)
            .send_spacing(Duration::ZERO);
        let mut poller = Poller::resume(context(), config, checkpoint).unwrap();
        while poller.status() != Status::Connected {
            let output = poller.poll_output(service.now());
            assert!(!matches!(output, Output::Wait(_)), "nothing to wait for");
            if let Output::Send(outgoing) = output {
                let answer = service.exchange(&outgoing.request);
                poller
                    .handle_response(service.now(), outgoing.id, answer)
                    .unwrap();
            }
        }
        Self { poller }
    }

    fn checkpoint(&self) -> Checkpoint {
        let checkpoint = self.poller.checkpoint().unwrap();
        Checkpoint::from_json(&checkpoint.to_json()).unwrap()
    }

    fn reply(
        &mut self,
        service: &mut Service,
        event: &Event,
        text: &str,
    ) -> Result<SendReport, Error> {
        let message = SendMsg::text(conversation(), text);
        service.drive(&mut self.poller, ConfirmedSend::reply(event, message))
    }

    #[track_caller]
    fn replies(&mut self, service: &mut Service, event: &Event, text: &str) -> bool {
        self.reply(service, event, text).unwrap().found
    }
}

/// A process that has answered one message, and the checkpoint that covers it.
fn begun() -> (Service, Process, Checkpoint) {
    let mut service = Service::new();
    let mut process = Process::begin(&mut service, None);
    let event = service.write(OTHER, "0");
    assert!(!process.replies(&mut service, &event, "ok"));
    let checkpoint = process.checkpoint();
    (service, process, checkpoint)
}

#[test]
fn what_was_answered_before_the_crash_is_not_answered_again() {
    for answered in 0..=3 {
        let (mut service, mut process, checkpoint) = begun();
        let events: Vec<Event> = (0..3)
            .map(|n| service.write(OTHER, &n.to_string()))
            .collect();
        for event in events.iter().take(answered) {
            process.replies(&mut service, event, "ok");
        }
        drop(process);
        let mut process = Process::begin(&mut service, Some(&checkpoint));
        for (n, event) in events.iter().enumerate() {
            let found = process.replies(&mut service, event, "ok");
            assert_eq!(found, n < answered, "{n} of {answered}");
        }
        assert_eq!(service.own().len(), 4);
        // One look is enough, and what came later needs none.
        assert_eq!(service.readings.len(), 1);
        let event = service.write(OTHER, "later");
        assert!(!process.replies(&mut service, &event, "ok"));
        assert_eq!((service.own().len(), service.readings.len()), (5, 1));
    }
}

/// The checkpoint was saved by somebody else between the reply and the end of the handler.
#[test]
fn a_reply_that_a_checkpoint_knows_is_not_made_again() {
    let (mut service, mut process, _) = begun();
    let event = service.write(OTHER, "1");
    process.replies(&mut service, &event, "first");
    let mut checkpoint = process.checkpoint();
    checkpoint.rewind(&event);
    process.replies(&mut service, &event, "second");
    drop(process);
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    assert!(process.replies(&mut service, &event, "first"));
    assert_eq!(service.readings.len(), 0, "the checkpoint tells");
    assert!(process.replies(&mut service, &event, "second"));
    assert!(!process.replies(&mut service, &event, "third"));
    // Once more is one more.
    assert!(!process.replies(&mut service, &event, "first"));
    assert_eq!(service.own(), ["ok", "first", "second", "third", "first"]);
}

#[test]
fn the_same_words_twice_in_one_life_are_two_replies() {
    let (mut service, mut process, checkpoint) = begun();
    let event = service.write(OTHER, "1");
    for _ in 0..2 {
        assert!(!process.replies(&mut service, &event, "ok"));
    }
    drop(process);
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    let found: Vec<bool> = (0..3)
        .map(|_| process.replies(&mut service, &event, "ok"))
        .collect();
    assert_eq!(found, [true, true, false]);
    assert_eq!(service.own(), ["ok"; 4]);
}

#[test]
fn crash_after_crash() {
    let (mut service, mut process, mut checkpoint) = begun();
    let mut answered = 1;
    for n in 0..20 {
        let event = service.write(OTHER, &n.to_string());
        process.replies(&mut service, &event, "ok");
        if n % 3 == 0 {
            checkpoint = process.checkpoint();
        } else {
            process = Process::begin(&mut service, Some(&checkpoint));
            // The messages that the checkpoint does not cover come again.
            let again = (n - n % 3 + 1)..=n;
            for n in again {
                let seqno = u64::try_from((n + 1) * 2 + 1).unwrap() * 3;
                let mut event = event.clone();
                event.message.msg_seqno = seqno.into();
                assert!(process.replies(&mut service, &event, "ok"), "{n}");
            }
        }
        answered += 1;
        assert_eq!(service.own().len(), answered);
    }
}

#[test]
fn words_that_differ_are_another_reply() {
    let (mut service, mut process, checkpoint) = begun();
    let event = service.write(OTHER, "1");
    process.replies(&mut service, &event, "old words");
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    assert!(!process.replies(&mut service, &event, "new words"));
    assert_eq!(service.own(), ["ok", "old words", "new words"]);
}

/// They had arrived before the reply that the checkpoint knows: that one is no reply to them.
#[test]
fn a_reply_to_an_earlier_message_is_none_to_a_later_one() {
    for answered in 0..=2 {
        let mut service = Service::new();
        let mut process = Process::begin(&mut service, None);
        let events: Vec<Event> = (0..4)
            .map(|n| service.write(OTHER, &n.to_string()))
            .collect();
        for event in &events[..2] {
            process.replies(&mut service, event, "ok");
        }
        let checkpoint = process.checkpoint();
        for event in &events[2..2 + answered] {
            process.replies(&mut service, event, "ok");
        }
        let mut process = Process::begin(&mut service, Some(&checkpoint));
        for (n, event) in events.iter().enumerate().skip(2) {
            let found = process.replies(&mut service, event, "ok");
            assert_eq!(found, n < 2 + answered, "{n} of {answered}");
        }
        assert_eq!(service.own(), ["ok"; 4]);
    }
}

/// A request of the dead process may still be under way.
#[test]
fn the_first_look_comes_three_seconds_after_the_resume() {
    let (mut service, _, checkpoint) = begun();
    let event = service.write(OTHER, "1");
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    let begun = service.elapsed;
    service.delay = Duration::from_secs(2);
    // The dead process's request arrives now, and shows in two seconds.
    service.write(OWN, "ok");
    assert!(process.replies(&mut service, &event, "ok"));
    assert_eq!(service.readings, [begun + Duration::from_secs(3)]);
}

#[test]
fn a_look_that_fails_sends_nothing() {
    let (mut service, mut process, checkpoint) = begun();
    let event = service.write(OTHER, "1");
    process.replies(&mut service, &event, "ok");
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    service.failed_readings.push_back(true);
    let error = process.reply(&mut service, &event, "ok").unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert!(process.replies(&mut service, &event, "ok"));
    assert_eq!(service.own(), ["ok", "ok"]);
}

#[test]
fn a_session_that_began_anew_looks_nothing_up() {
    let (service, ..) = begun();
    assert_eq!((service.readings.len(), service.sends), (0, 1));
}

/// The replies of the dead process are no later than the first look, whatever their times say.
#[test]
fn a_lost_reply_is_not_found_among_those_of_the_dead_process() {
    for fate in [Fate::Lost(CUT), Fate::TakenThen(CUT)] {
        let mut service = Service::new();
        let mut process = Process::begin(&mut service, None);
        let events: Vec<Event> = (0..4)
            .map(|n| service.write(OTHER, &n.to_string()))
            .collect();
        for event in &events[..3] {
            process.replies(&mut service, event, "ok");
        }
        let checkpoint = process.checkpoint();
        // That server's clock is ahead.
        for message in &mut service.messages {
            message.time += 60;
        }
        let mut process = Process::begin(&mut service, Some(&checkpoint));
        service.fates.push_back(fate);
        let newest = service.messages.last().unwrap().key;
        match process.reply(&mut service, &events[3], "ok") {
            Ok(report) => assert!(fate != Fate::Lost(CUT) && report.message.msg_key.0 > newest),
            Err(error) => assert!(matches!(error, Error::Transport(_)), "{error}"),
        }
    }
}

/// A reply whose answer was lost, found, and recorded like another.
#[test]
fn what_was_found_is_recorded() {
    let (mut service, mut process, _) = begun();
    let event = service.write(OTHER, "1");
    service.fates.push_back(Fate::TakenThen(CUT));
    assert!(process.replies(&mut service, &event, "ok"));
    let checkpoint = process.checkpoint();
    let next = service.write(OTHER, "2");
    let mut process = Process::begin(&mut service, Some(&checkpoint));
    assert!(!process.replies(&mut service, &next, "ok"));
    assert_eq!(service.own(), ["ok"; 3]);
}

#[test]
fn a_journal_says_the_same_as_a_checkpoint() {
    let (mut service, mut process, _) = begun();
    let mut journal = Journal::new();
    let mut file = String::new();
    for n in 0..5 {
        match process.poller.save(&mut journal).unwrap() {
            JournalEntry::Replace(text) => file = text,
            JournalEntry::Append(text) => file.push_str(&text),
        }
        let read = Checkpoint::from_json(&file).unwrap();
        assert_eq!(read, process.checkpoint());
        let event = service.write(OTHER, &n.to_string());
        process.replies(&mut service, &event, "ok");
    }
    assert!(file.lines().count() > 3, "{file}");
    assert!(!file.contains("ok"), "no words in it");
}

/// A file of an earlier version has no replies: all is looked up.
#[test]
fn an_old_checkpoint_is_read() {
    let (mut service, mut process, _) = begun();
    let event = service.write(OTHER, "1");
    process.replies(&mut service, &event, "ok");
    let text = process.checkpoint().to_json();
    assert!(text.contains("\"replies\""));
    let empty = Process::begin(&mut Service::new(), None).checkpoint();
    let old = empty
        .to_json()
        .replacen("\"version\":4", "\"version\":3", 1);
    let old = Checkpoint::from_json(&old).unwrap();
    let mut process = Process::begin(&mut service, Some(&old));
    assert!(process.replies(&mut service, &event, "ok"));
    assert_eq!(service.own(), ["ok", "ok"]);
}
