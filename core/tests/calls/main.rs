//! The calls that no recording has, whole: method, address, parameters, body.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod pictures;
#[path = "../support/mod.rs"]
mod support;

use bilibili_session::endpoints::{
    AddBlockWord, Audience, DeleteBlockWord, DeleteFeedItem, DownloadPicture, FetchSessionMsgs,
    GetAt, GetBlockWords, GetLikeDetail, GetReplies, GetSessions, GetSystemMessages, GetUserInfos,
    LikeSetting, MyGroupUnread, NewSessions, NotASetting, NotifySetting, RemoveSession, SendMsg,
    SessionSettings, SetFeedNotice, SetMsgDnd, SetSessionSettings, SetTop, SingleUnread, UpdateAck,
    UpdateSystemCursor, UploadPicture,
};
use bilibili_session::error::{ApiError, BuildError, ErrorClass};
use bilibili_session::model::{FeedCursor, Picture, PictureContent, PictureFormat};
use bilibili_session::{
    ClientConfig, ConversationId, Credential, Endpoint, GroupId, Hosts, MsgKey, Seqno, Uid,
    UnixMicros, UnixSeconds,
};
use serde_json::json;
use support::{Pairs, WTS, answer, context, request, request_with, take_apart};

const VC: &str = "https://api.vc.bilibili.com";

/// `a=1&b=2`, sorted.
fn pairs(text: &str) -> Pairs {
    support::sorted(url::form_urlencoded::parse(text.as_bytes()))
}

fn get<E: Endpoint>(endpoint: &E, url: &str, query: &str) {
    let taken = take_apart(&request(endpoint));
    assert_eq!((taken.method.as_str(), taken.url.as_str()), ("GET", url));
    assert_eq!(taken.query, pairs(query), "{url}");
    assert_eq!(taken.cookies.len(), 5, "{url}");
}

/// The form besides what every form carries.
fn post<E: Endpoint>(endpoint: &E, url: &str, form: &str) {
    let taken = take_apart(&request(endpoint));
    assert_eq!((taken.method.as_str(), taken.url.as_str()), ("POST", url));
    let common = format!(
        "build=0&mobi_app=web&csrf={0}&csrf_token={0}",
        support::BILI_JCT
    );
    assert_eq!(taken.form, pairs(&format!("{form}&{common}")), "{url}");
    assert!(taken.query.is_empty());
}

#[test]
fn calls_that_read() {
    let api = "https://api.bilibili.com/x/msgfeed";
    let message = "https://message.bilibili.com/x/sys-msg";
    let cursor = FeedCursor::new(1_234_567_890_123, UnixSeconds(1_699_990_000));
    get(
        &GetReplies::after(cursor),
        &format!("{api}/reply"),
        "id=1234567890123&reply_time=1699990000",
    );
    get(
        &GetAt::after(cursor),
        &format!("{api}/at"),
        "id=1234567890123&at_time=1699990000",
    );
    get(
        &GetSystemMessages::new().page_size(5),
        &format!("{message}/query_user_notify"),
        "page_size=5",
    );
    get(
        &GetSystemMessages::unified(),
        &format!("{message}/query_unified_notify"),
        "page_size=10",
    );
    get(
        &GetSystemMessages::older(1_699_999_999_999_999_960),
        &format!("{message}/query_notify_list"),
        "cursor=1699999999999999960&data_type=1",
    );
    get(
        &GetLikeDetail::new(9_300_000_000_060),
        &format!("{api}/like_detail"),
        "card_id=9300000000060&pn=1",
    );
    get(
        &GetLikeDetail::new(9_300_000_000_060)
            .page(2)
            .last_mid(Uid(30_200)),
        &format!("{api}/like_detail"),
        "card_id=9300000000060&pn=2&last_mid=30200",
    );
    get(
        &GetBlockWords,
        &format!("{VC}/x/im/link_setting/get_block_words"),
        "build=0&mobi_app=web",
    );
    get(
        &SingleUnread,
        &format!("{VC}/session_svr/v1/session_svr/single_unread"),
        "unread_type=0&show_unfollow_list=1&show_dustbin=1&build=0&mobi_app=web",
    );
    get(
        &MyGroupUnread,
        &format!("{VC}/session_svr/v1/session_svr/my_group_unread"),
        "build=0&mobi_app=web",
    );
    get(
        &GetUserInfos::of([Uid(20002), Uid(20001), Uid(20002), Uid(0)])[0],
        &format!("{VC}/x/im/user_infos"),
        "uids=20001,20002&build=0&mobi_app=web",
    );
    get(
        &GetSessions::new()
            .group_fold(false)
            .begin_ts(UnixMicros(5))
            .end_ts(UnixMicros(9))
            .size(100),
        &format!("{VC}/session_svr/v1/session_svr/get_sessions"),
        "session_type=4&group_fold=0&unfollow_fold=0&sort_rule=2&begin_ts=5&end_ts=9&size=100&build=0&mobi_app=web",
    );
}

#[test]
fn users_are_asked_for_fifty_at_a_time() {
    for (users, sizes) in [
        (0, &[][..]),
        (1, &[1]),
        (50, &[50]),
        (51, &[50, 1]),
        (150, &[50, 50, 50]),
    ] {
        // Each twice, and what no user is.
        let uids = (1..=users).chain(1..=users).chain([0, -1, i64::MIN]);
        let calls = GetUserInfos::of(uids.map(Uid));
        let asked: Vec<usize> = calls.iter().map(|it| it.uids().len()).collect();
        assert_eq!(asked, sizes);
        let all: Vec<Uid> = calls.iter().flat_map(|it| it.uids()).copied().collect();
        assert_eq!(all, (1..=users).map(Uid).collect::<Vec<_>>());
    }
    let longest = (0..50).map(|n| Uid(i64::MAX - n));
    let request = request(&GetUserInfos::of(longest)[0]);
    assert!(request.uri().to_string().len() < 2000);
}

#[test]
fn calls_that_write() {
    let of = |name: &str| format!("{VC}/session_svr/v1/session_svr/{name}");
    let dnd = format!("{VC}/link_setting/v1/link_setting/set_msg_dnd");
    let (user, group) = (Uid(20001), GroupId(221_300));
    post(
        &UpdateAck::new(user, Seqno(7)),
        &of("update_ack"),
        "talker_id=20001&session_type=1&ack_seqno=7",
    );
    post(
        &RemoveSession::new(group),
        &of("remove_session"),
        "talker_id=221300&session_type=2",
    );
    post(
        &SetTop::pin(user),
        &of("set_top"),
        "talker_id=20001&session_type=1&op_type=0",
    );
    post(
        &SetTop::unpin(group),
        &of("set_top"),
        "talker_id=221300&session_type=2&op_type=1",
    );
    post(
        &SetMsgDnd::mute(user),
        &dnd,
        "uid=10001&setting=1&dnd_uid=20001",
    );
    post(
        &SetMsgDnd::unmute(group),
        &dnd,
        "uid=10001&setting=0&dnd_group_id=221300",
    );
    SetMsgDnd::mute(user).parse(&answer(&json!({}))).unwrap();
    UpdateAck::new(user, Seqno(7))
        .parse(&answer(&json!(null)))
        .unwrap();
}

#[test]
fn calls_that_write_notifications_and_settings() {
    let api = "https://api.bilibili.com/x/msgfeed";
    for (call, form) in [
        (DeleteFeedItem::like(7), "tp=0&id=7"),
        (DeleteFeedItem::reply(7), "tp=1&id=7"),
        (DeleteFeedItem::at(7), "tp=2&id=7"),
    ] {
        post(&call, &format!("{api}/del"), form);
    }
    for (call, form) in [
        (SetFeedNotice::mute(7), "tp=0&id=7&notice_state=1"),
        (SetFeedNotice::unmute(7), "tp=0&id=7&notice_state=0"),
    ] {
        post(&call, &format!("{api}/notice"), form);
    }
    get(
        &UpdateSystemCursor::new(1_699_999_999_999_999_960),
        "https://message.bilibili.com/x/sys-msg/update_cursor",
        &format!("csrf={}&cursor=1699999999999999960", support::BILI_JCT),
    );
    let mut settings = SessionSettings::default();
    settings.msg_notify = Some(NotifySetting::Off);
    settings.set_like = Some(LikeSetting::Off);
    settings.set_at = Some(Audience::Followed);
    settings.keys_reply = Some(false);
    settings.set_new_follow = Some(2);
    post(
        &SetSessionSettings::new(settings),
        &format!("{VC}/link_setting/v1/link_setting/set"),
        "msg_notify=3&set_like=5&set_at=1&keys_reply=0&set_new_follow=2",
    );
    for name in ["add_block_word", "del_block_word"] {
        let url = format!("{VC}/x/im/link_setting/{name}");
        match name {
            "add_block_word" => post(&AddBlockWord::new("广告 &"), &url, "content=广告 %26"),
            _ => post(&DeleteBlockWord::new("广告 &"), &url, "content=广告 %26"),
        }
    }
}

#[test]
fn settings_have_the_names_of_the_service() {
    let mut settings = SessionSettings::default();
    for name in SessionSettings::NAMES {
        settings.set(name, 1).unwrap();
    }
    let written = serde_json::to_value(&settings).unwrap();
    for (name, value) in written.as_object().unwrap() {
        let is_set = *value == json!(1) || *value == json!(true);
        assert_eq!(is_set, name != "anti_harassment", "{name}: {value}");
    }
    let form = SessionSettings::NAMES.join("=1&") + "=1";
    post(
        &SetSessionSettings::new(settings.clone()),
        &format!("{VC}/link_setting/v1/link_setting/set"),
        &form,
    );
    assert_eq!(
        settings.set("keys_reply", 2),
        Err(NotASetting::Number("keys_reply"))
    );
    assert_eq!(settings.set("anti_harassment", 1), Err(NotASetting::Name));
    let words = settings.set("msg_notfiy", 1).unwrap_err().to_string();
    assert!(words.contains("msg_notify, set_like"), "{words}");
    // A number that this version does not know is the service's to judge.
    settings.set("set_at", 9).unwrap();
    assert_eq!(settings.set_at, Some(Audience::Unknown(9)));
}

#[test]
fn notifications_settings_and_words_are_checked_before_anything_is_sent() {
    let read_only = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap());
    let mut settings = SessionSettings::default();
    let empty = request_with(&context(), &SetSessionSettings::new(settings.clone()));
    assert!(matches!(empty, Err(BuildError::Parameter { .. })));
    settings.set("keys_reply", 1).unwrap();
    macro_rules! needs_the_token {
        ($($call:expr),+ $(,)?) => {$(
            let refused = [$call.check(&read_only), request_with(&read_only, &$call).map(drop)];
            assert_eq!(refused, [Err(BuildError::MissingBiliJct), Err(BuildError::MissingBiliJct)]);
        )+};
    }
    needs_the_token!(
        DeleteFeedItem::like(1),
        SetFeedNotice::mute(1),
        UpdateSystemCursor::new(1),
        SetSessionSettings::new(settings.clone()),
        AddBlockWord::new("a"),
        DeleteBlockWord::new("a"),
    );
    let add = |word: &str| request_with(&context(), &AddBlockWord::new(word));
    assert_eq!(add("").unwrap_err(), BuildError::EmptyText);
    assert!(add(&"字".repeat(20)).is_ok());
    let long = add(&"字".repeat(21)).unwrap_err().to_string();
    assert!(long.contains("20 characters"), "{long}");
    // A longer one may be there all the same, from other times.
    assert!(request_with(&context(), &DeleteBlockWord::new("字".repeat(21))).is_ok());
}

#[test]
fn refusals_of_blocked_words_say_what_to_do() {
    for (code, words) in [
        (1_900_004, "20 characters"),
        (1_900_005, "delete one first"),
        (1_900_006, "blocked already"),
        (1_900_007, "spaces"),
    ] {
        let error = ApiError::new(code, "");
        assert_eq!(error.class(), ErrorClass::CallerMistake);
        let said = error.to_string();
        assert!(said.contains(words), "{said}");
    }
    let error = ApiError::new(700_009, "权限不足");
    assert_eq!(error.class(), ErrorClass::Refused);
    assert!(error.to_string().contains("1,000 followers"), "{error}");
}

/// `Debug` on the way shows no token.
#[test]
fn a_token_in_the_query_is_not_shown() {
    let parts = UpdateSystemCursor::new(7).parts(&context(), ()).unwrap();
    let shown = format!("{parts:?}");
    assert!(!shown.contains(support::BILI_JCT), "{shown}");
    assert!(
        shown.contains("csrf") && shown.contains("cursor"),
        "{shown}"
    );
}

#[test]
fn what_is_refused_before_anything_is_sent() {
    let refused = |context: &ClientConfig, call: &SendMsg| request_with(context, call).unwrap_err();
    let read_only = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap());
    let hi = |receiver: ConversationId| SendMsg::text(receiver, "hi");
    assert_eq!(
        refused(&read_only, &hi(Uid(20001).into())),
        BuildError::MissingBiliJct
    );
    assert_eq!(
        request_with(&read_only, &SetTop::pin(Uid(1))).unwrap_err(),
        BuildError::MissingBiliJct
    );
    assert_eq!(
        refused(&context(), &hi(Uid(10001).into())),
        BuildError::ToOneself
    );
    assert!(request_with(&context(), &hi(GroupId(10001).into())).is_ok());
    let without_uid = ClientConfig::new(Credential::parse("SESSDATA=a%2Cb; bili_jct=c").unwrap());
    assert_eq!(
        refused(&without_uid, &hi(Uid(10001).into())),
        BuildError::ToOneself
    );
    let other = ConversationId::new(3, 5);
    assert_eq!(
        refused(&context(), &hi(other)),
        BuildError::UnknownReceiver { session_type: 3 }
    );
    assert!(request_with(&context(), &UpdateAck::new(other, Seqno(1))).is_err());
    assert_eq!(
        refused(&context(), &SendMsg::text(Uid(1), "")),
        BuildError::EmptyText
    );

    // 14 bytes are around the text; what counts is the length as it is sent.
    let room = 2000 - r#"{"content":""}"#.len();
    assert!(request_with(&context(), &SendMsg::text(Uid(1), &"a".repeat(room))).is_ok());
    for text in [
        "a".repeat(room + 1),
        "你".repeat(room / 3 + 1),
        "\"".repeat(room / 2 + 1),
    ] {
        let error = refused(&context(), &SendMsg::text(Uid(1), &text));
        assert!(
            matches!(error, BuildError::ContentTooLong { limit: 2000, .. }),
            "{error}"
        );
    }
    for size in [0, 2001] {
        assert!(request_with(&context(), &FetchSessionMsgs::new(Uid(1)).size(size)).is_err());
    }
    for size in [0, 101] {
        assert!(request_with(&context(), &NewSessions::new(UnixMicros(0)).size(size)).is_err());
    }
}

#[test]
fn a_message_can_be_taken_back_for_two_minutes() {
    let withdraw = |age: i64| {
        let sent_at = UnixSeconds(WTS.0 - age);
        request_with(
            &context(),
            &SendMsg::withdraw(Uid(20001), MsgKey(7)).sent_at(sent_at),
        )
    };
    for age in [-5, 0, 120] {
        assert!(withdraw(age).is_ok(), "{age}");
    }
    assert_eq!(
        withdraw(121).unwrap_err(),
        BuildError::TooLateToWithdraw {
            age_s: 121,
            limit_s: 120
        }
    );
    let unknown = request(&SendMsg::withdraw(Uid(20001), MsgKey(7)));
    let form = take_apart(&unknown).form;
    assert!(form.contains(&("msg[content]".to_owned(), "7".to_owned())));
    assert!(form.contains(&("msg[msg_type]".to_owned(), "5".to_owned())));
}
