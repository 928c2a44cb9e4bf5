//! One login and one pace for all that a session asks, whoever asks.

use bilibili_session_simulator::{Fault, FaultKind};

use super::bot::{on_each, say};
use super::{AS_ASKED, DONE};

/// The bot closes when it has seen how a pause goes.
const NEVER_ENOUGH: usize = usize::MAX;

/// Two messages are to be answered. The first reply is refused with this code, which is an error of this class; the
/// second is not sent, since sends are paused for this long.
fn a_refused_reply(code: i64, class: &str, how_long: &str, pause: &[&str]) {
    let bots = on_each(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(code))),
        |it| say(it, 20001, &["ping", "ping"]),
        NEVER_ENOUGH,
        &[
            (
                "user 20001",
                &[
                    &format!("not replied: {class}"),
                    "Text ping",
                    &format!("not replied: {class} for {how_long}"),
                    "Text ping",
                ],
            ),
            ("warning", &[&*format!("handler failed: {class}"); 2]),
            ("pause", pause),
            DONE,
            AS_ASKED,
        ],
    );
    for bot in bots {
        assert_eq!(bot.requests("send_msg"), 1);
        assert_eq!(bot.requests("nav"), 1);
    }
}

#[test]
fn a_reply_that_the_risk_control_refuses_pauses_all() {
    let not_called = "not called: risk_control for minutes";
    let pause = ["risk_control", "nothing is asked", not_called];
    a_refused_reply(-352, "risk_control", "minutes", &pause);
}

#[test]
fn a_reply_that_is_throttled_pauses_all() {
    let not_called = "not called: throttled for seconds";
    let pause = ["throttled", "nothing is asked", not_called];
    a_refused_reply(-509, "throttled", "seconds", &pause);
}

#[test]
fn a_reply_too_many_for_the_day_pauses_replies_alone() {
    let pause = ["sends_paused", "asking goes on", "called"];
    a_refused_reply(21046, "throttled", "a day", &pause);
}

#[test]
fn a_list_that_the_risk_control_refuses_pauses_calls_too() {
    let bots = on_each(
        |it| it.push_fault(Fault::once("new_sessions", FaultKind::Code(-352))),
        |_| {},
        NEVER_ENOUGH,
        &[
            (
                "pause",
                &[
                    "risk_control",
                    "nothing is asked",
                    "not called: risk_control for minutes",
                ],
            ),
            DONE,
            AS_ASKED,
        ],
    );
    for bot in bots {
        assert_eq!(bot.requests("nav"), 1);
    }
}
