//! The frames of the push channel, as the server reads and writes them.

use prost::Message;

use crate::PushNotice;

const AUTH: &str = "/bilibili.broadcast.v1.Broadcast/Auth";
const SUBSCRIBE: &str = "/bilibili.broadcast.v1.Broadcast/Subscribe";
const HEARTBEAT: &str = "/bilibili.broadcast.v1.Broadcast/Heartbeat";
const NOTIFY: &str = "/bilibili.broadcast.message.im.Notify/WatchNotify";

#[derive(Clone, PartialEq, Message)]
struct BroadcastFrame {
    #[prost(message, optional, tag = "1")]
    options: Option<FrameOption>,
    #[prost(string, tag = "2")]
    target_path: String,
    #[prost(message, optional, tag = "3")]
    body: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct FrameOption {
    #[prost(int64, tag = "1")]
    message_id: i64,
    #[prost(int64, tag = "2")]
    sequence: i64,
    #[prost(bool, tag = "3")]
    is_ack: bool,
    #[prost(message, optional, tag = "4")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
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
struct TargetPath {
    #[prost(string, repeated, tag = "1")]
    target_paths: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct NotifyRsp {
    #[prost(uint64, tag = "1")]
    uid: u64,
    #[prost(int32, tag = "2")]
    cmd: i32,
    #[prost(message, optional, tag = "3")]
    payload: Option<NotifyPayload>,
    #[prost(int32, tag = "4")]
    payload_type: i32,
}

#[derive(Clone, PartialEq, Message)]
struct NotifyPayload {
    #[prost(uint64, tag = "1")]
    latest_seqno: u64,
    #[prost(message, optional, tag = "2")]
    instant_msg: Option<Msg>,
}

#[derive(Clone, PartialEq, Message)]
struct Msg {
    #[prost(uint64, tag = "1")]
    sender_uid: u64,
    #[prost(int32, tag = "2")]
    receiver_type: i32,
    #[prost(uint64, tag = "3")]
    receiver_id: u64,
    #[prost(uint64, tag = "4")]
    client_seqno: u64,
    #[prost(int32, tag = "5")]
    msg_type: i32,
    #[prost(string, tag = "6")]
    content: String,
    #[prost(uint64, tag = "7")]
    msg_seqno: u64,
    #[prost(uint64, tag = "8")]
    timestamp: u64,
    #[prost(uint64, tag = "11")]
    msg_key: u64,
}

/// Request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Auth,
    Subscribe,
    Heartbeat,
}

/// Reads a request and its number; `None` if it is none.
pub(super) fn read(bytes: &[u8]) -> Option<(Asked, i64)> {
    let frame = BroadcastFrame::decode(bytes).ok()?;
    let body = frame.body?;
    let value = body.value.as_slice();
    let named = |name: &str| {
        let kind = body.type_url.strip_prefix("type.googleapis.com/");
        kind.and_then(|it| it.strip_prefix("bilibili.broadcast.v1.")) == Some(name)
    };
    let asked = match frame.target_path.as_str() {
        AUTH if named("AuthReq") => {
            let guid = AuthReq::decode(value).ok()?.guid;
            (guid.len() == 36).then_some(Asked::Auth)?
        }
        SUBSCRIBE if named("TargetPath") => {
            let paths = TargetPath::decode(value).ok()?.target_paths;
            paths
                .iter()
                .any(|it| it == NOTIFY)
                .then_some(Asked::Subscribe)?
        }
        HEARTBEAT if named("HeartbeatReq") => Asked::Heartbeat,
        _ => return None,
    };
    Some((asked, frame.options?.sequence))
}

/// Writes the answer to a request.
pub(super) fn answer(asked: &Asked, number: i64, code: i64) -> Vec<u8> {
    let (path, kind) = match asked {
        Asked::Auth => (AUTH, "AuthResp"),
        Asked::Subscribe => (SUBSCRIBE, "Empty"),
        Asked::Heartbeat => (HEARTBEAT, "HeartbeatResp"),
    };
    let status = (code != 0).then(|| Status {
        code: i32::try_from(code).unwrap_or(i32::MAX),
        message: "refused".to_owned(),
    });
    let frame = BroadcastFrame {
        options: Some(FrameOption {
            message_id: number,
            sequence: number,
            is_ack: false,
            status,
        }),
        target_path: path.to_owned(),
        body: Some(Any {
            type_url: format!("type.googleapis.com/bilibili.broadcast.v1.{kind}"),
            value: Vec::new(),
        }),
    };
    frame.encode_to_vec()
}

/// Writes a notice.
pub(super) fn notice(uid: i64, notice: &PushNotice) -> Vec<u8> {
    let message = Msg {
        sender_uid: notice.sender_uid.unsigned_abs(),
        receiver_type: i32::try_from(notice.receiver_type).unwrap_or_default(),
        receiver_id: notice.receiver_id.unsigned_abs(),
        client_seqno: 0,
        msg_type: i32::try_from(notice.msg_type).unwrap_or_default(),
        content: notice.content.clone(),
        msg_seqno: notice.msg_seqno,
        timestamp: notice.timestamp.unsigned_abs(),
        msg_key: notice.msg_key.unsigned_abs(),
    };
    let payload = NotifyPayload {
        latest_seqno: notice.msg_seqno,
        instant_msg: Some(message),
    };
    rsp(uid, 1, Some(payload))
}

/// Writes the word that sends a connection away.
pub(super) fn kick(uid: i64) -> Vec<u8> {
    rsp(uid, 2, None)
}

fn rsp(uid: i64, cmd: i32, payload: Option<NotifyPayload>) -> Vec<u8> {
    let rsp = NotifyRsp {
        uid: uid.unsigned_abs(),
        cmd,
        payload_type: i32::from(payload.is_some()),
        payload,
    };
    let frame = BroadcastFrame {
        options: Some(FrameOption::default()),
        target_path: NOTIFY.to_owned(),
        body: Some(Any {
            type_url: "type.googleapis.com/bilibili.broadcast.message.im.NotifyRsp".to_owned(),
            value: rsp.encode_to_vec(),
        }),
    };
    frame.encode_to_vec()
}
