//! The service's paths: who may ask, and which function answers.

mod feed;
mod feed_actions;
mod lists;
mod marks;
pub(crate) mod messages;
mod nav;
mod notices;
mod passport;
pub(crate) mod push;
mod send;
mod settings;
mod unread;
mod upload;
mod users;

use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::ListSignature;
use crate::model::passport::WebLogin;
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
    /// CSRF token of the login that asks.
    pub(crate) bili_jct: &'a str,
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

static ROUTES: [Route; 30] = [
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
    get("/link_setting/v1/link_setting/get", settings::get),
    post("/link_setting/v1/link_setting/set", settings::set),
    get(
        "/x/im/link_setting/get_block_words",
        settings::get_block_words,
    ),
    post(
        "/x/im/link_setting/add_block_word",
        settings::add_block_word,
    ),
    post(
        "/x/im/link_setting/del_block_word",
        settings::del_block_word,
    ),
    get("/x/im/user_infos", users::user_infos),
    get("/x/msgfeed/unread", unread::feed_unread),
    get("/x/msgfeed/reply", feed::replies),
    get("/x/msgfeed/at", feed::at),
    get("/x/msgfeed/like", feed::likes),
    get("/x/msgfeed/like_detail", feed_actions::like_detail),
    post("/x/msgfeed/del", feed_actions::delete),
    post("/x/msgfeed/notice", feed_actions::mute),
    get("/x/sys-msg/query_user_notify", notices::query_user_notify),
    get(
        "/x/sys-msg/query_unified_notify",
        notices::query_unified_notify,
    ),
    get("/x/sys-msg/query_notify_list", notices::query_notify_list),
    get("/x/sys-msg/update_cursor", feed_actions::update_cursor),
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
    if passport::answers(request.path) {
        return passport::answer(world, now_us, request);
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
    let who = who(world, request);
    if request.path == nav::PATH {
        return nav::nav(world, who.map(|(uid, _)| uid));
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
    let (uid, login) = who.ok_or(Refusal::NOT_LOGGED_IN)?;
    let bili_jct = &login.bili_jct.clone();
    check_signature(world, route.signing, request)?;
    // The upload is no form: it looks for its token itself.
    let names = ["csrf", "csrf_token"];
    let is_right = |name| request.text(name) == Some(bili_jct);
    if route.method == Method::POST
        && route.path != upload::PATH
        && !names.into_iter().all(is_right)
    {
        return Err(Refusal::WRONG_CSRF);
    }
    (route.handler)(
        world,
        &RequestKind {
            now_us,
            uid,
            bili_jct,
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

/// Returns the account of the login cookie, and which of its logins that is. The cookie must be percent-encoded: raw, its
/// comma would end it.
fn who<'a>(world: &'a World, request: &Incoming<'_>) -> Option<(i64, &'a WebLogin)> {
    let sent = request
        .cookie("SESSDATA")
        .filter(|sent| !sent.is_empty() && !sent.contains([',', '*', ' ']))?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let sent = plain(sent);
    let accounts = world.accounts.values().filter(|it| it.logged_in);
    accounts
        .flat_map(|account| {
            let logins = account.web_logins.iter();
            logins.map(|login| (account.login.uid, login))
        })
        .find(|(_, login)| login.is_good && plain(&login.sessdata) == sent)
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
