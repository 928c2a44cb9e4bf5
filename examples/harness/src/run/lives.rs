//! Beginning and end of a process, and its clock.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::poller::{Journal, Poller};
use bilibili_session::{ClientConfig, Credential, Hosts};

use super::Run;
use crate::delivery_log::{DeliveryLog, InHand};
use crate::feeds::FeedLog;
use crate::happening::Happening;
use crate::life::{Life, Saved};
use crate::politeness::Politeness;
use crate::reply::Replies;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

impl Run<'_> {
    /// Starts a new process, from the last checkpoint if there is one.
    pub(super) fn start(&mut self) -> Result<(), Breach> {
        let login = self.population.sim.login();
        let mut cookies = format!("SESSDATA={}", login.sessdata);
        if self.scenario.has(Trouble::Replies) {
            cookies.push_str("; bili_jct=");
            cookies.push_str(&login.bili_jct);
        }
        let context = match Credential::parse(&cookies) {
            Ok(credential) => ClientConfig::new(credential).hosts(Hosts::official()),
            Err(error) => return Err(Breach::new(Property::NothingLost, error.to_string())),
        };
        let config = self.scenario.config();
        let file = self.file.clone().unwrap_or_default();
        let checkpoint = self.saved.as_ref().map(|saved: &Saved| saved.read(&file));
        let poller = match &checkpoint {
            None => Poller::new(context, config),
            Some(Some(checkpoint)) => Poller::resume(context, config, checkpoint),
            Some(None) => {
                let what = "a checkpoint cannot be read back";
                return Err(Breach::new(Property::NothingLost, what));
            }
        };
        let poller =
            poller.map_err(|error| Breach::new(Property::NothingLost, error.to_string()))?;
        match &self.saved {
            Some(saved) => {
                let (covers, covers_feeds) = (saved.covers, saved.covers_feeds);
                self.delivery_log.rewind(covers, saved.proven.clone());
                if let Some(crowd) = &self.crowd {
                    let kinds = &self.scenario.feeds;
                    self.feed_log.rewind(covers_feeds, kinds, &crowd.ledger);
                }
            }
            None => {
                self.delivery_log = DeliveryLog::default();
                self.feed_log = FeedLog::default();
            }
        }
        let round_began = self.saved.as_ref().and_then(|saved| saved.round_began);
        let skewed = self.scenario.has(Trouble::WallClock);
        let skew_us = if skewed {
            (self.rng.between(0, 4_000_000) as i64 - 2_000_000).saturating_mul(3600)
        } else {
            0
        };
        self.lives += 1;
        self.channel_connects();
        let crowd = self.crowd.as_ref();
        let reads_deep = crowd.is_some_and(|crowd| crowd.ways.reads_deep());
        self.trace.add(self.time(), || {
            format!(
                "life {} starts, resumed: {}",
                self.lives,
                checkpoint.is_some()
            )
        });
        self.life = Some(Life {
            number: self.lives,
            poller,
            politeness: Politeness::new(self.scenario, round_began, reads_deep),
            in_flight: BTreeMap::new(),
            wakes_us: u64::MAX,
            began_us: self.at_us,
            skew_us,
            closing: false,
            login_lost: false,
            listed: BTreeSet::new(),
            listed_newest: BTreeMap::new(),
            seen: BTreeSet::new(),
            in_hand: InHand::default(),
            date: None,
            fetched_us: None,
            replies: Replies::default(),
            base: None,
            feeds_read_us: BTreeMap::new(),
            journal: Journal::new(),
        });
        self.drain()
    }

    /// Kills or closes the process, or makes its clock jump.
    pub(super) fn disturb(&mut self) -> Result<(), Breach> {
        let possible: Vec<Trouble> = [Trouble::Crash, Trouble::Close, Trouble::WallClock]
            .into_iter()
            .filter(|trouble| self.scenario.has(*trouble))
            .collect();
        match self.rng.pick(&possible, Trouble::Delay) {
            Trouble::Crash => self.crash(),
            Trouble::Close if self.life.is_some() => return self.close(),
            Trouble::WallClock => {
                let hours = self.rng.between(0, 12_000_000) as i64 - 6_000_000;
                if let Some(life) = &mut self.life {
                    life.skew_us = hours.saturating_mul(3600);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Kills the process, which comes again.
    pub(crate) fn crash(&mut self) {
        if let Some(life) = self.life.take() {
            self.trace.add(self.time(), || "it dies".to_owned());
            self.bury(&life);
        }
    }

    /// Counts what a life did; the next one starts sooner or later.
    pub(crate) fn bury(&mut self, life: &Life) {
        self.report.requests += life.politeness.requests;
        self.report.rounds += life.politeness.rounds;
        let most = self.rng.pick(&[1, 1_000_000, 20_000_000, 1_200_000_000], 1);
        let after = self.rng.between(0, most);
        self.agenda.put(self.at_us + after, Happening::Start);
    }
}
