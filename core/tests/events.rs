//! Every recorded message becomes an event; where the recording read it, ours agrees.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bilibili_session::model::{Message, VideoId};
use bilibili_session::{Content, ConversationId, GroupId};
use serde_json::Value;
use support::{OTHER, OWN, assert_reads_back, read, undecodable};

fn recorded() -> Vec<Value> {
    // One text of the recording holds half of a surrogate pair, which no JSON text can.
    let text = include_str!("wire/events.json").replace("信息 a\\ud83db", "信息 a\\ufffdb");
    let recording: Value = serde_json::from_str(&text).unwrap();
    recording["events"].as_array().unwrap().clone()
}

fn conversation_of(message: &Value) -> ConversationId {
    let message: Message = serde_json::from_value(message.clone()).unwrap();
    message.conversation(OWN).unwrap_or(OTHER.into())
}

#[test]
fn every_recorded_message() {
    let entries = recorded();
    assert!(entries.len() > 50);
    for entry in &entries {
        let name = entry["name"].as_str().unwrap();
        let event = read(conversation_of(&entry["data"]), &entry["data"]);
        let raw = entry["data"]["content"].as_str().unwrap_or_default();
        let repr = entry["content_repr"].as_str().unwrap_or_default();
        let kind = entry["content_type"].as_str().unwrap_or_default();

        // Whatever came, it is one line, and can be kept.
        assert!(!event.to_string().contains('\n'), "{name}");
        assert_reads_back(&event);
        assert_eq!(event.msg_seqno().0, 7, "{name}");
        match &event.content {
            Content::Undecodable { raw: kept, reason } => {
                assert_eq!(kept, raw, "{name}");
                assert!(!reason.is_empty(), "{name}");
            }
            Content::Raw(kept) => assert_eq!(kept, raw, "{name}"),
            _ => {}
        }

        match (&event.content, kind) {
            (Content::Text(text), "str") if name.contains("lone surrogate") => {
                assert_eq!((text.as_str(), repr), ("a\u{fffd}b", "'a\\ud83db'"));
            }
            // What the package gave up on and ours reads.
            (_, "str") if entry["log"].is_string() => {}
            (Content::Text(text), "str") => {
                let said = entry["str"].as_str();
                let heard = said.map(|said| said.contains(&format!(" 信息 {text}(1700000000)")));
                assert_ne!(heard, Some(false), "{name}: {text}");
            }
            (Content::Picture(picture) | Content::GroupsPicture(picture), "Picture") => {
                for field in [&picture.url, &format!("imageType='{}'", picture.image_type)] {
                    assert!(repr.contains(field), "{name}: {repr}");
                }
                if picture.width > 0 {
                    assert!(
                        repr.contains(&format!("width='{}'", picture.width)),
                        "{name}"
                    );
                    assert!(repr.contains(&format!("size={}", picture.size)), "{name}");
                }
            }
            (Content::Withdraw(key), "str") => assert_eq!(repr, format!("'{key}'"), "{name}"),
            (Content::ShareVideo(share), "Video") => {
                assert_eq!(repr, named(share.video().unwrap()), "{name}");
            }
            (Content::PushedVideo(video), "Video") => {
                assert_eq!(repr, named(video.video().unwrap()), "{name}");
            }
            (Content::Welcome(notice), "str") => {
                assert_eq!(
                    repr,
                    format!("'{}{}'", notice.content, notice.group_id),
                    "{name}"
                );
            }
            // It raised, or made something of what is no content.
            (Content::Undecodable { .. }, _) => {}
            (_, "") => {}
            (content, kind) => panic!("{name}: {kind} was recorded, ours is {content:?}"),
        }
    }
}

fn named(video: VideoId) -> String {
    format!("aid={} bvid={}", video.aid(), video.bvid())
}

#[test]
fn what_the_recording_failed_on_is_read_or_explained() {
    let by_name = |wanted: &str| {
        let entry = recorded().into_iter().find(|entry| entry["name"] == wanted);
        let data = entry.unwrap_or_else(|| panic!("{wanted}"))["data"].clone();
        read(conversation_of(&data), &data).content
    };
    for name in [
        "type 2 picture without original",
        "type 2 picture with unknown extra field",
        "type 6 picture without original",
    ] {
        match by_name(name) {
            Content::Picture(picture) | Content::GroupsPicture(picture) => {
                assert_eq!((picture.width, picture.height), (640, 480), "{name}");
                assert!((picture.size - 123.456).abs() < 1e-9, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    for name in [
        "type 7 video bvid empty string + id",
        "type 7 video id as string",
    ] {
        match by_name(name) {
            Content::ShareVideo(share) => assert_eq!(share.bvid, "BV17x411w7KC", "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    for name in ["type 11 video bad bvid", "type 11 video only rid/aid"] {
        match by_name(name) {
            Content::PushedVideo(video) => {
                assert_eq!(
                    (video.rid, video.bvid.as_str()),
                    (170_001, "BV17x411w7KC"),
                    "{name}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    for (name, title, text) in [
        ("notice without text", "T", ""),
        ("notice title null", "", "X"),
        ("notice numeric text", "T", "1"),
    ] {
        match by_name(name) {
            Content::Notice(notice) => {
                assert_eq!(
                    (notice.title.as_str(), notice.text.as_str()),
                    (title, text),
                    "{name}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(
        matches!(by_name("welcome without content"), Content::Welcome(notice) if notice.group_id == GroupId(221_300))
    );
    assert!(matches!(by_name("type as string '1'"), Content::Text(text) if text == "x"));
    assert!(matches!(by_name("type 1 receiver_type absent"), Content::Text(text) if text == "x"));
    assert!(matches!(by_name("type 13 card"), Content::PictureCard(card) if card.title == "t"));
    assert!(
        matches!(by_name("type 16 auto push"), Content::WorksCard(card) if card.sub_cards[0].field3 == "c")
    );
    assert!(matches!(by_name("type 18 tip"), Content::Tip(tip) if tip.text() == "tip"));
    for name in [
        "type 11 video neither",
        "type 11 video id 0",
        "type 7 video id 0",
        "withdraw float exponent",
        "withdraw null",
        "withdraw object",
        "type 2 picture empty object",
        "text content null",
    ] {
        undecodable(&by_name(name));
    }
}
