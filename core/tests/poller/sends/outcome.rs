//! Messages whose sending failed: the error, and what the conversation shows.

use std::time::Duration;

use bilibili_session::endpoints::SendMsg;
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::{Error, ErrorClass, TransportErrorKind, Uid};

use super::service::{CUT, Fate, Loss, OTHER, Service, TIMEOUT, account, conversation};
use crate::scenario::OWN;

const UNREADABLE: [Loss; 4] = [
    CUT,
    Loss::Kind(TransportErrorKind::Other),
    Loss::Kind(TransportErrorKind::BodyTooLarge),
    Loss::Status(502),
];
const LATE: [Loss; 3] = [TIMEOUT, Loss::Status(504), Loss::Garbage];

fn hi() -> SendMsg {
    SendMsg::text(Uid(OTHER), "hi")
}

fn send(service: &mut Service) -> Result<SendReport, Error> {
    service.drive(&mut account(), ConfirmedSend::new(hi()))
}

#[test]
fn an_answer_is_believed() {
    let mut service = Service::new();
    let report = send(&mut service).unwrap();
    assert_eq!(report.message.msg_key.0, service.messages[0].key);
    assert_eq!((report.found, report.arrived), (false, None));
    for code in [21047, -352, 25003, -101] {
        let mut service = Service::new();
        service.fates.push_back(Fate::Code(code));
        assert_eq!(send(&mut service).unwrap_err().code(), Some(code));
        assert_eq!((service.sends, service.readings.len()), (1, 0), "{code}");
    }
}

#[test]
fn what_never_left_is_not_sent() {
    for kind in [TransportErrorKind::Connect, TransportErrorKind::Tls] {
        let mut service = Service::new();
        service.fates.push_back(Fate::Lost(Loss::Kind(kind)));
        let error = send(&mut service).unwrap_err();
        assert!(matches!(error, Error::Transport(error) if error.kind == kind));
        assert_eq!((service.sends, service.readings.len()), (1, 0));
    }
}

/// It is the keys that did not come: the message was never handed out.
#[test]
fn a_nav_that_is_cut_leaves_nothing_open() {
    use bilibili_session::TransportError;
    use bilibili_session::call::Output;
    let service = Service::new();
    let (mut account, mut call) = (account(), ConfirmedSend::new(hi()));
    let Output::Send(nav) = call.poll_output(&mut account, service.now()) else {
        panic!("no nav");
    };
    assert!(nav.uri().path().ends_with("/nav"));
    call.handle_response(&mut account, service.now(), Err(TransportError::timeout()));
    let Output::Done(Err(error)) = call.poll_output(&mut account, service.now()) else {
        panic!("not over");
    };
    assert!(matches!(error, Error::Transport(_)), "{error}");
}

#[test]
fn what_was_taken_is_found() {
    for loss in UNREADABLE.into_iter().chain(LATE) {
        for adds_fields in [false, true] {
            let mut service = Service::new();
            service.adds_fields = adds_fields;
            service.write(OTHER, "hi");
            service.fates.push_back(Fate::TakenThen(loss));
            let report = send(&mut service).unwrap_or_else(|error| panic!("{loss:?}: {error}"));
            assert_eq!(report.message.msg_key.0, service.messages[1].key);
            assert!(report.found);
            assert_eq!((service.sends, service.readings.len()), (1, 1), "{loss:?}");
        }
    }
}

#[test]
fn what_shows_late_is_found_late() {
    let mut service = Service::new();
    service.delay = Duration::from_secs(5);
    service.fates.push_back(Fate::TakenThen(CUT));
    assert!(send(&mut service).unwrap().found);
    let begun = service.sent_at[0];
    let after: Vec<u64> = service
        .readings
        .iter()
        .map(|it| (*it - begun).as_secs())
        .collect();
    assert_eq!(after, [0, 1, 4, 10]);
    assert_eq!(service.sends, 1);
}

#[test]
fn what_was_cut_and_does_not_show_is_not_sent() {
    for loss in UNREADABLE {
        let mut service = Service::new();
        // The same words, of somebody else and of another day.
        service.write(OWN, "hi");
        service.elapsed += Duration::from_secs(86_400);
        service.write(OTHER, "hi");
        service.fates.push_back(Fate::Lost(loss));
        let error = send(&mut service).unwrap_err();
        assert!(!matches!(error, Error::UnknownOutcome(_)), "{loss:?}");
        assert_eq!((service.sends, service.readings.len()), (1, 4), "{loss:?}");
    }
}

#[test]
fn what_may_still_come_is_unknown() {
    for loss in LATE {
        let mut service = Service::new();
        service.fates.push_back(Fate::Lost(loss));
        let error = send(&mut service).unwrap_err();
        assert!(matches!(error, Error::UnknownOutcome(_)), "{loss:?}");
        let words = error.to_string();
        assert!(words.contains("look into the conversation"), "{words}");
        assert_eq!(words.lines().count(), 1);
        assert!(matches!(
            error.class(),
            ErrorClass::Transport | ErrorClass::Server
        ));
        assert_eq!(service.sends, 1, "{loss:?}");
    }
}

#[test]
fn what_cannot_be_read_back_is_unknown() {
    let mut service = Service::new();
    service.fates.push_back(Fate::Lost(CUT));
    service.failed_readings = [false, false, false, true].into();
    let error = send(&mut service).unwrap_err();
    assert!(matches!(error, Error::UnknownOutcome(_)), "{error}");
    // A reading that fails on the way counts for nothing.
    let mut service = Service::new();
    service.fates.push_back(Fate::TakenThen(CUT));
    service.failed_readings = [true, true].into();
    assert!(send(&mut service).unwrap().found);
    assert_eq!(service.sends, 1);
}

/// Two sends of the same words, of which the first was sent: the second does not take it for its
/// own.
#[test]
fn a_message_is_found_by_one_send_only() {
    for first in [Fate::Taken, Fate::TakenThen(CUT)] {
        let (mut service, mut account) = (Service::new(), account());
        service.fates = [first, Fate::Lost(CUT)].into();
        assert!(
            service
                .drive(&mut account, ConfirmedSend::new(hi()))
                .is_ok()
        );
        let second = service.drive(&mut account, ConfirmedSend::new(hi()));
        assert!(
            matches!(second, Err(Error::Transport(_))),
            "{first:?}: {second:?}"
        );
        assert_eq!(service.own(), ["hi"]);
    }
}

/// The answers to a reply are read from the message on that it answers, however many follow.
#[test]
fn a_reply_is_found_among_many() {
    let mut service = Service::new();
    let event = service.write(OTHER, "ping");
    for _ in 0..170 {
        service.write(OTHER, "more");
    }
    service.fates.push_back(Fate::TakenThen(CUT));
    let reply = ConfirmedSend::reply(&event, SendMsg::text(conversation(), "pong"));
    assert!(service.drive(&mut account(), reply).unwrap().found);
    // Among as many from before without that.
    service.fates.push_back(Fate::TakenThen(CUT));
    assert!(send(&mut service).unwrap().found);
    assert_eq!(service.own(), ["pong", "hi"]);
}

/// There is no such conversation yet, so there is no such message.
#[test]
fn a_first_message_that_was_cut_is_not_sent() {
    let mut service = Service::new();
    service.fates.push_back(Fate::Lost(CUT));
    let error = send(&mut service).unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
}

/// Written by hand before the reply was sent.
#[test]
fn the_same_words_of_earlier_are_not_the_reply() {
    let mut service = Service::new();
    let event = service.write(OTHER, "ping");
    service.write(OWN, "pong");
    service.elapsed += Duration::from_secs(60);
    service.fates.push_back(Fate::Lost(CUT));
    let reply = ConfirmedSend::reply(&event, SendMsg::text(conversation(), "pong"));
    let result = service.drive(&mut account(), reply);
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
}

#[test]
fn what_is_verified_has_arrived_or_not() {
    let verified = || ConfirmedSend::new(hi()).verify(true);
    let mut service = Service::new();
    let report = service.drive(&mut account(), verified()).unwrap();
    assert_eq!((report.found, report.arrived), (false, Some(true)));
    assert_eq!(service.readings.len(), 1);

    let mut service = Service::new();
    service.delay = Duration::from_secs(3600);
    let report = service.drive(&mut account(), verified()).unwrap();
    assert_eq!(report.arrived, Some(false));
    assert_eq!((service.sends, service.readings.len()), (1, 4));

    let mut service = Service::new();
    service.failed_readings = [true; 4].into();
    let report = service.drive(&mut account(), verified()).unwrap();
    assert_eq!(report.arrived, None);
}
