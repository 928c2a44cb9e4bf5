//! A small client for the tests: in memory, signing by its own code, with a clock that only the test moves.
#![allow(dead_code, missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use bilibili_session_simulator::{Answer, Arrived, Config, NewMessage, Simulator};
use http::{Request, Response};
use md5::{Digest as _, Md5};
use serde_json::Value;

pub const START_US: i64 = 1_700_000_000_000_000;
pub const LISTS: &str = "/session_svr/v1/session_svr";
pub const FETCH: &str = "/svr_sync/v1/svr_sync/fetch_session_msgs";
pub const SEND: &str = "/web_im/v1/web_im/send_msg";
/// Lists and counts of conversations: what follows [`LISTS`].
pub const LIST_NAMES: [&str; 5] = [
    "get_sessions",
    "new_sessions",
    "session_detail",
    "single_unread",
    "my_group_unread",
];
/// Paths of notifications and settings that take parameters.
pub const FEEDS: [&str; 8] = [
    "/link_setting/v1/link_setting/get",
    "/x/msgfeed/like_detail",
    "/x/msgfeed/reply",
    "/x/msgfeed/at",
    "/x/msgfeed/like",
    "/x/sys-msg/query_user_notify",
    "/x/sys-msg/query_unified_notify",
    "/x/sys-msg/query_notify_list",
];
pub const DEVICE: &str = "A6716E9A-7CE3-47AF-994B-F0B34178D28D";

pub struct Client {
    pub simulator: Simulator,
    pub now_us: i64,
    pub cookie: String,
    pub csrf: String,
    pub mixed: String,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Client {
    pub fn new(config: Config) -> Self {
        let cookie = format!("SESSDATA={}", config.login.sessdata);
        let csrf = config.login.bili_jct.clone();
        let mut client = Self {
            simulator: Simulator::new(config),
            now_us: START_US,
            cookie,
            csrf,
            mixed: String::new(),
        };
        client.learn_keys();
        client
    }

    pub fn learn_keys(&mut self) {
        let nav = self.get("/x/web-interface/nav", &[]);
        let stem = |name: &str| {
            let url = nav
                .pointer(&format!("/data/wbi_img/{name}"))
                .unwrap()
                .as_str()
                .unwrap();
            url.rsplit('/')
                .next()
                .unwrap()
                .split('.')
                .next()
                .unwrap()
                .to_owned()
        };
        self.mixed = mix(&(stem("img_url") + &stem("sub_url")));
    }

    pub fn answer(
        &mut self,
        method: &str,
        path_and_query: &str,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://api.vc.bilibili.com{path_and_query}"))
            .header("cookie", &self.cookie)
            .header("content-type", content_type)
            .body(body.to_vec())
            .unwrap();
        self.simulator.handle(self.now_us, &request)
    }

    pub fn response(
        &mut self,
        method: &str,
        path_and_query: &str,
        content_type: &str,
        body: &[u8],
    ) -> Response<Vec<u8>> {
        self.answer(method, path_and_query, content_type, body)
            .into_response()
            .expect("a whole response")
    }

    pub fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Value {
        let response = self.response("GET", &format!("{path}?{}", encode(query)), "", b"");
        serde_json::from_slice(response.body()).unwrap()
    }

    pub fn get_signed(&mut self, path: &str, query: &[(&str, &str)]) -> Value {
        let query = self.signed(query);
        let response = self.response("GET", &format!("{path}?{query}"), "", b"");
        serde_json::from_slice(response.body()).unwrap()
    }

    pub fn signed(&self, query: &[(&str, &str)]) -> String {
        let mut query = query.to_vec();
        query.push(("wts", "1700000000"));
        query.sort();
        let text = encode(&query);
        format!("{text}&w_rid={}", md5(&(text.clone() + &self.mixed)))
    }

    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Value {
        let csrf = self.csrf.clone();
        let form = [form, &[("csrf", &csrf), ("csrf_token", &csrf)]].concat();
        self.post_bare(path, &form)
    }

    pub fn post_bare(&mut self, path: &str, form: &[(&str, &str)]) -> Value {
        let response = self.response(
            "POST",
            path,
            "application/x-www-form-urlencoded",
            encode(form).as_bytes(),
        );
        serde_json::from_slice(response.body()).unwrap()
    }

    pub fn send(
        &mut self,
        receiver_type: &str,
        receiver: &str,
        msg_type: &str,
        content: &str,
    ) -> Value {
        self.send_with(receiver_type, receiver, msg_type, content, &[])
    }

    /// Sends with some fields other than the right ones; an empty one is left out.
    pub fn send_with(
        &mut self,
        receiver_type: &str,
        receiver: &str,
        msg_type: &str,
        content: &str,
        other: &[(&str, &str)],
    ) -> Value {
        let sender = self.simulator.login().uid.to_string();
        let query = self.signed(&[
            ("w_sender_uid", &sender),
            ("w_receiver_id", receiver),
            ("w_dev_id", DEVICE),
        ]);
        let mut form = vec![
            ("msg[sender_uid]", sender.as_str()),
            ("msg[receiver_id]", receiver),
            ("msg[receiver_type]", receiver_type),
            ("msg[msg_type]", msg_type),
            ("msg[msg_status]", "0"),
            ("msg[dev_id]", DEVICE),
            ("msg[timestamp]", "1700000000"),
            ("msg[new_face_version]", "1"),
            ("msg[content]", content),
            ("from_firework", "0"),
        ];
        for (name, value) in &mut form {
            if let Some((_, other)) = other.iter().find(|(key, _)| key == name) {
                *value = other;
            }
        }
        form.retain(|(_, value)| !value.is_empty());
        self.post(&format!("{SEND}?{query}"), &form)
    }

    pub fn text(&mut self, receiver: &str, text: &str) -> Value {
        self.send(
            "1",
            receiver,
            "1",
            &serde_json::json!({"content": text}).to_string(),
        )
    }

    pub fn control(&mut self, action: &str, body: &Value) -> (u16, Value) {
        let response = self.response(
            "POST",
            &format!("/_simulator/{action}"),
            "application/json",
            body.to_string().as_bytes(),
        );
        (
            response.status().as_u16(),
            serde_json::from_slice(response.body()).unwrap(),
        )
    }

    pub fn state(&mut self) -> Value {
        self.get("/_simulator/state", &[])
    }

    pub fn receive(&mut self, new: NewMessage) -> Arrived {
        self.simulator.receive(self.now_us, new).unwrap()
    }

    pub fn later(&mut self, milliseconds: i64) {
        self.now_us += milliseconds * 1000;
    }

    /// A page of messages with a user: seqnos as they come, and the whole data.
    pub fn page(
        &mut self,
        talker: &str,
        begin: u64,
        end: Option<u64>,
        size: &str,
    ) -> (Vec<u64>, Value) {
        let (begin, end) = (begin.to_string(), end.map(|end| end.to_string()));
        let mut query = vec![
            ("talker_id", talker),
            ("session_type", "1"),
            ("size", size),
            ("begin_seqno", &begin),
        ];
        if let Some(end) = &end {
            query.push(("end_seqno", end));
        }
        let body = self.get_signed(FETCH, &query);
        assert_eq!(body["code"], 0, "{body}");
        let seqnos = body["data"]["messages"].as_array().into_iter().flatten();
        (
            seqnos
                .map(|message| message["msg_seqno"].as_u64().unwrap())
                .collect(),
            body["data"].clone(),
        )
    }
}

/// Percent-encodes as `encodeURIComponent` does, all values being free of `!'()*`.
pub fn encode(pairs: &[(&str, &str)]) -> String {
    let component = |text: &str| {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        text.bytes()
            .map(|byte| {
                if keep(byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect::<String>()
    };
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", component(name), component(value)))
        .collect::<Vec<_>>()
        .join("&")
}

pub fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The first 32 characters by the table of the protocol.
pub fn mix(whole: &str) -> String {
    let table = [
        46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35, 27, 43, 5, 49, 33, 9, 42, 19,
        29, 28, 14, 39, 12, 38, 41, 13,
    ];
    table
        .iter()
        .map(|&at| char::from(whole.as_bytes()[at]))
        .collect()
}

/// The conversations of a list: their talkers, in order.
pub fn talkers(body: &Value) -> Vec<i64> {
    let list = body["data"]["session_list"]
        .as_array()
        .into_iter()
        .flatten();
    list.map(|conversation| conversation["talker_id"].as_i64().unwrap())
        .collect()
}
