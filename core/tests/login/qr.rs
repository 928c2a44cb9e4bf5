//! Logins by QR code.

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
    answer(&json!({"url": "", "refresh_token": "", "timestamp": 0, "code": code, "message": ""}))
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
