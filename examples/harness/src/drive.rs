//! Drives the poller, and judges its outputs.

use std::time::Duration;

use bilibili_session::poller::{JournalEntry, Outgoing, Output, RequestId, Status, Warning};
use bilibili_session::{Content, Event, TransportError, server_date};
use http::Response;

use crate::adversary::Meaning;
use crate::delivery_log::{Base, InHand};
use crate::happening::Happening;
use crate::ledger::Place;
use crate::life::{EPOCH_US, Saved};
use crate::page::{ListEntry, Page};
use crate::politeness;
use crate::population::signed;
use crate::request_kind::{RequestKind, Step};
use crate::run::Run;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// More outputs than this without time moving is running wild.
const OUTPUTS: u32 = 30_000;

impl Run<'_> {
    /// Takes all outputs there are. Between any two the process may die.
    pub(crate) fn drain(&mut self) -> Result<(), Breach> {
        self.show_notifications();
        self.drop_overdue();
        for _ in 0..OUTPUTS {
            let (at_us, time) = (self.at_us, self.time());
            let Some(life) = &mut self.life else {
                return Ok(());
            };
            let now = life.now(at_us);
            let output = life.poller.poll_output(now);
            match output {
                Output::Wait(until) => {
                    let until_us = life.run_time(until);
                    politeness::holds(&life.poller, self.scenario)?;
                    life.politeness.drained(time)?;
                    if life.in_flight.is_empty() && life.is_connected() {
                        let until = Duration::from_micros(until_us);
                        life.politeness.hints_are_followed(until)?;
                    }
                    self.notified_in_time()?;
                    if self.life.as_ref().is_some_and(|life| life.login_lost) {
                        let what = "the login is dead, and it goes on";
                        return Err(Breach::new(Property::ItEnds, what));
                    }
                    self.maybe_save(self.scenario.checkpoints);
                    return self.waits(until_us);
                }
                Output::Finished(result) => {
                    self.trace.add(time, || format!("finished: {result:?}"));
                    return self.finished(result.is_err());
                }
                Output::Send(outgoing) => self.sends(outgoing)?,
                Output::Event(event) => {
                    self.trace.add_about(time, Some(event.conversation), || {
                        format!("   event {} {}", event.conversation, event.msg_seqno())
                    });
                    if life.closing {
                        let what = "an event after it was asked to close";
                        return Err(Breach::new(Property::ItEnds, what));
                    }
                    self.event(&event)?;
                }
                Output::Feed(event) => {
                    self.trace.add_about(time, None, || {
                        format!("   {} {}: {event}", event.kind(), event.id())
                    });
                    if life.closing {
                        let what = "a notification after it was asked to close";
                        return Err(Breach::new(Property::ItEnds, what));
                    }
                    self.feed_event(&event)?;
                    self.close_between_notifications();
                }
                Output::Warning(warning) => {
                    let of = warning.conversation();
                    self.trace
                        .add_about(time, of, || format!("   warning: {warning}"));
                    life.politeness.warns(time, &warning)?;
                    self.warning(&warning)?;
                }
                Output::Status(change) => {
                    self.trace
                        .add(time, || format!("   status {}", change.status));
                    if change.status == Status::Connected {
                        self.connects();
                    }
                }
            }
            self.maybe_save(self.scenario.checkpoints / 5);
            self.close_between_outputs();
            let dies = self.scenario.has(Trouble::Crash) && self.quiet_since.is_none();
            if dies && self.rng.between(0, 3_000) == 0 {
                self.crash();
            }
        }
        let what = format!("{OUTPUTS} outputs, and no time has passed");
        Err(Breach::new(Property::Bounded, what))
    }

    /// Checks a request, and sends it on its way.
    fn sends(&mut self, outgoing: Outgoing) -> Result<(), Breach> {
        let (at_us, time) = (self.at_us, self.time());
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let asked = RequestKind::of(&outgoing.request);
        self.trace.add_about(time, asked.conversation(), || {
            let query = outgoing.request.uri().query().unwrap_or_default();
            let is_bound = |pair: &&str| ["begin_", "end_"].iter().any(|it| pair.starts_with(it));
            let bounds: Vec<&str> = query.split('&').filter(is_bound).collect();
            format!("-> {} {asked} {}", outgoing.id, bounds.join(" "))
        });
        if life.closing {
            let what = format!("{asked:?} after it was asked to close");
            return Err(Breach::new(Property::ItEnds, what));
        }
        life.politeness.asks(time, asked)?;
        let server_s = signed((EPOCH_US + at_us) / 1_000_000);
        politeness::signed_in_time(self.scenario, asked, server_s)?;
        let deadline = Duration::from_micros(life.run_time(outgoing.deadline));
        life.in_flight.insert(outgoing.id, (asked, deadline));
        let reach = Happening::Reach {
            life: life.number,
            id: outgoing.id,
            request: Box::new(outgoing.request),
        };
        let rng = match self.crowd.as_mut().filter(|_| asked.is_feed()) {
            Some(crowd) => &mut crowd.rng,
            None => &mut self.rng,
        };
        let way = rng.between(5_000, 100_000);
        self.agenda.put(at_us + way, reach);
        Ok(())
    }

    /// Closes the poller now and then while more events wait.
    fn close_between_outputs(&mut self) {
        let may = self.scenario.has(Trouble::Close) && self.quiet_since.is_none();
        let (seed, time) = (self.scenario.seed, self.time());
        let Some(life) = self.life.as_mut().filter(|life| may && !life.closing) else {
            return;
        };
        // Not drawn, so that what follows is what it would have been.
        if life.poller.held_messages() > 0 && (self.report.events ^ seed) % 500 == 7 {
            self.trace.add(time, || "it is asked to close".to_owned());
            life.closing = true;
            life.poller.handle_close();
        }
    }

    /// Closes the poller now and then while more notifications may wait.
    fn close_between_notifications(&mut self) {
        let may = self.scenario.has(Trouble::Close) && self.quiet_since.is_none();
        let time = self.time();
        if let (Some(crowd), Some(life)) = (&mut self.crowd, &mut self.life)
            && may
            && crowd.rng.chance(3)
        {
            self.trace.add(time, || "it is asked to close".to_owned());
            life.closing = true;
            life.poller.handle_close();
        }
    }

    /// Removes the requests that a poller abandons by itself, since they are overdue.
    fn drop_overdue(&mut self) {
        let time = self.time();
        let Some(life) = &mut self.life else { return };
        let overdue: Vec<(RequestId, RequestKind)> = life
            .in_flight
            .iter()
            .filter(|(_, (_, deadline))| *deadline <= time)
            .map(|(id, (asked, _))| (*id, *asked))
            .collect();
        for (id, asked) in overdue {
            life.in_flight.remove(&id);
            self.trace.add_about(time, asked.conversation(), || {
                format!("{id} is overdue: {asked}")
            });
            life.politeness.overdue(time, asked);
        }
    }

    fn event(&mut self, event: &Event) -> Result<(), Breach> {
        self.report.events += 1;
        if let Some(life) = &mut self.life {
            life.politeness.found();
        }
        self.delivery_log.event(event, &self.population.ledger)?;
        match (&event.content, &event.withdrawn) {
            (Content::Withdraw(key), Some(taken_back))
                if taken_back.msg_key() != *key
                    || taken_back.conversation != event.conversation =>
            {
                let what = format!("{key} was taken back, shown is {}", taken_back.msg_key());
                Err(Breach::new(Property::NothingTwice, what))
            }
            _ => Ok(()),
        }
    }

    fn warning(&mut self, warning: &Warning) -> Result<(), Breach> {
        self.report.warnings += 1;
        match warning {
            Warning::Gap {
                conversation,
                from_seqno,
                to_seqno,
            } => {
                let none = InHand::default();
                let in_hand = self.life.as_ref().map_or(&none, |life| &life.in_hand);
                let range = (from_seqno.0, to_seqno.0);
                let ledger = &self.population.ledger;
                self.delivery_log.gap(*conversation, range, in_hand, ledger)
            }
            Warning::Undecodable { raw, .. } => {
                self.population.ledger.warned(raw);
                Ok(())
            }
            Warning::UndecodableNotification { feed, raw, .. } => match &self.crowd {
                Some(crowd) => self.feed_log.warned(*feed, raw, &crowd.ledger),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Takes a checkpoint now and then, through JSON.
    fn maybe_save(&mut self, permille: u32) {
        if !self.rng.chance(permille) {
            return;
        }
        let Some(life) = &mut self.life else { return };
        let checkpoint = match &mut self.file {
            None => life.poller.checkpoint().map(Some),
            Some(file) => life.poller.save(&mut life.journal).map(|entry| {
                match entry {
                    JournalEntry::Replace(text) => *file = text,
                    JournalEntry::Append(text) => file.push_str(&text),
                }
                None
            }),
        };
        let Some(life) = &self.life else { return };
        if let Some(checkpoint) = checkpoint {
            self.saved = Some(Saved {
                checkpoint,
                covers: self.delivery_log.len(),
                covers_feeds: self.feed_log.len(),
                proven: self.delivery_log.proven.clone(),
                round_began: life
                    .politeness
                    .round_began
                    .filter(|_| self.clock_is_known()),
            });
        }
    }

    /// Returns whether a poller can know how long ago its former life made a request.
    fn clock_is_known(&self) -> bool {
        let is_known = |trouble| !self.scenario.has(trouble);
        is_known(Trouble::NoDate) && is_known(Trouble::Delay) && is_known(Trouble::DateOff)
    }

    /// Passes an answer to the poller.
    pub(crate) fn deliver(
        &mut self,
        id: RequestId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
        (serial, made_us): (u64, u64),
    ) -> Result<(), Breach> {
        let (at_us, time) = (self.at_us, self.time());
        let head = || format!("<- {id} {asked} {meaning:?}");
        self.trace
            .add_answer(time, asked.conversation(), head, answer.as_ref().ok());
        let is_right = meaning == Meaning::Right;
        let page = match &answer {
            Ok(answer) if is_right => Page::read(answer.body()),
            _ => Page::default(),
        };
        let date = answer
            .as_ref()
            .ok()
            .and_then(server_date)
            .map(|date| date.0);
        let base = (asked.is_newest_page() && is_right).then(|| self.base_of(&page, date, serial));
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let expected = life.in_flight.remove(&id).is_some();
        let was_connected = life.poller.status() == Status::Connected;
        if expected {
            if let Some(date) = date {
                life.date = Some((date, at_us));
            }
            match answer.as_ref().map(Response::body) {
                body if asked.is_feed() => {
                    let body = body.map_or(&[][..], Vec::as_slice);
                    life.politeness.feed_answered(time, asked, meaning, body);
                }
                _ => {
                    let items = life.note_page(asked, &page, self.scenario.backlog < 4_500);
                    life.politeness
                        .answered(time, asked, Some(meaning), items, &page);
                }
            }
            if let RequestKind::Feed(kind, step) = asked
                && is_right
            {
                self.feed_log.page_taken(kind);
                if step == Step::Newest {
                    life.feeds_read_us.insert(kind, EPOCH_US + made_us);
                }
            }
            life.login_lost |= meaning == Meaning::LoginLost;
        }
        let now = life.now(at_us);
        let taken = life.poller.handle_response(now, id, answer).is_ok();
        let is_connected = life.poller.status() == Status::Connected;
        let is_fresh = taken && !was_connected && self.delivery_log.base().is_none();
        let base = base.filter(|_| is_fresh).map(|base| (base, at_us));
        let has_begun = base.is_some() && is_connected;
        if let (Some(base), Some(life)) = (base, &mut self.life) {
            life.base = Some(base);
        }
        if is_connected && !was_connected {
            self.connects();
        }
        if has_begun {
        } else if taken && is_right {
            self.took(asked, &page);
        } else if taken
            && meaning == Meaning::Gone
            && let (Some(id), Some(life)) = (asked.conversation(), &mut self.life)
        {
            *life.in_hand.refusals.entry(id).or_default() += 1;
        }
        if taken != expected {
            let what = format!("{id} is in flight: {expected}, its answer was taken: {taken}");
            return Err(Breach::new(Property::NothingTwice, what));
        }
        self.maybe_save(self.scenario.checkpoints);
        self.drain()
    }

    /// Notes a page that was taken: its facts are known from now on, its messages are in hand.
    fn took(&mut self, asked: RequestKind, page: &Page) {
        let ledger = &self.population.ledger;
        for entry in &page.entries {
            // No list can show more than there is.
            let newest = ledger.place(entry.id, entry.newest);
            let newest = Some(newest).filter(|place| place.seqno > 0);
            let newest = newest.min(ledger.newest(entry.id));
            // What was fetched before a list showed it is judged by its time alone.
            let seen = self.life.as_ref().map(|life| &life.seen);
            let is_seen =
                |place: Place| seen.is_some_and(|it| it.contains(&(entry.id, place.seqno)));
            if self.scenario.has(Trouble::TimesOff) && newest.is_some_and(is_seen) {
                continue;
            }
            self.delivery_log
                .listed(entry.id, entry.session_ts, newest, ledger);
        }
        let (Some(id), Some(life)) = (asked.conversation(), &mut self.life) else {
            return;
        };
        life.fetched_us = Some(self.at_us);
        life.in_hand.refusals.remove(&id);
        // What does not fit is given back.
        if self.scenario.backlog >= 4_500 && !self.scenario.has(Trouble::Flood) {
            let places = page.messages.iter().filter_map(|(seqno, key)| {
                let (place, _) = ledger.find(id, *seqno, *key)?;
                Some((id, place))
            });
            life.in_hand.messages.extend(places);
        }
    }

    /// Returns the baseline that this first list means.
    fn base_of(&self, page: &Page, date: Option<i64>, serial: u64) -> Base {
        let entries = &page.entries;
        let newest_ts = entries.iter().map(|entry| entry.session_ts).max();
        let newest_ts = newest_ts.unwrap_or_default();
        // Where this answer has no date, an earlier one may have had one.
        let earlier = self.life.as_ref().and_then(|life| {
            let (date, at_us) = life.date?;
            Some(date + signed((self.at_us - at_us) / 1_000_000))
        });
        let clock = date.or(earlier);
        let since = match clock {
            Some(clock) => clock.max(self.bound(entries, newest_ts, clock) / 1_000_000),
            None => newest_ts / 1_000_000,
        };
        // What changed up to then was on the list, whatever a clock says. Where none of the
        // server says that the newest change does not lie ahead, the second newest does.
        let certain_ts = match clock {
            Some(_) => newest_ts,
            None => newest_ts.min(self.latest_certain(entries, newest_ts)),
        };
        let listed = clock.unwrap_or(newest_ts / 1_000_000);
        let old = match newest_ts {
            0 => listed - 60,
            _ => listed.min(certain_ts / 1_000_000) - 60,
        };
        let ledger = &self.population.ledger;
        Base {
            serial,
            known: entries
                .iter()
                .filter(|it| it.newest > 0)
                .map(|it| (it.id, ledger.place_before(it.id, it.newest, serial)))
                .collect(),
            newest_ts: clock.map_or(newest_ts, |clock| self.bound(entries, newest_ts, clock)),
            floor: since - 60,
            old,
            forgets: self.scenario.forgets(),
            times_off: self.scenario.has(Trouble::TimesOff),
        }
    }

    /// Returns the baseline: the newest change, unless it lies after the server's clock, and after the local
    /// one or what another conversation than the newest shows.
    fn bound(&self, entries: &[ListEntry], newest_ts: i64, clock: i64) -> i64 {
        let (wall, second) = self.witnesses(entries, newest_ts);
        newest_ts.min(clock.saturating_mul(1_000_000).max(wall.min(second)))
    }

    /// Returns the latest certain time of the list: by the local clock, or by what another
    /// conversation than the newest shows.
    fn latest_certain(&self, entries: &[ListEntry], newest_ts: i64) -> i64 {
        let (wall, second) = self.witnesses(entries, newest_ts);
        wall.max(second)
    }

    /// Returns the time by the local clock, and by another conversation than the newest.
    fn witnesses(&self, entries: &[ListEntry], newest_ts: i64) -> (i64, i64) {
        let newest = entries.iter().find(|entry| entry.session_ts == newest_ts);
        let others = entries
            .iter()
            .filter(|it| newest.is_none_or(|newest| it.id != newest.id));
        let second_ts = others.map(|entry| entry.session_ts).max();
        let wall = self.life.as_ref().map(|life| life.now(self.at_us).wall.0);
        (wall.unwrap_or_default(), second_ts.unwrap_or_default())
    }

    /// Closes the poller, which ends at once; the checkpoint holds.
    pub(crate) fn close(&mut self) -> Result<(), Breach> {
        let time = self.time();
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        self.trace.add(time, || "it is asked to close".to_owned());
        life.closing = true;
        life.poller.handle_close();
        self.drain()?;
        Breach::unless(self.life.is_none(), Property::ItEnds, || {
            "it was asked to close, and waits".to_owned()
        })
    }

    fn finished(&mut self, failed: bool) -> Result<(), Breach> {
        self.maybe_save(800);
        let Some(life) = self.life.take() else {
            return Ok(());
        };
        let status = life.poller.status();
        let as_it_should = if failed {
            life.login_lost && status == Status::Error
        } else {
            life.closing && status == Status::Closed
        };
        self.bury(&life);
        Breach::unless(as_it_should, Property::ItEnds, || {
            format!(
                "it ended {status}; closing: {}, login lost: {}",
                life.closing, life.login_lost
            )
        })
    }
}
