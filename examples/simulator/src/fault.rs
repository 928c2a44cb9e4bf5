//! Failures on demand.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::wire::envelope;
use crate::{Answer, Quirks, wire::envelope::Refusal};

/// Failure of the next answers to some path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Met by every path that contains this.
    pub path: String,
    /// Kind of the failure.
    pub kind: FaultKind,
    /// Number of answers that fail.
    pub times: u32,
    /// Number of answers to the path that pass before.
    pub skip: u32,
    /// The request is carried out before its answer fails: a message is sent, and the client cannot know.
    pub carried_out: bool,
}

/// Kind of failure of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An HTTP status with an HTML body.
    Http(StatusCode),
    /// The connection is reset, with no answer.
    Reset,
    /// No answer for ever; the connection stays open.
    Hang,
    /// An answer that ends in its middle, although its header promises the rest.
    Truncated,
    /// HTTP 200 with this code.
    Code(i64),
    /// HTTP 200, code 0 and a voucher alone: risk control in disguise.
    Voucher,
    /// HTTP 200, code 0, `data` is null.
    DataNull,
    /// HTTP 200 with a body that is not JSON.
    Garbage,
    /// HTTP 200 with exactly this body.
    Body(Vec<u8>),
    /// An empty page of messages, although there are some.
    EmptyPage,
    /// The right answer, late.
    Delay(Duration),
}

impl Fault {
    /// Creates a fault for one answer to a path that contains `path`.
    pub fn once(path: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            path: path.into(),
            kind,
            times: 1,
            skip: 0,
            carried_out: false,
        }
    }

    /// Sets the number of answers that fail.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Sets the number of answers that pass before.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Carries the request out although its answer fails.
    #[must_use]
    pub fn carried_out(mut self) -> Self {
        self.carried_out = true;
        self
    }

    /// Reads a fault as control requests and scripts write it:
    /// `{"path":"…","kind":"…","code":-352,"times":1,"skip":0,"carried_out":false,"delay_ms":0,"body":"…"}`.
    ///
    /// A kind that begins with `taken_then_` is carried out before its answer fails, like any kind with
    /// `"carried_out":true`: `taken_then_reset`, `taken_then_hang`, `taken_then_http_502`. The others mean that the
    /// request was not taken, but for `delay` and `truncated`, which need the answer.
    ///
    /// # Errors
    /// Says what is missing or unknown.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let count = |name: &str, otherwise: u32| match value.get(name) {
            None | Some(Value::Null) => Ok(otherwise),
            Some(given) => given
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .ok_or(format!("`{name}` is a count from 0")),
        };
        let path = value
            .get("path")
            .and_then(Value::as_str)
            .ok_or("`path` is missing: a part of the path to hit")?;
        let kind = value
            .get("kind")
            .and_then(Value::as_str)
            .ok_or("`kind` is missing")?;
        let taken = kind.strip_prefix("taken_then_");
        let kind = match taken.unwrap_or(kind) {
            "reset" => FaultKind::Reset,
            "hang" => FaultKind::Hang,
            "truncated" => FaultKind::Truncated,
            "v_voucher" => FaultKind::Voucher,
            "data_null" => FaultKind::DataNull,
            "garbage" => FaultKind::Garbage,
            "empty_page" => FaultKind::EmptyPage,
            "code" => FaultKind::Code(
                value
                    .get("code")
                    .and_then(Value::as_i64)
                    .ok_or("`code` is missing, and kind `code` needs it")?,
            ),
            "body" => FaultKind::Body(
                value
                    .get("body")
                    .and_then(Value::as_str)
                    .ok_or("`body` is missing, and kind `body` needs it")?
                    .into(),
            ),
            "delay" => FaultKind::Delay(Duration::from_millis(
                value
                    .get("delay_ms")
                    .and_then(Value::as_u64)
                    .ok_or("`delay_ms` is missing, and kind `delay` needs it")?,
            )),
            other => FaultKind::Http(
                http_status(other).ok_or_else(|| format!("unknown kind `{other}`"))?,
            ),
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
            times: count("times", 1)?,
            skip: count("skip", 0)?,
            carried_out: taken.is_some()
                || value
                    .get("carried_out")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
        })
    }

    /// Returns whether the model does its work for this fault before the answer is spoilt.
    pub(crate) fn needs_the_answer(&self) -> bool {
        self.carried_out || matches!(self.kind, FaultKind::Truncated | FaultKind::Delay(_))
    }

    /// Returns the answer with the fault in it; `right` is there if [`Self::needs_the_answer`].
    pub(crate) fn spoil(
        &self,
        now_us: i64,
        quirks: &Quirks,
        right: Option<http::Response<Vec<u8>>>,
    ) -> Answer {
        let right =
            |otherwise: Value| right.unwrap_or_else(|| envelope::success(now_us, otherwise));
        Answer::Respond(match &self.kind {
            FaultKind::Reset => return Answer::Reset,
            FaultKind::Hang => return Answer::Hang,
            FaultKind::Truncated => return Answer::Truncated(right(Value::Null)),
            FaultKind::Delay(delay) => return Answer::Delayed(*delay, right(Value::Null)),
            FaultKind::Http(status) => envelope::html(now_us, *status),
            FaultKind::Code(code) => envelope::refusal(now_us, &Refusal::new(*code)),
            FaultKind::Voucher => {
                envelope::success(now_us, json!({"v_voucher": "voucher_00000000-made-up"}))
            }
            FaultKind::DataNull => envelope::success(now_us, Value::Null),
            FaultKind::Garbage => envelope::json_bytes(
                now_us,
                StatusCode::OK,
                b"{\"code\":0,\"data\":{\"\xff]".to_vec(),
            ),
            FaultKind::Body(body) => envelope::json_bytes(now_us, StatusCode::OK, body.clone()),
            FaultKind::EmptyPage => {
                envelope::success(now_us, crate::service::messages::empty_page(quirks))
            }
        })
    }
}

/// Reads an HTTP status of failure: `http_500`, `html_412`.
fn http_status(kind: &str) -> Option<StatusCode> {
    let digits = kind
        .strip_prefix("http_")
        .or_else(|| kind.strip_prefix("html_"))?;
    let status: u16 = digits.parse().ok()?;
    (400..600)
        .contains(&status)
        .then(|| StatusCode::from_u16(status).ok())
        .flatten()
}

/// The faults that wait for their path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Takes the fault that hits this answer, if any, and counts the answer.
    pub(crate) fn take(&mut self, path: &str) -> Option<Fault> {
        let mut hit = None;
        for fault in self.0.iter_mut().filter(|fault| path.contains(&fault.path)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if hit.is_none() && fault.times > 0 {
                fault.times -= 1;
                hit = Some(fault.clone());
            }
        }
        self.0.retain(|fault| fault.times > 0);
        hit
    }
}
