//! What messages say: every type, the lines that scripts read, the line that people read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bilibili_session::endpoints::FetchSessionMsgs;
use bilibili_session::model::Share;
use bilibili_session::{Content, ConversationId, Endpoint, Event, EventType, GroupId, MsgKey, Uid};
use serde_json::{Value, json};
use support::{OTHER, content, event, read, undecodable};

#[test]
fn every_type_has_its_content() {
    let video = json!({"rid": 170_001, "title": "t", "attach_msg": null, "pub_date": "1700000000"});
    let note = json!({"content": "c", "group_id": "221300"});
    for (number, given) in [
        (1, json!({"content": "hi"})),
        (2, json!({"url": "u"})),
        (5, json!(7_300_000_000_000_000_007_i64)),
        (6, json!({"url": "u"})),
        (7, json!({"id": 1, "source": 4})),
        (9, json!({"id": "bili1", "title": "t"})),
        (10, json!({"title": "t", "modules": null})),
        (11, video.clone()),
        (
            12,
            json!({"rid": 1, "image_urls": null, "attach_msg": {"id": 1, "content": "c"}}),
        ),
        (13, json!({"title": "t"})),
        (14, json!({"title": "t"})),
        (16, json!({"sub_cards": null})),
        (18, json!({"content": "[]"})),
        (19, json!({"content": {"paragraphs": [1, 2]}})),
        (51, json!({"content": "c"})),
        (301, note.clone()),
        (302, note.clone()),
        (303, note.clone()),
        (304, note.clone()),
        (305, note.clone()),
        (306, note),
    ] {
        let event = event(number, &given);
        let line = serde_json::to_value(&event).unwrap();
        assert_eq!(line["type"], event.event_type().as_str(), "{number}");
        assert_ne!(line["type"], "unknown", "{number}");
        assert!(line["content"].is_object(), "{number}: {line}");
        for broken in ["", "{", "7.5", "[1]", "true"] {
            let event = support::event(number, &json!(broken));
            assert!(
                matches!(event.content, Content::Undecodable { .. }),
                "{number}: {broken}"
            );
        }
    }
    assert_eq!(content(999, &json!("…")), Content::Raw("…".to_owned()));
}

#[test]
fn the_lines_that_scripts_read() {
    let common = json!({
        "event": "message", "conversation": {"session_type": 1, "talker_id": 20001},
        "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_seqno": 7,
        "msg_key": "7300000000000000007", "timestamp": 1_700_000_000, "msg_status": 0,
    });
    let line = |msg_type: i64, more: &Value| {
        let mut line = common.clone();
        line["msg_type"] = json!(msg_type);
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        line
    };
    let written = |event: &Event| serde_json::to_value(event).unwrap();

    let text = event(1, &json!({"content": "hi"}));
    let text_line = line(1, &json!({"type": "text", "content": {"content": "hi"}}));
    assert_eq!(written(&text), text_line);
    assert_eq!(
        serde_json::to_string(&text).unwrap(),
        r#"{"event":"message","conversation":{"session_type":1,"talker_id":20001},"sender_uid":20001,"receiver_type":1,"receiver_id":10001,"msg_seqno":7,"msg_type":1,"msg_key":"7300000000000000007","timestamp":1700000000,"msg_status":0,"type":"text","content":{"content":"hi"}}"#
    );

    let key = json!({"msg_key": "7300000000000000007"});
    for form in [
        json!("7300000000000000007"),
        json!("\"7300000000000000007\""),
        json!({"content": "7300000000000000007"}),
        json!({"content": 7_300_000_000_000_000_007_i64}),
    ] {
        let mut withdrawal = event(5, &form);
        assert_eq!(
            withdrawal.content,
            Content::Withdraw(MsgKey(7_300_000_000_000_000_007))
        );
        assert_eq!(
            written(&withdrawal),
            line(
                5,
                &json!({"type": "withdraw", "content": key, "withdrawn": null})
            )
        );
        withdrawal.withdrawn = Some(std::sync::Arc::new(text.clone()));
        assert_eq!(
            written(&withdrawal),
            line(
                5,
                &json!({"type": "withdraw", "content": key, "withdrawn": text_line})
            )
        );
    }

    assert_eq!(
        written(&event(999, &json!("as it came"))),
        line(999, &json!({"type": "unknown", "raw": "as it came"}))
    );
    let broken = event(10, &json!("{"));
    let reason = undecodable(&broken.content);
    assert_eq!(
        written(&broken),
        line(
            10,
            &json!({"type": "undecodable", "raw": "{", "error": reason})
        )
    );
    // What a message lacks is 0.
    let bare = read(OTHER.into(), &json!({"msg_seqno": 9}));
    for name in [
        "sender_uid",
        "receiver_type",
        "receiver_id",
        "msg_type",
        "timestamp",
        "msg_status",
    ] {
        assert_eq!(written(&bare)[name], 0, "{name}");
    }
    assert_eq!(written(&bare)["msg_key"], "0");
}

#[test]
fn buttons_of_a_notice() {
    let given = json!({
        "title": "t", "text": "x",
        "jump_text": "old 1", "jump_uri": "https://old.test/1",
        "jump_uri_config": {"all_uri": "https://all.test/1", "web_uri": "https://web.test/1", "text": "new 1"},
        "jump_text_2": "old 2", "jump_uri_2": "https://old.test/2",
        "jump_uri_2_config": {"all_uri": "https://all.test/2", "text": ""},
        "jump_text_3": "", "jump_uri_3": "https://old.test/3",
        "jump_uri_3_config": null,
    });
    let Content::Notice(notice) = content(10, &given) else {
        panic!("no notice");
    };
    let buttons: Vec<_> = notice
        .buttons()
        .into_iter()
        .map(|button| (button.text, button.uri))
        .collect();
    assert_eq!(
        buttons,
        [
            ("new 1".to_owned(), "https://web.test/1".to_owned()),
            ("old 2".to_owned(), "https://all.test/2".to_owned()),
            ("查看详情".to_owned(), "https://old.test/3".to_owned()),
        ]
    );
    let Content::Notice(without_link) = content(10, &json!({"jump_text": "text only"})) else {
        panic!("no notice");
    };
    assert!(without_link.buttons().is_empty());
}

#[test]
fn shares_by_their_source() {
    let share = |value: Value| match content(7, &value) {
        Content::ShareVideo(share) => share,
        other => panic!("{other:?}"),
    };
    let live = share(json!({"id": 170_001, "source": 4, "url": "https://live.bilibili.com/1"}));
    assert_eq!((live.video(), live.bvid.as_str()), (None, ""));
    let unknown = share(json!({"id": 5, "source": 4711}));
    assert_eq!(serde_json::to_value(&unknown).unwrap()["source"], 4711);
    for given in [
        json!({"id": 170_001, "source": 5}),
        json!({"id": "170001", "source": "5", "bvid": "BVxx"}),
        json!({"bvid": "BV17x411w7KC", "source": 5}),
    ] {
        let video: Share = share(given);
        assert_eq!((video.id, video.bvid.as_str()), (170_001, "BV17x411w7KC"));
    }
}

#[test]
fn no_text_steers_a_terminal_or_forges_a_line() {
    let hostile = "a\nuser 1: forged\r\u{1b}[2J\u{7}\u{9b}31m\u{202e}\u{2028}\u{0}b";
    for (number, given) in [
        (1, json!({"content": hostile})),
        (2, json!({"url": hostile})),
        (7, json!({"id": 1, "title": hostile, "source": 4})),
        (9, json!({"title": hostile})),
        (10, json!({"title": hostile, "text": hostile})),
        (11, json!({"rid": 1, "title": hostile})),
        (12, json!({"rid": 1, "title": hostile})),
        (13, json!({"title": hostile})),
        (14, json!({"title": hostile, "url": hostile})),
        (16, json!({"main_title": hostile})),
        (
            18,
            json!({"content": json!([{"text": hostile}]).to_string()}),
        ),
        (19, json!({"content": hostile})),
        (51, json!({"content": hostile})),
        (306, json!({"content": hostile})),
        (999, json!(hostile)),
        (10, json!(hostile)),
    ] {
        let mut event = event(number, &given);
        for shown in [event.to_string(), {
            let withdrawn = event.clone();
            event = support::event(5, &json!("1"));
            event.withdrawn = Some(std::sync::Arc::new(withdrawn));
            event.to_string()
        }] {
            assert!(
                !shown.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')),
                "{number}: {shown:?}"
            );
            assert!(shown.contains("forged"), "{number}: {shown:?}");
        }
    }
}

#[test]
fn who_says_it_and_where() {
    let shown = |conversation: ConversationId, sender: i64| {
        let message = json!({"msg_seqno": 1, "sender_uid": sender, "msg_type": 1, "content": "{\"content\":\"hi\"}"});
        read(conversation, &message).to_string()
    };
    assert_eq!(shown(Uid(20001).into(), 20001), "user 20001: hi");
    assert_eq!(shown(Uid(20001).into(), 10001), "to user 20001: hi");
    assert_eq!(shown(GroupId(5).into(), 20001), "group 5, user 20001: hi");
    assert_eq!(shown(GroupId(5).into(), 0), "group 5, the system: hi");
}

#[test]
fn a_bad_message_harms_no_neighbour() {
    let data = json!({"messages": [
        {"msg_seqno": 3, "msg_type": 1, "content": "{\"content\":\"c\"}"},
        {"msg_seqno": 2, "msg_type": {}, "content": "{\"content\":\"b\"}"},
        {"msg_seqno": "x"},
        7,
        {"msg_seqno": 1, "msg_type": 1, "content": "{\"content\":\"a\"}"},
    ], "has_more": false, "min_seqno": "1", "max_seqno": 3.0});
    let page = FetchSessionMsgs::new(OTHER).decode(&data).unwrap();
    assert_eq!(page.unreadable.len(), 2);
    let texts: Vec<_> = page.messages.iter().map(Event::text).collect();
    assert_eq!(texts, [Some("c"), None, Some("a")]);
    assert!(undecodable(&page.messages[1].content).contains("msg_type"));
    assert_eq!(page.messages[1].event_type(), EventType::Unknown(0));
    assert_eq!((page.min_seqno.0, page.max_seqno.0), (1, 3));
}
