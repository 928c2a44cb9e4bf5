//! Origins, picture addresses, video ids, signatures: text and numbers of any kind.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bilibili_session::endpoints::{DownloadPicture, FetchSessionMsgs, GetSessions};
use bilibili_session::error::BuildError;
use bilibili_session::model::{PictureContent, VideoId};
use bilibili_session::{
    Auth, ClientConfig, Credential, Endpoint, Hosts, Identity, Uid, UnixSeconds, WbiAuth, WbiKeys,
};

/// Byte 0: what the rest is.
pub fn check(input: &[u8]) {
    let [what, rest @ ..] = input else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match what % 5 {
        0 => check_origin(&text),
        1 => check_picture(&text),
        2 => check_video(&text),
        3 => {
            let mut number = [0; 8];
            for (to, from) in number.iter_mut().zip(rest) {
                *to = *from;
            }
            check_aid(i64::from_le_bytes(number));
        }
        _ => check_signature(&text),
    }
}

fn context() -> ClientConfig {
    ClientConfig::new(Credential::parse("SESSDATA=made%2Cup; bili_jct=0011").unwrap())
}

/// An origin that is taken is where the request goes; without TLS only to this machine.
pub fn check_origin(text: &str) {
    let hosts = match Hosts::origin(text) {
        Ok(hosts) => hosts,
        Err(error) => return drop(error.to_string()),
    };
    assert!(!hosts.is_official());
    let request = match GetSessions::new().request(&context().hosts(hosts), None) {
        Ok(request) => request,
        Err(BuildError::NotSendable("the address")) => return,
        Err(error) => panic!("{error}"),
    };
    let uri = request.uri();
    let host = uri.host().unwrap().trim_matches(['[', ']']);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") => assert!(
            host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback()),
            "{uri}"
        ),
        _ => panic!("{uri}"),
    }
    let path = "/session_svr/v1/session_svr/get_sessions";
    assert!(uri.path().ends_with(path), "{uri}");
    assert!(!uri.authority().unwrap().as_str().contains('@'), "{uri}");
}

/// A picture is asked for on the service's own hosts over TLS, without cookies.
pub fn check_picture(text: &str) {
    let call = DownloadPicture::new(text);
    if let Ok(request) = call.request(&context(), ()) {
        let uri = request.uri();
        let host = uri.host().unwrap().trim_end_matches('.');
        assert_eq!(uri.scheme_str(), Some("https"));
        assert!(
            host.ends_with(".hdslb.com") || host.ends_with(".biliimg.com"),
            "{uri}"
        );
        assert!(uri.port().is_none(), "{uri}");
        assert!(!uri.authority().unwrap().as_str().contains('@'), "{uri}");
        assert!(request.headers().get("cookie").is_none());
        let there = Hosts::origin("http://127.0.0.1:1").unwrap();
        let request = call.request(&context().hosts(there), ()).unwrap();
        assert_eq!(request.uri().host(), Some("127.0.0.1"));
        assert_eq!(request.uri().path(), uri.path());
        assert!(request.headers().get("cookie").is_none());
    }
    let mut picture = PictureContent::default();
    text.clone_into(&mut picture.url);
    let sent = bilibili_session::endpoints::SendMsg::picture(Uid(20001), &picture);
    let _ = sent.check(&context());
}

/// Checks that a video that is read has two names, and that each leads back to it.
pub fn check_video(text: &str) {
    let Ok(video) = text.parse::<VideoId>() else {
        return;
    };
    check_aid(video.aid());
    assert_eq!(video.to_string().parse(), Ok(video));
    assert_eq!(format!("av{}", video.aid()).parse(), Ok(video));
    if text.starts_with("BV") {
        assert_eq!(video.bvid(), text);
    }
}

/// A number in range and its `BV…` id are the same video.
pub fn check_aid(aid: i64) {
    let in_range = (1..1 << 51).contains(&aid);
    let video = VideoId::from_aid(aid);
    assert_eq!(video.is_some(), in_range, "{aid}");
    if let Some(video) = video {
        assert_eq!(video.aid(), aid);
        assert_eq!(video.bvid().len(), 12);
        assert_eq!(VideoId::from_bvid(&video.bvid()), Some(video));
    }
}

/// A line with two halves of a key and the time, then one `name=value` a line: the signature
/// is the same in whatever order the pairs come, signed once or twice.
pub fn check_signature(text: &str) {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let mut head = head.split(' ');
    let halves = (head.next().unwrap_or(""), head.next().unwrap_or(""));
    let _ = WbiKeys::from_urls(halves.0, halves.1);
    let keys = WbiKeys::new(halves.0, halves.1).unwrap_or_else(|| {
        WbiKeys::new(
            "7cd084941338484aae1ad9425b84077c",
            "4932caff0ff746eab6f01bf08b70ac45",
        )
        .unwrap()
    });
    let wts = UnixSeconds(head.next().and_then(|wts| wts.parse().ok()).unwrap_or(0));
    // Names are unique.
    let pairs: BTreeMap<&str, String> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    let rising: Vec<(&str, String)> = pairs.clone().into_iter().collect();
    let falling: Vec<(&str, String)> = pairs.into_iter().rev().collect();

    let signed = keys.sign(rising, wts);
    let w_rid = w_rid_of(&signed);
    assert_eq!(w_rid_of(&keys.sign(falling, wts)), w_rid);
    assert_eq!(w_rid_of(&keys.sign(signed.clone(), wts)), w_rid);
    let stripped = signed
        .iter()
        .map(|(name, value)| (*name, value.replace(['!', '\'', '(', ')', '*'], "")))
        .collect();
    // A `web_location` of nothing else counts as given at first, then as empty.
    let keeps_location = signed.iter().all(|(name, value)| {
        *name != "web_location" || !value.trim_matches(['!', '\'', '(', ')', '*']).is_empty()
    });
    if keeps_location {
        assert_eq!(w_rid_of(&keys.sign(stripped, wts)), w_rid);
    }

    let identity = Identity::new(Uid(10001), "", keys);
    let proof = WbiAuth::with_identity(&identity, wts);
    let request = FetchSessionMsgs::new(Uid(20001))
        .request(&context(), proof)
        .unwrap();
    assert!(request.uri().query().unwrap().contains("&w_rid="));
}

fn w_rid_of(signed: &[(&str, String)]) -> String {
    let (name, w_rid) = signed.last().unwrap();
    assert_eq!(*name, "w_rid");
    assert_eq!(w_rid.len(), 32);
    assert!(
        w_rid
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    );
    assert_eq!(signed.iter().filter(|(name, _)| *name == "wts").count(), 1);
    w_rid.clone()
}
