//! Whatever a message holds, it can be shown on a line and written as JSON.

use bilibili_session::model::Content;
use bilibili_session::{ConversationId, Event, EventType, Message, Uid};
use serde_json::Value;

use super::assert_one_line;

/// Every kind there is, and some that there are not.
pub const KINDS: [i64; 33] = [
    1,
    2,
    5,
    6,
    7,
    9,
    10,
    11,
    12,
    13,
    14,
    16,
    18,
    19,
    51,
    301,
    302,
    303,
    304,
    305,
    306,
    0,
    3,
    -1,
    i64::MAX,
    4,
    8,
    15,
    21,
    22,
    27,
    50,
    52,
];

/// Byte 0: `msg_type`. Byte 1: who talks to whom. The rest: `content`.
pub fn check(input: &[u8]) {
    let [kind, sides, content @ ..] = input else {
        return;
    };
    let mut message = Message::default();
    message.msg_type = EventType::from_number(KINDS[usize::from(*kind) % KINDS.len()]);
    message.content = String::from_utf8_lossy(content).into_owned();
    message.sender_uid = Uid(i64::from(sides & 3));
    let conversation = ConversationId::new(i64::from(sides >> 6), i64::from((sides >> 3) & 3));
    let event = Event::new(conversation, message);
    check_event(&event);

    let mut withdrawal = event.clone();
    withdrawal.withdrawn = Some(event.into());
    check_event(&withdrawal);
}

/// The event can be shown, written and read back, and what is written of its content reads the same.
pub fn check_event(event: &Event) {
    assert_one_line(&event.to_string());
    let line = serde_json::to_string(event).unwrap();
    assert!(!line.contains('\n'));
    let back: Event = serde_json::from_str(&line).unwrap();
    assert_eq!(&back, event);
    assert_eq!(format!("{back:?}"), format!("{event:?}"));
    let _ = (event.text(), event.content.text());
    match &event.content {
        Content::Notice(notice) => assert!(notice.buttons().len() <= 3),
        Content::Ai(answer) => drop(answer.paragraphs().len()),
        Content::ShareVideo(share) => drop(share.video().map(|video| video.bvid())),
        Content::PushedVideo(video) => assert!(video.video().is_some()),
        Content::Undecodable { raw, reason } => {
            assert!(!reason.is_empty());
            let _ = raw;
        }
        _ => {}
    }
    check_reads_again(event);
}

fn check_reads_again(event: &Event) {
    if matches!(
        event.content,
        Content::Withdraw(_) | Content::Raw(_) | Content::Undecodable { .. }
    ) {
        return;
    }
    let written = serde_json::to_value(&event.content).unwrap();
    if !has_plain_numbers(&written) {
        return;
    }
    let mut message = event.message.clone();
    message.content = written.to_string();
    assert_eq!(Content::of(&message), event.content);
}

/// `serde_json` may read a number with many digits one unit in the last place off.
fn has_plain_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            !number.is_f64()
                || number
                    .as_f64()
                    .is_some_and(|float| float.fract() == 0.0 && float.abs() < 1e15)
        }
        Value::Array(list) => list.iter().all(has_plain_numbers),
        Value::Object(object) => object.values().all(has_plain_numbers),
        _ => true,
    }
}
