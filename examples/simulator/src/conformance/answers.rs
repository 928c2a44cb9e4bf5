//! Answers arrive as the server sent them.

use bilibili_session::{TransportConfig, TransportErrorKind};

use super::cases::{answer_of, failed, get, get_with, post, same, send};
use super::peer::{Peer, Script};
use super::{Make, usual};

fn with_body(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(super) fn every_status_is_an_answer(make: &Make<'_>) -> Result<(), String> {
    // 460, 520 and 599 stand in no registry, but in front of real servers.
    for status in [
        200, 201, 400, 401, 403, 404, 412, 429, 460, 500, 502, 503, 520, 599,
    ] {
        let html = "<html>risk control</html>";
        let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-type: text/html");
        let peer = Peer::new(Script::Answer(with_body(&head, html)))?;
        let answer =
            answer_of(make, &peer.origin()).map_err(|error| format!("status {status}: {error}"))?;
        same("the status", answer.status().as_u16(), status)?;
        same("the body", answer.body().as_slice(), html.as_bytes())?;
        same("the number of requests", peer.received().len(), 1)?;
    }
    Ok(())
}

pub(super) fn redirects_are_answers(make: &Make<'_>) -> Result<(), String> {
    let elsewhere = Peer::new(Script::Answer(with_body("HTTP/1.1 200 OK", "elsewhere")))?;
    for status in [301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {}/y",
            elsewhere.origin()
        );
        let peer = Peer::new(Script::Answer(with_body(&head, "moved")))?;
        let origin = peer.origin();
        for request in [get(&origin)?, post(&origin, "text/plain", b"body")?] {
            let mut transport = make(&usual());
            let answer = send(&mut *transport, request)?
                .map_err(|error| format!("status {status}: {error}"))?;
            same("the status", answer.status().as_u16(), status)?;
            same("the body", answer.body().as_slice(), b"moved".as_slice())?;
            same(
                "location is there",
                answer.headers().contains_key("location"),
                true,
            )?;
        }
        same("the requests that came", peer.received().len(), 2)?;
    }
    same(
        "the requests that came elsewhere",
        elsewhere.received().len(),
        0,
    )
}

pub(super) fn duplicate_headers_are_kept(make: &Make<'_>) -> Result<(), String> {
    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2, c\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT";
    let peer = Peer::new(Script::Answer(with_body(head, "ok")))?;
    let answer = answer_of(make, &peer.origin())?;
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|value| value.as_bytes()).collect();
    let should = [b"a=1; Path=/".as_slice(), b"b=2, c"];
    same("set-cookie", cookies, should.to_vec())?;
    same("the date", answer.headers().contains_key("date"), true)
}

pub(super) fn odd_headers_are_harmless(make: &Make<'_>) -> Result<(), String> {
    let mut bytes = b"HTTP/1.1 200 \r\nX-Utf8: \xe4\xbd\xa0\xe5\xa5\xbd\r\nX-Gbk: \xc4\xe3\xba\xc3\r\nX-Latin: caf\xe9\r\nX-Empty:\r\nX-Close:a:b\r\nX-Long: ".to_vec();
    bytes.extend([b'l'; 8000]);
    bytes.extend(b"\r\ncontent-length: 2\r\n\r\nok");
    let peer = Peer::new(Script::Answer(bytes))?;
    let answer = answer_of(make, &peer.origin())?;
    same("the status", answer.status().as_u16(), 200)?;
    same("the body", answer.body().as_slice(), b"ok".as_slice())?;
    let long = answer.headers().get("x-long").map(|value| value.len());
    same("the length of a long header", long, Some(8000))
}

pub(super) fn interim_answers_are_skipped(make: &Make<'_>) -> Result<(), String> {
    let mut bytes = b"HTTP/1.1 103 Early Hints\r\nlink: <made-up>\r\n\r\n".to_vec();
    bytes.extend(with_body("HTTP/1.1 200 OK", "ok"));
    let peer = Peer::new(Script::Answer(bytes))?;
    let answer = answer_of(make, &peer.origin())?;
    same("the status", answer.status().as_u16(), 200)?;
    same("the body", answer.body().as_slice(), b"ok".as_slice())
}

pub(super) fn empty_bodies(make: &Make<'_>) -> Result<(), String> {
    for script in [
        Script::Answer(with_body("HTTP/1.1 200 OK", "")),
        Script::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        Script::Answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()),
        Script::Last(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
    ] {
        let peer = Peer::new(script)?;
        let answer = answer_of(make, &peer.origin())?;
        same("success", answer.status().is_success(), true)?;
        same("the body", answer.body().len(), 0)?;
        same("the number of requests", peer.received().len(), 1)?;
    }
    Ok(())
}

pub(super) fn chunks_are_put_together(make: &Make<'_>) -> Result<(), String> {
    let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n";
    let peer = Peer::new(Script::Answer(bytes.to_vec()))?;
    let answer = answer_of(make, &peer.origin())?;
    same(
        "the body",
        answer.body().as_slice(),
        b"abc0123456789".as_slice(),
    )
}

const LIMIT: u64 = 100_000;

fn limited() -> TransportConfig {
    usual().body_limit(LIMIT)
}

pub(super) fn body_up_to_the_limit(make: &Make<'_>) -> Result<(), String> {
    let body = "b".repeat(usize::try_from(LIMIT).unwrap_or_default());
    let sized = with_body("HTTP/1.1 200 OK", &body);
    let unsized_ = format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes();
    for script in [Script::Answer(sized), Script::Last(unsized_)] {
        let peer = Peer::new(script)?;
        let answer = get_with(make, &limited(), &peer.origin())?;
        let answer = answer.map_err(|error| error.to_string())?;
        same("the length", answer.body().len(), body.len())?;
    }
    Ok(())
}

pub(super) fn body_over_the_limit(make: &Make<'_>) -> Result<(), String> {
    let body = "b".repeat(usize::try_from(LIMIT).unwrap_or_default() + 1);
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for script in [
        Script::Answer(with_body("HTTP/1.1 200 OK", &body)),
        Script::Flood(chunked.to_vec(), chunk.into_bytes()),
        Script::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body.into_bytes()),
    ] {
        let peer = Peer::new(script)?;
        let answer = get_with(make, &limited(), &peer.origin())?;
        failed(answer, &[TransportErrorKind::BodyTooLarge])?;
    }
    Ok(())
}

/// Checks that a connection which the server closed while it was idle fails no request.
pub(super) fn connection_closed_between_two_requests(make: &Make<'_>) -> Result<(), String> {
    let peer = Peer::new(Script::Last(with_body("HTTP/1.1 200 OK", "ok")))?;
    let mut transport = make(&usual());
    for _ in 0..3 {
        let answer = send(&mut *transport, get(&peer.origin())?)?;
        let answer = answer.map_err(|error| error.to_string())?;
        same("the body", answer.body().as_slice(), b"ok".as_slice())?;
        // So that the end of the connection has arrived.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(())
}
