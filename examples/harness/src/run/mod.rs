//! A run: virtual time, lives and deaths.

mod feeds;
mod hints;
mod lives;
mod look;

use std::time::Duration;

use bilibili_session::poller::RequestId;
use bilibili_session_simulator::Rng;
use http::Request;

use crate::Report;
use crate::adversary::{Adversary, Delivery, Moment};
use crate::agenda::Agenda;
use crate::channel::Channel;
use crate::delivery_log::DeliveryLog;
use crate::feeds::{Crowd, FeedLog};
use crate::happening::Happening;
use crate::life::{EPOCH_US, Life, Saved};
use crate::population::Population;
use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property, Violation};

/// Interval of checks whether all messages were delivered (µs).
const LOOK: u64 = 60_000_000;
/// A poller that waits longer has stopped.
const LONGEST_WAIT: u64 = 2 * 60 * 60 * 1_000_000;

/// State of a run.
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
    /// Those behind the notifications, if any are asked for.
    pub(crate) crowd: Option<Crowd>,
    pub(crate) feed_log: FeedLog,
    /// The push channel, if there is one.
    channel: Option<Channel>,
    /// The file of checkpoints, where they are written as one that grows.
    pub(crate) file: Option<String>,
    pub(crate) quiet_since: Option<u64>,
    /// The round in which all had come out.
    all_came: Option<u64>,
    /// Time at which all notifications had come out (µs of the run).
    all_notified: Option<u64>,
    /// Time at which the run was over.
    done_at: Option<u64>,
    pub(crate) trace: Trace,
    pub(crate) report: Report,
}

impl<'a> Run<'a> {
    pub(crate) fn new(scenario: &'a Scenario, trace: Trace) -> Self {
        let mut rng = Rng::new(scenario.seed ^ 0x00c0_ffee);
        let mut population = Population::new(scenario, &mut rng, EPOCH_US);
        let adversary = Adversary::new(scenario, &mut rng, &mut population);
        let reads_feeds = !scenario.feeds.is_empty();
        let mut crowd = reads_feeds.then(|| Crowd::new(scenario, &mut population.sim, EPOCH_US));
        let keeps_file = crowd.as_mut().is_some_and(|crowd| crowd.rng.chance(400));
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
            crowd,
            feed_log: FeedLog::default(),
            channel: scenario.hints.then(|| Channel::new(scenario.seed)),
            file: keeps_file.then(String::new),
            all_notified: None,
            quiet_since: None,
            all_came: None,
            done_at: None,
            trace,
            report: Report::default(),
        }
    }

    /// Runs the scenario from the beginning to the end.
    pub(crate) fn run(mut self) -> Result<Report, Box<Violation>> {
        match self.go() {
            Ok(()) => {
                self.report.length = Duration::from_micros(self.at_us);
                self.report.messages = self.population.ledger.serial();
                self.report.lives = self.lives;
                let crowd = self.crowd.as_ref();
                let happened = crowd.map_or(0, |crowd| crowd.ledger.len());
                self.report.notifications = u64::try_from(happened).unwrap_or(u64::MAX);
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
        if self.crowd.is_some() {
            self.agenda.put(0, Happening::Notify);
        }
        if self.channel.is_some() {
            self.agenda.put(0, Happening::Noise);
        }
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
            self.replies_go_on()?;
        }
        self.remembers()?;
        self.close()
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Breach> {
        let told = self.told();
        self.happens(happening)?;
        self.tell_since(told);
        Ok(())
    }

    fn happens(&mut self, happening: Happening) -> Result<(), Breach> {
        let now_us = EPOCH_US + self.at_us;
        match happening {
            Happening::Hint(hint) => self.hint(hint),
            Happening::Noise => self.noise(),
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
                made_us,
            } => {
                if self.life.as_ref().is_none_or(|it| it.number != life) {
                    return Ok(());
                }
                self.deliver(id, asked, answer, meaning, (serial, made_us))
            }
            Happening::Act => {
                self.act(now_us);
                Ok(())
            }
            Happening::Notify => {
                self.notify();
                Ok(())
            }
            Happening::Reply => self.answer_somebody(),
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
            Happening::Disturb if self.quiet_since.is_some() => Ok(()),
            Happening::Disturb => {
                let length = u64::try_from(self.scenario.length.as_micros()).unwrap_or(0);
                let next = self.rng.between(1, length / 6);
                self.agenda.put(self.at_us + next, Happening::Disturb);
                self.disturb()
            }
            Happening::Quiet => {
                self.trace
                    .add(self.time(), || "it is quiet from now on".to_owned());
                self.quiet_since = Some(self.at_us);
                self.last_notifications();
                self.agenda.put(self.at_us, Happening::LastWord(0));
                Ok(())
            }
            Happening::LastWord(place) => {
                self.last_word(now_us, place);
                Ok(())
            }
            Happening::Look => self.look(),
        }
    }

    /// Lets somebody do something, unless it is quiet.
    fn act(&mut self, now_us: u64) {
        if self.quiet_since.is_some() {
            return;
        }
        self.population.act(&mut self.rng, self.scenario, now_us);
        let mean = 3_600_000_000 / u64::from(self.scenario.messages_per_hour);
        let next = self.rng.between(0, 2 * mean);
        self.agenda.put(self.at_us + next, Happening::Act);
    }

    /// Sends a reply, unless it is quiet.
    fn answer_somebody(&mut self) -> Result<(), Breach> {
        if self.quiet_since.is_some() {
            return Ok(());
        }
        let interval = u64::try_from(self.scenario.interval.as_micros()).unwrap_or(1);
        let next = self.rng.between(100_000, 8 * interval);
        self.agenda.put(self.at_us + next, Happening::Reply);
        self.reply()
    }

    /// Lets the conversation at this place have its last word.
    fn last_word(&mut self, now_us: u64, place: usize) {
        let said = &self.adversary.said_to_be_over;
        let share = self.scenario.last_words;
        let needs = |id| said.contains(&id);
        let is_over = self
            .population
            .last_word(&mut self.rng, now_us, place, share, needs);
        let (after, next) = match is_over {
            true => (LOOK, Happening::Look),
            false => (300_000, Happening::LastWord(place + 1)),
        };
        self.agenda.put(self.at_us + after, next);
    }

    /// Lets a request reach the server, and puts the answers on their way.
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
                made_us: self.at_us,
            };
            self.agenda.put(self.at_us + delivery.after_us, happening);
        }
    }

    pub(crate) fn ask_adversary(&mut self, request: &Request<Vec<u8>>) -> Vec<Delivery> {
        let troubled = self.quiet_since.is_none();
        let asked = RequestKind::of(request);
        let ledger = &self.population.ledger;
        let delivered = asked
            .conversation()
            .and_then(|id| self.delivery_log.newest(id, ledger));
        let listed = asked
            .conversation()
            .and_then(|id| self.life.as_ref()?.listed_newest.get(&id).copied());
        let moment = Moment {
            now_us: EPOCH_US + self.at_us,
            delivered,
            listed,
            troubled,
        };
        let (scenario, population) = (self.scenario, &mut self.population);
        match self.crowd.as_mut().filter(|_| asked.is_feed()) {
            Some(crowd) => {
                let adversary = &mut self.adversary;
                adversary.answer_feed(crowd, scenario, population, request, moment)
            }
            None => {
                let rng = &mut self.rng;
                self.adversary
                    .answer(rng, scenario, population, request, moment)
            }
        }
    }

    /// Wakes the poller: a deadline, or the time that it waited for.
    fn wake(&mut self) -> Result<(), Breach> {
        if let Some(life) = &mut self.life {
            life.wakes_us = u64::MAX;
        }
        self.drain()
    }

    /// Notes the time that the poller waits for.
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
