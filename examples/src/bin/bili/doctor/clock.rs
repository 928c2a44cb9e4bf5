//! The `Date` headers, against the local clock.

use bilibili_session::{UnixMicros, UnixSeconds};

/// Less than this is the way of an answer, and the rounding of a header to seconds.
const NOTHING_S: i64 = 2;
/// Time after which a date that is still the same stands still.
const MOVES_AFTER_S: i64 = 3;

/// Values of the `Date` headers of the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dates {
    /// Time of each answer by the local clock, and its date.
    seen: Vec<(UnixMicros, Option<UnixSeconds>)>,
}

impl Dates {
    pub(super) fn observe(&mut self, local: UnixMicros, date: Option<UnixSeconds>) {
        self.seen.push((local, date));
    }

    /// Returns the number of answers, and of those with a date.
    pub(super) fn counts(&self) -> (usize, usize) {
        let dated = self.seen.iter().filter(|(_, date)| date.is_some());
        (self.seen.len(), dated.count())
    }

    /// Returns whether the dates stand still; not known where too little time passed.
    pub(super) fn stand_still(&self) -> Option<bool> {
        let dates = |(local, date): &(UnixMicros, Option<UnixSeconds>)| {
            date.map(|date| (local.to_seconds().0, date.0))
        };
        let (first_local, first) = self.seen.iter().find_map(dates)?;
        let (last_local, last) = self.seen.iter().rev().find_map(dates)?;
        let is_long = last_local.saturating_sub(first_local) >= MOVES_AFTER_S;
        match last == first {
            true => is_long.then_some(true),
            false => Some(false),
        }
    }

    /// Returns the distance of the dates ahead of the local clock, in seconds: the middle of all,
    /// rounded, to minutes where it is more than one.
    pub(super) fn off_s(&self) -> Option<i64> {
        let off = self
            .seen
            .iter()
            .filter_map(|(local, date)| Some(date.as_ref()?.0.saturating_sub(local.to_seconds().0)))
            .collect();
        median(off).map(rounded)
    }

    /// Returns the time to sign with: the service's clock as far as it is known.
    pub(super) fn server_now(&self, local: UnixMicros) -> UnixSeconds {
        let is_moving = self.stand_still() != Some(true);
        let off = self.off_s().filter(|_| is_moving).unwrap_or_default();
        UnixSeconds(local.to_seconds().0.saturating_add(off))
    }
}

/// Returns the middle value.
pub(super) fn median(mut of: Vec<i64>) -> Option<i64> {
    of.sort_unstable();
    of.get(of.len() / 2).copied()
}

/// Rounds to whole minutes, or to seconds below one minute; next to nothing is 0.
pub(super) fn rounded(seconds: i64) -> i64 {
    match seconds.saturating_abs() {
        0..=NOTHING_S => 0,
        ..60 => seconds,
        _ => (seconds.saturating_add(30))
            .div_euclid(60)
            .saturating_mul(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(seen: &[(i64, Option<i64>)]) -> Dates {
        let mut dates = Dates::default();
        for (local, date) in seen {
            dates.observe(UnixSeconds(*local).to_micros(), date.map(UnixSeconds));
        }
        dates
    }

    #[test]
    fn how_far_off_dates_are() {
        for (seen, off, stand_still) in [
            (&[][..], None, None),
            (&[(100, None), (103, None)], None, None),
            (&[(100, Some(99)), (103, Some(102))], Some(0), Some(false)),
            (&[(100, Some(100)), (101, Some(100))], Some(0), None),
            (&[(100, Some(70)), (160, Some(70))], Some(-30), Some(true)),
            (&[(100, None), (103, Some(3703))], Some(3600), None),
            (&[(100, Some(117))], Some(17), None),
        ] {
            let dates = dates(seen);
            assert_eq!(dates.stand_still(), stand_still, "{seen:?}");
            assert_eq!(dates.off_s(), off.map(rounded), "{seen:?}");
        }
    }

    #[test]
    fn minutes_are_enough_beyond_one() {
        let seconds = [-3, -2, 2, 3, 59, 61, 89, 91, -7195, 3600];
        let expected = [-3, 0, 0, 3, 59, 60, 60, 120, -7200, 3600];
        assert_eq!(seconds.map(rounded), expected);
    }
}
