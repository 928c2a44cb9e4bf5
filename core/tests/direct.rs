//! Reading directly from the bytes gives the same as reading by way of a value: whatever stands
//! in whichever place, twice, or beside what is known; and where bytes are lost or changed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

mod workload;

use std::fmt::Debug;

use bilibili_session::endpoints::{FetchSessionMsgs, GetSessions, Nav, NewSessions};
use bilibili_session::{Content, Endpoint, Error, EventType, GroupId, Message, Uid, UnixMicros};
use http::Response;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Values in the place of others, as JSON.
fn oddities() -> Vec<String> {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let mut odd: Vec<String> = [
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "-0",
        "7.0",
        "7.5",
        "-0.0",
        "1e300",
        "1e400",
        "-1E+999",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1.7976931348623158079e308",
        r#""""#,
        r#"" ""#,
        r#""7""#,
        r#"" 7 ""#,
        r#""-7.5""#,
        r#""x""#,
        r#""true""#,
        r#""\ud800""#,
        r#""\ud83d\ude00""#,
        r#""\u0000\"\\\n""#,
        "[]",
        "{}",
        "[0]",
        "[null]",
        "[[1],{}]",
        r#"["7",null,"x",[1],{"a":1},1.5,1e400,"\ud800"]"#,
        r#"{"a":1,"a":2}"#,
        r#"{"":[{"b":null}]}"#,
        r#"{"a\ud800":1}"#,
        r#""{}""#,
        r#""[]""#,
        r#""[1]""#,
        r#""null""#,
        r#""{\"content\":\"\\ud800\"}""#,
    ]
    .map(str::to_owned)
    .to_vec();
    odd.extend([nested(100), nested(127), nested(128), nested(5000)]);
    odd
}

/// Names and places, from the outside in.
type Path = Vec<String>;

fn paths(value: &Value, at: &[String], into: &mut Vec<Path>) {
    let steps: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(nth, value)| (nth.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, inner) in steps {
        let path = [at, &[step]].concat();
        paths(inner, &path, into);
        into.push(path);
    }
}

fn all_paths(value: &Value) -> Vec<Path> {
    let mut all = vec![Vec::new()];
    paths(value, &[], &mut all);
    all
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// In the place of what was there.
    Instead,
    /// Once more under the same name.
    Again,
    /// Under a name that is not known.
    Beside,
}

/// The sample as JSON, with something odd at a path.
fn with(sample: &Value, path: &Path, how: How, odd: &str) -> String {
    const MARK: &str = "\u{1}here";
    let mut changed = sample.clone();
    let place = path.iter().fold(&mut changed, |value, step| match value {
        Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    });
    let was = std::mem::replace(place, json!(MARK)).to_string();
    let name = path.last().filter(|name| name.parse::<usize>().is_err());
    let put = match (how, name) {
        (How::Instead, _) | (_, None) => odd.to_owned(),
        (How::Again, Some(name)) => format!("{was},{}:{odd}", json!(name)),
        (How::Beside, Some(_)) => format!("{was},\"not known\":{odd}"),
    };
    let text = changed.to_string();
    assert_eq!(text.matches(&json!(MARK).to_string()).count(), 1);
    text.replace(&json!(MARK).to_string(), &put)
}

fn each_oddity(sample: &Value, mut check: impl FnMut(String)) {
    let odd = oddities();
    for path in all_paths(sample) {
        for how in [How::Instead, How::Again, How::Beside] {
            for odd in &odd {
                check(with(sample, &path, how, odd));
            }
        }
    }
}

/// Reads an answer both ways.
fn check<E: Endpoint<Output: PartialEq + Debug>>(endpoint: &E, status: u16, body: &[u8]) {
    let response = Response::builder()
        .status(status)
        .body(body.to_vec())
        .unwrap();
    let shown = || {
        String::from_utf8_lossy(body)
            .chars()
            .take(3000)
            .collect::<String>()
    };
    let direct = endpoint.parse(&response);
    let value = match endpoint.decode_raw(&response) {
        Ok(data) => endpoint.decode(&data),
        Err(error) => {
            assert_eq!(direct.unwrap_err(), error, "{}", shown());
            return;
        }
    };
    match (direct, value) {
        (Ok(direct), Ok(value)) => {
            assert_eq!(direct, value, "{}", shown());
            // This also tells 0.0 from -0.0.
            assert_eq!(format!("{direct:?}"), format!("{value:?}"), "{}", shown());
        }
        (Err(Error::Decode(direct)), Err(value)) => {
            assert_eq!(direct.message(), value.message(), "{}", shown());
            let path = direct.path().strip_prefix("data").unwrap();
            assert_eq!(path.trim_start_matches('.'), value.path(), "{}", shown());
        }
        (direct, value) => panic!("{direct:?} is not {value:?}: {}", shown()),
    }
}

fn sample(body: Vec<u8>) -> Value {
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn messages() {
    let endpoint = FetchSessionMsgs::new(GroupId(221_300));
    let mut page = sample(workload::message_page(2));
    page["data"]["e_infos"] = json!([{"text": "[a]", "url": "u", "gif_url": "g"}]);
    check(&endpoint, 200, page.to_string().as_bytes());
    each_oddity(&page, |body| check(&endpoint, 200, body.as_bytes()));
}

#[test]
fn lists() {
    let mut list = sample(workload::session_list(1));
    list["data"]["session_list"][0]["account_info"] = json!({"name": "n", "pic_url": "p"});
    check(&GetSessions::new(), 200, list.to_string().as_bytes());
    each_oddity(&list, |body| {
        check(&GetSessions::new(), 200, body.as_bytes())
    });
    let idle = sample(workload::idle_list());
    let since = NewSessions::new(UnixMicros(1));
    each_oddity(&idle, |body| check(&since, 200, body.as_bytes()));
}

#[test]
fn nav() {
    let nav = sample(workload::nav());
    check(&Nav, 200, nav.to_string().as_bytes());
    each_oddity(&nav, |body| check(&Nav, 200, body.as_bytes()));
}

#[test]
fn answers_that_are_none() {
    let full = String::from_utf8(workload::message_page(1)).unwrap();
    let many = |item: &str, count: usize| {
        format!(
            r#"{{"code":0,"data":{{"messages":[{}{item}]}}}}"#,
            format!("{item},").repeat(count - 1)
        )
    };
    let message = r#"{"msg_seqno":1}"#;
    for body in [
        r#"{"code":0,"data":{"v_voucher":"made up"}}"#,
        r#"{"code":0,"data":{"v_voucher":"made up","messages":[]}}"#,
        r#"{"code":0,"data":{"messages":[],"v_voucher":"made up"}}"#,
        r#"{"code":0,"data":{"v\u005fvoucher":"made up"}}"#,
        r#"{"code":0,"data":{"\u006dessages":[{"msg_seqno":1}]}}"#,
        r#"{"code":0,"data":{}}"#,
        r#"{"code":0,"data":[]}"#,
        r#"{"code":0,"data":[[{"msg_seqno":1}],true]}"#,
        r#"{"code":0,"data":{"messages":[[20001,1,10001,1,"c",7]]}}"#,
        r#"{"data":{"messages":[{"msg_seqno":1}]},"code":0}"#,
        r#"{"data":{"messages":[{"msg_seqno":1}]},"code":-101,"message":"made up"}"#,
        r#"{"code":0,"data":{"messages":[{"msg_seqno":0}]}}"#,
        r#"{"code":0,"data":{"messages":[{"msg_seqno":18446744073709551615}]}}"#,
        r#"[0,{"messages":[]}]"#,
        r#"{"code":0}"#,
        "{\"code\":0,\"data\":{\"messages\":[]}}x",
        "\u{feff}{\"code\":0,\"data\":{\"messages\":[]}}",
        " \n{\"code\":\"0\",\"data\":{\"messages\":[]}}\t",
        &full,
        &many(message, 5000),
        &many(message, 5001),
        // As many values as there may be, and more.
        &many("0", 249_990),
        &many("0", 250_001),
        &full.replace("made", "\u{0}"),
    ] {
        for status in [200, 204, 412, 502] {
            check(&FetchSessionMsgs::new(Uid(20001)), status, body.as_bytes());
            check(&GetSessions::new(), status, body.as_bytes());
            check(&Nav, status, body.as_bytes());
        }
    }
}

/// A content with a name in it that no text can be: only a value is made of it.
fn by_way_of_a_value(content: &str) -> Option<String> {
    let fields = content.strip_prefix('{')?;
    let rest = fields.trim_start_matches([' ', '\t', '\n', '\r']);
    let comma = if rest.starts_with('}') { "" } else { "," };
    Some(format!(r#"{{"\ud800 own":0{comma}{fields}"#))
}

fn check_content(msg_type: i64, content: &str) {
    let Some(other) = by_way_of_a_value(content) else {
        return;
    };
    let read = |content: &str| {
        let mut message = Message::default();
        message.msg_type = EventType::from_number(msg_type);
        message.content = content.to_owned();
        Content::of(&message)
    };
    let (direct, mut value) = (read(content), read(&other));
    if let Content::System(system) = &mut value {
        system.fields.remove("\u{fffd} own").unwrap();
    }
    let shown = |content: Content| match content {
        // At another place, and perhaps for another reason.
        Content::Undecodable { reason, .. } if reason.starts_with("not JSON") => {
            "not JSON".to_owned()
        }
        Content::Undecodable { reason, .. } => reason,
        content => format!("{content:?}"),
    };
    assert_eq!(shown(direct), shown(value), "{msg_type}: {content:.3000}");
}

/// Samples of the contents that are objects, by their type.
fn contents() -> Vec<(i64, Value)> {
    let page = sample(workload::message_page(40));
    let mut contents: Vec<(i64, Value)> = page["data"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let content = message["content"].as_str().unwrap();
            (
                message["msg_type"].as_i64().unwrap(),
                serde_json::from_str(content).unwrap(),
            )
        })
        .filter(|(msg_type, content)| *msg_type != 4711 && Value::is_object(content))
        .collect();
    contents.sort_by_key(|(msg_type, _)| *msg_type);
    contents.dedup_by_key(|(msg_type, _)| *msg_type);
    let attach = json!({"id": 1, "content": "c"});
    contents.extend([
        (5, json!({"content": 7_300_000_000_000_000_007_i64})),
        (9, json!({"id": "i", "title": "t", "jump_uri": "j", "label_name": "l"})),
        (10, json!({"title": "t", "jump_uri_config_2": {"web_uri": "u"}, "notifier": {"nickname": "n"}})),
        (12, json!({"rid": 1, "title": "t", "image_urls": ["u", "v"], "attach_msg": attach})),
        (13, json!({"pic_url": "p", "jump_url": "j", "title": "t"})),
        (14, json!({"title": "t", "desc": "d", "cover": "c", "author": "a", "url": "u"})),
        (18, json!({"content": [{"text": "t", "jump_url": "u"}]})),
        (19, json!({"content": {"paragraphs": [1.5, "a"]}, "show_like": true, "voice_time": 4})),
        (51, json!({"content": "c", "n": 1.5})),
        (306, json!({"group_id": 221_300, "content": "c"})),
    ]);
    assert_eq!(contents.len(), 18);
    contents
}

#[test]
fn every_content() {
    for (msg_type, content) in contents() {
        check_content(msg_type, &content.to_string());
        each_oddity(&content, |content| check_content(msg_type, &content));
    }
    // A text inside of a text.
    let part = json!({"text": "t", "color_day": "#9499A0"});
    each_oddity(&json!([part]), |parts| {
        check_content(18, &json!({ "content": parts }).to_string());
    });
    check_content(
        18,
        &json!({"content": json!(vec![part; 5001]).to_string()}).to_string(),
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Two oddities at once, and a byte that is replaced, inserted or lost.
    #[test]
    fn damaged_bodies(
        which in 0_usize..4,
        places in any::<[prop::sample::Index; 3]>(),
        odd in any::<[prop::sample::Index; 2]>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"0123456789-.eEu \",:{}[]\\"[..])],
        how in 0_usize..4,
    ) {
        let mut body = match which {
            0 => workload::message_page(20),
            1 => workload::session_list(3),
            2 => workload::idle_list(),
            _ => workload::nav(),
        };
        let oddities = oddities();
        for (place, odd) in places.iter().zip(odd).take(how) {
            // What is no JSON for `serde_json` any more is as odd as it gets.
            let Ok(value) = serde_json::from_slice::<Value>(&body) else { break };
            let paths = all_paths(&value);
            let kind = [How::Instead, How::Again, How::Beside][odd.index(3)];
            body = with(&value, place.get(&paths), kind, odd.get::<String>(&oddities)).into_bytes();
        }
        let place = places[2].index(body.len());
        match how {
            0 => body[place] = byte,
            1 => body.insert(place, byte),
            2 => drop(body.remove(place)),
            _ => {}
        }
        match which {
            0 => check(&FetchSessionMsgs::new(Uid(20001)), 200, &body),
            1 | 2 => check(&GetSessions::new(), 200, &body),
            _ => check(&Nav, 200, &body),
        }
    }

    #[test]
    fn damaged_contents(
        which in any::<prop::sample::Index>(),
        places in any::<[prop::sample::Index; 2]>(),
        odd in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"0123456789-.eEu \",:{}[]\\"[..])],
        how in 0_usize..3,
    ) {
        let contents = contents();
        let (msg_type, content) = which.get(&contents);
        let path = places[0].get(&all_paths(content)).clone();
        let mut content = with(content, &path, How::Instead, odd.get::<String>(&oddities())).into_bytes();
        let place = places[1].index(content.len());
        match how {
            0 => content[place] = byte,
            1 => content.insert(place, byte),
            _ => drop(content.remove(place)),
        }
        check_content(*msg_type, &String::from_utf8_lossy(&content));
    }
}
