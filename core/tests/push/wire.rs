//! The bytes of the wire, written and read by hand.

use super::NOTIFY;

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// A field that holds a number.
pub(crate) fn number(tag: u64, value: u64) -> Vec<u8> {
    [varint(tag << 3), varint(value)].concat()
}

/// A field that holds bytes: a text, or a message.
pub(crate) fn bytes(tag: u64, value: &[u8]) -> Vec<u8> {
    let length = u64::try_from(value.len()).unwrap();
    [varint(tag << 3 | 2), varint(length), value.to_vec()].concat()
}

pub(crate) fn frame(path: &str, body: &[u8]) -> Vec<u8> {
    let any = [bytes(1, b"type.googleapis.com/any"), bytes(2, body)].concat();
    let options = [number(1, 7), number(2, 1), number(3, 0)].concat();
    [
        bytes(1, &options),
        bytes(2, path.as_bytes()),
        bytes(3, &any),
    ]
    .concat()
}

/// A frame with a status that is no success.
pub(crate) fn refusal(path: &str, code: u64, message: &str) -> Vec<u8> {
    let status = [number(1, code), bytes(2, message.as_bytes())].concat();
    [bytes(1, &bytes(4, &status)), bytes(2, path.as_bytes())].concat()
}

/// A notice of a message of this type.
pub(crate) fn notice(msg_type: u64) -> Vec<u8> {
    let message = [
        number(1, 20001),
        number(2, 1),
        number(3, 10001),
        number(5, msg_type),
        bytes(6, br#"{"content":"hi"}"#),
        number(7, 8),
    ]
    .concat();
    let payload = [number(1, 8), bytes(2, &message)].concat();
    let notice = [number(1, 10001), number(2, 1), bytes(3, &payload)].concat();
    frame(NOTIFY, &notice)
}

/// The fields of a message, of numbers and bytes alone.
pub(crate) fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn take(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = take(&mut message);
        let value = take(&mut message);
        match key & 7 {
            0 => fields.push((key >> 3, varint(value))),
            2 => {
                let (value, rest) = message.split_at(usize::try_from(value).unwrap());
                fields.push((key >> 3, value.to_vec()));
                message = rest;
            }
            other => panic!("wire type {other}"),
        }
    }
    fields
}

/// Path and body of a frame that the machine sends; its options say that it is the `n`th.
#[track_caller]
pub(crate) fn taken(sent: &[u8], n: u8) -> (String, String, Vec<u8>) {
    let frame = fields(sent);
    let tags: Vec<u64> = frame.iter().map(|(tag, _)| *tag).collect();
    assert_eq!(tags, [1, 2, 3]);
    assert_eq!(fields(&frame[0].1), [(1, vec![n]), (2, vec![n])]);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let any = fields(&frame[2].1);
    assert_eq!(any[0].0, 1);
    let value = any.get(1).map(|(_, value)| value.clone());
    (
        text(&frame[1].1),
        text(&any[0].1),
        value.unwrap_or_default(),
    )
}
