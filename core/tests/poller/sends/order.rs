//! One after the other to a conversation, and all at a distance.

use std::time::Duration;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::send::ConfirmedSend;
use bilibili_session::{Hosts, Uid};

use super::service::{CUT, Fate, Service, account};
use crate::scenario::context;

const SECOND: Duration = Duration::from_secs(1);

fn text(to: i64, text: &str) -> SendMsg {
    SendMsg::text(Uid(to), text)
}

/// Sends all of these side by side, and returns the distances between them.
fn distances(poller: &mut Poller, to: impl Iterator<Item = i64>) -> Vec<Duration> {
    let mut service = Service::new();
    let mut open: Vec<_> = to
        .map(|to| ConfirmedSend::new(text(to, "made up")))
        .collect();
    while !open.is_empty() {
        let mut waits = Duration::MAX;
        open.retain_mut(|call| {
            loop {
                match poller.poll_call(service.now(), call) {
                    Output::Send(request) => {
                        let answer = service.exchange(&request);
                        poller.handle_call_response(service.now(), call, answer);
                    }
                    Output::Wait(until) => {
                        assert!(until > service.elapsed);
                        waits = waits.min(until);
                        return true;
                    }
                    Output::Done(result) => {
                        result.unwrap();
                        return false;
                    }
                }
            }
        });
        if !open.is_empty() {
            service.elapsed = waits;
        }
    }
    let pairs = service.sent_at.windows(2);
    pairs.map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_second_apart_at_the_service_itself() {
    let poller = |config| Poller::new(context(), config).unwrap();
    let mut official = poller(PollerConfig::new());
    assert_eq!(distances(&mut official, 1..=5), [SECOND; 4]);
    assert_eq!(distances(&mut official, [7, 7, 7].into_iter()), [SECOND; 2]);
    let mut slower = poller(PollerConfig::new().send_spacing(5 * SECOND));
    assert_eq!(distances(&mut slower, 1..=3), [5 * SECOND; 2]);
}

#[test]
fn at_once_elsewhere() {
    let hosts = Hosts::origin("http://127.0.0.1:1").unwrap();
    let mut elsewhere = Poller::new(context().hosts(hosts), PollerConfig::new()).unwrap();
    assert_eq!(distances(&mut elsewhere, 1..=3), [Duration::ZERO; 2]);
}

/// The second waits for what becomes of the first, also while that is read back.
#[test]
fn in_order_within_a_conversation() {
    let mut service = Service::new();
    let mut account = account();
    service.fates.push_back(Fate::Lost(CUT));
    let mut first = ConfirmedSend::new(text(20001, "first"));
    let mut second = ConfirmedSend::new(text(20001, "second"));
    let mut third = Call::new(text(20001, "third"));
    let mut other = Call::new(text(20002, "other"));
    // Nav, and the first message.
    assert!(service.step(&mut account, &mut first).is_none());
    assert!(service.step(&mut account, &mut first).is_none());
    let mut is_first_over = false;
    let waits = |output: bool| assert!(output, "it does not wait");
    for _ in 0..50 {
        let now = service.now();
        waits(matches!(
            second.poll_output(&mut account, now),
            Output::Wait(_)
        ));
        waits(matches!(
            third.poll_output(&mut account, now),
            Output::Wait(_)
        ));
        if service.step(&mut account, &mut first).is_some() {
            is_first_over = true;
            break;
        }
    }
    assert!(is_first_over);
    assert_eq!(service.sends, 1);
    assert!(service.drive(&mut account, second).is_ok());
    // Another conversation did not have to wait for any of them.
    assert!(service.step(&mut account, &mut other).is_none());
    service.elapsed += SECOND;
    assert!(service.drive(&mut account, third).is_ok());
    assert!(service.drive(&mut account, other).is_ok());
    assert_eq!(service.own(), ["second", "third", "other"]);
}

#[test]
fn a_send_that_is_dropped_gives_up_its_place() {
    let mut service = Service::new();
    let mut account = account();
    let mut dropped = ConfirmedSend::new(text(20001, "dropped"));
    while service.sends == 0 {
        assert!(service.step(&mut account, &mut dropped).is_none());
    }
    let mut next = ConfirmedSend::new(text(20001, "next"));
    service.elapsed += SECOND;
    let now = service.now();
    assert!(matches!(
        next.poll_output(&mut account, now),
        Output::Wait(_)
    ));
    drop(dropped);
    assert!(matches!(
        next.poll_output(&mut account, now),
        Output::Send(_)
    ));
}

/// Whoever keeps a call that is over keeps nobody waiting.
#[test]
fn a_call_that_is_over_is_in_nobodys_way() {
    let mut service = Service::new();
    let mut account = account();
    let mut first = Call::new(text(20001, "first"));
    while service.sends == 0 {
        assert!(service.step(&mut account, &mut first).is_none());
    }
    service.elapsed += SECOND;
    let now = service.now();
    let mut second = Call::new(text(20001, "second"));
    let output = second.poll_output(&mut account, now);
    assert!(matches!(output, Output::Send(_)), "{output:?}");
    drop(first);
}

/// A call that waits in the queue of a session is told of a pause at once.
#[test]
fn the_gate_of_the_session_holds_for_those_that_wait() {
    let mut service = Service::new();
    let mut poller = Poller::new(context(), PollerConfig::new()).unwrap();
    service.fates.push_back(Fate::Code(-352));
    let mut first = ConfirmedSend::new(text(20001, "first"));
    let mut second = ConfirmedSend::new(text(20001, "second"));
    while service.sends == 0 {
        assert!(service.step(&mut poller, &mut first).is_none());
        let now = service.now();
        assert!(matches!(
            poller.poll_call(now, &mut second),
            Output::Wait(_)
        ));
    }
    assert!(service.step(&mut poller, &mut first).unwrap().is_err());
    let error = service.step(&mut poller, &mut second).unwrap().unwrap_err();
    assert!(
        matches!(error, bilibili_session::Error::Paused(_)),
        "{error}"
    );
    assert_eq!(service.sends, 1);
}
