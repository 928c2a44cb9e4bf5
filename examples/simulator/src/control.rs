//! The control paths: the other side, played from any language.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::simulator::ControlError;
use crate::wire::envelope;
use crate::wire::incoming::Incoming;
use crate::{
    Arrived, ConversationId, Fault, FeedKind, Login, NewMessage, NewNotification, NoticeSource,
    Push, PushNotice, Quirks, Simulator, Standing,
};

/// Beginning of all control paths.
pub(crate) const PREFIX: &str = "/_simulator/";

/// The most messages that one request makes.
const MOST: u64 = 200_000;

type Done = Result<Value, ControlError>;

pub(crate) fn answer(
    simulator: &mut Simulator,
    now_us: i64,
    action: &str,
    request: &Incoming<'_>,
) -> Response<Vec<u8>> {
    let method = if matches!(action, "state" | "login") {
        Method::GET
    } else {
        Method::POST
    };
    let known = [
        "state",
        "login",
        "message",
        "withdraw",
        "take_down",
        "fault",
        "clear_faults",
        "rotate_keys",
        "logout",
        "relogin",
        "scan",
        "age_logins",
        "account",
        "peer",
        "group",
        "restart",
        "push",
        "quirks",
        "feed",
        "vanish",
        "look",
    ];
    let (status, body) = if !known.contains(&action) {
        (
            StatusCode::NOT_FOUND,
            json!({"error": format!("no control request `{action}`; there are: {}", known.join(", "))}),
        )
    } else if request.method != method {
        (
            StatusCode::METHOD_NOT_ALLOWED,
            json!({"error": format!("`{action}` wants {method}")}),
        )
    } else {
        match body(request.body).and_then(|body| act(simulator, now_us, action, &body)) {
            Ok(body) => (StatusCode::OK, body),
            Err(ControlError(reason)) => (StatusCode::BAD_REQUEST, json!({"error": reason})),
        }
    };
    envelope::json(now_us, status, &body)
}

/// Reads a JSON object; nothing is an empty one.
fn body(bytes: &[u8]) -> Done {
    if bytes.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("the body is no JSON: {error}"))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err("the body is no JSON object".to_owned().into())
    }
}

fn act(simulator: &mut Simulator, now_us: i64, action: &str, body: &Value) -> Done {
    match action {
        "state" => return Ok(simulator.state()),
        "login" => return Ok(login(&simulator.login())),
        "message" => return receive(simulator, now_us, body),
        "withdraw" => return Ok(arrived(simulator.withdraw(now_us, key(body)?)?)),
        "take_down" => simulator.take_down(key(body)?)?,
        "fault" => simulator.push_fault(Fault::from_json(body)?),
        "clear_faults" => simulator.clear_faults(),
        "rotate_keys" => simulator.rotate_keys(),
        "logout" => simulator.log_out(account(simulator, body)?)?,
        "relogin" => simulator.log_in(account(simulator, body)?)?,
        "scan" => scan(simulator, now_us, body)?,
        "age_logins" => simulator.age_logins(),
        "account" => {
            let new = Login::made_up(integer(body, "uid")?.ok_or("`uid` is missing".to_owned())?);
            let said = login(&new);
            simulator.add_account(new)?;
            return Ok(said);
        }
        "peer" => peer(simulator, body)?,
        "group" => group(simulator, body)?,
        "restart" => restart(simulator, body)?,
        "feed" => return notify(simulator, now_us, body),
        "vanish" => {
            let kind = kind(body)?.ok_or("`kind` is missing".to_owned())?;
            let id = integer(body, "id")?.ok_or("`id` is missing".to_owned())?;
            simulator.vanish(account(simulator, body)?, kind, id)?;
        }
        "look" => simulator.look(account(simulator, body)?, now_us, kind(body)?)?,
        "push" => push(simulator, body)?,
        "quirks" => *simulator.quirks_mut() = Quirks::from_json(body)?,
        _ => return Err("not known".to_owned().into()),
    }
    Ok(json!({}))
}

fn login(login: &Login) -> Value {
    json!({"uid": login.uid, "name": login.name, "sessdata": login.sessdata, "bili_jct": login.bili_jct})
}

fn arrived(arrived: Arrived) -> Value {
    json!({"msg_seqno": arrived.msg_seqno, "msg_key": arrived.msg_key.to_string()})
}

/// Receives `count` messages; answers the last one's place.
fn receive(simulator: &mut Simulator, now_us: i64, body: &Value) -> Done {
    let new = NewMessage::from_json(body)?;
    let uid = account(simulator, body)?;
    let count = count(body)?;
    let text = body
        .pointer("/content/content")
        .and_then(Value::as_str)
        .filter(|_| count > 1);
    let mut last = None;
    for n in 1..=count {
        let mut one = new.clone();
        if let (Some(text), Some(mut content)) = (text, body.get("content").cloned()) {
            if let Some(fields) = content.as_object_mut() {
                fields.insert("content".to_owned(), Value::from(format!("{text} {n}")));
            }
            one.content = content.to_string();
        }
        last = Some(simulator.receive_for(uid, now_us, one)?);
    }
    last.map(arrived)
        .ok_or_else(|| "nothing arrived".to_owned().into())
}

/// Lets `count` things happen that are notified of; answers the last one's place.
fn notify(simulator: &mut Simulator, now_us: i64, body: &Value) -> Done {
    let new = NewNotification::from_json(body)?;
    let uid = account(simulator, body)?;
    let count = count(body)?;
    let mut last = None;
    for n in 1..=count {
        let mut one = new.clone();
        if let Some(text) = one.text.as_mut().filter(|_| count > 1) {
            *text = format!("{text} {n}");
        }
        last = Some(simulator.notify_for(uid, now_us, one)?);
    }
    // A string, as bots print it: the cursor of a notice is beyond what JavaScript holds.
    last.map(|last| json!({"id": last.id.to_string(), "time": last.time}))
        .ok_or_else(|| "nothing happened".to_owned().into())
}

/// Reads how often something happens: once, unless `count` says otherwise.
fn count(body: &Value) -> Result<u64, String> {
    let count = integer(body, "count")?.unwrap_or(1);
    let count = u64::try_from(count)
        .ok()
        .filter(|count| (1..=MOST).contains(count));
    count.ok_or(format!("`count` is 1 to {MOST}"))
}

fn kind(body: &Value) -> Result<Option<FeedKind>, String> {
    let name = body.get("kind").filter(|kind| !kind.is_null());
    let kind = name.map(|kind| FeedKind::parse(kind.as_str().unwrap_or_default()));
    kind.transpose()
}

fn scan(simulator: &mut Simulator, now_us: i64, body: &Value) -> Result<(), ControlError> {
    let key = body.get("qrcode_key").filter(|key| !key.is_null());
    let key = key.map(|key| key.as_str().ok_or("`qrcode_key` is a text".to_owned()));
    let key = key.transpose()?;
    if flag(body, "expire").unwrap_or(false) {
        return simulator.expire_qr_code(key);
    }
    let uid = account(simulator, body)?;
    let confirms = flag(body, "confirm").unwrap_or(false);
    simulator.scan_qr_code(now_us, key, uid, confirms)
}

fn peer(simulator: &mut Simulator, body: &Value) -> Result<(), ControlError> {
    let uid = integer(body, "uid")?
        .filter(|&uid| uid > 0)
        .ok_or("`uid` is missing".to_owned())?;
    let refuses = integer(body, "refuses")?;
    let system = integer(body, "system_msg_type")?;
    let peer = simulator.peer_mut(uid);
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        name.clone_into(&mut peer.name);
    }
    peer.is_follow = flag(body, "is_follow").unwrap_or(peer.is_follow);
    peer.is_intercept = flag(body, "is_intercept").unwrap_or(peer.is_intercept);
    peer.system_msg_type = system.unwrap_or(peer.system_msg_type);
    if body.get("refuses").is_some() {
        peer.refuses = refuses.filter(|&code| code != 0);
    }
    Ok(())
}

fn group(simulator: &mut Simulator, body: &Value) -> Result<(), ControlError> {
    let id = integer(body, "group")?
        .filter(|&id| id > 0)
        .ok_or("`group` is missing".to_owned())?;
    let standing = body.get("standing").map(|standing| {
        serde_json::from_value::<Standing>(standing.clone())
            .map_err(|_| "`standing` is member, dissolved or left".to_owned())
    });
    let standing = standing.transpose()?;
    let group = simulator.group_mut(id);
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        name.clone_into(&mut group.name);
    }
    group.standing = standing.unwrap_or(group.standing);
    Ok(())
}

fn restart(simulator: &mut Simulator, body: &Value) -> Result<(), ControlError> {
    let number = |name: &str| integer(body, name)?.ok_or(format!("`{name}` is missing"));
    let id = ConversationId {
        session_type: number("session_type")?,
        talker_id: number("talker_id")?,
    };
    let before = integer(body, "before")?.unwrap_or(0);
    let before = u64::try_from(before).map_err(|_| "`before` is a count from 0".to_owned())?;
    simulator.restart(id, before)
}

/// The most pushes of one request.
const MOST_PUSHES: i64 = 1000;

fn push(simulator: &mut Simulator, body: &Value) -> Result<(), ControlError> {
    let uid = account(simulator, body)?;
    let count = integer(body, "count")?.unwrap_or(1);
    if !(1..=MOST_PUSHES).contains(&count) {
        return Err(format!("`count` is 1 to {MOST_PUSHES}").into());
    }
    let habits = simulator.push_habits_mut();
    if let Some(times) = integer(body, "times")? {
        let times = u32::try_from(times).ok().filter(|times| *times <= 100);
        habits.times = times.ok_or("`times` is 0 to 100".to_owned())?;
    }
    habits.is_silent = flag(body, "silent").unwrap_or(habits.is_silent);
    habits.auth_code = integer(body, "auth_code")?.unwrap_or(habits.auth_code);
    let notice = integer(body, "notify")?.map(|it| Push::Notice(PushNotice::new(it)));
    let asked = |name: &str| flag(body, name) == Some(true);
    let garbage = asked("garbage").then(|| Push::Garbage(b"\x08no frame\xff\xff".to_vec()));
    let kick = asked("kick").then_some(Push::Kick);
    for push in [notice, garbage, kick].into_iter().flatten() {
        for _ in 0..count {
            simulator.push(uid, push.clone());
        }
    }
    if asked("drop") {
        simulator.drop_pushes();
    }
    Ok(())
}

/// Returns the account that a control request means: the first unless `account` names another.
fn account(simulator: &Simulator, body: &Value) -> Result<i64, ControlError> {
    Ok(integer(body, "account")?.unwrap_or(simulator.login().uid))
}

/// Reads a message key: a string, or a number if the language can hold it.
fn key(body: &Value) -> Result<i64, ControlError> {
    integer(body, "msg_key")?.ok_or_else(|| "`msg_key` is missing".to_owned().into())
}

fn flag(body: &Value, name: &str) -> Option<bool> {
    let value = body.get(name)?;
    value
        .as_bool()
        .or_else(|| value.as_i64().map(|number| number != 0))
}

/// Reads an integer, or one in a string.
pub(crate) fn integer(body: &Value, name: &str) -> Result<Option<i64>, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value
                .as_i64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            number
                .map(Some)
                .ok_or_else(|| format!("`{name}` is no integer"))
        }
    }
}

impl NewMessage {
    /// Reads a message as control requests and scripts write it: `{"from":20001,"msg_type":1,"content":{…}}`, and where
    /// wanted `to`, `group`, `session_type`, `timestamp` (s), `session_ts` (µs), `msg_source`, `at_uids`, `taken_down`, `raw`.
    ///
    /// # Errors
    /// Says what is missing or of the wrong kind.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let from = integer(value, "from")?.ok_or("`from` is missing: who sends it")?;
        let msg_type = integer(value, "msg_type")?.unwrap_or(1);
        let content = value
            .get("content")
            .ok_or("`content` is missing: an object, or the string as it is on the wire")?;
        let mut new = Self::new(from, msg_type, content);
        new.to = integer(value, "to")?;
        new.group = integer(value, "group")?;
        new.session_type = integer(value, "session_type")?;
        new.timestamp = integer(value, "timestamp")?;
        new.session_ts = integer(value, "session_ts")?;
        new.msg_source = integer(value, "msg_source")?.unwrap_or(new.msg_source);
        new.taken_down = flag(value, "taken_down").unwrap_or(false);
        if let Some(uids) = value.get("at_uids").filter(|uids| !uids.is_null()) {
            new.at_uids = serde_json::from_value(uids.clone())
                .map_err(|_| "`at_uids` is no array of integers")?;
        }
        if let Some(raw) = value.get("raw").filter(|raw| !raw.is_null()) {
            new.raw = raw.as_object().ok_or("`raw` is no object")?.clone();
        }
        Ok(new)
    }
}

impl NewNotification {
    /// Reads a notification as control requests write it: `{"kind":"reply|at|like|system"}`, and where wanted `user`,
    /// `text`, `item`, `timestamp` (s), `late_s`, `source`, `raw`.
    ///
    /// # Errors
    /// Says what is missing or of the wrong kind.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let mut new =
            Self::new(kind(value)?.ok_or("`kind` is missing: reply, at, like or system")?);
        new.user = integer(value, "user")?;
        new.item = integer(value, "item")?;
        new.timestamp = integer(value, "timestamp")?;
        new.late_s = integer(value, "late_s")?;
        let given = |name: &str| value.get(name).filter(|given| !given.is_null());
        if let Some(text) = given("text") {
            new.text = Some(text.as_str().ok_or("`text` is no string")?.to_owned());
        }
        if let Some(source) = given("source") {
            let source = serde_json::from_value::<NoticeSource>(source.clone());
            new.source = Some(source.map_err(|_| "`source` is user, unified or both")?);
        }
        if let Some(raw) = given("raw") {
            new.raw = raw.as_object().ok_or("`raw` is no object")?.clone();
        }
        Ok(new)
    }
}
