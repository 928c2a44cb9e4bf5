//! The handshake of the push channel: who may listen.

use http::{HeaderMap, Response, StatusCode, header};

use super::who;
use crate::model::world::World;
use crate::wire::envelope::{self, Refusal};
use crate::wire::incoming::Incoming;

pub(super) const PATH: &str = "/sub";

/// The only subprotocol.
const SUBPROTOCOL: &str = "proto";

/// The account that listens: an extension of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener(#[allow(dead_code, reason = "the server reads it")] pub(crate) i64);

/// Answers the handshake. What only the two ends of the connection know is the carrier's to add.
pub(super) fn handshake(
    world: &World,
    now_us: i64,
    request: &Incoming<'_>,
) -> (Response<Vec<u8>>, bool) {
    let refuse = |refusal: &Refusal| (envelope::refusal(now_us, refusal), false);
    if !has_word(request.headers, &header::UPGRADE, "websocket")
        || !has_word(
            request.headers,
            &header::SEC_WEBSOCKET_PROTOCOL,
            SUBPROTOCOL,
        )
        || !request.headers.contains_key(header::SEC_WEBSOCKET_KEY)
    {
        return refuse(&Refusal::http(StatusCode::BAD_REQUEST, -400));
    }
    let Some((uid, _)) = who(world, request) else {
        return refuse(&Refusal::http(StatusCode::UNAUTHORIZED, -101));
    };
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.extensions_mut().insert(Listener(uid));
    for (name, value) in [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL),
    ] {
        let value = http::HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    (answer, true)
}

/// Returns whether a header is a list with this word.
fn has_word(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|it| it.trim().eq_ignore_ascii_case(word))
}
