//! Parts that several tests share: the login of the recordings, and requests taken apart.
#![allow(dead_code, reason = "each test uses a part of it")]

use bilibili_session::endpoints::FetchSessionMsgs;
use bilibili_session::error::BuildError;
use bilibili_session::{
    Auth, ClientConfig, Content, ConversationId, Credential, Endpoint, Event, Identity, Uid,
    UnixSeconds, WbiKeys,
};
use serde_json::{Value, json};
use url::form_urlencoded;

pub(crate) const OWN: Uid = Uid(10001);
pub(crate) const OTHER: Uid = Uid(20001);
pub(crate) const WTS: UnixSeconds = UnixSeconds(1_700_000_000);
pub(crate) const SESSDATA: &str = "0123abcd%2C1715552000%2C89ef0%2Ab1";
pub(crate) const BILI_JCT: &str = "00112233445566778899aabbccddeeff";
pub(crate) const BUVID3: &str = "00000000-1111-2222-3333-44444444444455555infoc";
pub(crate) const BUVID4: &str =
    "66666666-7777-8888-9999-AAAAAAAAAAAA00000-023111421-bbbbbbbbbbbbbbbbbbbbbb%3D%3D";
pub(crate) const DEV_ID: &str = "A6716E9A-7CE3-47AF-994B-F0B34178D28D";

pub(crate) fn credential() -> Credential {
    Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3)
        .buvid4(BUVID4)
        .uid("10001")
        .build()
        .unwrap()
}

pub(crate) fn context() -> ClientConfig {
    ClientConfig::new(credential()).dev_id(DEV_ID)
}

pub(crate) fn keys() -> WbiKeys {
    let recording: Value = serde_json::from_str(include_str!("../wire/wbi.json")).unwrap();
    WbiKeys::new(
        recording["img_key"].as_str().unwrap(),
        recording["sub_key"].as_str().unwrap(),
    )
    .unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity::new(OWN, "made up", keys())
}

pub(crate) fn request_with<E: Endpoint>(
    context: &ClientConfig,
    endpoint: &E,
) -> Result<http::Request<Vec<u8>>, BuildError> {
    match E::Auth::without_identity() {
        Some(proof) => endpoint.request(context, proof),
        None => endpoint.request(context, E::Auth::with_identity(&identity(), WTS)),
    }
}

pub(crate) fn request<E: Endpoint>(endpoint: &E) -> http::Request<Vec<u8>> {
    request_with(&context(), endpoint).unwrap()
}

/// An answer of the service with this `data`.
pub(crate) fn answer(data: &Value) -> http::Response<Vec<u8>> {
    let body = json!({"code": 0, "message": "0", "ttl": 1, "data": data});
    http::Response::new(body.to_string().into_bytes())
}

pub(crate) type Pairs = Vec<(String, String)>;

/// A request, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) query: Pairs,
    pub(crate) form: Pairs,
    pub(crate) cookies: Pairs,
}

pub(crate) fn take_apart(request: &http::Request<Vec<u8>>) -> Taken {
    let uri = request.uri();
    let header = |name: http::HeaderName| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let is_form = header(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    Taken {
        method: request.method().to_string(),
        url: format!(
            "{}://{}{}",
            uri.scheme().unwrap(),
            uri.authority().unwrap(),
            uri.path()
        ),
        query: sorted(form_urlencoded::parse(
            uri.query().unwrap_or_default().as_bytes(),
        )),
        form: match is_form {
            true => sorted(form_urlencoded::parse(request.body())),
            false => Vec::new(),
        },
        cookies: header(http::header::COOKIE)
            .unwrap_or_default()
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

pub(crate) fn sorted(pairs: form_urlencoded::Parse<'_>) -> Pairs {
    let mut pairs: Pairs = pairs.into_owned().collect();
    pairs.sort();
    pairs
}

/// As it comes in a page, so that the whole way is walked.
pub(crate) fn read(conversation: ConversationId, message: &Value) -> Event {
    let data = json!({"messages": [message], "has_more": 0, "min_seqno": 7, "max_seqno": 7});
    let page = FetchSessionMsgs::new(conversation).decode(&data).unwrap();
    assert!(page.unreadable.is_empty(), "{message}");
    let [event] = <[Event; 1]>::try_from(page.messages).unwrap();
    event
}

/// An event with this content, as the other user would send it.
pub(crate) fn event(msg_type: i64, content: &Value) -> Event {
    let content = match content {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let message = json!({
        "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_type": msg_type,
        "content": content, "msg_seqno": 7, "timestamp": 1_700_000_000,
        "msg_key": 7_300_000_000_000_000_007_i64,
    });
    read(OTHER.into(), &message)
}

pub(crate) fn content(msg_type: i64, content: &Value) -> Content {
    event(msg_type, content).content
}

pub(crate) fn undecodable(content: &Content) -> &str {
    match content {
        Content::Undecodable { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// An event that is written as JSON is read back bit for bit: `Debug` also tells 0.0 from -0.0.
pub(crate) fn assert_reads_back(event: &Event) {
    let line = serde_json::to_string(event).unwrap();
    let back: Event = serde_json::from_str(&line).unwrap();
    assert_eq!(&back, event, "{line}");
    assert_eq!(format!("{back:?}"), format!("{event:?}"));
    let value = serde_json::to_value(event).unwrap();
    assert_eq!(&serde_json::from_value::<Event>(value).unwrap(), event);
}
