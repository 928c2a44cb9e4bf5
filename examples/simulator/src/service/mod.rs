//! The service's paths: who may ask, and which function answers.

mod feed;
mod lists;
mod marks;
pub(crate) mod messages;
mod nav;
mod notices;
pub(crate) mod push;
mod send;
mod unread;
mod upload;

use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::ListSignature;
use crate::model::world::World;
use crate::wbi::Signature;
use crate::wire::envelope::{self, Refusal};
use crate::wire::incoming::Incoming;
use crate::wire::shape;

/// Data, or why there is none.
pub(crate) type Outcome = Result<Value, Refusal>;

/// Request of a known account, as functions that answer get it.
pub(crate) struct RequestKind<'a> {
    pub(crate) now_us: i64,
    /// The account that asks.
    pub(crate) uid: i64,
    pub(crate) request: &'a Incoming<'a>,
}

type Handler = fn(&mut World, &RequestKind<'_>) -> Outcome;

/// Path of the service.
struct Route {
    method: Method,
    path: &'static str,
    signing: Signing,
    handler: Handler,
}

/// Treatment of signatures on a path.
#[derive(Clone, Copy)]
enum Signing {
    /// Disregards signatures.
    Disregarded,
    /// Refuses a wrong signature; whether there must be one is a quirk.
    Lists,
    /// Refuses a request without the right signature.
    Needed,
}

const fn get(path: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::GET,
        path,
        signing: Signing::Disregarded,
        handler,
    }
}

const fn post(path: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::POST,
        path,
        signing: Signing::Disregarded,
        handler,
    }
}

const fn list(path: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::GET,
        path,
        signing: Signing::Lists,
        handler,
    }
}

const fn signed(method: Method, path: &'static str, handler: Handler) -> Route {
    Route {
        method,
        path,
        signing: Signing::Needed,
        handler,
    }
}

static ROUTES: [Route; 21] = [
    get("/x/space/myinfo", nav::myinfo),
    list(
        "/session_svr/v1/session_svr/get_sessions",
        lists::get_sessions,
    ),
    list(
        "/session_svr/v1/session_svr/new_sessions",
        lists::new_sessions,
    ),
    get(
        "/session_svr/v1/session_svr/session_detail",
        lists::session_detail,
    ),
    signed(
        Method::GET,
        "/svr_sync/v1/svr_sync/fetch_session_msgs",
        messages::fetch_session_msgs,
    ),
    signed(Method::POST, "/web_im/v1/web_im/send_msg", send::send_msg),
    get(
        "/session_svr/v1/session_svr/single_unread",
        unread::single_unread,
    ),
    get(
        "/session_svr/v1/session_svr/my_group_unread",
        unread::my_group_unread,
    ),
    post("/session_svr/v1/session_svr/update_ack", marks::update_ack),
    post(
        "/session_svr/v1/session_svr/remove_session",
        marks::remove_session,
    ),
    post("/session_svr/v1/session_svr/set_top", marks::set_top),
    post(
        "/link_setting/v1/link_setting/set_msg_dnd",
        marks::set_msg_dnd,
    ),
    get("/link_setting/v1/link_setting/get", unread::settings),
    get("/x/msgfeed/unread", unread::feed_unread),
    get("/x/msgfeed/reply", feed::replies),
    get("/x/msgfeed/at", feed::at),
    get("/x/msgfeed/like", feed::likes),
    get("/x/sys-msg/query_user_notify", notices::query_user_notify),
    get(
        "/x/sys-msg/query_unified_notify",
        notices::query_unified_notify,
    ),
    get("/x/sys-msg/query_notify_list", notices::query_notify_list),
    post(upload::PATH, upload::upload_bfs),
];

/// Answers a request; also returns whether it succeeded.
pub(crate) fn answer(
    world: &mut World,
    now_us: i64,
    request: &Incoming<'_>,
) -> (Response<Vec<u8>>, bool) {
    if let Some(name) = request.path.strip_prefix("/bfs/") {
        return (picture(world, now_us, name), true);
    }
    if request.path == push::PATH {
        return push::handshake(world, now_us, request);
    }
    match outcome(world, now_us, request) {
        Ok(mut data) => {
            shape::apply(&world.quirks, &mut data);
            (envelope::success(now_us, data), true)
        }
        Err(refusal) => (envelope::refusal(now_us, &refusal), false),
    }
}

fn outcome(world: &mut World, now_us: i64, request: &Incoming<'_>) -> Outcome {
    let uid = who(world, request);
    if request.path == nav::PATH {
        return nav::nav(world, uid);
    }
    let mut on_path = ROUTES
        .iter()
        .filter(|route| route.path == request.path)
        .peekable();
    if on_path.peek().is_none() {
        return Err(Refusal::http(StatusCode::NOT_FOUND, -404));
    }
    let route = on_path
        .find(|route| route.method == request.method)
        .ok_or(Refusal::http(StatusCode::METHOD_NOT_ALLOWED, -405))?;
    let uid = uid.ok_or(Refusal::NOT_LOGGED_IN)?;
    check_signature(world, route.signing, request)?;
    // The upload is no form: it looks for its token itself.
    if route.method == Method::POST && route.path != upload::PATH {
        let token = &world.account(uid)?.login.bili_jct;
        if ["csrf", "csrf_token"]
            .iter()
            .any(|name| request.text(name) != Some(token))
        {
            return Err(Refusal::WRONG_CSRF);
        }
    }
    (route.handler)(
        world,
        &RequestKind {
            now_us,
            uid,
            request,
        },
    )
}

fn check_signature(world: &World, signing: Signing, request: &Incoming<'_>) -> Result<(), Refusal> {
    let quirks = &world.quirks;
    let signature = match world.keys.judge(&request.query) {
        Signature::Right if quirks.refuses_signatures => Signature::Wrong,
        signature => signature,
    };
    let refusal = match (signing, signature) {
        (Signing::Disregarded, _) | (_, Signature::Right) => return Ok(()),
        (Signing::Lists, Signature::Missing) => match quirks.list_signature {
            ListSignature::NotWanted => return Ok(()),
            ListSignature::Code403 => Refusal::UNSIGNED,
            ListSignature::Code352 => Refusal::new(-352),
        },
        (Signing::Lists, Signature::Wrong) | (Signing::Needed, _) => Refusal::UNSIGNED,
    };
    Err(refusal)
}

/// Returns the account of the login cookie. The cookie must be percent-encoded: raw, its comma would end it.
fn who(world: &World, request: &Incoming<'_>) -> Option<i64> {
    let sent = request
        .cookie("SESSDATA")
        .filter(|sent| !sent.is_empty() && !sent.contains([',', '*', ' ']))?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let sent = plain(sent);
    let account = world
        .accounts
        .values()
        .find(|account| account.logged_in && plain(&account.login.sessdata) == sent)?;
    Some(account.login.uid)
}

fn picture(world: &World, now_us: i64, name: &str) -> Response<Vec<u8>> {
    match world.pictures.get(name) {
        Some(picture) => envelope::bytes(
            now_us,
            StatusCode::OK,
            picture.content_type,
            picture.bytes.clone(),
        ),
        None => envelope::html(now_us, StatusCode::NOT_FOUND),
    }
}
