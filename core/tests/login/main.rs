//! Logins: each request as a whole, each answer, each place where a process may die.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use bilibili_session::call::Output;
use bilibili_session::endpoints::Nav;
use bilibili_session::login::{
    CookieInfo, Login, LoginConfig, LoginError, Logout, QrLogin, QrOutput, Refresh, RefreshOutput,
};
use bilibili_session::{Credential, Endpoint, Hosts, Now, TransportError, Uid, UnixMicros};
use http::{HeaderMap, Method, Request, Response};
use serde_json::{Value, json};
use support::{BILI_JCT, BUVID3, SESSDATA, answer, take_apart};

const OLD_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const NEW_TOKEN: &str = "fedcba9876543210fedcba9876543210";
const NEW_SESSDATA: &str = "fedcba98%2C1730000000%2C76543%2Ab1";
const NEW_JCT: &str = "ffeeddccbbaa99887766554433221100";
const KEY: &str = "11112222333344445555666677778888";
const SEED: [u8; 32] = [7; 32];

const PASSPORT: &str = "https://passport.bilibili.com";

fn at(seconds: u64) -> Now {
    Now {
        monotonic: Duration::from_secs(seconds),
        wall: UnixMicros(0),
    }
}

fn code(code: i64) -> Response<Vec<u8>> {
    Response::new(
        json!({"code": code, "message": "x"})
            .to_string()
            .into_bytes(),
    )
}

fn html(status: u16, body: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn with_cookies(mut response: Response<Vec<u8>>, cookies: &[(&str, &str)]) -> Response<Vec<u8>> {
    for (name, value) in cookies {
        let line = format!("{name}={value}; Path=/; Domain=bilibili.com; HttpOnly; Secure");
        let headers: &mut HeaderMap = response.headers_mut();
        headers.append("set-cookie", line.parse().unwrap());
    }
    response
}

fn new_cookies() -> Vec<(&'static str, &'static str)> {
    vec![
        ("sid", "abcd1234"),
        ("SESSDATA", NEW_SESSDATA),
        ("bili_jct", NEW_JCT),
        ("DedeUserID", "10001"),
        ("DedeUserID__ckMd5", "0011223344556677"),
    ]
}

fn old_login() -> Login {
    let credential = Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3)
        .uid("10001")
        .build()
        .unwrap();
    Login::with_refresh_token(credential, OLD_TOKEN).unwrap()
}

/// The stored form, to be looked into.
fn stored(login: &Login) -> Value {
    serde_json::from_str(&login.to_json()).unwrap()
}

/// Method, address, query, form and the names of the cookies.
#[track_caller]
fn assert_request(
    request: &Request<Vec<u8>>,
    url: &str,
    query: &[(&str, &str)],
    form: &[(&str, &str)],
    cookies: &[(&str, &str)],
) {
    let taken = take_apart(request);
    let pairs = |of: &[(&str, &str)]| -> Vec<(String, String)> {
        of.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    assert_eq!(taken.url, url);
    assert_eq!(taken.query, pairs(query));
    assert_eq!(taken.form, sorted_pairs(&pairs(form)));
    assert_eq!(taken.cookies, pairs(cookies));
    let expected = if form.is_empty() { "GET" } else { "POST" };
    assert_eq!(taken.method, expected);
    let headers = request.headers();
    assert_eq!(headers["referer"], "https://www.bilibili.com");
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("Mozilla/5.0")
    );
    let origin = headers.get("origin").map(|it| it.to_str().unwrap());
    assert_eq!(
        origin,
        (!form.is_empty()).then_some("https://www.bilibili.com")
    );
}

fn sorted_pairs(pairs: &[(String, String)]) -> Vec<(String, String)> {
    let mut sorted = pairs.to_vec();
    sorted.sort();
    sorted
}

fn old_cookies() -> [(&'static str, &'static str); 4] {
    [
        ("SESSDATA", SESSDATA),
        ("bili_jct", BILI_JCT),
        ("buvid3", BUVID3),
        ("DedeUserID", "10001"),
    ]
}

fn renewed_cookies() -> [(&'static str, &'static str); 4] {
    [
        ("SESSDATA", NEW_SESSDATA),
        ("bili_jct", NEW_JCT),
        ("buvid3", BUVID3),
        ("DedeUserID", "10001"),
    ]
}

mod qr;

mod refresh;

mod logout;

#[test]
fn whether_it_is_good_is_a_call_like_others() {
    let context = LoginConfig::new().client_config(&old_login());
    let request = CookieInfo.request(&context, ()).unwrap();
    let url = format!("{PASSPORT}/x/passport-login/web/cookie/info");
    assert_request(&request, &url, &[("csrf", BILI_JCT)], &[], &old_cookies());
    let state = CookieInfo
        .parse(&answer(&json!({"refresh": 1, "timestamp": "17"})))
        .unwrap();
    assert!(state.refresh);
    assert_eq!(state.timestamp, 17);
}

#[test]
fn one_origin_takes_the_place_of_both_hosts() {
    let hosts = Hosts::origin("http://127.0.0.1:8080").unwrap();
    let config = LoginConfig::new().hosts(hosts).user_agent("made up");
    let mut login = QrLogin::new(config.clone());
    let QrOutput::Send(request) = login.poll_output(at(0)) else {
        panic!("nothing to send");
    };
    assert_eq!(
        request.uri(),
        "http://127.0.0.1:8080/x/passport-login/web/qrcode/generate"
    );
    assert_eq!(request.headers()["user-agent"], "made up");
    let request = Nav
        .request(&config.client_config(&old_login()), ())
        .unwrap();
    assert_eq!(request.headers()["user-agent"], "made up");
}

#[test]
fn a_text_that_is_no_login() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"SESSDATA\":\"secretsecret\"",
        "{\"SESSDATA\":\"secret;\",\"bili_jct\":\"x\",\"DedeUserID\":1}",
    ] {
        let error = Login::from_json(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
