//! Rounds out of turn, after a hint that something has changed.

use std::time::Duration;

/// Least distance between the beginnings of two rounds at the service itself.
const LEAST_OFFICIAL: Duration = Duration::from_secs(3);

/// The same at another origin.
const LEAST: Duration = Duration::from_secs(1);

/// Distance of rounds that the service is known to bear for long; half of it for an hour has got
/// accounts frozen.
const LASTING: Duration = Duration::from_secs(6);

/// Time that rounds may come sooner than that, all together; it comes back while they come later.
const CREDIT: Duration = Duration::from_secs(60);

/// Distances of further looks after one that brought nothing: the hint may have come before the
/// list shows the change.
pub(crate) const AGAIN: [Duration; 4] = [
    Duration::from_millis(1500),
    Duration::from_secs(3),
    Duration::from_secs(6),
    Duration::from_secs(12),
];

/// Returns the least distance between two looks that hints lead to.
pub(crate) const fn least_distance(is_official: bool) -> Duration {
    match is_official {
        true => LEAST_OFFICIAL,
        false => LEAST,
    }
}

/// Returns the least distance between looks that go on for long.
pub(crate) const fn lasting_distance(is_official: bool) -> Duration {
    match is_official {
        true => LASTING,
        false => LEAST,
    }
}

/// Number of looks that a hint leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// One.
    Once,
    /// Several, while they bring nothing.
    Repeated,
}

/// The look that a hint has led to, or will lead to.
#[derive(Debug)]
pub(super) struct Poke {
    is_official: bool,
    /// Rest of the credit.
    credit: Duration,
    /// A hint that no round has begun after.
    wanted: Option<(Duration, Look)>,
    /// Distance from the last round to the next look at what an earlier hint told of.
    again: Option<Duration>,
    /// Number of further looks so far, while they are made.
    looks: Option<usize>,
    /// Set if the present round, or the last one, brought something.
    has_found: bool,
}

impl Poke {
    pub(super) const fn new(is_official: bool) -> Self {
        Self {
            is_official,
            credit: CREDIT,
            wanted: None,
            again: None,
            looks: None,
            has_found: false,
        }
    }

    /// Notes a hint; `began` is the beginning of the last round.
    pub(super) fn hint(&mut self, clock: Duration, began: Duration, look: Look) {
        // A hint that comes twice, or late, is most likely about what was just found.
        let is_found = self.has_found && clock.saturating_sub(began) < LEAST_OFFICIAL;
        let look = match is_found {
            true => Look::Once,
            false => look,
        };
        let (at, known) = self.wanted.unwrap_or((clock, look));
        self.wanted = Some((at, known.max(look)));
    }

    /// Returns the time of the next look, if there is to be one.
    pub(super) fn due(&self, began: Duration) -> Option<Duration> {
        let wanted = self.wanted.map(|(at, _)| at);
        let again = self.again.map(|distance| began.saturating_add(distance));
        let due = wanted.into_iter().chain(again).min()?;
        Some(due.max(began.saturating_add(self.least())))
    }

    /// Returns the least distance to the last round.
    pub(super) fn least(&self) -> Duration {
        match self.is_official {
            false => LEAST,
            true if self.credit >= LASTING.saturating_sub(LEAST_OFFICIAL) => LEAST_OFFICIAL,
            true => LASTING,
        }
    }

    /// Notes that a round begins, at this distance from the last one.
    pub(super) fn round_begins(&mut self, distance: Duration) {
        let later = distance.saturating_sub(LASTING);
        let sooner = LASTING.saturating_sub(distance);
        let credit = self.credit.saturating_add(later).min(CREDIT);
        self.credit = credit.saturating_sub(sooner);
        self.again = None;
        self.has_found = false;
        match self.wanted.take() {
            Some((_, Look::Repeated)) => self.looks = Some(0),
            Some((_, Look::Once)) | None => {}
        }
    }

    /// Notes that the round brought something.
    pub(super) const fn found(&mut self) {
        self.has_found = true;
        self.again = None;
        self.looks = None;
        // Pushes come twice: one during this round is most likely about what it brought.
        if let Some((_, look)) = &mut self.wanted {
            *look = Look::Once;
        }
    }

    pub(super) fn round_ended(&mut self) {
        let Some(looks) = self.looks else { return };
        self.again = AGAIN.get(looks).copied();
        self.looks = self.again.map(|_| looks.saturating_add(1));
    }
}
