//! The length of the wait after a failure.

use std::time::Duration;

pub(crate) use crate::rng::Rng;

const RETRY_CAP: Duration = Duration::from_secs(5 * 60);
const THROTTLED_FIRST: Duration = Duration::from_secs(30);
const RISK_FIRST: Duration = Duration::from_secs(5 * 60);
const RISK_CAP: Duration = Duration::from_secs(60 * 60);

/// A pause that doubles with every failure and begins anew after a success.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    kind: Kind,
    failures: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Fault,
    RiskControl,
}

impl Backoff {
    /// Creates the back-off after a fault: the interval or a second, whichever is longer, to five
    /// minutes.
    pub(crate) fn retry(interval: Duration) -> Self {
        Self::new(interval.max(Duration::from_secs(1)), Kind::Fault)
    }

    /// Creates the back-off after throttling: 30 s to five minutes.
    pub(crate) fn throttled(interval: Duration) -> Self {
        Self::new(interval.max(THROTTLED_FIRST), Kind::Fault)
    }

    /// Creates the back-off under risk control: five minutes to an hour.
    pub(crate) fn risk_control(interval: Duration) -> Self {
        Self::new(interval.max(RISK_FIRST), Kind::RiskControl)
    }

    const fn new(first: Duration, kind: Kind) -> Self {
        Self {
            first,
            kind,
            failures: 0,
        }
    }

    fn cap(&self) -> Duration {
        let cap = match self.kind {
            Kind::Fault => RETRY_CAP,
            Kind::RiskControl => RISK_CAP,
        };
        cap.max(self.first)
    }

    /// Returns the next pause, doubled up to the cap, plus a random part of up to a quarter.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> Duration {
        self.next_to(self.cap(), rng)
    }

    /// Returns the next pause after a refusal, which trying again hardly mends: up to an
    /// hour.
    pub(crate) fn next_after_refusal(&mut self, rng: &mut Rng) -> Duration {
        self.next_to(self.cap().max(RISK_CAP), rng)
    }

    fn next_to(&mut self, cap: Duration, rng: &mut Rng) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(31);
        let jitter = doubled.min(cap).mul_f64(rng.fraction() / 4.0);
        doubled.saturating_add(jitter).min(cap)
    }

    /// Goes on after this number of failures in a row.
    pub(crate) const fn after(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Returns the number of failures in a row, as far as it counts.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Begins anew after a success.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_with_a_quarter_of_jitter() {
        for seed in 0..50 {
            let mut rng = Rng::new(seed);
            let mut backoff = Backoff::retry(Duration::from_secs(6));
            for turn in [6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 300.0, 300.0] {
                let pause = backoff.next(&mut rng).as_secs_f64();
                assert!(
                    pause >= turn && pause <= (turn * 1.25).min(300.0),
                    "{pause}"
                );
            }
            backoff.reset();
            assert!(backoff.next(&mut rng) < Duration::from_secs(8));
        }
    }

    #[test]
    fn never_overflows() {
        let mut rng = Rng::new(1);
        let mut backoff = Backoff::risk_control(Duration::from_secs(1));
        for _ in 0..100 {
            assert!(backoff.next(&mut rng) <= RISK_CAP);
        }
        let mut slow = Backoff::retry(Duration::from_secs(4000));
        assert!(slow.next(&mut rng) >= Duration::from_secs(4000));
    }
}
