//! Those who reply, mention, like, and take it back.

use bilibili_session::FeedKind;
use bilibili_session_simulator::{NewNotification, NoticeSource, Rng, Simulator};

use super::ledger::{FeedLedger, Happened, seconds, token};
use super::{Ways, of_model};
use crate::scenario::Scenario;

/// Age of the oldest entry at the start (s).
const DAYS: u64 = 9 * 24 * 60 * 60;
/// Number of the first thing that is liked, and of the first user.
const FIRST: i64 = 700_000;
/// Things that are liked again.
const THINGS: i64 = 12;
/// The longest time that an entry shows up too late, and must come all the same (s).
const LATE: u64 = 58;

/// Greatest number of entries of a burst.
const LONGEST_BURST: usize = 130;
/// Number of happenings from which on none comes just beside a request.
const MOST: usize = 2_000;

/// The people behind the notifications.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) rng: Rng,
    pub(crate) ways: Ways,
    pub(crate) ledger: FeedLedger,
    /// The feeds that are read, most of the time; now and then another one moves.
    kinds: Vec<FeedKind>,
    next: i64,
}

impl Crowd {
    /// Creates the crowd, with the history that there is at `start_us`.
    pub(crate) fn new(scenario: &Scenario, sim: &mut Simulator, start_us: u64) -> Self {
        let mut rng = Rng::new(scenario.seed ^ 0x00fe_ed00);
        let ways = Ways::draw(&mut rng, scenario);
        sim.quirks_mut().feeds = ways.quirks();
        let mut crowd = Self {
            rng,
            ways,
            ledger: FeedLedger::default(),
            kinds: scenario.feeds.clone(),
            next: FIRST,
        };
        for kind in FeedKind::ALL {
            crowd.make_history(sim, kind, start_us);
        }
        crowd
    }

    fn make_history(&mut self, sim: &mut Simulator, kind: FeedKind, start_us: u64) {
        let count = self.ways.history;
        let oldest = self.rng.pick(&[40, 600, DAYS], DAYS);
        for n in 0..count {
            let age = oldest - oldest * n / count;
            let at_us = start_us.saturating_sub(age * 1_000_000 + 1_000_000);
            let subject = self.subject(kind);
            let is_readable = !self.rng.chance(self.ways.unreadable);
            self.post(sim, at_us, kind, subject, 0, 0, is_readable);
        }
    }

    /// Returns whether a first reading need not reach all of the last minute.
    pub(crate) fn is_deep(&self) -> bool {
        let page = self.ways.page_size.unwrap_or(10);
        let history = usize::try_from(self.ways.history).unwrap_or(usize::MAX);
        // A burst may come while the first reading goes on.
        let burst = if self.ways.burst > 0 {
            LONGEST_BURST
        } else {
            10
        };
        self.ways.has_places() || history + burst > 6 * page
    }

    /// Does one thing.
    pub(crate) fn act(&mut self, sim: &mut Simulator, now_us: u64) {
        if self.rng.chance(self.ways.look) {
            let kind = self.rng.pick(&FeedKind::ALL.map(Some), None);
            let kind = kind.filter(|_| self.rng.chance(700)).map(of_model);
            let _ = sim.look(sim.login().uid, signed(now_us), kind);
        }
        if self.rng.chance(self.ways.vanish) {
            self.vanish(sim);
        }
        let kind = self.kind();
        if self.rng.chance(self.ways.burst) {
            let most = self.rng.pick(&[5, 45, 45, 130], 45);
            for _ in 0..self.rng.between(2, most) {
                let subject = self.subject(kind);
                self.happen(sim, now_us, kind, subject);
            }
            return;
        }
        // Two in one second now and then.
        for _ in 0..self.rng.pick(&[1, 1, 1, 2], 1) {
            let subject = self.subject(kind);
            self.happen(sim, now_us, kind, subject);
        }
    }

    /// Lets something happen in this feed, beside a request for it; not for ever, since it may lead
    /// to the next request.
    pub(crate) fn race(&mut self, sim: &mut Simulator, now_us: u64, kind: FeedKind) {
        if self.ledger.len() > MOST {
            return;
        }
        let subject = self.subject(kind);
        self.happen(sim, now_us, kind, subject);
    }

    /// Lets each feed move once more, in half of the cases.
    pub(crate) fn last_words(&mut self, sim: &mut Simulator, now_us: u64) {
        for kind in FeedKind::ALL {
            if self.rng.chance(500) {
                let subject = self.subject(kind);
                self.post(sim, now_us, kind, subject, 0, 0, true);
            }
        }
    }

    fn happen(&mut self, sim: &mut Simulator, now_us: u64, kind: FeedKind, subject: Option<i64>) {
        let late = match self.rng.chance(self.ways.late) {
            true if self.rng.chance(150) => self.rng.between(LATE, 300),
            true => self.rng.between(1, LATE),
            false => 0,
        };
        // Where entries stand in the order of their numbers, one that comes late and lies ahead
        // stands far below its time.
        let ahead = match self.rng.chance(self.ways.ahead) {
            true if late > 0 => 0,
            true => self.rng.pick(&[2, 30, 400, 20_000], 30),
            false => 0,
        };
        let is_readable = !self.rng.chance(self.ways.unreadable);
        self.post(sim, now_us, kind, subject, late, ahead, is_readable);
    }

    /// Enters in both books what happens now.
    #[expect(clippy::too_many_arguments, reason = "each says how it happens")]
    fn post(
        &mut self,
        sim: &mut Simulator,
        now_us: u64,
        kind: FeedKind,
        thing: Option<i64>,
        late: u64,
        ahead: u64,
        is_readable: bool,
    ) {
        self.next += 1;
        let user = self.next;
        let time = seconds(now_us) + signed(ahead);
        let serial = self.ledger.len();
        let known = thing.map(|thing| self.ledger.incarnation(kind, thing));
        let maker = thing.zip(known);
        let maker = maker.and_then(|(thing, times)| self.ledger.maker(kind, thing, times));
        // A thing that cannot be read stays so; nor does one become so.
        let of_maker = maker.and_then(|maker| self.ledger.get(maker));
        let is_readable = of_maker.map_or(is_readable, |it| it.is_readable);
        let text = token(maker.unwrap_or(serial));
        let new = NewNotification {
            user: (kind != FeedKind::System).then_some(user),
            text: Some(text),
            item: thing,
            ..NewNotification::new(of_model(kind))
        };
        let sources = [
            NoticeSource::User,
            NoticeSource::Unified,
            NoticeSource::Both,
        ];
        let source = self.rng.pick(&sources, NoticeSource::Both);
        let new = new.dated(time).late_by(signed(late)).from_source(source);
        let new = if is_readable { new } else { new.unreadable() };
        let Ok(notified) = sim.notify(signed(now_us), new) else {
            return;
        };
        self.ledger.add(Happened {
            kind,
            subject: thing.unwrap_or(notified.id),
            incarnation: known.unwrap_or(0),
            id: notified.id,
            user,
            time,
            shown_us: now_us + late * 1_000_000,
            is_readable,
            has_vanished: false,
            state: None,
            is_due: false,
        });
    }

    /// Removes one of the last entries.
    fn vanish(&mut self, sim: &mut Simulator) {
        let last = self.ledger.all().rev().take(30);
        let last = last.filter(|(_, it)| !it.has_vanished);
        let last: Vec<(FeedKind, i64, i64)> =
            last.map(|(_, it)| (it.kind, it.subject, it.id)).collect();
        if let Some((kind, subject, id)) = self.rng.choose(&last).copied()
            && sim.vanish(sim.login().uid, of_model(kind), id).is_ok()
        {
            self.ledger.vanish(kind, subject);
        }
    }

    fn kind(&mut self) -> FeedKind {
        match self.rng.chance(100) {
            true => self.rng.pick(&FeedKind::ALL, FeedKind::Likes),
            false => self.rng.pick(&self.kinds, FeedKind::Likes),
        }
    }

    /// Returns the thing that is liked: an old one, or something new.
    fn subject(&mut self, kind: FeedKind) -> Option<i64> {
        if kind != FeedKind::Likes {
            return None;
        }
        let of = self.rng.between(0, 2 * THINGS.unsigned_abs());
        let of = signed(of);
        Some(match of < THINGS {
            true => of + 1,
            false => self.next + 1,
        })
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
