//! Messages that a checkpoint covers, and those that come after a resume.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, Status};

use super::runtime::{Session, on_every_runtime};
use super::world::{SOON, World, is_connected, numbers, often, text, when_connected};

on_every_runtime! {
    events_come_in_order_and_a_checkpoint_covers_those_that_were_taken,
    a_checkpoint_leaves_out_the_message_in_hand,
    a_checkpoint_covers_what_was_handled_and_a_close_leaves_the_rest,
    a_journal_covers_the_same,
}

fn resumed<S: Session>(world: &World, checkpoint: &Checkpoint) -> S {
    S::resume(world.context(), world.transport(), often(), checkpoint)
}

fn events_come_in_order_and_a_checkpoint_covers_those_that_were_taken<S: Session>() {
    let world = World::default();
    let first: S = world.session();
    let mut taken = Vec::new();
    let mut checkpoint = None;
    for update in first.updates() {
        if is_connected(&update) {
            for text in numbers(0..45) {
                world.receive(20001, &text);
            }
        }
        taken.extend(update.event().map(|event| text(event)));
        if taken.len() == 10 && checkpoint.is_none() {
            checkpoint = first.checkpoint();
        }
        if taken.len() == 45 {
            first.close();
        }
    }
    assert_eq!(taken, numbers(0..45));
    assert_eq!(first.status(), Status::Closed);
    assert_eq!(first.result(), Some(Ok(())));
    assert_eq!(first.events().next(), None, "it stays over");

    let second: S = resumed(&world, &checkpoint.unwrap());
    let rest: Vec<String> = second.events().take(35).map(|event| text(&event)).collect();
    assert_eq!(rest, numbers(10..45));
}

fn a_checkpoint_leaves_out_the_message_in_hand<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let service = world.clone();
    when_connected(&session, move || service.receive(20001, "hi"));
    let (in_hand, go_on) = (mpsc::channel(), mpsc::channel::<()>());
    session.on_any(move |_, session| {
        in_hand.0.send(()).unwrap();
        go_on.1.recv_timeout(SOON).unwrap();
        session.close();
    });
    let running = session.run();
    in_hand.1.recv_timeout(SOON).unwrap();
    let during = session.checkpoint().unwrap();
    go_on.0.send(()).unwrap();
    assert_eq!(running.join(), Ok(()));
    let after = session.checkpoint().unwrap();

    let resume = |checkpoint| {
        let resumed: S = resumed(&world, checkpoint);
        world.receive(20001, "the end");
        let mut events = resumed.events();
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != "the end") {
            texts.push(text(&events.next().unwrap()));
        }
        texts
    };
    assert!(resume(&during).contains(&String::from("hi")));
    assert!(!resume(&after).contains(&String::from("hi")));
}

/// The handler closes the session at the third of ten messages, and goes on for a while.
fn a_checkpoint_covers_what_was_handled_and_a_close_leaves_the_rest<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (log, logged) = mpsc::channel();
    let (keep, kept) = mpsc::channel();
    session.on_text(move |text, _, session| {
        if text == "2" {
            keep.send(session.checkpoint())?;
            session.close();
            thread::sleep(Duration::from_millis(20));
        }
        Ok(log.send(text.to_owned())?)
    });
    let service = world.clone();
    when_connected(&session, move || {
        for text in numbers(0..10) {
            service.receive(20001, &text);
        }
    });
    assert_eq!(session.start(), Ok(()));
    let during = kept.recv().unwrap().unwrap();
    let after = session.checkpoint().unwrap();
    drop(session);
    assert_eq!(logged.iter().collect::<Vec<_>>(), numbers(0..3));
    let rest = |checkpoint, count| {
        let events = resumed::<S>(&world, checkpoint).events().take(count);
        events.map(|event| text(&event)).collect::<Vec<_>>()
    };
    assert_eq!(rest(&during, 8), numbers(2..10));
    assert_eq!(rest(&after, 7), numbers(3..10));
}

/// A loop that saves after each message, then handlers that save while they are at work.
fn a_journal_covers_the_same<S: Session>() {
    let world = World::default();
    let session: S = world.session();
    let (mut journal, mut file, mut entries) = (Journal::new(), String::new(), 0);
    assert_eq!(session.save(&mut journal), None, "there is no baseline");
    for update in session.updates() {
        if is_connected(&update) {
            for text in numbers(0..10) {
                world.receive(20001, &text);
            }
        }
        if update.event().is_some() {
            entries += 1;
            match session.save(&mut journal).unwrap() {
                JournalEntry::Replace(text) => {
                    assert_eq!(entries, 1, "the first alone");
                    file = text;
                }
                JournalEntry::Append(text) => file += &text,
            }
            let read = Checkpoint::from_json(&file).unwrap();
            assert_eq!(Some(read), session.checkpoint());
        }
        if entries == 10 {
            session.close();
        }
    }

    let session: S = resumed(&world, &Checkpoint::from_json(&file).unwrap());
    world.receive(20001, "10");
    let (keep, kept) = mpsc::channel();
    session.on_text(move |text, _, session| {
        keep.send((text.to_owned(), session.save(&mut Journal::new())))?;
        session.close();
        Ok(())
    });
    assert_eq!(session.start(), Ok(()));
    let (text, saved) = kept.recv().unwrap();
    assert_eq!(text, "10");
    let Some(JournalEntry::Replace(file)) = saved else {
        panic!("a new journal appends: {saved:?}");
    };
    let during = Checkpoint::from_json(&file).unwrap();
    drop(session);
    let again: S = resumed(&world, &during);
    assert_eq!(
        again.events().next().map(|it| self::text(&it)).as_deref(),
        Some("10")
    );
}
