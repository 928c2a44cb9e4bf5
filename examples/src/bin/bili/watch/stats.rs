//! `--stats` and `--metrics`: what the session has counted.

use std::sync::{Arc, Mutex, PoisonError};

use bilibili_session::poller::{Counters, Delays, Outcomes, Status};

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
            format!("rounds      {}", counters.rounds),
            format!("requests    {}", outcomes(&counters.requests)),
            format!("calls       {}", outcomes(&counters.calls)),
            format!("messages    {}", counters.events),
            format!("notified    {}", counters.notifications),
            format!("warnings    {}", counters.warnings),
            format!(
                "pauses      {}, {} s together",
                counters.pauses,
                counters.paused.as_secs()
            ),
            format!("delay       {}", delay(&counters.delays)),
        ];
        format!("counted\n  {}", lines.join("\n  "))
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
    let failures = named(outcomes).into_iter().skip(1);
    let failures = failures.filter(|(_, count)| *count > 0);
    let failures: Vec<String> = failures
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    match failures.is_empty() {
        true => outcomes.total().to_string(),
        false => format!("{} ({})", outcomes.total(), failures.join(", ")),
    }
}

fn delay(delays: &Delays) -> String {
    let within = |part| match delays.within(part) {
        Some(bound) => format!("within {bound} s"),
        None => "later".to_owned(),
    };
    match delays.counts.iter().sum() {
        0_u64 => "no message yet".to_owned(),
        _ => format!("half {}, 99 % {}", within(0.5), within(0.99)),
    }
}
