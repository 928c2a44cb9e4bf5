//! Signatures against recorded ones, and by the rule where the recording's differ.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bilibili_session::{UnixSeconds, WbiKeys};
use md5::{Digest, Md5};
use serde_json::Value;

const WTS: UnixSeconds = UnixSeconds(1_700_000_000);

fn recording() -> Value {
    serde_json::from_str(include_str!("wire/wbi.json")).unwrap()
}

fn keys(recording: &Value) -> WbiKeys {
    WbiKeys::new(
        recording["img_key"].as_str().unwrap(),
        recording["sub_key"].as_str().unwrap(),
    )
    .unwrap()
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the signature that this text must have.
fn w_rid_of(text: &str, mixin_key: &str) -> String {
    Md5::digest(format!("{text}{mixin_key}"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn value<'a>(pairs: &'a [(&str, String)], name: &str) -> &'a str {
    let mut values = pairs.iter().filter(|(key, _)| *key == name);
    let (_, value) = values.next().unwrap();
    assert!(values.next().is_none(), "{name} stands there twice");
    value
}

#[test]
fn every_recorded_vector() {
    let recording = recording();
    let mixin_key = recording["mixin_key"].as_str().unwrap();
    let vectors = recording["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 11);
    for vector in vectors {
        let params = vector["params"].as_object().unwrap();
        let query = params
            .iter()
            .map(|(name, value)| (name.as_str(), scalar(value)))
            .collect();
        let signed = keys(&recording).sign(query, WTS);

        assert_eq!(value(&signed, "w_rid"), vector["w_rid"], "{vector}");
        assert_eq!(value(&signed, "wts"), scalar(&vector["wts"]));
        assert_eq!(
            value(&signed, "web_location"),
            scalar(&vector["web_location"])
        );
        assert_eq!(signed.last().unwrap().0, "w_rid");
        // The recording agrees with itself, so the rule is the one that is tested.
        assert_eq!(
            vector["w_rid"],
            w_rid_of(vector["signed_string"].as_str().unwrap(), mixin_key).as_str()
        );
        // What goes out is what came in, besides what signing adds.
        for (name, given) in params {
            if !matches!(name.as_str(), "wts" | "w_rid" | "web_location") {
                assert_eq!(value(&signed, name), scalar(given));
            }
        }
        let mut names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let mut recorded: Vec<&str> = vector["output_order"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        names.sort_unstable();
        recorded.sort_unstable();
        assert_eq!(names, recorded);
    }
}

#[test]
fn characters_that_are_dropped_or_written_otherwise() {
    let recording = recording();
    let mixin_key = recording["mixin_key"].as_str().unwrap();
    for (given, signed_as) in [
        ("a b", "a%20b"),
        ("!'()*", ""),
        ("a!b'c(d)e*f", "abcdef"),
        ("~", "~"),
        ("+&=#%", "%2B%26%3D%23%25"),
        ("你好", "%E4%BD%A0%E5%A5%BD"),
        ("😀", "%F0%9F%98%80"),
        ("-_.", "-_."),
        ("%20", "%2520"),
    ] {
        let signed = keys(&recording).sign(vec![("q", given.to_owned())], WTS);
        let text = format!("q={signed_as}&web_location=1550101&wts=1700000000");
        assert_eq!(
            value(&signed, "w_rid"),
            w_rid_of(&text, mixin_key),
            "{given}"
        );
        assert_eq!(value(&signed, "q"), given, "what is sent stays whole");
    }
}

#[test]
fn keys_are_two_halves_of_64_characters() {
    let recording = recording();
    let (img, sub) = (
        recording["img_key"].as_str().unwrap(),
        recording["sub_key"].as_str().unwrap(),
    );
    let url = |half: &str| format!("https://i0.hdslb.com/bfs/wbi/{half}.png?x=1#y");
    assert_eq!(
        WbiKeys::from_urls(&url(img), &url(sub)),
        WbiKeys::new(img, sub)
    );
    assert_ne!(WbiKeys::new(sub, img), WbiKeys::new(img, sub));
    let not_ascii = "é".repeat(16);
    for (one, other) in [
        ("", ""),
        (img, ""),
        (img, &sub[1..]),
        (img, not_ascii.as_str()),
    ] {
        assert_eq!(WbiKeys::new(one, other), None);
    }
    for url in [
        "",
        "/",
        "https://i0.hdslb.com/",
        "https://i0.hdslb.com/short.png",
    ] {
        assert_eq!(WbiKeys::from_urls(url, url), None);
    }
    let shown = format!("{:?}", keys(&recording));
    assert!(!shown.contains(&recording["mixin_key"].as_str().unwrap()[..8]));
}
