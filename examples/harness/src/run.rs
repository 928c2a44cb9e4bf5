//! A run: virtual time, lives and deaths.

use std::time::Duration;

use bilibili_session::poller::{Poller, RequestId};
use bilibili_session::{ClientConfig, Credential, Hosts, TransportError};
use bilibili_session_simulator::Rng;
use http::{Request, Response};

use crate::Report;
use crate::adversary::{Adversary, Delivery, Meaning, Moment};
use crate::agenda::Agenda;
use crate::delivery_log::DeliveryLog;
use crate::life::{EPOCH_US, Life, Saved};
use crate::politeness::Politeness;
use crate::population::Population;
use crate::reply::{Replies, ReplyId};
use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property, Violation};

/// How long it may take until all came out, once it is quiet (µs).
const QUIET: u64 = 90 * 60 * 1_000_000;
/// The same where one conversation is refused to the end, and holds up no other.
const QUIET_BESIDE: u64 = 25 * 60 * 1_000_000;
/// How often it is looked whether all came out (µs).
const LOOK: u64 = 60_000_000;
/// A poller that waits longer has stopped.
const LONGEST_WAIT: u64 = 2 * 60 * 60 * 1_000_000;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The process starts.
    Start,
    /// A request reaches the server.
    Reach {
        life: u64,
        id: RequestId,
        request: Box<Request<Vec<u8>>>,
    },
    /// An answer comes back.
    Answer {
        life: u64,
        id: RequestId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
        /// What the server had when it answered.
        serial: u64,
    },
    /// Somebody writes.
    Act,
    /// Somebody is answered.
    Reply,
    /// A request of a reply reaches the server.
    ReplyReach {
        id: ReplyId,
        request: Box<Request<Vec<u8>>>,
    },
    /// An answer to a reply comes back.
    ReplyAnswer {
        id: ReplyId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
    },
    /// 4,500 messages at once.
    Flood,
    /// All conversations change at once.
    Many,
    /// The process dies, is asked to close, or the wall clock jumps.
    Disturb,
    /// The troubles are over.
    Quiet,
    /// Somebody writes a last time.
    LastWord(usize),
    /// Has all come out?
    Look,
}

/// All that there is in a run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) rng: Rng,
    pub(crate) at_us: u64,
    pub(crate) agenda: Agenda<Happening>,
    pub(crate) population: Population,
    adversary: Adversary,
    pub(crate) life: Option<Life>,
    lives: u64,
    pub(crate) saved: Option<Saved>,
    pub(crate) delivery_log: DeliveryLog,
    pub(crate) quiet_since: Option<u64>,
    /// The round in which all had come out.
    all_came: Option<u64>,
    /// When the run was over.
    done_at: Option<u64>,
    pub(crate) trace: Trace,
    pub(crate) report: Report,
}

impl<'a> Run<'a> {
    pub(crate) fn new(scenario: &'a Scenario, trace: Trace) -> Self {
        let mut rng = Rng::new(scenario.seed ^ 0x00c0_ffee);
        let mut population = Population::new(scenario, &mut rng, EPOCH_US);
        let adversary = Adversary::new(scenario, &mut rng, &mut population);
        Self {
            scenario,
            rng,
            at_us: 0,
            agenda: Agenda::default(),
            population,
            adversary,
            life: None,
            lives: 0,
            saved: None,
            delivery_log: DeliveryLog::default(),
            quiet_since: None,
            all_came: None,
            done_at: None,
            trace,
            report: Report::default(),
        }
    }

    /// From the beginning to the end.
    pub(crate) fn run(mut self) -> Result<Report, Box<Violation>> {
        match self.go() {
            Ok(()) => {
                self.report.length = Duration::from_micros(self.at_us);
                self.report.messages = self.population.ledger.serial();
                self.report.lives = self.lives;
                Ok(self.report)
            }
            Err(Breach {
                property,
                about,
                since,
                what,
            }) => Err(Box::new(Violation {
                property,
                about,
                since,
                what,
                at: Duration::from_micros(self.at_us),
                scenario: self.scenario.clone(),
                trace: self.trace.into_lines(),
            })),
        }
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }

    fn go(&mut self) -> Result<(), Breach> {
        let length = u64::try_from(self.scenario.length.as_micros()).unwrap_or(u64::MAX);
        self.agenda.put(0, Happening::Start);
        self.agenda
            .put(self.rng.between(0, 20_000_000), Happening::Act);
        self.agenda
            .put(self.rng.between(0, length / 8), Happening::Disturb);
        self.agenda.put(length, Happening::Quiet);
        if self.scenario.has(Trouble::Flood) {
            self.agenda
                .put(self.rng.between(length / 8, length), Happening::Flood);
        }
        if self.scenario.has(Trouble::ManyChanged) {
            for _ in 0..2 {
                let at_us = self.rng.between(length / 8, length);
                self.agenda.put(at_us, Happening::Many);
            }
        }
        if self.scenario.has(Trouble::Replies) {
            self.agenda.put(length / 20, Happening::Reply);
        }
        while self.done_at.is_none() {
            let wakes_us = self.life.as_ref().map_or(u64::MAX, |life| life.wakes_us);
            let next_us = self.agenda.next_at().unwrap_or(u64::MAX);
            if wakes_us <= next_us {
                self.at_us = self.at_us.max(wakes_us);
                self.wake()?;
            } else {
                self.at_us = self.at_us.max(next_us);
                if let Some(happening) = self.agenda.take() {
                    self.happen(happening)?;
                }
            }
        }
        self.remembers()?;
        self.close()
    }

    /// Whether it remembers no more conversations than it may.
    fn remembers(&self) -> Result<(), Breach> {
        // Where the single types lead nowhere either, no list can be proven whole.
        let is_owed_for_good = self.adversary.lists_lead_nowhere();
        match &self.life {
            Some(life) if !is_owed_for_good => {
                let unforgettable = self.population.unforgettable();
                crate::politeness::remembers(&life.poller, self.scenario, unforgettable)
            }
            _ => Ok(()),
        }
    }

    /// Whether messages came in this round or the one before: what they were asked for is
    /// forgotten after that.
    fn has_just_fetched(&self) -> bool {
        let two_rounds = u64::try_from(2 * self.scenario.interval.as_micros()).unwrap_or(u64::MAX);
        let fetched_us = self.life.as_ref().and_then(|life| life.fetched_us);
        fetched_us.is_some_and(|fetched_us| self.at_us - fetched_us < two_rounds)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Breach> {
        let now_us = EPOCH_US + self.at_us;
        match happening {
            Happening::Start => self.start(),
            Happening::Reach { life, id, request } => {
                self.reach(life, id, &request);
                Ok(())
            }
            Happening::Answer {
                life,
                id,
                asked,
                answer,
                meaning,
                serial,
            } => {
                if self.life.as_ref().is_none_or(|it| it.number != life) {
                    return Ok(());
                }
                self.deliver(id, asked, answer, meaning, serial)
            }
            Happening::Act => {
                if self.quiet_since.is_none() {
                    self.population.act(&mut self.rng, self.scenario, now_us);
                    let mean = 3_600_000_000 / u64::from(self.scenario.messages_per_hour);
                    let next = self.rng.between(0, 2 * mean);
                    self.agenda.put(self.at_us + next, Happening::Act);
                }
                Ok(())
            }
            Happening::Reply => {
                if self.quiet_since.is_some() {
                    return Ok(());
                }
                let interval = u64::try_from(self.scenario.interval.as_micros()).unwrap_or(1);
                let next = self.rng.between(100_000, 8 * interval);
                self.agenda.put(self.at_us + next, Happening::Reply);
                self.reply()
            }
            Happening::ReplyReach { id, request } => {
                self.reply_reaches(id, &request);
                Ok(())
            }
            Happening::ReplyAnswer {
                id,
                asked,
                answer,
                meaning,
            } => self.reply_answered(id, asked, answer, meaning),
            Happening::Many => {
                self.population
                    .all_write(&mut self.rng, self.scenario, now_us);
                Ok(())
            }
            Happening::Flood => {
                self.population
                    .burst(&mut self.rng, self.scenario, now_us, 4_500);
                Ok(())
            }
            Happening::Disturb => {
                if self.quiet_since.is_none() {
                    let length = u64::try_from(self.scenario.length.as_micros()).unwrap_or(0);
                    let next = self.rng.between(1, length / 6);
                    self.agenda.put(self.at_us + next, Happening::Disturb);
                    return self.disturb();
                }
                Ok(())
            }
            Happening::Quiet => {
                self.trace
                    .add(self.time(), || "it is quiet from now on".to_owned());
                self.quiet_since = Some(self.at_us);
                self.agenda.put(self.at_us, Happening::LastWord(0));
                Ok(())
            }
            Happening::LastWord(place) => {
                let said = &self.adversary.said_to_be_over;
                let is_over = self.population.last_word(
                    &mut self.rng,
                    now_us,
                    place,
                    self.scenario.last_words,
                    |id| said.contains(&id),
                );
                let (after, next) = if is_over {
                    (LOOK, Happening::Look)
                } else {
                    (300_000, Happening::LastWord(place + 1))
                };
                self.agenda.put(self.at_us + after, next);
                Ok(())
            }
            Happening::Look => self.look(),
        }
    }

    /// Dies, closes, or sees its clock jump.
    fn disturb(&mut self) -> Result<(), Breach> {
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

    /// Whether all came out.
    fn look(&mut self) -> Result<(), Breach> {
        let quiet_since = self.quiet_since.unwrap_or_default();
        let is_connected = self.life.is_some() && self.delivery_log.base().is_some();
        let missing = self.life.as_ref().and_then(|life| {
            let ledger = &self.population.ledger;
            self.delivery_log.missing(ledger, &life.in_hand)
        });
        let quiet = self.quiet();
        let rounds = self.life.as_ref().map_or(0, |life| life.politeness.rounds);
        if missing.is_some() {
            self.all_came = None;
        }
        if let (true, None) = (is_connected, &missing) {
            let since = *self.all_came.get_or_insert(rounds);
            // Some more rounds show that nothing comes twice, and what is forgotten.
            if rounds < since + 4 && self.at_us - quiet_since <= quiet {
                self.agenda.put(self.at_us + LOOK, Happening::Look);
                return Ok(());
            }
            let untold = self.delivery_log.untold(&self.population.ledger);
            if let Some((id, seqno)) = untold.filter(|_| self.lives == 1) {
                let what = format!("{id} {seqno} cannot be read, and no notice tells of it");
                return Err(Breach::new(Property::OneBadItem, what).about(id));
            }
            let is_quiet = self.at_us - quiet_since <= quiet;
            if is_quiet && self.has_just_fetched() && self.remembers().is_err() {
                self.agenda.put(self.at_us + LOOK, Happening::Look);
                return Ok(());
            }
            self.done_at = Some(self.at_us);
        } else if self.at_us - quiet_since > quiet {
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

    /// How long it may take until all came out.
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

    /// A new process starts, from the last checkpoint if there is one.
    fn start(&mut self) -> Result<(), Breach> {
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
        let checkpoint = self.saved.as_ref().map(Saved::read);
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
            Some(saved) => self.delivery_log.rewind(saved.covers, saved.proven.clone()),
            None => self.delivery_log = DeliveryLog::default(),
        }
        let round_began = self.saved.as_ref().and_then(|saved| saved.round_began);
        let skewed = self.scenario.has(Trouble::WallClock);
        let skew_us = if skewed {
            (self.rng.between(0, 4_000_000) as i64 - 2_000_000).saturating_mul(3600)
        } else {
            0
        };
        self.lives += 1;
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
            politeness: Politeness::new(self.scenario, round_began),
            in_flight: std::collections::BTreeMap::new(),
            wakes_us: u64::MAX,
            began_us: self.at_us,
            skew_us,
            closing: false,
            login_lost: false,
            listed: std::collections::BTreeSet::new(),
            told: std::collections::BTreeMap::new(),
            seen: std::collections::BTreeSet::new(),
            in_hand: crate::delivery_log::InHand::default(),
            date: None,
            fetched_us: None,
            replies: Replies::default(),
        });
        self.drain()
    }

    /// The process dies, and comes again.
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

    /// A request reaches the server, and sets out answers.
    fn reach(&mut self, life: u64, id: RequestId, request: &Request<Vec<u8>>) {
        let serial = self.population.ledger.serial();
        let asked = RequestKind::of(request);
        for delivery in self.ask_adversary(request) {
            let happening = Happening::Answer {
                life,
                id,
                asked,
                answer: delivery.answer,
                meaning: delivery.meaning,
                serial,
            };
            self.agenda.put(self.at_us + delivery.after_us, happening);
        }
    }

    pub(crate) fn ask_adversary(&mut self, request: &Request<Vec<u8>>) -> Vec<Delivery> {
        let troubled = self.quiet_since.is_none();
        let asked = RequestKind::of(request);
        let ledger = &self.population.ledger;
        let handed_out = asked
            .conversation()
            .and_then(|id| self.delivery_log.newest(id, ledger));
        let told = asked
            .conversation()
            .and_then(|id| self.life.as_ref()?.told.get(&id).copied());
        self.adversary.answer(
            &mut self.rng,
            self.scenario,
            &mut self.population,
            request,
            Moment {
                now_us: EPOCH_US + self.at_us,
                handed_out,
                told,
                troubled,
            },
        )
    }

    /// Wakes the poller: a deadline, or the time that it waited for.
    fn wake(&mut self) -> Result<(), Breach> {
        let at_us = self.at_us;
        if let Some(life) = &mut self.life {
            life.wakes_us = u64::MAX;
            let now = life.now(at_us);
            life.poller.handle_timeout(now);
        }
        self.drain()
    }

    /// It waits until then.
    pub(crate) fn waits(&mut self, until_us: u64) -> Result<(), Breach> {
        let at_us = self.at_us;
        if until_us <= at_us {
            let what =
                format!("it waits until {until_us} µs, which is not in the future ({at_us})");
            return Err(Breach::new(Property::Bounded, what));
        }
        if until_us - at_us > LONGEST_WAIT {
            let what = format!("it waits for {} s", (until_us - at_us) / 1_000_000);
            return Err(Breach::new(Property::WallClock, what));
        }
        // Who sleeps may sleep a little longer.
        let late = if self.rng.chance(100) {
            self.rng.between(0, 50_000)
        } else {
            0
        };
        if let Some(life) = &mut self.life {
            life.wakes_us = until_us + late;
        }
        Ok(())
    }
}
