//! A poller against a server that means harm, in virtual time.
//!
//! A seed stands for a run ([`Scenario::draw`]): who writes how much, what goes wrong, how
//! the poller is configured. Between the poller and the [`Simulator`](bilibili_session_simulator::Simulator)
//! stands an adversary; beside them an oracle that knows all that the server ever had and
//! checks the poller's eight promises ([`Property`]). A run of hours takes milliseconds.
//!
//! ```
//! use bilibili_session_harness::{Scenario, run};
//!
//! let report = run(&Scenario::draw(1))?;
//! assert!(report.rounds > 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adversary;
mod agenda;
mod channel;
mod delivery_log;
mod drive;
mod feeds;
mod habits;
mod happening;
mod ledger;
mod life;
mod page;
mod politeness;
mod population;
mod reply;
mod request_kind;
mod run;
mod scenario;
mod shrink;
mod trace;
mod trouble;
mod violation;

use std::time::Duration;

pub use scenario::Scenario;
pub use trouble::{Trouble, Troubles};
pub use violation::{Property, Violation};

/// Number of lines shown of the end of a run.
const TRACED: usize = 40;

/// Result of a run that kept all promises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Length of the run, in virtual time.
    pub length: Duration,
    /// Number of messages that the server had.
    pub messages: u64,
    /// Number of events.
    pub events: u64,
    /// Number of warnings.
    pub warnings: u64,
    /// Number of requests.
    pub requests: u64,
    /// Number of rounds.
    pub rounds: u64,
    /// Number of processes.
    pub lives: u64,
    /// Number of notifications that the server had.
    pub notifications: u64,
    /// Number of events about notifications.
    pub feed_events: u64,
    /// Number of hints of a push channel.
    pub hints: u64,
}

/// Runs a scenario.
///
/// # Errors
/// Fails with the first promise that was not kept, without a trace.
pub fn run(scenario: &Scenario) -> Result<Report, Box<Violation>> {
    run::Run::new(scenario, trace::Trace::default()).run()
}

/// Runs a scenario; one that fails is made as small as possible and run again with a trace.
///
/// # Errors
/// Fails with the first promise that was not kept in the smaller run.
pub fn run_and_shrink(scenario: &Scenario) -> Result<Report, Box<Violation>> {
    let violation = match run(scenario) {
        Ok(report) => return Ok(report),
        Err(violation) => violation,
    };
    match run_traced(&shrink::shrink(scenario, violation.property)) {
        // The same scenario gives the same run.
        Ok(_) => Err(violation),
        Err(traced) => Err(traced),
    }
}

/// Runs a scenario; one that fails is run again unchanged, with a trace.
///
/// # Errors
/// Fails with the first promise that was not kept.
pub fn run_traced(scenario: &Scenario) -> Result<Report, Box<Violation>> {
    let (about, since) = match run(scenario) {
        Ok(report) => return Ok(report),
        Err(violation) => (violation.about, violation.since),
    };
    run::Run::new(scenario, trace::Trace::new(TRACED, about, since)).run()
}

/// Runs a scenario with a trace of so many lines, up to its end; one that fails is made
/// smaller first if `shrinks`.
///
/// # Errors
/// Fails with the first promise that was not kept.
pub fn run_with_lines(
    scenario: &Scenario,
    lines: usize,
    shrinks: bool,
) -> Result<Report, Box<Violation>> {
    let violation = match run(scenario) {
        Ok(report) => return Ok(report),
        Err(violation) => violation,
    };
    let scenario = match shrinks {
        true => &shrink::shrink(scenario, violation.property),
        false => scenario,
    };
    let about = run(scenario).err().and_then(|it| it.about);
    // Many lines are wanted of everybody.
    let about = about.filter(|_| lines < 1_000);
    run::Run::new(scenario, trace::Trace::new(lines, about, None)).run()
}
