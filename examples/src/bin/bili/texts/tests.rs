use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bilibili_session::error::{ApiError, BuildError, PageError};
use bilibili_session::login::LoginError;
use bilibili_session::model::Message;
use bilibili_session::poller::{Status, Warning};
use bilibili_session::{
    ConversationId, Error, Event, EventType, FeedKind, GroupId, Names, Seqno, TransportError,
    TransportErrorKind, Uid,
};
use fluent_bundle::FluentResource;

use super::library::key_of;
use super::*;
use crate::args::Cli;

/// Keys with their placeholders.
type Keys = BTreeMap<String, BTreeSet<String>>;

fn keys(catalogue: &str) -> Keys {
    let read = FluentResource::try_new(catalogue.to_owned());
    assert!(read.is_ok(), "{:?}", read.err().unwrap().1);
    let mut keys = Keys::new();
    for line in catalogue
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (key, text) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        assert!(!text.trim().is_empty(), "{line}");
        let names = text.split("{ $").skip(1);
        let names = names.map(|rest| rest.split_once(" }").unwrap_or_else(|| panic!("{line}")).0);
        let names = names.map(str::to_owned).collect();
        assert_eq!(keys.insert(key.to_owned(), names), None, "{key} twice");
    }
    keys
}

fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_code = path.extension().is_some_and(|it| it == "rs");
        let is_test = path.file_stem().is_some_and(|it| it == "tests");
        if path.is_dir() && !is_test {
            all += &sources(&path);
        } else if is_code && !is_test {
            all += &fs::read_to_string(&path).unwrap();
        }
    }
    all
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Finds what each macro of this name is given: the key, and the names of the values.
fn uses(code: &str, name: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for rest in code.split(&format!("{name}!(")).skip(1) {
        let mut depth = 1;
        let end = rest.find(|it| {
            depth += i32::from("([{".contains(it)) - i32::from(")]}".contains(it));
            depth == 0
        });
        let given = &rest[..end.unwrap()];
        let Some(given) = given.trim_start().strip_prefix('"') else {
            continue;
        };
        let (key, values) = given.split_once('"').unwrap();
        // Values of this command hold no `name = ` of their own.
        let words: Vec<&str> = values.split_whitespace().collect();
        let pairs = words.windows(2).filter(|pair| pair[1] == "=");
        let names = pairs.map(|pair| pair[0].trim_start_matches(',').to_owned());
        found.push((key.to_owned(), names.collect()));
    }
    found
}

#[test]
fn both_catalogues_have_the_same_keys_and_placeholders() {
    assert_eq!(keys(catalogue::ENGLISH), keys(catalogue::CHINESE));
}

#[test]
fn each_text_is_used_with_its_placeholders_and_no_other_is() {
    let code = sources(&folder("src/bin/bili"));
    for (names, catalogue) in [
        (&["text", "say"][..], catalogue::ENGLISH),
        (&["chinese"], catalogue::LIBRARY_CHINESE),
    ] {
        let keys = keys(catalogue);
        let uses: Vec<_> = names.iter().flat_map(|name| uses(&code, name)).collect();
        assert!(uses.len() > 50);
        let mut unused: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
        for (key, values) in &uses {
            // The forms in the docs of the macros.
            if key == "key" {
                continue;
            }
            assert_eq!(keys.get(key), Some(values), "{key}");
            unused.remove(key.as_str());
        }
        unused.retain(|key| {
            let built = ["code-", "status-", "type-", "says-"];
            !built.iter().any(|prefix| key.starts_with(prefix))
        });
        assert_eq!(unused, BTreeSet::new());
    }
}

#[test]
fn each_code_has_its_meaning() {
    let keys = keys(catalogue::LIBRARY_CHINESE);
    let mut known = 0;
    for code in -100_000..2_000_000 {
        let is_known = ApiError::new(code, "").meaning().is_some();
        assert_eq!(
            keys.contains_key(&format!("code-{code}")),
            is_known,
            "{code}"
        );
        known += usize::from(is_known);
    }
    assert_eq!(
        known,
        keys.keys().filter(|key| key.starts_with("code-")).count()
    );
}

#[test]
fn each_status_and_type_has_its_name() {
    let keys = keys(catalogue::LIBRARY_CHINESE);
    let types = (1..1000).map(EventType::from_number);
    let types = types.map(|it| format!("type-{}", it.as_str().replace('_', "-")));
    let statuses = [
        Status::Init,
        Status::Connected,
        Status::Closing,
        Status::Closed,
        Status::Error,
    ];
    let statuses = statuses.map(|it| format!("status-{it}"));
    let named: BTreeSet<String> = types.chain(statuses).collect();
    let is_name = |key: &&String| key.starts_with("type-") || key.starts_with("status-");
    let there: BTreeSet<String> = keys.keys().filter(is_name).cloned().collect();
    assert_eq!(there, named);
}

#[test]
fn each_phrase_is_one_that_is_said() {
    let code = sources(&folder("../core/src")) + &sources(&folder("src/bin/bili"));
    let literals: BTreeSet<String> = code.split('"').map(key_of).collect();
    let keys = keys(catalogue::LIBRARY_CHINESE);
    for key in keys.keys().filter(|key| key.starts_with("says-")) {
        assert!(literals.contains(key), "{key} is said nowhere");
    }
    let reasons = ["refuse(\"", "rule: \"", "NotSendable(\"", "UnknownForm(\""];
    let mut count = 0;
    for reason in reasons {
        for rest in code.split(reason).skip(1) {
            let english = rest.split('"').next().unwrap();
            assert!(
                keys.contains_key(&key_of(english)),
                "{english} has no Chinese"
            );
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn the_locale_names_the_language() {
    for locale in [
        "zh_CN.UTF-8",
        "zh",
        "zh-Hans",
        "zh_TW",
        "ZH_cn",
        "zh.UTF-8",
        "zh@pinyin",
    ] {
        assert_eq!(Language::of(locale), Language::Chinese, "{locale}");
    }
    for locale in [
        "",
        "C",
        "POSIX",
        "C.UTF-8",
        "en_US.UTF-8",
        "de_DE",
        "zha",
        "en_zh",
    ] {
        assert_eq!(Language::of(locale), Language::English, "{locale}");
    }
}

/// Checks that a text is Chinese and has each number of the English one.
#[track_caller]
fn is_translated(said: &dyn Said) {
    let (english, chinese) = (said.said(Language::English), said.said(Language::Chinese));
    let has_chinese = chinese
        .chars()
        .any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
    assert!(has_chinese, "{english} | {chinese}");
    let numbers = english.split(|it: char| !it.is_ascii_digit() && it != '.');
    for number in numbers {
        let number = number.trim_matches('.');
        let number = number.strip_suffix(".0").unwrap_or(number);
        assert!(chinese.contains(number), "{number}: {english} | {chinese}");
    }
}

fn errors() -> Vec<Error> {
    let build = [
        BuildError::MissingBiliJct,
        BuildError::EmptyText,
        BuildError::ContentTooLong {
            length: 71,
            limit: 72,
        },
        BuildError::ToOneself,
        BuildError::TooLateToWithdraw {
            age_s: 73,
            limit_s: 74,
        },
        BuildError::ForeignPicture {
            host: "host75".to_owned(),
        },
        BuildError::NotAPicture {
            reason: "the file is empty".to_owned(),
        },
        BuildError::UnknownReceiver { session_type: 76 },
        BuildError::Parameter {
            name: "size77",
            rule: "1 to 100",
        },
        BuildError::UidMismatch {
            given: Uid(78),
            actual: Uid(79),
        },
        BuildError::ForeignCheckpoint {
            checkpoint: Uid(80),
            actual: Uid(81),
        },
        BuildError::Origin {
            origin: "o82".to_owned(),
            reason: "it is not a URL",
        },
        BuildError::NotSendable("a cookie"),
    ];
    let transport = TransportError::new(TransportErrorKind::Connect, "words 83");
    let mut errors: Vec<Error> = build.map(Error::from).into();
    errors.extend([
        ApiError::new(-352, "-352").into(),
        ApiError::new(-101, "").into(),
        ApiError::new(84, "words 85").into(),
        PageError::Stalled.into(),
        PageError::Unasked.into(),
        transport.clone().into(),
        TransportError::timeout().into(),
        Error::PictureRefused {
            code: 86,
            message: "87".to_owned(),
        },
        Error::UnknownOutcome(Box::new(transport.into())),
        Error::WithinHandler,
    ]);
    errors
}

#[test]
fn each_error_is_said_in_chinese() {
    for error in errors() {
        is_translated(&error);
    }
    for error in [
        LoginError::Expired,
        LoginError::MissingCookies {
            names: vec!["cookie1", "cookie2"],
        },
        LoginError::NoRefreshToken,
        LoginError::OtherAccount {
            expected: Uid(1),
            actual: Uid(2),
        },
        LoginError::NotStored("3".to_owned()),
        LoginError::Over,
    ] {
        is_translated(&error);
    }
}

#[test]
fn each_warning_is_said_in_chinese() {
    let conversation = ConversationId::Group(GroupId(51));
    let (delay, error) = (
        Duration::from_secs(52),
        Error::from(ApiError::new(53, "54")),
    );
    let reason = "words 55".to_owned();
    let raw = String::new();
    let feed = FeedKind::Likes;
    let at = |conversation| Warning::Retry {
        delay,
        conversation,
        error: error.clone(),
    };
    let failed = |held| Warning::ConversationFailed {
        conversation,
        held,
        error: error.clone(),
    };
    let undecodable = |conversation| Warning::Undecodable {
        conversation,
        raw: raw.clone(),
        reason: reason.clone(),
    };
    let unknown = Error::UnknownOutcome(Box::new(error.clone()));
    let no_reply = |error| Warning::ReplyFailed {
        conversation,
        error,
    };
    let warnings = [
        at(None),
        at(Some(conversation)),
        Warning::Throttled {
            delay,
            conversation: None,
            error: error.clone(),
        },
        Warning::RiskControl {
            delay,
            conversation: None,
            error: error.clone(),
        },
        Warning::ListIncomplete {
            delay,
            error: error.clone(),
        },
        Warning::SendsPaused {
            delay,
            error: error.clone(),
        },
        Warning::Gap {
            conversation,
            from_seqno: Seqno(56),
            to_seqno: Seqno(57),
        },
        failed(0),
        failed(58),
        undecodable(None),
        undecodable(Some(conversation)),
        Warning::FeedRetry {
            delay,
            feed: Some(feed),
            error: error.clone(),
        },
        Warning::FeedsPaused {
            delay,
            feed: None,
            error: error.clone(),
        },
        Warning::UndecodableNotification {
            feed,
            raw: raw.clone(),
            reason: reason.clone(),
        },
        no_reply(error.clone()),
        no_reply(unknown),
        Warning::Push {
            connected: true,
            reason: None,
        },
        Warning::Push {
            connected: false,
            reason: Some(reason.clone()),
        },
        Warning::Login {
            reason: reason.clone(),
        },
        Warning::HandlerFailed {
            conversation,
            reason: reason.clone(),
        },
        Warning::FeedHandlerFailed {
            feed,
            reason: reason.clone(),
        },
    ];
    for warning in &warnings {
        is_translated(warning);
    }
}

#[test]
fn each_line_of_a_recorded_message_is_said_in_chinese() {
    let text = include_str!("../../../../../core/tests/wire/events.json")
        // Half of a surrogate pair, which no JSON text can hold.
        .replace("信息 a\\ud83db", "信息 a\\ufffdb");
    let recording: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = Names::new(0);
    for entry in recording["events"].as_array().unwrap() {
        let Ok(message) = serde_json::from_value::<Message>(entry["data"].clone()) else {
            continue;
        };
        let event = Event::new(Uid(20001).into(), message);
        let (english, chinese) = (event.to_string(), lines::message(&event, &names));
        assert!(chinese.contains("用户 20001"), "{chinese}");
        // What others wrote is the same.
        for part in event.content.shown_parts() {
            let part = bilibili_session::OneLine(&part).to_string();
            assert_eq!(
                chinese.contains(&part),
                english.contains(&part),
                "{chinese}"
            );
        }
    }
}

#[test]
fn wrong_usage_is_said_in_chinese() {
    use clap::Parser as _;
    for (line, said) in [
        ("bili wathc", "没有 wathc 这个命令，是不是 at、watch？"),
        (
            "bili watch --intervall 3",
            "不认识参数 --intervall，是不是 --interval？",
        ),
        ("bili watch --interval x", "--interval <SECS> 的值“x”不对"),
        ("bili watch --runtime tokio", "可用的有 blocking、async-std"),
        ("bili watch --interval", "--interval <SECS> 需要一个值"),
        (
            "bili send 20001",
            "缺少 <TEXT|--picture <FILE>|--withdraw <MSG_KEY>>",
        ),
        ("bili mark-read 1 --all", "不能和"),
        ("bili sessions --type 4 --type 4", "--type <N> 不能给出多次"),
    ] {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        let chinese = usage::chinese_of(&error).unwrap();
        assert!(chinese.contains(said), "{line}: {chinese}");
    }
}
