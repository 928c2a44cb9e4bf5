//! Checks that everything was delivered, once it is quiet.

use std::time::Duration;

use super::{LOOK, Run};
use crate::happening::Happening;
use crate::life::EPOCH_US;
use crate::politeness;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// Time limit for all deliveries, once it is quiet (µs).
const QUIET: u64 = 90 * 60 * 1_000_000;
/// Time limit where one conversation is refused to the end, and holds up no other.
const QUIET_BESIDE: u64 = 25 * 60 * 1_000_000;

impl Run<'_> {
    /// Checks whether all messages were delivered.
    pub(super) fn look(&mut self) -> Result<(), Breach> {
        let quiet_since = self.quiet_since.unwrap_or_default();
        let is_connected = self.life.is_some() && self.delivery_log.base().is_some();
        let missing = self.life.as_ref().and_then(|life| {
            let ledger = &self.population.ledger;
            self.delivery_log.missing(ledger, &life.in_hand)
        });
        let quiet = self.quiet();
        let rounds = self.life.as_ref().map_or(0, |life| life.politeness.rounds);
        let unnotified = self.notification_missing();
        if missing.is_some() {
            self.all_came = None;
        }
        if unnotified.is_some() {
            self.all_notified = None;
        }
        if let (true, None, None) = (is_connected, &missing, &unnotified) {
            let since = *self.all_came.get_or_insert(rounds);
            // Some more rounds show that nothing comes twice, and what is forgotten.
            let have_rested = self.feeds_rested();
            if (rounds < since + 4 || !have_rested) && self.at_us - quiet_since <= quiet {
                self.agenda.put(self.at_us + LOOK, Happening::Look);
                return Ok(());
            }
            let unwarned = self.delivery_log.unwarned(&self.population.ledger);
            if let Some((id, seqno)) = unwarned.filter(|_| self.lives == 1) {
                let what = format!("{id} {seqno} cannot be read, and no warning names it");
                return Err(Breach::new(Property::OneBadItem, what).about(id));
            }
            if have_rested {
                self.feeds_are_well()?;
            }
            let is_quiet = self.at_us - quiet_since <= quiet;
            if is_quiet && self.has_just_fetched() && self.remembers().is_err() {
                self.agenda.put(self.at_us + LOOK, Happening::Look);
                return Ok(());
            }
            self.done_at = Some(self.at_us);
        } else if self.at_us - quiet_since > quiet {
            if let (true, None, Some((what, since))) = (is_connected, &missing, unnotified) {
                return Err(Breach::new(Property::NothingLost, what).since(since));
            }
            let Some((count, id, place)) = missing else {
                return Err(Breach::new(Property::NothingLost, "it never connected"));
            };
            let what = format!(
                "{count} messages never came, the first is {id} {}",
                place.seqno
            );
            let at_us = self.population.ledger.get(id, place).map(|it| it.at_us);
            let since_us = at_us.and_then(|at_us| at_us.checked_sub(EPOCH_US + 10_000_000));
            return Err(Breach::new(Property::NothingLost, what)
                .about(id)
                .since(since_us.map(Duration::from_micros)));
        }
        self.agenda.put(self.at_us + LOOK, Happening::Look);
        Ok(())
    }

    /// Returns the time limit for all deliveries.
    fn quiet(&self) -> u64 {
        let has = |trouble: &Trouble| self.scenario.has(*trouble);
        // What makes it pause for long, or come late.
        let slow = [
            Trouble::RiskControl,
            Trouble::Throttle,
            Trouble::Codes,
            Trouble::Http,
            Trouble::Garbage,
            Trouble::Loss,
            Trouble::Hang,
            Trouble::Delay,
            Trouble::SignedLists,
            Trouble::BigPages,
            Trouble::StillTs,
            Trouble::FutureTs,
            Trouble::DateOff,
            Trouble::TypeChanges,
            Trouble::ManyChanged,
        ];
        let quiet = match has(&Trouble::Refused) && !slow.iter().any(has) {
            true => QUIET_BESIDE,
            false => QUIET,
        };
        // Each page keeps its distance to the last, and may be asked for three times.
        let spacing = u64::try_from(self.scenario.spacing.as_micros()).unwrap_or_default();
        let pages = self.population.ledger.serial() / u64::from(self.scenario.page_size.max(2) - 1);
        quiet + 3 * spacing * pages
    }

    /// Checks that the poller remembers no more conversations than allowed.
    pub(super) fn remembers(&self) -> Result<(), Breach> {
        // Where the single types lead nowhere either, no list can be proven whole.
        let is_owed_for_good = self.adversary.lists_lead_nowhere();
        match &self.life {
            Some(life) if !is_owed_for_good => {
                let unforgettable = self.population.unforgettable();
                politeness::remembers(&life.poller, self.scenario, unforgettable)
            }
            _ => Ok(()),
        }
    }

    /// Returns whether messages came a short while ago: their conversations are forgotten after
    /// the list that shows them as they are now, and three more.
    fn has_just_fetched(&self) -> bool {
        let five_rounds = u64::try_from(5 * self.scenario.interval.as_micros()).unwrap_or(u64::MAX);
        let fetched_us = self.life.as_ref().and_then(|life| life.fetched_us);
        fetched_us.is_some_and(|fetched_us| self.at_us - fetched_us < five_rounds)
    }
}
