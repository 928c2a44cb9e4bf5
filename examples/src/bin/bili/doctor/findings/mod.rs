//! Findings about the service.

mod general;
mod lists;
mod messages;

use serde::Serialize;
use serde_json::Value;

use super::facts::Facts;

/// Fact that was found out, or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Finding {
    event: &'static str,
    pub(super) name: String,
    /// The answer, or `"unknown"`.
    pub(super) value: Value,
    /// The likely one.
    pub(super) expected: Value,
    /// Evidence, or the reason why there is none: counts and relations, nobody's numbers.
    pub(super) evidence: String,
}

/// Answer and its evidence, or the reason why there is none.
type Found = Result<(Value, String), String>;

/// Returns an answer with its evidence.
fn found(value: impl Into<Value>, evidence: impl Into<String>) -> Found {
    Ok((value.into(), evidence.into()))
}

/// Says why there is no answer.
fn unknown<T>(reason: impl Into<String>) -> Result<T, String> {
    Err(reason.into())
}

fn finding(name: impl Into<String>, expected: impl Into<Value>, found: Found) -> Finding {
    let (value, evidence) = found.unwrap_or_else(|reason| ("unknown".into(), reason));
    Finding {
        event: "finding",
        name: name.into(),
        value,
        expected: expected.into(),
        evidence,
    }
}

impl Finding {
    /// Returns whether the answer is what a poller expects, or nothing speaks against that.
    pub(super) fn is_usual(&self) -> bool {
        let text = self.value.as_str().unwrap_or_default();
        self.value == self.expected || text == "unknown" || text.starts_with("at least ")
    }
}

/// Returns all findings, in the order of a report.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = general::signatures(facts);
    all.extend(lists::findings(facts));
    all.extend(messages::findings(facts));
    all.extend(general::the_rest(facts));
    all
}
