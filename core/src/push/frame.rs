//! The frames: protobuf, of which only the fields that matter are read. What is not declared here
//! may have any form.

use prost::Message;

use crate::poller::Hint;

const AUTH: &str = "/bilibili.broadcast.v1.Broadcast/Auth";
const SUBSCRIBE: &str = "/bilibili.broadcast.v1.Broadcast/Subscribe";
const HEARTBEAT: &str = "/bilibili.broadcast.v1.Broadcast/Heartbeat";
/// Subject that is subscribed to.
const NOTIFY: &str = "/bilibili.broadcast.message.im.Notify/WatchNotify";
/// Notices may come on another path of the same service.
const NOTIFY_SERVICE: &str = "/bilibili.broadcast.message.im.Notify/";

const AUTH_REQ: &str = "type.googleapis.com/bilibili.broadcast.v1.AuthReq";
const TARGET_PATH: &str = "type.googleapis.com/bilibili.broadcast.v1.TargetPath";
const HEARTBEAT_REQ: &str = "type.googleapis.com/bilibili.broadcast.v1.HeartbeatReq";

/// `NotifyRsp.cmd`: the connection is sent away.
const KICKED: i64 = 2;

/// `msg_type` of notices that are no private messages.
const FOLLOWED: i64 = 108;
const REPLY: i64 = 113;
const AT: i64 = 114;
const LIKE: i64 = 115;

#[derive(Clone, PartialEq, Message)]
struct Frame {
    #[prost(message, optional, tag = "1")]
    options: Option<Options>,
    #[prost(string, tag = "2")]
    target_path: String,
    #[prost(message, optional, tag = "3")]
    body: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Options {
    #[prost(int64, tag = "1")]
    message_id: i64,
    #[prost(int64, tag = "2")]
    sequence: i64,
    #[prost(message, optional, tag = "4")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int64, tag = "1")]
    code: i64,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct AuthReq {
    #[prost(string, tag = "1")]
    guid: String,
}

#[derive(Clone, PartialEq, Message)]
struct TargetPaths {
    #[prost(string, repeated, tag = "1")]
    paths: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct NotifyRsp {
    #[prost(int64, tag = "2")]
    cmd: i64,
    #[prost(bytes = "vec", tag = "3")]
    payload: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(message, optional, tag = "2")]
    instant_msg: Option<InstantMsg>,
}

#[derive(Clone, PartialEq, Message)]
struct InstantMsg {
    #[prost(int64, tag = "5")]
    msg_type: i64,
}

/// A frame to send.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    Auth { guid: &'a str },
    Subscribe,
    Heartbeat,
}

impl Request<'_> {
    /// Writes the frame; `sequence` is its number on the connection.
    pub(super) fn encode(self, sequence: i64) -> Vec<u8> {
        let (path, type_url, value) = match self {
            Self::Auth { guid } => {
                let guid = guid.to_owned();
                (AUTH, AUTH_REQ, AuthReq { guid }.encode_to_vec())
            }
            Self::Subscribe => {
                let paths = vec![NOTIFY.to_owned()];
                let value = TargetPaths { paths }.encode_to_vec();
                (SUBSCRIBE, TARGET_PATH, value)
            }
            Self::Heartbeat => (HEARTBEAT, HEARTBEAT_REQ, Vec::new()),
        };
        let frame = Frame {
            options: Some(Options {
                message_id: sequence,
                sequence,
                status: None,
            }),
            target_path: path.to_owned(),
            body: Some(Any {
                type_url: type_url.to_owned(),
                value,
            }),
        };
        frame.encode_to_vec()
    }
}

/// A frame that came, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The login is accepted.
    Authenticated,
    /// The login or the subscription is refused.
    Refused {
        code: i64,
        message: String,
    },
    Hint(Hint),
    Kicked,
    /// Something else: a sign of life.
    Other,
}

/// A frame that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

pub(super) fn read(bytes: &[u8]) -> Result<Incoming, Unreadable> {
    let frame = Frame::decode(bytes).map_err(|_| Unreadable)?;
    let status = frame.options.and_then(|options| options.status);
    let refused = status.filter(|status| status.code != 0);
    match (frame.target_path.as_str(), refused) {
        (AUTH | SUBSCRIBE, Some(Status { code, message })) => {
            Ok(Incoming::Refused { code, message })
        }
        (AUTH, None) => Ok(Incoming::Authenticated),
        (path, _) if path.starts_with(NOTIFY_SERVICE) => {
            let value = frame.body.map(|body| body.value).unwrap_or_default();
            Ok(read_notice(&value))
        }
        // Every frame of the service has a path.
        ("", _) => Err(Unreadable),
        _ => Ok(Incoming::Other),
    }
}

/// Reads a notice. What cannot be read of it is no reason not to look.
fn read_notice(value: &[u8]) -> Incoming {
    let notice = NotifyRsp::decode(value).unwrap_or_default();
    if notice.cmd == KICKED {
        return Incoming::Kicked;
    }
    let payload = Payload::decode(notice.payload.as_slice()).unwrap_or_default();
    match payload.instant_msg.map(|message| message.msg_type) {
        Some(REPLY) => Incoming::Hint(Hint::Replies),
        Some(AT) => Incoming::Hint(Hint::At),
        Some(LIKE) => Incoming::Hint(Hint::Likes),
        Some(FOLLOWED) => Incoming::Other,
        None | Some(0) => Incoming::Hint(Hint::Other),
        _ => Incoming::Hint(Hint::Messages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(path: &str, value: Vec<u8>) -> Vec<u8> {
        let body = Some(Any {
            type_url: String::new(),
            value,
        });
        let frame = Frame {
            options: None,
            target_path: path.to_owned(),
            body,
        };
        frame.encode_to_vec()
    }

    #[test]
    fn requests_are_the_bytes_of_the_wire() {
        // By hand: field 1 options, 2 path, 3 body, each with its length.
        let heartbeat = Request::Heartbeat.encode(3);
        let mut expected = vec![0x0a, 4, 0x08, 3, 0x10, 3];
        expected.extend([0x12, 42]);
        expected.extend(b"/bilibili.broadcast.v1.Broadcast/Heartbeat");
        expected.extend([0x1a, 56, 0x0a, 54]);
        expected.extend(b"type.googleapis.com/bilibili.broadcast.v1.HeartbeatReq");
        assert_eq!(
            String::from_utf8_lossy(&heartbeat),
            String::from_utf8_lossy(&expected)
        );
    }

    #[test]
    fn what_cannot_be_read_of_a_notice_is_a_reason_to_look() {
        let other = Ok(Incoming::Hint(Hint::Other));
        assert_eq!(read(&notice(NOTIFY, Vec::new())), other);
        assert_eq!(read(&notice(NOTIFY, vec![0xff; 9])), other);
        // `instant_msg` of another form.
        assert_eq!(read(&notice(NOTIFY, vec![0x1a, 2, 0x10, 7])), other);
        let path = format!("{NOTIFY_SERVICE}Other");
        assert_eq!(read(&notice(&path, Vec::new())), other);
    }
}
