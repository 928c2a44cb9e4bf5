//! Requests are sent as they were built.

use super::cases::{COOKIE, FORM, QUERY, get, post, same, send};
use super::peer::{Peer, Script, body, header};
use super::{Make, usual};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Sends a request to a server of its own; returns the bytes that arrived there.
fn sent(
    make: &Make<'_>,
    request: impl Fn(&str) -> Result<http::Request<Vec<u8>>, String>,
) -> Result<Vec<u8>, String> {
    let peer = Peer::new(Script::Answer(OK.to_vec()))?;
    let mut transport = make(&usual());
    let answer = send(&mut *transport, request(&peer.origin())?)?;
    let answer = answer.map_err(|error| error.to_string())?;
    same("the answer", answer.body().as_slice(), b"ok".as_slice())?;
    let mut received = peer.received();
    same("the number of requests", received.len(), 1)?;
    let received = received.pop().unwrap_or_default();
    for (name, value) in [
        ("user-agent", "Mozilla/5.0 (made up) 'quoted'"),
        ("referer", "https://www.bilibili.com"),
        ("cookie", COOKIE),
    ] {
        same(name, header(&received, name), vec![value.to_owned()])?;
    }
    same("host", header(&received, "host"), vec![peer.authority()])?;
    Ok(received)
}

fn request_line(received: &[u8]) -> String {
    String::from_utf8_lossy(received)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn get_as_it_was_built(make: &Make<'_>) -> Result<(), String> {
    let received = sent(make, get)?;
    let line = format!("GET /x/path?{QUERY} HTTP/1.1");
    same("the request line", request_line(&received), line)?;
    for name in [
        "content-length",
        "transfer-encoding",
        "content-type",
        "expect",
    ] {
        same(name, header(&received, name), Vec::new())?;
    }
    Ok(())
}

pub(super) fn form_as_it_was_built(make: &Make<'_>) -> Result<(), String> {
    let kind = "application/x-www-form-urlencoded";
    let received = sent(make, |origin| post(origin, kind, FORM.as_bytes()))?;
    let line = format!("POST /x/path?{QUERY} HTTP/1.1");
    same("the request line", request_line(&received), line)?;
    same("the body", body(&received), FORM.as_bytes())?;
    for (name, value) in [
        ("content-type", kind),
        ("origin", "https://www.bilibili.com"),
        ("content-length", &FORM.len().to_string()),
    ] {
        same(name, header(&received, name), vec![value.to_owned()])?;
    }
    for name in ["transfer-encoding", "expect"] {
        same(name, header(&received, name), Vec::new())?;
    }
    Ok(())
}

pub(super) fn empty_post(make: &Make<'_>) -> Result<(), String> {
    let kind = "application/x-www-form-urlencoded";
    let received = sent(make, |origin| post(origin, kind, b""))?;
    same("the body", body(&received), b"".as_slice())?;
    // A server may insist on being told.
    let length = header(&received, "content-length");
    same("content-length", length, vec![String::from("0")])?;
    let given = header(&received, "content-type");
    same("content-type", given, vec![kind.to_owned()])
}

pub(super) fn large_binary_body(make: &Make<'_>) -> Result<(), String> {
    let kind = "multipart/form-data; boundary=made-up";
    let bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    let received = sent(make, |origin| post(origin, kind, &bytes))?;
    same("the body is the same", body(&received) == bytes, true)?;
    let given = header(&received, "content-type");
    same("content-type", given, vec![kind.to_owned()])?;
    same("expect", header(&received, "expect"), Vec::new())
}

/// Checks that no compression is asked for: an answer could be small on the way and huge unpacked, past every limit.
pub(super) fn no_compression_asked_for(make: &Make<'_>) -> Result<(), String> {
    let received = sent(make, get)?;
    let asked: Vec<_> = header(&received, "accept-encoding")
        .into_iter()
        .filter(|value| value != "identity")
        .collect();
    same("accept-encoding", asked, Vec::new())
}

/// Checks that no POST is sent twice: a connection that is used again may end before the answer, and whether the request was
/// carried out nobody knows, so one that writes is not sent a second time.
pub(super) fn a_post_is_sent_once(make: &Make<'_>) -> Result<(), String> {
    let peer = Peer::new(Script::Once(OK.to_vec()))?;
    let mut transport = make(&usual());
    let first = send(&mut *transport, get(&peer.origin())?)?;
    first.map_err(|error| error.to_string())?;
    for _ in 0..2 {
        // An answer, if it went over a connection of its own; an error, if not.
        let _ = send(
            &mut *transport,
            post(&peer.origin(), "text/plain", b"body")?,
        )?;
    }
    let received = peer.received();
    let posts = received
        .iter()
        .filter(|request| request.starts_with(b"POST "));
    same("the number of POSTs for two", posts.count(), 2)
}
