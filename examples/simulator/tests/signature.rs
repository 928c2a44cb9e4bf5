//! The right to ask: cookies, tokens, signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Config, Login, Simulator};
use http::Request;
use serde_json::Value;
use support::{Client, FEEDS, FETCH, LIST_NAMES, LISTS, SEND, encode};

/// Signatures recorded from a real client, under the keys that it had.
#[test]
fn recorded_signatures_are_accepted_and_one_changed_character_is_not() {
    let recorded: Value = serde_json::from_str(include_str!("wire/wbi.json")).unwrap();
    let config = Config {
        img_key: recorded["img_key"].as_str().unwrap().to_owned(),
        sub_key: recorded["sub_key"].as_str().unwrap().to_owned(),
        ..Config::default()
    };
    let mut client = Client::new(config);
    assert_eq!(client.mixed, recorded["mixin_key"].as_str().unwrap());
    for vector in recorded["vectors"].as_array().unwrap() {
        let (signed, rid) = (
            vector["signed_string"].as_str().unwrap(),
            vector["w_rid"].as_str().unwrap(),
        );
        let mut ask = |query: &str| {
            let response = client.response("GET", &format!("{FETCH}?{query}"), "", b"");
            serde_json::from_slice::<Value>(response.body()).unwrap()["code"]
                .as_i64()
                .unwrap()
        };
        assert_ne!(ask(&format!("{signed}&w_rid={rid}")), -403, "{signed}");
        assert_ne!(
            ask(&format!("w_rid={rid}&{signed}")),
            -403,
            "the order is no matter: {signed}"
        );
        assert_eq!(ask(&format!("{signed}&x=1&w_rid={rid}")), -403, "{signed}");
        assert_eq!(
            ask(&format!("{signed}&w_rid={}", rid.to_uppercase())),
            -403,
            "{signed}"
        );
        assert_eq!(ask(signed), -403, "{signed}");
    }
}

/// Values lose `!'()*` before they are signed, whatever stands in the query.
#[test]
fn dropped_characters_are_signed_as_dropped() {
    let mut client = Client::default();
    let signed = client.signed(&[
        ("talker_id", "20001"),
        ("session_type", "1"),
        ("note", "ab ~世"),
    ]);
    let sent = signed.replace("note=ab", "note=a%21b*%27()");
    assert_ne!(sent, signed);
    let response = client.response("GET", &format!("{FETCH}?{sent}"), "", b"");
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap()["code"],
        1_000_004
    );
    // A space may be written as a plus, as long as it was signed as %20.
    let response = client.response(
        "GET",
        &format!("{FETCH}?{}", sent.replace("%20", "+")),
        "",
        b"",
    );
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap()["code"],
        1_000_004
    );
}

#[test]
fn rotated_keys_refuse_what_the_old_ones_signed() {
    let mut client = Client::default();
    let query = [("talker_id", "20001"), ("session_type", "1")];
    assert_eq!(client.get_signed(FETCH, &query)["code"], 1_000_004);
    client.simulator.rotate_keys();
    assert_eq!(client.get_signed(FETCH, &query)["code"], -403);
    assert_eq!(client.text("20001", "你好")["code"], -403);
    client.learn_keys();
    assert_eq!(client.get_signed(FETCH, &query)["code"], 1_000_004);
    assert_eq!(client.text("20001", "你好")["code"], 0);
}

#[test]
fn unsigned_calls_to_signed_paths_are_refused() {
    let mut client = Client::default();
    assert_eq!(
        client.get(FETCH, &[("talker_id", "20001"), ("session_type", "1")])["code"],
        -403
    );
    assert_eq!(client.post(SEND, &[])["code"], -403);
}

#[test]
fn nav_tells_the_keys_also_to_those_who_are_not_logged_in() {
    let mut client = Client::default();
    let nav = client.get("/x/web-interface/nav", &[]);
    assert_eq!(
        (&nav["code"], &nav["data"]["isLogin"], &nav["data"]["mid"]),
        (&0.into(), &true.into(), &10001.into())
    );
    client.cookie = "SESSDATA=other".to_owned();
    let nav = client.get("/x/web-interface/nav", &[]);
    assert_eq!(
        (&nav["code"], &nav["data"]["isLogin"]),
        (&(-101).into(), &false.into())
    );
    assert!(
        nav["data"]["wbi_img"]["img_url"]
            .as_str()
            .unwrap()
            .ends_with(".png")
    );
}

#[test]
fn every_other_path_wants_the_login() {
    let mut client = Client {
        cookie: String::new(),
        ..Client::default()
    };
    let others = ["/x/space/myinfo", "/x/msgfeed/unread", FETCH];
    for path in FEEDS.into_iter().chain(others) {
        assert_eq!(client.get(path, &[])["code"], -101, "{path}");
    }
    for path in LIST_NAMES {
        assert_eq!(
            client.get(&format!("{LISTS}/{path}"), &[])["code"],
            -101,
            "{path}"
        );
    }
    for path in ["update_ack", "remove_session", "set_top"] {
        assert_eq!(
            client.post(&format!("{LISTS}/{path}"), &[])["code"],
            -101,
            "{path}"
        );
    }
    assert_eq!(client.post(SEND, &[])["code"], -101);
}

#[test]
fn the_login_cookie_is_percent_encoded_and_may_stand_anywhere() {
    let mut client = Client::default();
    let sessdata = client.simulator.login().sessdata;
    for (cookie, code) in [
        (format!("a=b; SESSDATA={sessdata}; c=d"), 0),
        (format!("SESSDATA=\"{sessdata}\""), 0),
        (format!("SESSDATA={}", sessdata.to_lowercase()), 0),
        (format!("SESSDATA={}", sessdata.replace("%2C", ",")), -101),
        (format!("XSESSDATA={sessdata}"), -101),
        ("SESSDATA=".to_owned(), -101),
    ] {
        client.cookie = cookie;
        assert_eq!(
            client.get("/x/space/myinfo", &[])["code"],
            code,
            "{}",
            client.cookie
        );
    }
}

#[test]
fn cookies_may_come_in_several_headers() {
    let mut simulator = Simulator::default();
    let request = Request::get("http://127.0.0.1/x/space/myinfo").header("cookie", "a=b");
    let request = request
        .header("cookie", format!("SESSDATA={}", simulator.login().sessdata))
        .body(Vec::new())
        .unwrap();
    let response = simulator
        .handle(support::START_US, &request)
        .into_response()
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap()["data"]["mid"],
        10001
    );
}

#[test]
fn a_post_wants_both_tokens() {
    let mut client = Client::default();
    let csrf = client.csrf.clone();
    let path = format!("{LISTS}/update_ack");
    assert_eq!(client.post(&path, &[])["code"], -400);
    for form in [
        vec![],
        vec![("csrf", csrf.as_str())],
        vec![("csrf_token", &csrf)],
        vec![("csrf", &csrf), ("csrf_token", "x")],
    ] {
        assert_eq!(client.post_bare(&path, &form)["code"], -111, "{form:?}");
    }
    // In the query they do not count.
    let query = encode(&[("csrf", &csrf), ("csrf_token", &csrf)]);
    assert_eq!(
        client.post_bare(&format!("{path}?{query}"), &[])["code"],
        -111
    );
}

#[test]
fn a_dead_login_is_refused_until_it_lives_again() {
    let mut client = Client::default();
    client.simulator.log_out(10001).unwrap();
    assert_eq!(client.get("/x/space/myinfo", &[])["code"], -101);
    client.simulator.log_in(10001).unwrap();
    assert_eq!(client.get("/x/space/myinfo", &[])["code"], 0);
    assert!(client.simulator.log_out(1).is_err());
}

#[test]
fn another_account_is_its_own() {
    let mut client = Client::default();
    let other = Login::made_up(10002);
    client.simulator.add_account(other.clone()).unwrap();
    assert!(client.simulator.add_account(other.clone()).is_err());
    assert_eq!(client.text("10002", "你好")["code"], 0);
    client.cookie = format!("SESSDATA={}", other.sessdata);
    assert_eq!(client.get("/x/space/myinfo", &[])["data"]["mid"], 10002);
    let list = client.get(&format!("{LISTS}/get_sessions"), &[]);
    assert_eq!(support::talkers(&list), [10001]);
    assert_eq!(list["data"]["session_list"][0]["unread_count"], 1);
}

#[test]
fn unknown_paths_and_methods_are_said_so() {
    let mut client = Client::default();
    let response = client.response("GET", "/x/nowhere", "", b"");
    assert_eq!(response.status(), 404);
    assert!(httpdate::parse_http_date(response.headers()["date"].to_str().unwrap()).is_ok());
    assert_eq!(
        client
            .response("POST", "/x/msgfeed/unread", "", b"")
            .status(),
        405
    );
    assert_eq!(client.response("GET", SEND, "", b"").status(), 405);
}
