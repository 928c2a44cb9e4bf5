//! `doctor`: asks the service itself what is not known of it.
//!
//! It reads, and changes nothing; it asks little and slowly. What it prints can be shown to
//! anybody: counts and relations, no number, name or text of anybody.
//!
//! [`plan`] says what to ask by what is known, [`findings`] what the answers say; both are
//! functions of values. Only this file asks, waits and prints.

mod clock;
mod examination;
mod facts;
mod findings;
mod page;
mod plan;
mod question;
mod shapes;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::poller::Habits;
use bilibili_session::{ClientConfig, UnixMicros};
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{DIM, Output, WARN, note, padded};
use crate::runtime::Runtime;
use crate::setup::Setup;
use crate::texts::say;
use examination::{Examination, MOST};
use findings::Finding;
use question::Probe;

/// The service itself is asked this slowly.
const PACE: Duration = Duration::from_secs(3);

pub(crate) fn run(setup: &Setup, runtime: &Runtime, out: &mut Output) -> Result<(), Failure> {
    let pace = pace(runtime.context());
    announce(pace);
    let identity = runtime.login()?;
    let mut last = Instant::now();
    let mut examination = Examination::new();
    while let Some(next) = examination.next() {
        let left = MOST.saturating_sub(examination.asked());
        note(&say!(
            "doctor-left",
            left = left,
            question = next.1.in_words()
        ));
        sleep(pace.saturating_sub(last.elapsed()));
        let probe = Probe {
            question: next.1,
            keys: &identity.keys,
            wts: examination.server_now(now()),
        };
        let reply = runtime.call(probe);
        last = Instant::now();
        examination.learn(next, reply, now());
    }
    note(&say!("doctor-asked", count = examination.asked()));
    let findings = examination.findings();
    for finding in &findings {
        out.print(finding, || in_words(finding))?;
    }
    out.flush()?;
    if !setup.is_demo() {
        store::keep(runtime.context(), identity.uid, habits(&findings))?;
    }
    match examination.ended() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Returns the least time between two requests.
fn pace(context: &ClientConfig) -> Duration {
    match context.is_official() {
        true => PACE,
        false => Duration::ZERO,
    }
}

/// Announces the examination before it begins.
fn announce(pace: Duration) {
    let seconds = pace.as_secs();
    let pace = match seconds {
        0 => String::new(),
        seconds => say!("doctor-pace", seconds = seconds),
    };
    note(&say!("doctor-asks", most = MOST, pace = pace));
}

fn now() -> UnixMicros {
    SystemTime::now().into()
}

/// Returns the findings that a poller can use.
fn habits(findings: &[Finding]) -> Habits {
    let value = |name: &str| {
        let found = findings.iter().find(|it| it.name == name)?;
        found.value.as_bool()
    };
    let mut habits = Habits::new();
    habits.all_types_ignore_end_ts = value("all_types_ignore_end_ts");
    habits.lists_signed = value("lists_want_signature");
    habits
}

/// Returns the columns: question, answer, the usual answer if it is another, evidence.
fn in_words(finding: &Finding) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = padded(&finding.name, 34);
    let value = padded(&plain(&finding.value), 14);
    let evidence = &finding.evidence;
    match finding.is_usual() {
        true => format!("{name}  {value}  {DIM}{evidence}{DIM:#}"),
        false => {
            let expected = plain(&finding.expected);
            let rest = say!("doctor-expected", expected = expected, evidence = *evidence);
            format!("{name}  {WARN}{value}{WARN:#}  {DIM}{rest}{DIM:#}")
        }
    }
}
