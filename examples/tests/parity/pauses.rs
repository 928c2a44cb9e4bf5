//! One login and one pace for all that a session asks, whoever asks.

use bilibili_session_simulator::{Fault, FaultKind};

use super::bot::{Bot, both, say};
use super::{AS_ASKED, DONE};

/// It closes when it has seen how a pause goes.
const NEVER_ENOUGH: usize = usize::MAX;

fn sent_once_and_one_nav(bots: &[Bot]) {
    for bot in bots {
        assert_eq!(bot.requests("send_msg"), 1);
        assert_eq!(bot.requests("nav"), 1);
    }
}

#[test]
fn a_reply_that_the_risk_control_refuses_pauses_all() {
    let bots = both(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(-352))),
        |it| say(it, 20001, &["ping", "ping"]),
        NEVER_ENOUGH,
        &[
            (
                "user 20001",
                &[
                    "not replied: risk_control",
                    "Text ping",
                    "not replied: risk_control for minutes",
                    "Text ping",
                ],
            ),
            (
                "notice",
                &[
                    "handler failed: risk_control",
                    "handler failed: risk_control",
                ],
            ),
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
    sent_once_and_one_nav(&bots);
}

#[test]
fn a_reply_that_is_throttled_pauses_all() {
    let bots = both(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(-509))),
        |it| say(it, 20001, &["ping", "ping"]),
        NEVER_ENOUGH,
        &[
            (
                "user 20001",
                &[
                    "not replied: throttled",
                    "Text ping",
                    "not replied: throttled for seconds",
                    "Text ping",
                ],
            ),
            (
                "notice",
                &["handler failed: throttled", "handler failed: throttled"],
            ),
            (
                "pause",
                &[
                    "throttled",
                    "nothing is asked",
                    "not called: throttled for seconds",
                ],
            ),
            DONE,
            AS_ASKED,
        ],
    );
    sent_once_and_one_nav(&bots);
}

#[test]
fn a_reply_too_many_for_the_day_pauses_replies_alone() {
    let bots = both(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(21046))),
        |it| say(it, 20001, &["ping", "ping"]),
        NEVER_ENOUGH,
        &[
            (
                "user 20001",
                &[
                    "not replied: throttled",
                    "Text ping",
                    "not replied: throttled for a day",
                    "Text ping",
                ],
            ),
            (
                "notice",
                &["handler failed: throttled", "handler failed: throttled"],
            ),
            ("pause", &["sends_paused", "asking goes on", "called"]),
            DONE,
            AS_ASKED,
        ],
    );
    sent_once_and_one_nav(&bots);
}

#[test]
fn a_list_that_the_risk_control_refuses_pauses_calls_too() {
    let bots = both(
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
