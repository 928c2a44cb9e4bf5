//! Hosts that requests with cookies go to.

use std::sync::{Arc, Mutex};

use bilibili_session::endpoints::*;
use bilibili_session::{ClientConfig, Endpoint, Error, Picture, TransportError, Uid, UnixMicros};
use serde_json::json;

use super::calls::{GIF, every_call};
use super::command::traced;
use super::credential;
use super::support::{RUNTIMES, World};

#[test]
fn to_the_services_own_hosts_over_https() {
    let asked: Arc<Mutex<Vec<http::Uri>>> = Arc::default();
    let transport = {
        let asked = Arc::clone(&asked);
        move |request: http::Request<Vec<u8>>| {
            asked.lock().unwrap().push(request.uri().clone());
            let nav = json!({"code": 0, "data": {"isLogin": true, "mid": 10001, "uname": "x", "wbi_img": {
                "img_url": "https://i0.hdslb.com/bfs/wbi/5a1e0b6c9d2f43788e7c6b5a49382716.png",
                "sub_url": "https://i0.hdslb.com/bfs/wbi/c0d1e2f3a4b5968778695a4b3c2d1e0f.png",
            }}});
            Ok::<_, TransportError>(http::Response::new(nav.to_string().into_bytes()))
        }
    };
    let client = bilibili_session_blocking::Client::new(ClientConfig::new(credential()), transport);
    let mut calls = 0;
    macro_rules! call {
        ($endpoint:expr) => {
            // What the answer says is not the point.
            let _: Result<_, Error> = client.call($endpoint);
            calls += 1;
        };
    }
    every_call!(call);
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= calls, "{asked:?}");
    for uri in asked.iter() {
        assert_eq!(uri.scheme_str(), Some("https"), "{uri}");
        let own = [
            "api.bilibili.com",
            "api.vc.bilibili.com",
            "message.bilibili.com",
        ];
        assert!(own.contains(&uri.authority().unwrap().as_str()), "{uri}");
    }
    // A picture of somebody else is not asked for with these cookies, or at all.
    for url in [
        "https://example.test/a.png",
        "https://i0.hdslb.com.example.test/a.png",
        "https://i0.hdslb.com@example.test/a.png",
        "file:///etc/passwd",
        "http://127.0.0.1/a.png",
    ] {
        let call = DownloadPicture::new(url);
        assert!(
            call.request(&ClientConfig::new(credential()), ()).is_err(),
            "{url}"
        );
    }
    let own = DownloadPicture::new("https://i0.hdslb.com/bfs/im/a.png");
    if let Ok(request) = own.request(&ClientConfig::new(credential()), ()) {
        assert!(
            !request.headers().contains_key("cookie"),
            "it is another host"
        );
    }
}

#[test]
fn lookalikes_of_loopback() {
    let world = World::new();
    for origin in [
        "http://127.0.0.1.example.test",
        "http://127.0.0.1.example.test:80/x",
        "http://localhost.example.test",
        "http://127.0.0.1@example.test",
        "http://127.0.0.1:80@example.test",
        "http://localhost%2eexample.test",
        "http://example.test#@127.0.0.1",
        "http://example.test/?127.0.0.1",
        "http://example.test\\@127.0.0.1",
        "http://[::1].example.test",
        "http://[::ffff:10.0.0.1]",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://locаlhost",
        "ws://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1",
    ] {
        for runtime in RUNTIMES {
            let ran = traced(
                &world,
                &["whoami", "--origin", origin, "--runtime", runtime],
            );
            assert_eq!(ran.code, Some(2), "{origin}: {ran:?}");
        }
    }
    // What a browser takes for loopback is.
    let port = world.server.address().port();
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "LOCALHOST"] {
        let origin = format!("http://{host}:{port}");
        let ran = traced(&world, &["whoami", "--origin", &origin]);
        assert_eq!(ran.code, Some(0), "{origin}: {ran:?}");
    }
}
