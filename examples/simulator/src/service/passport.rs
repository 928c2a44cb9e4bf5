//! Logins: QR codes, renewals, ends.
//!
//! What the service checks of the encrypted path of a renewal is not checked here: the private key is the service's own. A
//! path of the right form counts.

use http::header::SET_COOKIE;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{Outcome, who};
use crate::LoginCookies;
use crate::model::passport::{Scan, WebLogin};
use crate::model::world::World;
use crate::wire::envelope::{self, Refusal, words};
use crate::wire::incoming::Incoming;
use crate::wire::shape;

const GENERATE: &str = "/x/passport-login/web/qrcode/generate";
const POLL: &str = "/x/passport-login/web/qrcode/poll";
const INFO: &str = "/x/passport-login/web/cookie/info";
const REFRESH: &str = "/x/passport-login/web/cookie/refresh";
const CONFIRM: &str = "/x/passport-login/web/confirm/refresh";
const LOGOUT: &str = "/login/exit/v2";
const CORRESPOND: &str = "/correspond/1/";

const REFUSED_TOKEN: Refusal = Refusal::new(86095);

/// Returns whether a path is one of those.
pub(super) fn answers(path: &str) -> bool {
    [GENERATE, POLL, INFO, REFRESH, CONFIRM, LOGOUT].contains(&path) || path.starts_with(CORRESPOND)
}

/// Answers a request; also returns whether it succeeded.
pub(super) fn answer(
    world: &mut World,
    now_us: i64,
    request: &Incoming<'_>,
) -> (Response<Vec<u8>>, bool) {
    let method = match request.path {
        REFRESH | CONFIRM | LOGOUT => Method::POST,
        _ => Method::GET,
    };
    if *request.method != method {
        let refusal = Refusal::http(StatusCode::METHOD_NOT_ALLOWED, -405);
        return (envelope::refusal(now_us, &refusal), false);
    }
    if let Some(encrypted) = request.path.strip_prefix(CORRESPOND) {
        return (correspond(world, now_us, request, encrypted), true);
    }
    if request.path == LOGOUT && who(world, request).is_none() {
        // A login that is dead leads to the login page.
        let page = envelope::page(now_us, StatusCode::OK, "请先登录");
        return (page, false);
    }
    let mut cookies = None;
    let outcome = match request.path {
        GENERATE => Ok(generate(world, now_us)),
        POLL => Ok(poll(world, now_us, request, &mut cookies)),
        INFO => info(world, now_us, request),
        REFRESH => refresh(world, now_us, request, &mut cookies),
        CONFIRM => confirm(world, request),
        _ => logout(world, request),
    };
    match outcome {
        Ok(mut data) => {
            shape::apply(&world.quirks, &mut data);
            let mut response = envelope::success(now_us, data);
            if let Some((uid, login)) = &cookies {
                set_cookies(&mut response, *uid, login);
            }
            (response, true)
        }
        Err(refusal) => (envelope::refusal(now_us, &refusal), false),
    }
}

fn generate(world: &mut World, now_us: i64) -> Value {
    let uid = world.first_uid;
    let key = world.passport.new_code(now_us, uid);
    let url =
        format!("https://account.bilibili.com/h5/account-h5/auth/scan-web?qrcode_key={key}&from=");
    json!({"url": url, "qrcode_key": key})
}

/// A login that is given out, and whose it is.
type GivenOut = Option<(i64, WebLogin)>;

fn poll(world: &mut World, now_us: i64, request: &Incoming<'_>, cookies: &mut GivenOut) -> Value {
    let key = request.text("qrcode_key").unwrap_or_default();
    let code = world.passport.code_mut(Some(key));
    let scan = code.as_ref().map_or(Scan::Gone, |it| it.scan_at(now_us));
    let state = |code: i64| json!({"url": "", "refresh_token": "", "timestamp": 0, "code": code, "message": words(code)});
    let Some(code) = code else {
        return state(86038);
    };
    match scan {
        Scan::None => return state(86101),
        Scan::Scanned => return state(86090),
        Scan::Gone => return state(86038),
        Scan::Confirmed => {}
    }
    code.scan = Scan::Gone;
    let uid = code.uid;
    let login = world.passport.new_login(uid);
    if let Ok(account) = world.account_mut(uid) {
        account.web_logins.push(login.clone());
    }
    let url = match world.quirks.login_cookies {
        LoginCookies::InQuery => format!(
            "https://passport.biligame.com/x/passport-login/web/crossDomain?DedeUserID={uid}&DedeUserID__ckMd5={}&Expires=1999999999&SESSDATA={}&bili_jct={}&gourl=https%3A%2F%2Fwww.bilibili.com&first_domain=.bilibili.com",
            check_of(uid),
            login.sessdata,
            login.bili_jct,
        ),
        _ => "https://passport.biligame.com/x/passport-login/web/crossDomain?ticket=made-up"
            .to_owned(),
    };
    let refresh_token = login.refresh_token.clone();
    if world.quirks.login_cookies == LoginCookies::InHeaders {
        *cookies = Some((uid, login));
    }
    json!({
        "url": url, "refresh_token": refresh_token, "timestamp": now_us.div_euclid(1000), "code": 0, "message": "",
    })
}

fn info(world: &World, now_us: i64, request: &Incoming<'_>) -> Outcome {
    let (_, login) = who(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    Ok(json!({"refresh": login.is_old, "timestamp": now_us.div_euclid(1000)}))
}

/// Answers the page of a renewal.
fn correspond(
    world: &mut World,
    now_us: i64,
    request: &Incoming<'_>,
    encrypted: &str,
) -> Response<Vec<u8>> {
    let is_hex = encrypted
        .bytes()
        .all(|it| b"0123456789abcdef".contains(&it));
    let login = login_mut(world, request).filter(|_| encrypted.len() == 256 && is_hex);
    match login {
        Some(login) => {
            let token = login.open_page(now_us);
            let body = format!("<div id=\"1-name\">{token}</div>");
            envelope::page(now_us, StatusCode::OK, &body)
        }
        None => envelope::page(now_us, StatusCode::NOT_FOUND, "404"),
    }
}

fn refresh(
    world: &mut World,
    now_us: i64,
    request: &Incoming<'_>,
    cookies: &mut GivenOut,
) -> Outcome {
    let once = world.quirks.refresh_token_once;
    let (uid, _) = who(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    let login = login_mut(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    if request.text("csrf") != Some(&login.bili_jct) {
        return Err(Refusal::WRONG_CSRF);
    }
    let token = request.text("refresh_csrf").unwrap_or_default();
    if !login.is_page_token(token, now_us) || request.text("source") != Some("main_web") {
        return Err(Refusal::WRONG_CSRF);
    }
    let is_spent = once && login.is_exchanged;
    if request.text("refresh_token") != Some(&login.refresh_token) || is_spent {
        return Err(REFUSED_TOKEN);
    }
    login.is_exchanged = true;
    let replaces = Some(login.refresh_token.clone());
    let mut new = world.passport.new_login(uid);
    new.replaces = replaces;
    world.account_mut(uid)?.web_logins.push(new.clone());
    let data = json!({"status": 0, "message": "", "refresh_token": new.refresh_token});
    *cookies = Some((uid, new));
    Ok(data)
}

/// Ends the login that this one replaces.
fn confirm(world: &mut World, request: &Incoming<'_>) -> Outcome {
    let once = world.quirks.confirms_once;
    let (uid, _) = who(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    let login = login_mut(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    if request.text("csrf") != Some(&login.bili_jct) {
        return Err(Refusal::WRONG_CSRF);
    }
    let old = request.text("refresh_token").unwrap_or_default();
    if login.replaces.as_deref() != Some(old) {
        return Err(REFUSED_TOKEN);
    }
    if once {
        login.replaces = None;
    }
    let logins = &mut world.account_mut(uid)?.web_logins;
    for login in logins.iter_mut().filter(|it| it.refresh_token == old) {
        login.is_good = false;
    }
    Ok(Value::Null)
}

fn logout(world: &mut World, request: &Incoming<'_>) -> Outcome {
    let login = login_mut(world, request).ok_or(Refusal::NOT_LOGGED_IN)?;
    if request.text("biliCSRF") != Some(&login.bili_jct) {
        return Err(Refusal::new(2202));
    }
    login.is_good = false;
    Ok(json!({"redirectUrl": "https://passport.bilibili.com/login"}))
}

fn login_mut<'a>(world: &'a mut World, request: &Incoming<'_>) -> Option<&'a mut WebLogin> {
    let (uid, login) = who(world, request)?;
    let sessdata = login.sessdata.clone();
    let logins = &mut world.account_mut(uid).ok()?.web_logins;
    logins
        .iter_mut()
        .find(|it| it.is_good && it.sessdata == sessdata)
}

/// Puts the cookies of a login on an answer.
fn set_cookies(response: &mut Response<Vec<u8>>, uid: i64, login: &WebLogin) {
    const END: &str = "Path=/; Domain=bilibili.com; Expires=Tue, 17 May 2033 20:00:00 GMT";
    for cookie in [
        format!("SESSDATA={}; {END}; HttpOnly; Secure", login.sessdata),
        format!("bili_jct={}; {END}", login.bili_jct),
        format!("DedeUserID={uid}; {END}"),
        format!("DedeUserID__ckMd5={}; {END}", check_of(uid)),
        format!("sid=made{}; {END}", uid % 10_000),
    ] {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
}

fn check_of(uid: i64) -> String {
    format!("{uid:016x}")
}
