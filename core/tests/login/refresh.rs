//! Renewals of a login.

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

/// Goes on with the fourth step, and with nothing else, from what was stored after the third.
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
