//! `--stats` and `--metrics`: what the session has counted.

use std::sync::{Arc, Mutex, PoisonError};

use bilibili_session::poller::{Counters, Delays, Outcomes, Status};

use crate::output::padded;
use crate::texts::say;

/// Reads the counters and the status of a session, from any thread.
pub(crate) type Counting = Arc<dyn Fn() -> (Counters, Status) + Send + Sync>;

/// The counters of this watch. Clones are the same.
#[derive(Clone)]
pub(super) struct Stats(Arc<Mutex<Counting>>);

impl Stats {
    pub(super) fn new(counting: Counting) -> Self {
        Self(Arc::new(Mutex::new(counting)))
    }

    /// Goes on with another session, which counts from zero.
    pub(super) fn count_with(&self, counting: Counting) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counting;
    }

    pub(super) fn read(&self) -> (Counters, Status) {
        let counting = Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
        counting()
    }

    /// Returns the counters in words, a line for each kind.
    pub(super) fn in_words(&self) -> String {
        let (counters, _) = self.read();
        let lines = [
            (say!("stats-rounds"), counters.rounds.to_string()),
            (say!("stats-requests"), outcomes(&counters.requests)),
            (say!("stats-calls"), outcomes(&counters.calls)),
            (say!("stats-messages"), counters.events.to_string()),
            (
                say!("stats-notifications"),
                counters.notifications.to_string(),
            ),
            (say!("stats-warnings"), counters.warnings.to_string()),
            (
                say!("stats-pauses"),
                say!(
                    "stats-of-pauses",
                    count = counters.pauses,
                    seconds = counters.paused.as_secs(),
                ),
            ),
            (say!("stats-delay"), delay(&counters.delays)),
        ];
        let lines = lines.map(|(name, figure)| format!("\n  {}{figure}", padded(&name, 12)));
        say!("stats") + &lines.concat()
    }
}

/// The outcomes by their names.
pub(super) const fn named(outcomes: &Outcomes) -> [(&'static str, u64); 6] {
    [
        ("ok", outcomes.ok),
        ("refused", outcomes.refused),
        ("throttled", outcomes.throttled),
        ("risk_control", outcomes.risk_control),
        ("fault", outcomes.faults),
        ("unanswered", outcomes.unanswered),
    ]
}

fn outcomes(outcomes: &Outcomes) -> String {
    let failures = [
        (say!("outcome-refused"), outcomes.refused),
        (say!("outcome-throttled"), outcomes.throttled),
        (say!("outcome-risk-control"), outcomes.risk_control),
        (say!("outcome-fault"), outcomes.faults),
        (say!("outcome-unanswered"), outcomes.unanswered),
    ];
    let failures = failures.into_iter().filter(|(_, count)| *count > 0);
    let failures: Vec<String> = failures
        .map(|(name, count)| say!("stats-failure", count = count, outcome = name))
        .collect();
    let total = outcomes.total();
    match failures.is_empty() {
        true => total.to_string(),
        false => say!(
            "stats-of-outcomes",
            total = total,
            failures = failures.join(", ")
        ),
    }
}

fn delay(delays: &Delays) -> String {
    let within = |part| match delays.within(part) {
        Some(bound) => say!("delay-within", seconds = bound),
        None => say!("delay-later"),
    };
    match delays.counts.iter().sum() {
        0_u64 => say!("stats-no-delay"),
        _ => say!("stats-of-delays", half = within(0.5), most = within(0.99)),
    }
}
