//! Logins: each request as a whole, each answer, each place where a process may die.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

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

mod qr {
    use super::*;

    #[track_caller]
    fn sent(login: &mut QrLogin, now: Now) -> Request<Vec<u8>> {
        match login.poll_output(now) {
            QrOutput::Send(request) => request,
            other => panic!("{other:?}"),
        }
    }

    fn generated(key: &str) -> Response<Vec<u8>> {
        answer(
            &json!({"url": format!("https://example.test/scan?qrcode_key={key}"), "qrcode_key": key}),
        )
    }

    fn state(code: i64) -> Response<Vec<u8>> {
        answer(
            &json!({"url": "", "refresh_token": "", "timestamp": 0, "code": code, "message": ""}),
        )
    }

    fn confirmed(url: &str) -> Response<Vec<u8>> {
        answer(
            &json!({"url": url, "refresh_token": NEW_TOKEN, "timestamp": 1, "code": 0, "message": ""}),
        )
    }

    /// A login that shows its first code since second 10.
    #[track_caller]
    fn shown() -> QrLogin {
        let mut login = QrLogin::new(LoginConfig::new());
        let request = sent(&mut login, at(10));
        let url = format!("{PASSPORT}/x/passport-login/web/qrcode/generate");
        assert_request(&request, &url, &[], &[], &[]);
        login.handle_response(at(10), Ok(generated(KEY)));
        let QrOutput::Show(code) = login.poll_output(at(10)) else {
            panic!("no code");
        };
        assert!(code.url().ends_with(KEY));
        assert_eq!(code.expires_in(), Duration::from_secs(180));
        assert!(!format!("{code:?} {login:?}").contains("1111"));
        login
    }

    /// Asks at this second, and hears this.
    #[track_caller]
    fn asks(login: &mut QrLogin, second: u64, hears: Result<Response<Vec<u8>>, TransportError>) {
        let QrOutput::Wait(until) = login.poll_output(at(second - 1)) else {
            panic!("no wait");
        };
        assert_eq!(until, Duration::from_secs(second));
        let request = sent(login, at(second));
        let url = format!("{PASSPORT}/x/passport-login/web/qrcode/poll");
        assert_request(&request, &url, &[("qrcode_key", KEY)], &[], &[]);
        assert!(matches!(
            login.poll_output(at(second)),
            QrOutput::Wait(Duration::MAX)
        ));
        login.handle_response(at(second), hears);
    }

    #[track_caller]
    fn ended(login: &mut QrLogin, second: u64) -> Result<Box<Login>, LoginError> {
        match login.poll_output(at(second)) {
            QrOutput::Done(result) => result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn from_the_code_to_the_login() {
        let mut login = shown();
        asks(&mut login, 12, Ok(state(86101)));
        asks(&mut login, 14, Ok(state(86090)));
        assert!(matches!(login.poll_output(at(14)), QrOutput::Scanned));
        asks(&mut login, 16, Ok(state(86090)));
        let last = with_cookies(confirmed("https://other.test/?ticket=once"), &new_cookies());
        asks(&mut login, 18, Ok(last));
        let done = ended(&mut login, 18).unwrap();
        assert_eq!(done.uid(), Uid(10001));
        assert_eq!(
            stored(&done),
            json!({
                "SESSDATA": NEW_SESSDATA, "bili_jct": NEW_JCT, "DedeUserID": 10001,
                "DedeUserID__ckMd5": "0011223344556677", "sid": "abcd1234", "refresh_token": NEW_TOKEN,
            })
        );
        let request = Nav
            .request(&LoginConfig::new().client_config(&done), ())
            .unwrap();
        let cookies = take_apart(&request).cookies;
        let names: Vec<&str> = cookies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["SESSDATA", "bili_jct", "DedeUserID"],
            "sid is not sent"
        );
        assert_eq!(ended(&mut login, 18).unwrap_err(), LoginError::Over);
    }

    #[test]
    fn a_phone_that_is_faster_than_the_questions_has_scanned_it_too() {
        let mut login = shown();
        asks(
            &mut login,
            12,
            Ok(with_cookies(confirmed(""), &new_cookies())),
        );
        assert!(matches!(login.poll_output(at(12)), QrOutput::Scanned));
        assert!(ended(&mut login, 12).is_ok());
    }

    #[test]
    fn cookies_in_the_query_as_before() {
        let mut login = shown();
        let url = format!(
            "https://other.test/crossDomain?DedeUserID=10001&DedeUserID__ckMd5=00&Expires=1&SESSDATA={NEW_SESSDATA}&bili_jct={NEW_JCT}&gourl=x"
        );
        asks(&mut login, 12, Ok(confirmed(&url)));
        assert!(matches!(login.poll_output(at(12)), QrOutput::Scanned));
        let stored = stored(&ended(&mut login, 12).unwrap());
        assert_eq!(stored["SESSDATA"], NEW_SESSDATA);
        assert_eq!(stored["bili_jct"], NEW_JCT);
        assert_eq!(stored["DedeUserID__ckMd5"], "00");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (cookies, names) in [
            (&[][..], &["SESSDATA", "bili_jct", "DedeUserID"][..]),
            (
                &[("SESSDATA", NEW_SESSDATA), ("bili_jct", "")],
                &["bili_jct", "DedeUserID"],
            ),
            (
                &[("bili_jct", NEW_JCT), ("DedeUserID", "10001")],
                &["SESSDATA"],
            ),
        ] {
            let mut login = shown();
            let last = with_cookies(confirmed("https://other.test/?ticket=once"), cookies);
            asks(&mut login, 12, Ok(last));
            let error = ended(&mut login, 12).unwrap_err();
            let names = names.to_vec();
            let words = error.to_string();
            assert!(names.iter().all(|name| words.contains(name)), "{words}");
            assert_eq!(error, LoginError::MissingCookies { names });
            assert!(!words.contains(&NEW_SESSDATA[..8]) && !words.contains(NEW_TOKEN));
        }
    }

    #[test]
    fn a_code_that_expires_is_replaced_twice() {
        let mut login = QrLogin::new(LoginConfig::new());
        for n in 0..3 {
            sent(&mut login, at(n * 10));
            login.handle_response(at(n * 10), Ok(generated(KEY)));
            assert!(matches!(login.poll_output(at(n * 10)), QrOutput::Show(_)));
            asks(&mut login, n * 10 + 2, Ok(state(86090)));
            assert!(matches!(
                login.poll_output(at(n * 10 + 2)),
                QrOutput::Scanned
            ));
            asks(&mut login, n * 10 + 4, Ok(state(86038)));
        }
        assert_eq!(ended(&mut login, 30).unwrap_err(), LoginError::Expired);
    }

    #[test]
    fn a_service_that_never_says_so_does_not_hold_it_up() {
        let mut login = shown();
        for second in (12..=210).step_by(2) {
            asks(&mut login, second, Ok(state(86101)));
        }
        let request = sent(&mut login, at(212));
        assert!(request.uri().path().ends_with("generate"));
    }

    #[test]
    fn one_question_that_fails_is_asked_again() {
        for failure in [
            Err(TransportError::timeout()),
            Ok(html(502, "oh")),
            Ok(code(-500)),
        ] {
            let mut login = shown();
            asks(&mut login, 12, failure.clone());
            asks(&mut login, 14, Ok(state(86101)));
            asks(&mut login, 16, failure.clone());
            asks(&mut login, 18, failure);
            let LoginError::Call(_) = ended(&mut login, 18).unwrap_err() else {
                panic!("another error");
            };
        }
        for failure in [Ok(code(-412)), Ok(html(412, "oh")), Ok(state(12345))] {
            let mut login = shown();
            asks(&mut login, 12, failure);
            assert!(ended(&mut login, 12).is_err());
        }
    }

    #[test]
    fn no_error_quotes_what_may_be_a_login() {
        for body in [
            format!("{{\"code\":0,\"data\":{{\"code\":\"{NEW_TOKEN}\"}}}}"),
            format!("{{\"code\":\"{NEW_TOKEN}\"}}"),
            format!("<html>{NEW_TOKEN}"),
        ] {
            for status in [200, 502] {
                let mut login = shown();
                for second in [12, 14] {
                    asks(&mut login, second, Ok(html(status, &body)));
                }
                let error = ended(&mut login, 14).unwrap_err();
                let words = format!("{error} {error:?}");
                assert!(!words.contains("fedc"), "{words}");
            }
        }
    }

    #[test]
    fn an_answer_that_nobody_waits_for_changes_nothing() {
        let mut login = shown();
        login.handle_response(at(11), Ok(state(86038)));
        asks(&mut login, 12, Ok(state(86101)));
    }
}

mod refresh {
    use super::*;

    #[track_caller]
    fn sent(refresh: &mut Refresh) -> Request<Vec<u8>> {
        match refresh.poll_output() {
            RefreshOutput::Send(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn stores(refresh: &mut Refresh) -> Login {
        let RefreshOutput::Store(login) = refresh.poll_output() else {
            panic!("nothing to store");
        };
        // Until it is, nothing goes on.
        assert!(matches!(refresh.poll_output(), RefreshOutput::Wait));
        *login
    }

    #[track_caller]
    fn ended(refresh: &mut Refresh) -> Result<bool, LoginError> {
        match refresh.poll_output() {
            RefreshOutput::Done(result) => result,
            other => panic!("{other:?}"),
        }
    }

    fn info(refresh: bool) -> Response<Vec<u8>> {
        answer(&json!({"refresh": refresh, "timestamp": 1_700_000_000_123_i64}))
    }

    fn page() -> Response<Vec<u8>> {
        html(
            200,
            "<html><div id=\"1-name\">b0cc8411ded2f9db2cff2edb3123acac</div></html>",
        )
    }

    fn exchanged() -> Response<Vec<u8>> {
        let answer = answer(&json!({"status": 0, "message": "", "refresh_token": NEW_TOKEN}));
        with_cookies(answer, &new_cookies())
    }

    fn path(end: &str) -> String {
        format!("{PASSPORT}/x/passport-login/web/{end}")
    }

    /// A forced renewal up to the answer of its third step.
    #[track_caller]
    fn exchanging(login: Login) -> Refresh {
        let mut refresh = Refresh::new(LoginConfig::new(), login, SEED).force(true);
        sent(&mut refresh);
        refresh.handle_response(Ok(info(false)));
        sent(&mut refresh);
        refresh.handle_response(Ok(page()));
        sent(&mut refresh);
        refresh
    }

    #[track_caller]
    fn assert_confirms(request: &Request<Vec<u8>>) {
        assert_request(
            request,
            &path("confirm/refresh"),
            &[],
            &[("csrf", NEW_JCT), ("refresh_token", OLD_TOKEN)],
            &renewed_cookies(),
        );
    }

    #[test]
    fn all_four_steps() {
        let mut refresh = Refresh::new(LoginConfig::new(), old_login(), SEED);
        let csrf = [("csrf", BILI_JCT)];
        assert_request(
            &sent(&mut refresh),
            &path("cookie/info"),
            &csrf,
            &[],
            &old_cookies(),
        );
        refresh.handle_response(Ok(info(true)));

        let request = sent(&mut refresh);
        let url = request.uri().to_string();
        let encrypted = url
            .strip_prefix("https://www.bilibili.com/correspond/1/")
            .unwrap();
        assert_eq!(encrypted.len(), 256);
        assert!(
            encrypted
                .bytes()
                .all(|it| b"0123456789abcdef".contains(&it))
        );
        assert_request(&request, &url, &[], &[], &old_cookies());
        refresh.handle_response(Ok(page()));

        let form = [
            ("csrf", BILI_JCT),
            ("refresh_csrf", "b0cc8411ded2f9db2cff2edb3123acac"),
            ("source", "main_web"),
            ("refresh_token", OLD_TOKEN),
        ];
        assert_request(
            &sent(&mut refresh),
            &path("cookie/refresh"),
            &[],
            &form,
            &old_cookies(),
        );
        refresh.handle_response(Ok(exchanged()));

        let new = stores(&mut refresh);
        assert!(new.owes_confirmation());
        assert_eq!(
            stored(&new),
            json!({
                "SESSDATA": NEW_SESSDATA, "bili_jct": NEW_JCT, "DedeUserID": 10001,
                "DedeUserID__ckMd5": "0011223344556677", "sid": "abcd1234", "buvid3": BUVID3,
                "refresh_token": NEW_TOKEN, "replaces": OLD_TOKEN,
            })
        );
        refresh.handle_stored();
        assert_confirms(&sent(&mut refresh));
        refresh.handle_response(Ok(code(0)));
        let settled = stores(&mut refresh);
        assert!(!settled.owes_confirmation() && settled.can_be_renewed());
        refresh.handle_stored();
        assert!(ended(&mut refresh).unwrap());
    }

    #[test]
    fn what_need_not_be_renewed_is_not_unless_forced() {
        let mut refresh = Refresh::new(LoginConfig::new(), old_login(), SEED);
        sent(&mut refresh);
        refresh.handle_response(Ok(info(false)));
        assert!(!ended(&mut refresh).unwrap());
        let mut refresh = Refresh::new(LoginConfig::new(), old_login(), SEED).force(true);
        sent(&mut refresh);
        refresh.handle_response(Ok(info(false)));
        assert!(
            sent(&mut refresh)
                .uri()
                .path()
                .starts_with("/correspond/1/")
        );
    }

    /// What was stored after the third step goes on with the fourth, and with nothing else.
    #[test]
    fn a_confirmation_that_is_owed_comes_first() {
        let mut refresh = exchanging(old_login());
        refresh.handle_response(Ok(exchanged()));
        let owing = Login::from_json(&stores(&mut refresh).to_json()).unwrap();
        drop(refresh);

        let mut refresh = Refresh::confirm_only(LoginConfig::new(), owing.clone());
        assert_confirms(&sent(&mut refresh));
        refresh.handle_response(Ok(code(0)));
        assert!(!stores(&mut refresh).owes_confirmation());
        refresh.handle_stored();
        assert!(!ended(&mut refresh).unwrap());

        let mut refresh = Refresh::new(LoginConfig::new(), owing, SEED);
        assert_confirms(&sent(&mut refresh));
        refresh.handle_response(Ok(code(0)));
        stores(&mut refresh);
        refresh.handle_stored();
        assert!(sent(&mut refresh).uri().path().ends_with("cookie/info"));
        refresh.handle_response(Ok(info(false)));
        assert!(!ended(&mut refresh).unwrap());

        let mut refresh = Refresh::confirm_only(LoginConfig::new(), old_login());
        assert!(!ended(&mut refresh).unwrap(), "it owes nothing");
    }

    #[test]
    fn a_repeated_confirmation_may_be_refused() {
        let owing = || {
            let mut refresh = exchanging(old_login());
            refresh.handle_response(Ok(exchanged()));
            stores(&mut refresh)
        };
        for refusal in [-101, -111, 86095, -400] {
            let mut refresh = Refresh::confirm_only(LoginConfig::new(), owing());
            sent(&mut refresh);
            refresh.handle_response(Ok(code(refusal)));
            let csrf = [("csrf", NEW_JCT)];
            let request = sent(&mut refresh);
            assert_request(
                &request,
                &path("cookie/info"),
                &csrf,
                &[],
                &renewed_cookies(),
            );
            refresh.handle_response(Ok(info(false)));
            assert!(!stores(&mut refresh).owes_confirmation(), "{refusal}");
        }
        // The login itself is dead.
        let mut refresh = Refresh::confirm_only(LoginConfig::new(), owing());
        sent(&mut refresh);
        refresh.handle_response(Ok(code(-101)));
        sent(&mut refresh);
        refresh.handle_response(Ok(code(-101)));
        let LoginError::Call(error) = ended(&mut refresh).unwrap_err() else {
            panic!("another error");
        };
        assert_eq!(error.code(), Some(-101));
        // What may pass leaves it owed.
        for failure in [
            Ok(html(502, "")),
            Ok(code(-412)),
            Ok(code(-509)),
            Err(TransportError::timeout()),
        ] {
            let mut refresh = Refresh::confirm_only(LoginConfig::new(), owing());
            sent(&mut refresh);
            refresh.handle_response(failure);
            assert!(ended(&mut refresh).is_err());
        }
    }

    #[test]
    fn every_refusal_leaves_the_old_login() {
        for refusal in [
            code(-101),
            code(-111),
            code(86095),
            html(200, "<html>"),
            code(-412),
        ] {
            let mut refresh = exchanging(old_login());
            refresh.handle_response(Ok(refusal));
            assert!(ended(&mut refresh).is_err());
        }
        for page in [
            html(404, "gone"),
            html(200, "<html>no token"),
            html(200, ""),
            code(-101),
        ] {
            let mut refresh = Refresh::new(LoginConfig::new(), old_login(), SEED);
            sent(&mut refresh);
            refresh.handle_response(Ok(info(true)));
            sent(&mut refresh);
            refresh.handle_response(Ok(page));
            assert!(ended(&mut refresh).is_err());
        }
        let mut refresh = Refresh::new(LoginConfig::new(), old_login(), SEED);
        sent(&mut refresh);
        refresh.handle_response(Ok(code(-101)));
        assert!(ended(&mut refresh).is_err());
    }

    #[test]
    fn an_answer_without_cookies_or_of_another_account_is_none() {
        let mut refresh = exchanging(old_login());
        refresh.handle_response(Ok(answer(&json!({"refresh_token": NEW_TOKEN}))));
        let names = vec!["SESSDATA", "bili_jct", "DedeUserID"];
        assert_eq!(
            ended(&mut refresh).unwrap_err(),
            LoginError::MissingCookies { names }
        );

        let mut refresh = exchanging(old_login());
        let mut cookies = new_cookies();
        cookies.push(("DedeUserID", "10002"));
        refresh.handle_response(Ok(with_cookies(answer(&json!({})), &cookies)));
        let (expected, actual) = (Uid(10001), Uid(10002));
        assert_eq!(
            ended(&mut refresh).unwrap_err(),
            LoginError::OtherAccount { expected, actual }
        );
    }

    #[test]
    fn without_a_refresh_token_it_says_so() {
        let login = Login::with_refresh_token(old_login().credential().clone(), "").unwrap();
        let mut refresh = Refresh::new(LoginConfig::new(), login, SEED).force(true);
        sent(&mut refresh);
        refresh.handle_response(Ok(info(true)));
        assert_eq!(ended(&mut refresh).unwrap_err(), LoginError::NoRefreshToken);
    }

    #[test]
    fn what_holds_a_login_shows_none() {
        let mut refresh = exchanging(old_login());
        let mut shown = format!("{refresh:?}");
        refresh.handle_response(Ok(exchanged()));
        let output = refresh.poll_output();
        shown += &format!("{refresh:?} {output:?}");
        refresh.handle_stored();
        let output = refresh.poll_output();
        shown += &format!("{refresh:?} {output:?} {:#?}", old_login());
        for secret in [
            SESSDATA,
            NEW_SESSDATA,
            BILI_JCT,
            NEW_JCT,
            OLD_TOKEN,
            NEW_TOKEN,
            "b0cc8411",
        ] {
            assert!(!shown.contains(&secret[..8]), "{shown}");
        }
    }
}

mod logout {
    use super::*;

    #[track_caller]
    fn sent(logout: &mut Logout) -> Request<Vec<u8>> {
        match logout.poll_output() {
            Output::Send(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn hears(answer: Result<Response<Vec<u8>>, TransportError>) -> Logout {
        let mut logout = Logout::new(&LoginConfig::new(), &old_login());
        let request = sent(&mut logout);
        let url = format!("{PASSPORT}/login/exit/v2");
        let form = [("biliCSRF", BILI_JCT)];
        assert_request(&request, &url, &[], &form, &old_cookies());
        assert_eq!(request.method(), Method::POST);
        logout.handle_response(answer);
        logout
    }

    #[track_caller]
    fn ended(mut logout: Logout) -> Result<(), bilibili_session::Error> {
        match logout.poll_output() {
            Output::Done(result) => result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_answer() {
        assert!(ended(hears(Ok(code(0)))).is_ok());
        assert!(ended(hears(Ok(code(-101)))).is_ok(), "it has ended");
        assert_eq!(ended(hears(Ok(code(2202)))).unwrap_err().code(), Some(2202));
        for failure in [
            Ok(html(502, "oh")),
            Ok(html(412, "oh")),
            Ok(code(-500)),
            Err(TransportError::timeout()),
        ] {
            assert!(ended(hears(failure)).is_err());
        }
    }

    #[test]
    fn a_page_for_people_may_mean_that_it_is_dead() {
        for page in [html(200, "<html>"), html(302, "")] {
            for (second, is_over) in [
                (code(-101), true),
                (answer(&json!({"refresh": false, "timestamp": 1})), false),
                (html(200, "<html>"), false),
                (html(502, ""), false),
            ] {
                let mut logout = hears(Ok(page.clone()));
                let request = sent(&mut logout);
                assert!(request.uri().path().ends_with("/cookie/info"));
                logout.handle_response(Ok(second));
                assert_eq!(ended(logout).is_ok(), is_over);
            }
        }
    }
}

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
