//! The push channel, as far as the model goes: who may listen, and what can be asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Answer, Fault, FaultKind};
use http::{HeaderMap, Request, StatusCode};
use serde_json::json;
use support::Client;

/// The answer to a handshake with these headers besides those of every one.
fn handshake(client: &mut Client, headers: &[(&'static str, &str)]) -> (StatusCode, HeaderMap) {
    let mut request = Request::get("https://broadcast.chat.bilibili.com:7826/sub")
        .header("connection", "Upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Vec::new()).unwrap();
    let Answer::Respond(answer) = client.simulator.handle(client.now_us, &request) else {
        unreachable!("no such fault was asked for");
    };
    (answer.status(), answer.headers().clone())
}

#[test]
fn a_handshake_needs_the_login_and_the_subprotocol() {
    let mut client = Client::default();
    let cookie = client.cookie.clone();
    let upgrade = ("upgrade", "websocket");
    let subprotocol = ("sec-websocket-protocol", "other, proto");
    let cookies = ("cookie", cookie.as_str());
    let (status, headers) = handshake(&mut client, &[upgrade, subprotocol, cookies]);
    assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(headers["sec-websocket-protocol"], "proto");
    assert_eq!(headers["upgrade"], "websocket");
    for (headers, refused) in [
        (vec![upgrade, subprotocol], StatusCode::UNAUTHORIZED),
        (
            vec![upgrade, subprotocol, ("cookie", "SESSDATA=other")],
            StatusCode::UNAUTHORIZED,
        ),
        (vec![upgrade, cookies], StatusCode::BAD_REQUEST),
        (vec![subprotocol, cookies], StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(handshake(&mut client, &headers).0, refused, "{headers:?}");
    }
    let fault = Fault::once("/sub", FaultKind::Http(StatusCode::FORBIDDEN));
    client.simulator.push_fault(fault);
    let headers = [upgrade, subprotocol, cookies];
    assert_eq!(handshake(&mut client, &headers).0, StatusCode::FORBIDDEN);
    assert_eq!(client.simulator.requests("/sub"), 6);
}

#[test]
fn the_channel_is_played_by_control_requests() {
    let mut client = Client::default();
    for body in [
        json!({"drop": true}),
        json!({"kick": true}),
        json!({"notify": 113, "count": 3}),
        json!({"garbage": true}),
        json!({"times": 2, "silent": true, "auth_code": 5}),
        json!({}),
    ] {
        assert_eq!(client.control("push", &body), (200, json!({})), "{body}");
    }
    let habits = client.simulator.push_habits_mut();
    assert_eq!(
        (habits.times, habits.is_silent, habits.auth_code),
        (2, true, 5)
    );
    for body in [
        json!({"count": 0}),
        json!({"times": -1}),
        json!({"notify": "reply"}),
    ] {
        assert_eq!(client.control("push", &body).0, 400, "{body}");
    }
}
