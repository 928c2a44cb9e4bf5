//! Contents of messages: every type, how they are kept, the line that people read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bilibili_session::endpoints::FetchSessionMsgs;
use bilibili_session::model::{Message, Share};
use bilibili_session::{Content, ConversationId, Endpoint, Event, EventType, GroupId, Uid};
use serde_json::{Value, json};
use support::{OTHER, assert_reads_back, content, event, read, undecodable};

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
        assert_ne!(event.event_type().as_str(), "unknown", "{number}");
        assert!(
            !matches!(event.content, Content::Raw(_) | Content::Undecodable { .. }),
            "{number}"
        );
        assert_reads_back(&event);
        for broken in ["", "{", "7.5", "[1]", "[]", r#"["a"]"#, "true"] {
            let event = support::event(number, &json!(broken));
            assert!(
                matches!(event.content, Content::Undecodable { .. }),
                "{number}: {broken}"
            );
            assert_reads_back(&event);
        }
    }
    assert_eq!(content(999, &json!("…")), Content::Raw("…".to_owned()));
    assert_reads_back(&event(999, &json!("…")));
}

#[test]
fn types_known_by_name_alone_keep_their_content() {
    for (number, name) in [
        (3, "audio"),
        (4, "old_share"),
        (8, "system_cancel"),
        (15, "text_share"),
        (21, "mini_program_card"),
        (22, "article_card"),
        (27, "live_card"),
        (50, "business"),
        (52, "ai_message"),
    ] {
        for raw in [r#"{"title":"t","n":1.50}"#, "", "{", "7.5", "no\nJSON"] {
            let event = event(number, &json!(raw));
            assert_eq!(event.content, Content::Raw(raw.to_owned()), "{number}");
            assert_eq!(event.event_type().as_str(), name);
            let line = format!("user 20001: [{name}] {}", raw.replace('\n', "\\n"));
            assert_eq!(event.to_string(), line.trim_end(), "{number}");
            assert_reads_back(&event);
        }
    }
}

#[test]
fn an_event_is_read_back_as_it_was() {
    let text = event(1, &json!({"content": "hi"}));
    let mut withdrawal = event(5, &json!("7300000000000000007"));
    assert_reads_back(&withdrawal);
    withdrawal.withdrawn = Some(std::sync::Arc::new(text.clone()));
    assert_reads_back(&withdrawal);

    // Numbers at the end of their range, and floats that are read and written digit by digit.
    let largest = json!({
        "msg_seqno": u64::MAX, "msg_key": i64::MIN, "sender_uid": i64::MAX, "timestamp": i64::MIN,
        "receiver_type": i64::MAX, "receiver_id": i64::MIN, "msg_source": i64::MAX,
        "new_face_version": i64::MIN, "at_uids": [i64::MAX, 0], "sys_cancel": true,
        "notify_code": "5_6_7", "msg_status": 4711,
    });
    let mut message: Message = serde_json::from_value(largest).unwrap();
    assert_reads_back(&Event::new(
        ConversationId::new(i64::MAX, i64::MIN),
        message.clone(),
    ));
    for (msg_type, content) in [
        (
            2,
            r#"{"url":"u","size":0.30000000000000004,"width":4294967295}"#,
        ),
        (2, r#"{"url":"u","size":123456.78901234567}"#),
        (2, r#"{"url":"u","size":-0.0}"#),
        (
            10,
            r#"{"biz_content":{"a":18446744073709551615,"b":1e308,"c":2.2250738585072014e-308}}"#,
        ),
        (
            19,
            r#"{"content":[123456789012345678901234567890,-0.0,1e400,"\ud83d"]}"#,
        ),
        (51, r#"{"content":"c","n":9007199254740993}"#),
    ] {
        message.msg_type = EventType::from_number(msg_type);
        message.content = content.to_owned();
        let event = Event::new(OTHER.into(), message.clone());
        assert!(
            !matches!(event.content, Content::Undecodable { .. }),
            "{content}"
        );
        assert_reads_back(&event);
    }
    // Deeper than what holds it may be.
    message.msg_type = EventType::Ai;
    message.content = format!(r#"{{"content":{}{}}}"#, "[".repeat(120), "]".repeat(120));
    let deep = Event::new(OTHER.into(), message);
    assert!(matches!(deep.content, Content::Ai(_)));
    assert_reads_back(&deep);

    // Of an item that is not of its shape, what it was.
    for item in [
        json!({"msg_seqno": 2, "msg_type": {}, "content": "{\"content\":\"b\"}"}),
        json!({"msg_seqno": 2, "msg_type": 1, "content": {"content": [1.5, "\u{0}"]}}),
        json!({"msg_seqno": 2, "msg_type": 1, "content": "{\"content\":\"b\"}", "timestamp": "x"}),
    ] {
        let event = read(OTHER.into(), &item);
        undecodable(&event.content);
        assert_reads_back(&event);
    }
}

#[test]
fn what_is_no_event_is_refused() {
    let line = serde_json::to_value(event(1, &json!({"content": "hi"}))).unwrap();
    let without = |name: &str| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove(name).unwrap();
        line
    };
    for line in [
        json!({}),
        json!("x"),
        without("conversation"),
        without("message"),
    ] {
        assert!(
            serde_json::from_value::<Event>(line.clone()).is_err(),
            "{line}"
        );
    }
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
        Content::ShareVideo(share) => *share,
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
fn a_bad_element_harms_no_neighbour() {
    let item = json!({
        "msg_seqno": 1, "msg_type": 12, "at_uids": [5, "x", {}, null, "7", 1.5],
        "content": json!({"rid": 1, "image_urls": ["u", 7, null, "v"], "attach_msg": 7}).to_string(),
    });
    let event = read(OTHER.into(), &item);
    assert_eq!(event.message.at_uids, [Uid(5), Uid(0), Uid(7)]);
    let Content::PushedArticle(article) = event.content else {
        panic!("{event:?}");
    };
    assert_eq!(article.image_urls, ["u", "v"]);
    assert_eq!(article.attach_msg, None);
    let modules = json!([{"title": {}, "detail": "d"}, 7, null, {"title": "t"}]);
    let Content::Notice(notice) = content(10, &json!({"modules": modules, "notifier": []})) else {
        panic!("no notice");
    };
    let titles: Vec<&str> = notice
        .modules
        .iter()
        .map(|line| line.title.as_str())
        .collect();
    assert_eq!(
        (titles, notice.modules[0].detail.as_str()),
        (vec!["", "t"], "d")
    );
    let parts = json!([{"text": "a"}, 7, {"text": []}, {"text": "b"}]);
    for given in [
        json!({"content": parts}),
        json!({"content": parts.to_string()}),
    ] {
        let Content::Tip(tip) = content(18, &given) else {
            panic!("{given}");
        };
        assert_eq!((tip.text().as_str(), tip.content.len()), ("ab", 3));
    }
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
