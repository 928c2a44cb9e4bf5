//! The command speaks Chinese where the locale is, and to scripts as ever.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::process::Command;

use bilibili_session_simulator::FaultKind;
use support::*;

const NAMES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// Runs a command with these values of `LC_ALL`, `LC_MESSAGES` and `LANG`; an empty one is unset.
fn run_in(mut command: Command, locale: [&str; 3]) -> Ran {
    for (name, value) in NAMES.into_iter().zip(locale) {
        match value {
            "" => command.env_remove(name),
            value => command.env(name, value),
        };
    }
    run(command)
}

const ENGLISH: [&str; 3] = ["C", "", ""];
const CHINESE: [&str; 3] = ["", "", "zh_CN.UTF-8"];

fn is_chinese(text: &str) -> bool {
    text.chars()
        .any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it))
}

/// A command on both languages, in worlds that are alike: what each said.
fn both(prepare: impl Fn(&World), args: &[&str]) -> [Ran; 2] {
    [ENGLISH, CHINESE].map(|locale| {
        let world = World::new();
        prepare(&world);
        run_in(world.bili(args), locale)
    })
}

#[test]
fn each_locale_chooses() {
    let said = |locale: [&str; 3]| run_in(bare(&["accounts"]), locale).stderr;
    let english = "bili: no login is stored: `bili login` makes one\n";
    for locale in [
        ["", "", ""],
        ["C", "", ""],
        ["POSIX", "zh_CN.UTF-8", "zh_CN.UTF-8"],
        ["", "en_US.UTF-8", "zh_CN.UTF-8"],
        ["", "", "de_DE.UTF-8"],
        ["", "", "C.UTF-8"],
    ] {
        assert_eq!(said(locale), english, "{locale:?}");
    }
    let chinese = "bili: 还没有保存登录：请用 `bili login` 登录\n";
    for locale in [
        ["zh_CN.UTF-8", "en_US.UTF-8", "en_US.UTF-8"],
        ["", "zh_CN.UTF-8", "en_US.UTF-8"],
        ["", "", "zh_CN.UTF-8"],
        ["", "", "zh_TW"],
    ] {
        assert_eq!(said(locale), chinese, "{locale:?}");
    }
}

#[test]
fn what_succeeds() {
    let prepare = |world: &World| {
        world.text(20001, "hi");
    };
    for (args, english, chinese) in [
        (&["history", "20001"][..], "(20001): hi", "(20001)：hi"),
        (&["sessions"], "1 new", "未读 1"),
        (
            &["mark-read", "20001"],
            "user 20001 is read up to",
            "用户 20001 已读到第",
        ),
        (
            &["pin", "20001"],
            "user 20001 is pinned",
            "用户 20001 已置顶",
        ),
        (
            &["mute", "20001", "--off"],
            "is no longer muted",
            "用户 20001 已取消免打扰",
        ),
        (
            &["remove", "20001"],
            "is removed from the list",
            "用户 20001 已从列表中移除",
        ),
        (
            &["send", "20001", "hello"],
            "sent, with the key",
            "已发送，消息的 key 是",
        ),
        (&["settings"], "yes", "是"),
        (&["likes"], " more", "和另外"),
    ] {
        let [one, other] = both(prepare, args);
        assert_eq!(
            (one.code, other.code),
            (Some(0), Some(0)),
            "{one:?} {other:?}"
        );
        assert!(one.stdout.contains(english), "{one:?}");
        assert!(other.stdout.contains(chinese), "{other:?}");
        assert!(!other.stdout.contains(english), "{other:?}");
    }
}

#[test]
fn what_fails() {
    let nothing = |_: &World| {};
    let refused =
        |path: &'static str, code| move |world: &World| world.fault(path, FaultKind::Code(code), 9);
    let sending = &["send", "20001", "hi"][..];
    for ([one, other], code, english, chinese) in [
        (
            both(refused("get_sessions", -101), &["sessions"]),
            3,
            "code -101: not logged in: the SESSDATA is wrong or has expired",
            "错误码 -101：未登录：SESSDATA 不对或已过期",
        ),
        (
            both(refused("get_sessions", -352), &["sessions"]),
            4,
            "refused by the risk control: stop asking for some minutes",
            "错误码 -352：被风控拒绝：请停几分钟再请求",
        ),
        (
            both(refused("send_msg", 21047), sending),
            1,
            "code 21047: only one message until the other side answers or follows",
            "错误码 21047：对方回复或关注之前，只能发一条消息",
        ),
        (
            both(refused("send_msg", 21047), sending),
            1,
            " - wait until they write to you or follow you",
            " - 请等对方回复或关注你",
        ),
        (
            both(nothing, &["--cookie-file", "/there/is/none", "whoami"]),
            2,
            "the cookie file /there/is/none: No such file",
            "Cookie 文件 /there/is/none：不存在",
        ),
        (
            both(nothing, &["whoami", "--quiet"]),
            2,
            "unexpected argument '--quiet'",
            "不认识参数 --quiet",
        ),
        (
            both(nothing, &["watch", "--intervall", "3"]),
            2,
            "'--intervall' found; a similar argument exists: '--interval' - see `bili help`",
            "不认识参数 --intervall，是不是 --interval？ - 用法见 `bili help`",
        ),
        (
            both(nothing, &["session", "abc"]),
            2,
            "'abc' for '<UID>': not the number of a user or a group",
            "<UID> 的值“abc”不对：不是用户或群的号码",
        ),
    ] {
        for (ran, words) in [(&one, english), (&other, chinese)] {
            assert_eq!(ran.code, Some(code), "{ran:?}");
            assert!(ran.stderr.contains(words), "{ran:?}");
            // One line, whatever the language.
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
            assert_eq!(ran.stdout, "", "{ran:?}");
        }
    }
}

#[test]
fn a_write_without_its_token() {
    for (locale, words) in [
        (
            ENGLISH,
            "this call needs bili_jct: add that cookie to the credential - set BILI_JCT",
        ),
        (
            CHINESE,
            "这个调用需要 bili_jct：请把这个 Cookie 加到登录凭据里 - 请同时设置 BILI_JCT",
        ),
    ] {
        let world = World::new();
        let mut command = world.bili(&["send", "20001", "hi"]);
        command.env_remove("BILI_JCT");
        let ran = run_in(command, locale);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
}

#[test]
fn a_cookie_with_its_name_in_a_variable() {
    let world = World::new();
    for (variable, given) in [
        ("BILI_SESSDATA", "SESSDATA=made%2Cup"),
        ("BILI_JCT", " bili_jct = 00"),
    ] {
        for (locale, words) in [(ENGLISH, "takes the value alone"), (CHINESE, "只写值")] {
            let mut command = world.bili(&["whoami"]);
            command.env(variable, given);
            let ran = run_in(command, locale);
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(ran.stderr.contains(words), "{ran:?}");
            assert!(ran.stderr.contains(variable), "{ran:?}");
            assert!(!ran.stderr.contains("made%2Cup"), "{ran:?}");
        }
    }
    assert_eq!(world.requests("nav"), 0);
}

#[test]
fn a_message_taken_back() {
    let world = World::new();
    let sent = world.json(&["send", "20001", "hello"]).line();
    let key = sent["msg_key"].as_str().unwrap();
    let command = world.bili(&["send", "20001", "--withdraw", key]);
    let ran = run_in(command, ENGLISH);
    assert_eq!(ran.stdout, format!("{key} is taken back\n"), "{ran:?}");
}

#[test]
fn a_watch_with_its_statuses_warnings_and_figures() {
    let watch = |locale| {
        let world = World::new();
        world.fault("fetch_session_msgs", FaultKind::Code(-352), 1);
        let args = ["watch", "--interval", "0.2", "--duration", "3", "--stats"];
        let command = world.bili(&args);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while world.requests("get_sessions") + world.requests("new_sessions") < 3 {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                world.text(20001, "hi");
            });
            run_in(command, locale)
        })
    };
    for (locale, words, figures) in [
        (
            ENGLISH,
            ["connected\n", "risk control, pausing ", "closing\nclosed\n"],
            [
                "counted\n",
                "\n  rounds      ",
                "1 risk_control",
                "\n  delay       ",
            ],
        ),
        (
            CHINESE,
            ["已连接\n", "遇到风控，暂停 ", "正在关闭\n已关闭\n"],
            ["统计\n", "\n  轮数        ", "风控 1", "\n  延迟        "],
        ),
    ] {
        let ran = watch(locale);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for part in words {
            assert!(ran.stdout.contains(part), "{part}: {ran:?}");
        }
        for part in figures {
            assert!(ran.stderr.contains(part), "{part}: {ran:?}");
        }
    }
}

#[test]
fn what_scripts_read_is_the_same() {
    let prepare = |world: &World| {
        world.text(20001, "hi");
        world.fault("send_msg", FaultKind::Code(21047), 1);
    };
    for args in [
        &["whoami"][..],
        &["settings"],
        &["unread"],
        &["pin", "20001"],
        &["send", "20001", "hi"],
    ] {
        let [one, other] = both(prepare, &with_json(args));
        assert_eq!(one.stdout, other.stdout, "{args:?}");
        assert_eq!(one.code, other.code, "{args:?}");
        // Whoever looks at it reads the rest.
        assert_eq!(
            is_chinese(&other.stderr),
            !one.stderr.is_empty(),
            "{other:?}"
        );
    }
}
