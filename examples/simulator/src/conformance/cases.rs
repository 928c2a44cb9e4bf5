//! The table of cases, and what they check with.

use std::fmt::Debug;

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::{Request, Response};

use super::{Answer, Exchange, Make, answers, requests, tls, trouble, usual};

/// Requirement that a transport is tested against.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) run: fn(&Make<'_>) -> Result<(), String>,
}

macro_rules! table {
    ($($module:ident: $($name:ident)*;)*) => {
        /// Every case there is.
        pub(super) const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), run: $module::$name },)*)*
        ];
    };
}

table! {
    requests:
        get_as_it_was_built
        form_as_it_was_built
        empty_post
        large_binary_body
        no_compression_asked_for
        a_post_is_sent_once;
    answers:
        every_status_is_an_answer
        redirects_are_answers
        duplicate_headers_are_kept
        odd_headers_are_harmless
        interim_answers_are_skipped
        empty_bodies
        chunks_are_put_together
        body_up_to_the_limit
        body_over_the_limit
        connection_closed_between_two_requests;
    trouble:
        timeout_without_an_answer
        timeout_within_the_headers
        timeout_within_the_body
        body_cut_short
        chunks_cut_short
        no_answer_at_all
        headers_cut_short
        connection_reset
        no_http
        nobody_listens
        name_that_does_not_exist;
    tls:
        trusted_authority
        unknown_authority
        wrong_name
        expired_certificate
        timeout_within_the_handshake
        no_tls_where_it_is_expected
        through_a_proxy
        proxy_that_refuses;
}

/// Stands in the cookie of every request, and must stand in no error.
pub(super) const COOKIE: &str = "SESSDATA=c00kie%2Cmade%2Aup; bili_jct=t0ken";
/// Stands in the query of every request, and must stand in no error.
pub(super) const QUERY: &str =
    "a=1&q=%27%28%29%2A%20~-_.&u=%E4%BD%A0%E5%A5%BD&e=&w_rid=s1gned&plus=%2B&amp=%26";
/// A form with everything that is escaped in one.
pub(super) const FORM: &str =
    "msg%5Bcontent%5D=%7B%22content%22%3A%22it%27s+%E5%A5%BD+%2B+%26%22%7D&csrf=t0ken&e=";

/// Builds a GET as the core does.
pub(super) fn get(origin: &str) -> Result<Request<Vec<u8>>, String> {
    build(Request::get(format!("{origin}/x/path?{QUERY}")), Vec::new())
}

/// Builds a POST as the core does.
pub(super) fn post(origin: &str, kind: &str, body: &[u8]) -> Result<Request<Vec<u8>>, String> {
    let request = Request::post(format!("{origin}/x/path?{QUERY}"))
        .header("origin", "https://www.bilibili.com")
        .header("content-type", kind);
    build(request, body.to_vec())
}

fn build(builder: http::request::Builder, body: Vec<u8>) -> Result<Request<Vec<u8>>, String> {
    builder
        .header("user-agent", "Mozilla/5.0 (made up) 'quoted'")
        .header("referer", "https://www.bilibili.com")
        .header("cookie", COOKIE)
        .body(body)
        .map_err(|error| error.to_string())
}

/// Sends a request, and searches an error for secrets of the request.
pub(super) fn send(
    transport: &mut Exchange<'_>,
    request: Request<Vec<u8>>,
) -> Result<Answer, String> {
    let answer = transport(request);
    if let Err(error) = &answer {
        let words = format!("{error} {error:?}").to_lowercase();
        for secret in [
            "c00kie", "t0ken", "s1gned", "w_rid", "sessdata", "made up", "p@ss", "p%40ss",
        ] {
            if words.contains(secret) {
                return Err(format!("{secret:?} stands in the error: {words}"));
            }
        }
    }
    Ok(answer)
}

/// Sends a GET with a transport of its own.
pub(super) fn get_with(
    make: &Make<'_>,
    settings: &TransportConfig,
    origin: &str,
) -> Result<Answer, String> {
    send(&mut *make(settings), get(origin)?)
}

/// Returns the answer to a GET, which must be one.
pub(super) fn answer_of(make: &Make<'_>, origin: &str) -> Result<Response<Vec<u8>>, String> {
    get_with(make, &usual(), origin)?.map_err(|error| format!("no answer: {error}"))
}

/// Fails unless the two values are the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, is: T, should: T) -> Result<(), String> {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what}: {is:?} instead of {should:?}"))
    }
}

/// Fails unless the answer is a failure of one of these kinds.
pub(super) fn failed(answer: Answer, kinds: &[TransportErrorKind]) -> Result<(), String> {
    match answer {
        Ok(answer) => Err(format!(
            "an answer ({}, {} bytes) instead of an error of {kinds:?}",
            answer.status(),
            answer.body().len()
        )),
        Err(TransportError { kind, .. }) if kinds.contains(&kind) => Ok(()),
        Err(error) => Err(format!("{error:?} instead of an error of {kinds:?}")),
    }
}
