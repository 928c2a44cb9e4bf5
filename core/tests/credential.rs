//! The forms a login comes in, what is refused, and that nothing ever shows a value.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{FetchSessionMsgs, GetUnreadMessages, SendMsg};
use bilibili_session::{
    AuthState, ClientConfig, Credential, CredentialError, Endpoint, Now, Uid, UnixMicros,
};
use support::{BILI_JCT, BUVID3, BUVID4, SESSDATA, credential, request_with, take_apart};

/// Returns the cookies that are sent with this credential, in a fixed order.
fn cookies(credential: &Credential) -> Vec<String> {
    let request = request_with(&ClientConfig::new(credential.clone()), &GetUnreadMessages).unwrap();
    take_apart(&request)
        .cookies
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn whole() -> Vec<String> {
    cookies(&credential())
}

#[test]
fn every_form_gives_the_same_login() {
    let line = format!(
        "SESSDATA={SESSDATA}; bili_jct={BILI_JCT}; other=1; buvid3={BUVID3}; buvid4={BUVID4}; \
         DedeUserID=10001; ac_time_value=never"
    );
    let columns = |domain: &str, name: &str, value: &str| {
        format!("{domain}\tTRUE\t/\tTRUE\t1900000000\t{name}\t{value}\n")
    };
    let cookies_txt = [
        "# Netscape HTTP Cookie File\n\n".to_owned(),
        columns("#HttpOnly_.bilibili.com", "SESSDATA", SESSDATA),
        columns(".bilibili.com", "bili_jct", BILI_JCT),
        columns(".bilibili.com", "buvid3", BUVID3),
        columns("www.bilibili.com", "buvid4", BUVID4),
        columns(".bilibili.com", "DedeUserID", "10001"),
        columns(".example.test", "SESSDATA", "foreign"),
        columns(".evilbilibili.com", "bili_jct", "foreign"),
        columns(".bilibili.com.example.test", "buvid3", "foreign"),
    ]
    .concat();
    let list = serde_json::json!([
        {"domain": ".bilibili.com", "name": "SESSDATA", "value": SESSDATA, "httpOnly": true},
        {"domain": ".bilibili.com", "name": "bili_jct", "value": BILI_JCT},
        {"domain": ".bilibili.com", "name": "buvid3", "value": BUVID3},
        {"domain": ".bilibili.com", "name": "buvid4", "value": BUVID4},
        {"domain": ".bilibili.com", "name": "DedeUserID", "value": "10001"},
        {"domain": ".example.test", "name": "SESSDATA", "value": "foreign"},
        {"name": 7}, null,
    ]);
    let flat = serde_json::json!({
        "SESSDATA": SESSDATA, "bili_jct": BILI_JCT, "buvid3": BUVID3, "buvid4": BUVID4,
        "DedeUserID": 10001, "other": {},
    });
    for (form, text) in [
        ("a line", line.clone()),
        ("a header", format!("Cookie: {line}\r\n")),
        ("a header in lower case", format!("\u{feff}cookie:{line}")),
        ("cookies.txt", cookies_txt.clone()),
        ("cookies.txt of Windows", cookies_txt.replace('\n', "\r\n")),
        ("a list", list.to_string()),
        (
            "a list under a name",
            serde_json::json!({"url": "x", "cookies": list}).to_string(),
        ),
        ("names and values", flat.to_string()),
    ] {
        let read = Credential::parse(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(cookies(&read), whole(), "{form}");
        assert_eq!(read.uid(), Some(Uid(10001)), "{form}");
        assert!(read.can_write(), "{form}");
    }
}

#[test]
fn only_what_is_set_is_sent() {
    let read_only =
        Credential::parse(&format!("SESSDATA={SESSDATA}; bili_jct=; buvid3=\"\"")).unwrap();
    assert_eq!(cookies(&read_only), [format!("SESSDATA={SESSDATA}")]);
    assert!(!read_only.can_write());
    assert_eq!(read_only.uid(), None);
}

#[test]
fn what_is_refused() {
    for text in [
        "",
        "   ",
        "no pairs",
        "{",
        "[",
        "7",
        "[1, 2",
        "\"text\"",
        "[]",
        "{}",
        "bili_jct=1",
        "SESSDATA=",
        "SESSDATA=\"\"",
        ".example.test\tTRUE\t/\tTRUE\t0\tSESSDATA\tforeign",
    ] {
        assert!(Credential::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        Credential::builder().bili_jct("1").build().unwrap_err(),
        CredentialError::MissingSessdata
    );
    for uid in ["x", "0", "-1", "1.5", "99999999999999999999"] {
        let built = Credential::builder().sessdata("s").uid(uid).build();
        assert_eq!(built.unwrap_err(), CredentialError::BadUid, "{uid}");
    }
}

#[test]
fn no_value_breaks_out_of_its_header() {
    for bad in [
        "a\r\nX: y",
        "a\nb",
        "a\0b",
        "a;b",
        "a b",
        "é",
        "😀",
        "a\u{7f}b",
        "a\tb",
    ] {
        for (name, built) in [
            ("SESSDATA", Credential::builder().sessdata(bad)),
            (
                "bili_jct",
                Credential::builder().sessdata("s").bili_jct(bad),
            ),
            ("buvid3", Credential::builder().sessdata("s").buvid3(bad)),
            ("buvid4", Credential::builder().sessdata("s").buvid4(bad)),
        ] {
            let error = built.build().unwrap_err();
            assert_eq!(error, CredentialError::BadCharacter(name), "{bad:?}");
            assert!(!format!("{error} {error:?}").contains(bad), "{bad:?}");
        }
        let built = Credential::builder().sessdata("s").uid(bad).build();
        assert!(built.is_err(), "{bad:?}");
    }
}

#[test]
fn a_raw_sessdata_is_encoded_once() {
    for (given, sent) in [
        ("a,1*b/c+d=", "SESSDATA=a%2C1%2Ab%2Fc%2Bd%3D"),
        ("plain-._~", "SESSDATA=plain-._~"),
        (SESSDATA, "SESSDATA=0123abcd%2C1715552000%2C89ef0%2Ab1"),
    ] {
        let credential = Credential::builder().sessdata(given).build().unwrap();
        assert_eq!(cookies(&credential), [sent]);
    }
}

#[test]
fn nothing_shows_a_value() {
    let secrets = [SESSDATA, BILI_JCT, BUVID3, BUVID4, "0123abcd", "00112233"];
    let silent = |what: &str, shown: String| {
        for secret in secrets {
            assert!(!shown.contains(secret), "{what} shows {secret}: {shown}");
        }
    };
    let now = Now {
        monotonic: std::time::Duration::ZERO,
        wall: UnixMicros(1_700_000_000_000_000),
    };
    let context = ClientConfig::new(credential());
    let send = SendMsg::text(Uid(20001), "hi");
    silent(
        "the credential",
        format!("{:?} {:#?}", credential(), credential()),
    );
    silent(
        "the builder",
        format!(
            "{:?}",
            Credential::builder().sessdata(SESSDATA).bili_jct(BILI_JCT)
        ),
    );
    silent("the context", format!("{context:?}"));
    silent(
        "a request",
        format!("{:?}", request_with(&context, &GetUnreadMessages).unwrap()),
    );
    silent(
        "a request that writes",
        format!("{:?}", request_with(&context, &send).unwrap()),
    );
    silent("the parts of one", {
        let identity = support::identity();
        let signer = bilibili_session::WbiSigner {
            uid: identity.uid,
            keys: &identity.keys,
            wts: support::WTS,
        };
        format!("{:?}", send.parts(&context, signer).unwrap())
    });

    let mut account = AuthState::new(context.clone());
    let mut call = Call::new(FetchSessionMsgs::new(Uid(20001)));
    silent("an account", format!("{account:?}"));
    let output = call.poll_output(&mut account, now);
    silent("an output", format!("{output:?}"));
    silent("a call", format!("{call:?}"));

    let mut own = Call::new(SendMsg::text(Uid(10001), "hi"));
    let Output::Done(Err(error)) = own.poll_output(&mut account, now) else {
        panic!("a message to oneself was sent");
    };
    silent("an error", format!("{error} {error:?}"));
    let other = ClientConfig::new(
        Credential::builder()
            .sessdata(SESSDATA)
            .uid("5")
            .build()
            .unwrap(),
    );
    let error = other.check_uid(support::OWN).unwrap_err();
    silent("a mismatch", format!("{error} {error:?}"));
}
