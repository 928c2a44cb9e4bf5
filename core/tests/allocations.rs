//! Allocations of the decoders, and the size of an event: bounds that are met exactly, so that
//! nothing creeps.
#![allow(clippy::unwrap_used)]

mod workload;

use allocation_counter::{AllocationInfo, measure};
use bilibili_session::endpoints::{FetchSessionMsgs, GetSessions, Nav};
use bilibili_session::{Content, Endpoint, Event, Uid};
use http::Response;

const PAGE: usize = 200;
const LIST: usize = 100;

fn parsing<E: Endpoint>(endpoint: &E, body: Vec<u8>) -> AllocationInfo {
    let answer = Response::new(body);
    measure(|| drop(endpoint.parse(&answer).unwrap()))
}

/// 6.34 allocations and 1,177 bytes a message.
#[test]
fn a_page_of_mixed_messages() {
    let read = parsing(
        &FetchSessionMsgs::new(Uid(20001)),
        workload::message_page(PAGE),
    );
    assert_eq!(read.count_total, 1268);
    assert!(
        read.bytes_total <= 1180 * PAGE as u64,
        "{}",
        read.bytes_total
    );
}

/// Two for each conversation: the content of its newest message, and whom that mentions.
#[test]
fn a_list_of_conversations() {
    let read = parsing(&GetSessions::new(), workload::session_list(LIST));
    assert!(
        read.count_total <= 2 * LIST as u64 + 20,
        "{}",
        read.count_total
    );
}

#[test]
fn an_idle_list() {
    let read = parsing(&GetSessions::new(), workload::idle_list());
    assert_eq!(read.count_total, 4);
}

#[test]
fn nav() {
    assert_eq!(parsing(&Nav, workload::nav()).count_total, 5);
}

#[test]
fn an_event_is_no_larger_than_its_message_needs() {
    assert_eq!(size_of::<Event>(), 288);
    assert_eq!(size_of::<Content>(), 80);
}
