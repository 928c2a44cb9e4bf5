//! Habits of the server for a whole run: lies that stay, and lies that come and go.

use bilibili_session::ConversationId;
use bilibili_session_simulator::{DateHeader, HasMore, ListSignature, Rng};

use crate::population::{Population, signed};
use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Frequency of a habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Never,
    Always,
    /// Drawn anew for each request.
    Sometimes,
}

impl How {
    fn draw(rng: &mut Rng, may: bool) -> Self {
        match rng.chance(500) {
            _ if !may => Self::Never,
            true => Self::Always,
            false => Self::Sometimes,
        }
    }

    fn now(self, rng: &mut Rng) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Sometimes => rng.chance(500),
        }
    }
}

/// Habit of the `Date` header.
#[derive(Debug, Clone, Copy)]
enum Date {
    Right,
    Is(DateHeader),
    Jumps,
    Missing,
}

/// Habits of the server.
#[derive(Debug)]
pub(crate) struct Habits {
    end_ignored: How,
    singles_ignore_end: bool,
    new_takes_end: bool,
    list_signature: ListSignature,
    more_of_all: How,
    empty_more: How,
    date: Date,
    lists_say: HasMore,
    messages_say: HasMore,
    /// Pages of messages with more than so many are too long; whether what was asked for
    /// counts, or what came.
    too_big: Option<(u64, bool)>,
    refused: Option<Refused>,
    /// Requests for this one are refused to the end.
    pub(crate) deaf: Option<ConversationId>,
}

/// Signatures are refused until then, for one conversation or for all.
#[derive(Debug, Clone, Copy)]
struct Refused {
    of: Option<ConversationId>,
    until_us: u64,
}

impl Habits {
    pub(crate) fn draw(scenario: &Scenario, population: &mut Population) -> Self {
        // Of its own, so that the runs without are what they were.
        let mut rng = Rng::new(scenario.seed ^ 0x00ab_1750);
        let has = |trouble| scenario.has(trouble);
        let says = [HasMore::AlwaysYes, HasMore::AlwaysYes, HasMore::AlwaysNo];
        let lies = has(Trouble::LastingLies);
        let mut lie = |may: bool| {
            let says = rng.pick(&says, HasMore::AlwaysYes);
            if may { says } else { HasMore::Truthful }
        };
        let (lists_say, messages_say) = (lie(lies), lie(lies));
        let ignores = has(Trouble::EndIgnored);
        let many = has(Trouble::ManyChanged);
        let offs = [-9_000, -3_600, -400, 400, 3_600, 9_000];
        let skewed = DateHeader::Skewed(rng.pick(&offs, 3_600));
        let start_s = signed(crate::life::EPOCH_US / 1_000_000);
        let date = match rng.between(0, 5) {
            _ if !has(Trouble::DateOff) => Date::Right,
            0..=2 => Date::Is(skewed),
            3 => Date::Is(DateHeader::Stale(start_s + rng.pick(&[-3_600, 0, 600], 0))),
            4 => Date::Missing,
            _ => Date::Jumps,
        };
        let list_signature = match rng.chance(600) {
            _ if !has(Trouble::SignedLists) => ListSignature::NotWanted,
            true => ListSignature::Code403,
            false => ListSignature::Code352,
        };
        let deaf = rng.chance(300) && has(Trouble::Refused);
        let deaf = deaf.then(|| population.any(&mut rng));
        if let Some(deaf) = deaf {
            population.ledger.close(deaf);
        }
        Self {
            end_ignored: How::draw(&mut rng, ignores),
            singles_ignore_end: ignores && !many && rng.chance(120),
            new_takes_end: ignores && rng.chance(400),
            list_signature,
            more_of_all: How::draw(&mut rng, has(Trouble::MoreOfAll)),
            empty_more: How::draw(&mut rng, has(Trouble::EmptyMore)),
            date,
            lists_say,
            messages_say,
            too_big: has(Trouble::BigPages).then(|| (rng.pick(&[3, 10, 40], 10), rng.chance(500))),
            refused: None,
            deaf,
        }
    }

    /// Returns whether lists may have small pages: else some conversations would be on none.
    pub(crate) const fn pages_lists(&self) -> bool {
        !self.singles_ignore_end
    }

    /// Returns the value of `has_more`, whatever is asked for.
    pub(crate) const fn says(&self, asked: RequestKind) -> HasMore {
        match asked {
            RequestKind::List(_) => self.lists_say,
            _ => self.messages_say,
        }
    }

    /// Returns whether the `Date` is left out.
    pub(crate) const fn hides_date(&self) -> bool {
        matches!(self.date, Date::Missing)
    }

    /// Sets the habits before an answer.
    pub(crate) fn set(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        population: &mut Population,
        (asked, now_us, troubled): (RequestKind, u64, bool),
    ) {
        if scenario.has(Trouble::TypeChanges)
            && troubled
            && asked.list().is_some()
            && rng.chance(200)
        {
            population.change_type(rng);
        }
        self.refuse_or_not(rng, scenario, (asked, now_us, troubled));
        let all_refused = self.refuses_all();
        let quirks = population.sim.quirks_mut();
        quirks.all_types_ignore_end_ts = self.end_ignored.now(rng);
        quirks.single_types_ignore_end_ts = self.singles_ignore_end;
        quirks.new_sessions_takes_end_ts = self.new_takes_end;
        quirks.list_signature = self.list_signature;
        // It is about older ones: where the oldest come first it would deny that there is more.
        let more_of_all = self.more_of_all.now(rng);
        quirks.has_more_disregards_begin = more_of_all && !quirks.oldest_of_gap;
        quirks.empty_page_says_more = self.empty_more.now(rng);
        quirks.refuses_signatures = all_refused;
        self.set_date(rng, population);
    }

    /// Sets the habit of the `Date` header before an answer.
    pub(crate) fn set_date(&self, rng: &mut Rng, population: &mut Population) {
        let quirks = population.sim.quirks_mut();
        quirks.date = match self.date {
            Date::Right | Date::Missing => DateHeader::Truthful,
            Date::Is(date) => date,
            Date::Jumps => {
                let start_s = signed(crate::life::EPOCH_US / 1_000_000);
                let by = DateHeader::Skewed(rng.pick(&[-3_600, -300, 300, 3_600], 300));
                let all = [DateHeader::Truthful, by, DateHeader::Stale(start_s)];
                rng.pick(&all, DateHeader::Truthful)
            }
        };
    }

    fn refuse_or_not(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        (asked, now_us, troubled): (RequestKind, u64, bool),
    ) {
        self.refused = self
            .refused
            .filter(|refused| troubled && now_us < refused.until_us);
        let may = troubled && scenario.has(Trouble::Refused) && self.refused.is_none();
        if may && rng.chance(15) {
            let minutes = rng.pick(&[1, 5, 5, 20], 5);
            self.refused = Some(Refused {
                of: asked.conversation().filter(|_| rng.chance(500)),
                until_us: now_us + minutes * 60_000_000,
            });
        }
    }

    /// Returns whether all signatures are refused.
    pub(crate) fn refuses_all(&self) -> bool {
        self.refused.is_some_and(|it| it.of.is_none())
    }

    /// Returns whether the signature for this conversation's messages is refused.
    pub(crate) fn refuses(&self, id: ConversationId) -> bool {
        self.deaf == Some(id) || self.refused.is_some_and(|it| it.of == Some(id))
    }

    /// Returns whether a page of so many messages is longer than a body may be.
    pub(crate) fn is_too_big(&self, asked: RequestKind, came: usize) -> bool {
        match (self.too_big, asked) {
            (Some((most, true)), RequestKind::Fetch { size, .. }) => size > most,
            (Some((most, false)), RequestKind::Fetch { .. }) => {
                u64::try_from(came).unwrap_or(u64::MAX) > most
            }
            _ => false,
        }
    }
}
