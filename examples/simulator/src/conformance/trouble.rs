//! Failures are errors of the right kind, in time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use bilibili_session::TransportConfig;
use bilibili_session::TransportErrorKind::{Connect, Interrupted, Other, Timeout};

use super::cases::{failed, get_with, same};
use super::peer::{Peer, Script};
use super::{Make, usual};

/// Long enough for a connection on a slow machine, short enough to wait for.
const TIMEOUT: Duration = Duration::from_millis(700);
/// Time limit far above the delays of any machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks that an exchange which never ends by itself ends with its time.
pub(super) fn times_out(
    make: &Make<'_>,
    settings: TransportConfig,
    origin: &str,
) -> Result<(), String> {
    let settings = settings.timeout(TIMEOUT);
    let start = Instant::now();
    let answer = get_with(make, &settings, origin)?;
    let took = start.elapsed();
    failed(answer, &[Timeout])?;
    if took > PATIENCE {
        return Err(format!("it took {took:?} with a timeout of {TIMEOUT:?}"));
    }
    if took < TIMEOUT / 2 {
        return Err(format!(
            "it gave up after {took:?} with a timeout of {TIMEOUT:?}"
        ));
    }
    Ok(())
}

fn plain(make: &Make<'_>, script: Script) -> Result<(), String> {
    times_out(make, usual(), &Peer::new(script)?.origin())
}

pub(super) fn timeout_without_an_answer(make: &Make<'_>) -> Result<(), String> {
    plain(make, Script::Hang)
}

pub(super) fn timeout_within_the_headers(make: &Make<'_>) -> Result<(), String> {
    plain(
        make,
        Script::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec(), b"s"),
    )
}

/// Checks the timeout where every byte comes well within any timeout of a single read.
pub(super) fn timeout_within_the_body(make: &Make<'_>) -> Result<(), String> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    plain(make, Script::Drip(head.to_vec(), b"b"))?;
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    plain(make, Script::Drip(head.to_vec(), b"1\r\nb\r\n"))
}

fn breaks(make: &Make<'_>, script: Script) -> Result<(), String> {
    let peer = Peer::new(script)?;
    let answer = get_with(make, &usual(), &peer.origin())?;
    failed(answer, &[Interrupted])
}

pub(super) fn body_cut_short(make: &Make<'_>) -> Result<(), String> {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":0,";
    breaks(make, Script::Last(bytes.to_vec()))
}

pub(super) fn chunks_cut_short(make: &Make<'_>) -> Result<(), String> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for rest in ["64\r\n{\"code\":0,", "a\r\n{\"code\":0,\r\n"] {
        breaks(make, Script::Last(format!("{head}{rest}").into_bytes()))?;
    }
    Ok(())
}

pub(super) fn no_answer_at_all(make: &Make<'_>) -> Result<(), String> {
    breaks(make, Script::Last(Vec::new()))
}

/// Checks headers that are cut short: some libraries take such an answer for an empty one, which the core cannot read either.
pub(super) fn headers_cut_short(make: &Make<'_>) -> Result<(), String> {
    let peer = Peer::new(Script::Last(b"HTTP/1.1 200 OK\r\nx-cut: h".to_vec()))?;
    match get_with(make, &usual(), &peer.origin())? {
        Ok(answer) if answer.body().is_empty() => {}
        answer => failed(answer, &[Interrupted])?,
    }
    same("the number of requests", peer.received().len(), 1)
}

pub(super) fn connection_reset(make: &Make<'_>) -> Result<(), String> {
    breaks(make, Script::Reset(Vec::new()))?;
    breaks(
        make,
        Script::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab".to_vec()),
    )
}

pub(super) fn no_http(make: &Make<'_>) -> Result<(), String> {
    for bytes in [
        "SSH-2.0-made-up\r\n\r\n",
        "\0\x01\x02\r\n\r\n",
        "<html>no head</html>\r\n\r\n",
    ] {
        let peer = Peer::new(Script::Last(bytes.as_bytes().to_vec()))?;
        let answer = get_with(make, &usual(), &peer.origin())?;
        failed(answer, &[Interrupted, Other])?;
    }
    Ok(())
}

pub(super) fn nobody_listens(make: &Make<'_>) -> Result<(), String> {
    let address = TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| error.to_string())?;
    let answer = get_with(make, &usual(), &format!("http://{address}"))?;
    failed(answer, &[Connect])
}

/// Checks a domain that never has names; where nobody answers for names, time is over.
pub(super) fn name_that_does_not_exist(make: &Make<'_>) -> Result<(), String> {
    let settings = usual().timeout(Duration::from_secs(5));
    let start = Instant::now();
    let answer = get_with(make, &settings, "http://made-up.invalid")?;
    failed(answer, &[Connect, Timeout])?;
    same("it ended in time", start.elapsed() < PATIENCE, true)
}
