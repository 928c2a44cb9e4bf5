//! Turning the poller, and judging what comes out.

use bilibili_session::poller::{Notice, Output, RequestId, Status};
use bilibili_session::{Content, ConversationId, Event, TransportError, server_date};
use http::Response;
use serde_json::Value;

use super::adversary::{Meaning, number};
use super::asked::Asked;
use super::life::{EPOCH_US, Saved};
use super::lineage::{Base, Lineage};
use super::manners;
use super::population::signed;
use super::run::{Happening, Run};
use super::trouble::Trouble;
use super::violation::{Breach, Property};

/// More outputs than this without time moving is running wild.
const OUTPUTS: u32 = 30_000;

impl Run<'_> {
    /// Takes all outputs there are. Between any two the process may die.
    pub(super) fn drain(&mut self) -> Result<(), Breach> {
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
                    manners::holds(&life.poller, self.scenario)?;
                    life.manners.drained(time)?;
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
                Output::Send(outgoing) => {
                    let asked = Asked::of(&outgoing.request);
                    self.trace.add_about(time, asked.conversation(), || {
                        let query = outgoing.request.uri().query().unwrap_or_default();
                        let bounds = query.split('&').filter(|pair| {
                            ["begin_", "end_"].iter().any(|name| pair.starts_with(name))
                        });
                        let bounds: Vec<&str> = bounds.collect();
                        format!("-> {} {asked} {}", outgoing.id, bounds.join(" "))
                    });
                    if life.closing {
                        let what = format!("{asked:?} after it was asked to close");
                        return Err(Breach::new(Property::ItEnds, what));
                    }
                    life.manners.asks(time, asked)?;
                    let server_s = signed((EPOCH_US + at_us) / 1_000_000);
                    manners::signed_in_time(self.scenario, asked, server_s)?;
                    let deadline = life.run_time(outgoing.deadline);
                    let deadline = std::time::Duration::from_micros(deadline);
                    life.in_flight.insert(outgoing.id, (asked, deadline));
                    let reach = Happening::Reach {
                        life: life.number,
                        id: outgoing.id,
                        request: Box::new(outgoing.request),
                    };
                    let way = self.rng.between(5_000, 100_000);
                    self.agenda.put(at_us + way, reach);
                }
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
                Output::Notice(notice) => {
                    let of = notice.conversation();
                    self.trace
                        .add_about(time, of, || format!("   notice: {notice}"));
                    life.manners.says(time, &notice)?;
                    self.notice(&notice)?;
                }
                Output::Status(change) => {
                    self.trace
                        .add(time, || format!("   status {}", change.status));
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

    /// Now and then it is asked to close while it has more to hand out.
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

    /// A poller gives up by itself what is overdue.
    fn drop_overdue(&mut self) {
        let time = self.time();
        let Some(life) = &mut self.life else { return };
        let overdue: Vec<(RequestId, Asked)> = life
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
            life.manners.overdue(asked);
        }
    }

    fn event(&mut self, event: &Event) -> Result<(), Breach> {
        self.report.events += 1;
        self.lineage.event(event, &self.population.ledger)?;
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

    fn notice(&mut self, notice: &Notice) -> Result<(), Breach> {
        self.report.notices += 1;
        match notice {
            Notice::Gap {
                conversation,
                from_seqno,
                to_seqno,
            } => self.lineage.gap(
                *conversation,
                from_seqno.0,
                to_seqno.0,
                &self.population.ledger,
            ),
            Notice::Undecodable { raw, .. } => {
                self.population.ledger.told(raw);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes a checkpoint now and then, through JSON.
    fn maybe_save(&mut self, permille: u32) {
        if !self.rng.chance(permille) {
            return;
        }
        let Some(life) = &self.life else { return };
        if let Some(checkpoint) = life.poller.checkpoint() {
            self.saved = Some(Saved {
                checkpoint,
                covers: self.lineage.len(),
                round_began: life.manners.round_began.filter(|_| self.clock_is_known()),
            });
        }
    }

    /// Whether a poller can know how long ago its former life asked.
    fn clock_is_known(&self) -> bool {
        let is_known = |trouble| !self.scenario.has(trouble);
        is_known(Trouble::NoDate) && is_known(Trouble::Delay)
    }

    /// An answer comes back.
    pub(super) fn deliver(
        &mut self,
        id: RequestId,
        asked: Asked,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
        serial: u64,
    ) -> Result<(), Breach> {
        let (at_us, time) = (self.at_us, self.time());
        let head = || format!("<- {id} {asked} {meaning:?}");
        self.trace
            .add_answer(time, asked.conversation(), head, answer.as_ref().ok());
        let base = match &answer {
            Ok(answer) if asked == Asked::BaseLine && meaning == Meaning::Right => {
                Some(self.base_of(answer, serial))
            }
            _ => None,
        };
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let expected = life.in_flight.remove(&id).is_some();
        if expected {
            let body = answer.as_ref().map_or(&[][..], |answer| answer.body());
            let items = match asked.conversation() {
                Some(conversation) => {
                    let mut new: u64 = 0;
                    for seqno in numbers_after(body, b"\"msg_seqno\":") {
                        let is_new = life.seen.insert((conversation, seqno));
                        new += u64::from(is_new || self.scenario.backlog < 4_500);
                    }
                    new
                }
                None => {
                    let times = numbers_after(body, b"\"session_ts\":");
                    let talkers = numbers_after(body, b"\"talker_id\":");
                    let entries = times.zip(talkers);
                    entries
                        .map(|entry| u64::from(life.listed.insert(entry)))
                        .sum()
                }
            };
            // Only there it matters.
            if asked.is_list() && meaning == Meaning::Right && self.scenario.has(Trouble::Paging) {
                for entry in entries_of(body) {
                    let told = life.told.entry(entry.id).or_default();
                    *told = entry.newest.max(*told);
                }
            }
            life.manners.answered(asked, Some(meaning), items, 1);
            life.login_lost |= meaning == Meaning::LoginLost;
        }
        let now = life.now(at_us);
        let taken = life.poller.handle_response(now, id, answer).is_ok();
        let is_connected = life.poller.status() == Status::Connected;
        if let Some(base) = base.filter(|_| taken && is_connected) {
            self.lineage = Lineage::begin(base);
        }
        if taken != expected {
            let what = format!("{id} is in flight: {expected}, its answer was taken: {taken}");
            return Err(Breach::new(Property::NothingTwice, what));
        }
        self.maybe_save(self.scenario.checkpoints);
        self.drain()
    }

    /// What this first list means.
    fn base_of(&self, answer: &Response<Vec<u8>>, serial: u64) -> Base {
        let entries = entries_of(answer.body());
        let newest = entries.iter().map(|entry| entry.session_ts).max();
        let newest_s = newest.unwrap_or_default() / 1_000_000;
        let date = server_date(answer).map_or(newest_s, |date| date.0);
        Base {
            serial,
            known: entries.iter().map(|it| (it.id, it.newest)).collect(),
            floor: date - 60,
            forgets: usize::try_from(self.scenario.conversations).unwrap_or(0) + 30
                > self.scenario.max_conversations,
        }
    }

    /// It is asked to close: it ends at once, and the checkpoint holds.
    pub(super) fn close(&mut self) -> Result<(), Breach> {
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

/// What a list says of a conversation.
struct ListEntry {
    id: ConversationId,
    /// 0 if it does not say.
    newest: u64,
    session_ts: i64,
}

fn entries_of(body: &[u8]) -> Vec<ListEntry> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let list = body.pointer("/data/session_list").and_then(Value::as_array);
    let entry = |entry: &Value| {
        let number = |name| number(entry, name);
        ListEntry {
            id: ConversationId::new(number("session_type"), number("talker_id")),
            newest: u64::try_from(number("max_seqno")).unwrap_or_default(),
            session_ts: number("session_ts"),
        }
    };
    list.into_iter().flatten().map(entry).collect()
}

/// The numbers that follow this text.
fn numbers_after<'a>(body: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
    body.windows(text.len())
        .enumerate()
        .filter(move |(_, window)| *window == text)
        .map(move |(at, _)| {
            let digits = body.get(at + text.len()..).unwrap_or_default();
            digits
                .iter()
                .skip_while(|byte| **byte == b'"')
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0_u64, |number, byte| {
                    number
                        .saturating_mul(10)
                        .saturating_add(u64::from(byte - b'0'))
                })
        })
}
