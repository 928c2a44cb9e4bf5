//! Faults that answer instead of the server, and the meaning of an answer to its receiver.

use bilibili_session_simulator::{FaultKind, Rng};
use http::{Response, StatusCode};

use super::feeds::garbage;
use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Meaning of an answer to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The answer is as it should be.
    Right,
    /// The request is to be tried again.
    Fault,
    /// The signature is refused, whatever the keys are; or there is none.
    Refused,
    /// The signature is refused: the keys have changed.
    OldKeys,
    /// A pause of minutes.
    RiskControl,
    /// A pause of half a minute.
    Throttled,
    /// No message is to be sent for half a minute.
    SendsTooOften,
    /// No message is to be sent for a day.
    SendsForADay,
    /// The end.
    LoginLost,
    /// The end of that conversation.
    Gone,
}

/// Draws a fault that this scenario has.
pub(super) fn fault(
    rng: &mut Rng,
    scenario: &Scenario,
    asked: RequestKind,
) -> Option<(FaultKind, Meaning)> {
    let possible: Vec<Trouble> = scenario
        .troubles
        .iter()
        .filter(|trouble| match trouble {
            Trouble::Gone => asked.conversation().is_some(),
            _ => *trouble as u8 <= Trouble::LoginLost as u8,
        })
        .collect();
    let http = |status| FaultKind::Http(StatusCode::from_u16(status).unwrap_or_default());
    let body = |text: &str| FaultKind::Body(text.as_bytes().to_vec());
    Some(match rng.pick(&possible, Trouble::Delay) {
        Trouble::Loss if rng.chance(500) => (FaultKind::Reset, Meaning::Fault),
        Trouble::Loss => (FaultKind::Truncated, Meaning::Fault),
        Trouble::Hang => (FaultKind::Hang, Meaning::Fault),
        Trouble::Garbage if asked.is_feed() => (garbage(rng, asked), Meaning::Fault),
        Trouble::Garbage => {
            let kind = match rng.between(0, 6) {
                0 => FaultKind::Garbage,
                1 | 2 => FaultKind::DataNull,
                3 => body("<!DOCTYPE html><html>made up</html>"),
                4 => body(""),
                5 => body(r#"{"code":0,"message":"0","data":{"messages":[{"msg_seq"#),
                _ => body(r#"{"code":0,"data":{"messages":"x","session_list":7,"mid":[]}}"#),
            };
            (kind, Meaning::Fault)
        }
        Trouble::Http => (
            http(rng.pick(&[500, 502, 503, 504, 404, 301], 500)),
            Meaning::Fault,
        ),
        Trouble::Codes => {
            let code = rng.pick(&[-3, -500, -503, -400, -403, -403, 2, 700_009, -1], -3);
            let meaning = match code {
                -403 if asked.is_signed() => Meaning::OldKeys,
                -403 => Meaning::Refused,
                _ => Meaning::Fault,
            };
            (FaultKind::Code(code), meaning)
        }
        Trouble::Throttle => match rng.pick(&[-509, -799, 429], 429) {
            429 => (http(429), Meaning::Throttled),
            code => (FaultKind::Code(code), Meaning::Throttled),
        },
        Trouble::RiskControl => match rng.pick(&[-352, -412, 412, 403, 0], 0) {
            0 => (FaultKind::Voucher, Meaning::RiskControl),
            status @ (412 | 403) => {
                let status = u16::try_from(status).unwrap_or_default();
                (http(status), Meaning::RiskControl)
            }
            code => (FaultKind::Code(code), Meaning::RiskControl),
        },
        Trouble::LoginLost if rng.chance(50) => (FaultKind::Code(-101), Meaning::LoginLost),
        Trouble::Gone => {
            let code = rng.pick(&[700_013, 700_014, 1_000_004], 700_013);
            (FaultKind::Code(code), Meaning::Gone)
        }
        _ => return None,
    })
}

/// Returns the meaning of an answer that was not tampered with.
pub(super) fn meaning_of(response: &Response<Vec<u8>>) -> Meaning {
    let starts = |text: &str| response.body().starts_with(text.as_bytes());
    if starts(r#"{"code":0,"#) {
        Meaning::Right
    } else if starts(r#"{"code":-403,"#) {
        Meaning::Refused
    } else if starts(r#"{"code":-352,"#) {
        Meaning::RiskControl
    } else if starts(r#"{"code":21020,"#) {
        Meaning::SendsTooOften
    } else if starts(r#"{"code":21046,"#) {
        Meaning::SendsForADay
    } else if starts(r#"{"code":-509,"#) {
        Meaning::Throttled
    } else if starts(r#"{"code":70001"#) || starts(r#"{"code":1000004,"#) {
        Meaning::Gone
    } else if starts(r#"{"code":-101,"#) {
        Meaning::LoginLost
    } else {
        Meaning::Fault
    }
}
