//! Adversary between the poller and the server, which means harm.

mod edit;
mod fault;
mod feeds;

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{ConversationId, TransportError, TransportErrorKind};
use bilibili_session_simulator::{Answer, Fault, FaultKind, HasMore, Rng};
use http::{Request, Response};

use crate::habits::Habits;
use crate::population::{Population, signed};
use crate::request_kind::RequestKind;
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use fault::{fault, meaning_of};

pub(crate) use fault::Meaning;

/// Answer on its way back.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Time until the answer arrives (µs).
    pub(crate) after_us: u64,
    pub(crate) answer: Result<Response<Vec<u8>>, TransportError>,
    pub(crate) meaning: Meaning,
}

impl Delivery {
    const fn failure(after_us: u64, error: TransportError) -> Self {
        Self {
            after_us,
            answer: Err(error),
            meaning: Meaning::Fault,
        }
    }
}

/// The ways of the server that stay the same for a run, and what was kept back so far.
#[derive(Debug)]
pub(crate) struct Adversary {
    /// 0 the newest end of a gap, 1 the oldest, 2 now this, now that.
    end: u64,
    message_cap: Option<usize>,
    list_cap: Option<usize>,
    lies: bool,
    /// The answer that is on its way says that there is no more, whether there is or not.
    denies: bool,
    /// Number of times that messages were kept back since this one was delivered.
    kept_back: BTreeMap<ConversationId, (Option<u64>, u8)>,
    habits: Habits,
    /// Number of times more that a conversation is said to be over.
    over: BTreeMap<ConversationId, Over>,
    /// Conversations that were said to be over, and are not: they are asked for again when
    /// they move.
    pub(crate) said_to_be_over: BTreeSet<ConversationId>,
}

/// Length of time that a conversation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    ForGood,
    Times(u64),
}

/// Time of a request, and facts known at that time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now_us: u64,
    pub(crate) delivered: Option<u64>,
    /// The newest message of this conversation that a list has shown.
    pub(crate) listed: Option<u64>,
    /// Set while trouble is possible.
    pub(crate) troubled: bool,
}

impl Adversary {
    pub(crate) fn new(scenario: &Scenario, rng: &mut Rng, population: &mut Population) -> Self {
        let paging = scenario.has(Trouble::Paging);
        let shapes = scenario.has(Trouble::Shapes);
        let habits = Habits::draw(scenario, population);
        let quirks = population.sim.quirks_mut();
        quirks.begin_ts_inclusive = paging && rng.chance(500);
        quirks.end_ts_inclusive = paging && rng.chance(500);
        quirks.lists_twice = paging && rng.chance(300);
        quirks.pinned_first = scenario.has(Trouble::Pinned);
        quirks.numbers_as_strings = shapes && rng.chance(500);
        quirks.flags_as_bool = shapes && rng.chance(500);
        quirks.arrays_null = shapes && rng.chance(500);
        let small = paging && !scenario.has(Trouble::Flood);
        Self {
            end: if paging { rng.between(0, 2) } else { 0 },
            message_cap: small
                .then(|| rng.pick(&[None, None, Some(2), Some(5), Some(30)], None))
                .flatten(),
            list_cap: paging
                .then(|| rng.pick(&[None, Some(3), Some(20)], None))
                .flatten()
                .filter(|_| habits.pages_lists()),
            lies: paging && rng.chance(400),
            denies: false,
            kept_back: BTreeMap::new(),
            habits,
            over: BTreeMap::new(),
            said_to_be_over: BTreeSet::new(),
        }
    }

    /// Returns whether no list leads below its first page, those of single types neither.
    pub(crate) const fn lists_lead_nowhere(&self) -> bool {
        !self.habits.pages_lists()
    }

    /// Returns the server's answers to a request, in the order of their arrival; none at all if the request hangs.
    pub(crate) fn answer(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        population: &mut Population,
        request: &Request<Vec<u8>>,
        moment: Moment,
    ) -> Vec<Delivery> {
        let Moment {
            now_us, troubled, ..
        } = moment;
        let asked = RequestKind::of(request);
        self.set_quirks(rng, scenario, population, asked);
        self.habits
            .set(rng, scenario, population, (asked, now_us, troubled));
        let race = scenario.has(Trouble::Race) && troubled;
        let (before, after) = (race && rng.chance(30), race && rng.chance(30));
        if let Some(id) = asked.conversation().filter(|_| before) {
            population.arrive_in(rng, scenario, now_us, id);
        }
        let drawn = self.draw_fault(rng, scenario, asked, troubled);
        population.sim.clear_faults();
        if let Some((kind, _)) = &drawn {
            population.sim.push_fault(Fault::once("/", kind.clone()));
        }
        let answer = ask_server(rng, population, request, moment);
        if let Some(id) = asked.conversation().filter(|_| after) {
            population.arrive_in(rng, scenario, now_us, id);
        }
        let mut response = match received(rng, answer) {
            Ok(response) => response,
            Err(failure) => return failure,
        };
        let is_own = drawn.is_none();
        let meaning = match drawn {
            Some((_, meaning)) => meaning,
            None => self.tamper(rng, scenario, population, request, moment, &mut response),
        };
        if is_own && self.is_too_big(asked, &response) {
            let after_us = rng.between(10_000, 200_000);
            return vec![Delivery::failure(
                after_us,
                TransportError::body_too_large(65_536),
            )];
        }
        // Where nothing is listed, only the date shows what is old.
        let hides_date = scenario.has(Trouble::NoDate) || self.habits.hides_date();
        if hides_date && !lists_nothing(response.body()) {
            response.headers_mut().remove(http::header::DATE);
        }
        deliveries(rng, scenario, troubled, response, meaning)
    }

    /// Returns the fault that answers instead of the server, if any.
    fn draw_fault(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        asked: RequestKind,
        troubled: bool,
    ) -> Option<(FaultKind, Meaning)> {
        let meets_trouble = troubled && rng.chance(scenario.intensity);
        let id = asked.conversation();
        if id.is_some_and(|id| self.is_over(id, troubled)) {
            self.said_to_be_over.extend(id);
            let code = rng.pick(&[700_013, 700_014, 1_000_004], 700_013);
            return Some((FaultKind::Code(code), Meaning::Gone));
        }
        if id.is_some_and(|id| self.habits.refuses(id)) {
            return Some((FaultKind::Code(-403), Meaning::Refused));
        }
        let drawn = meets_trouble.then(|| fault(rng, scenario, asked)).flatten();
        if let Some((_, Meaning::Gone)) = drawn {
            self.said_to_be_over.extend(id);
        }
        drawn
    }

    /// Changes an answer of the server's own, and returns its meaning.
    fn tamper(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        population: &mut Population,
        request: &Request<Vec<u8>>,
        moment: Moment,
        response: &mut Response<Vec<u8>>,
    ) -> Meaning {
        let asked = RequestKind::of(request);
        let meaning = match meaning_of(response) {
            Meaning::Refused if asked.is_signed() && !self.habits.refuses_all() => Meaning::OldKeys,
            meaning => meaning,
        };
        if moment.troubled {
            self.edit(rng, scenario, population, moment, request, response);
        }
        if scenario.has(Trouble::Over) && moment.troubled && meaning == Meaning::Right {
            self.may_end(rng, population, asked, response);
        }
        meaning
    }

    fn set_quirks(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        population: &mut Population,
        asked: RequestKind,
    ) {
        let quirks = population.sim.quirks_mut();
        quirks.oldest_of_gap = self.end == 1 || self.end == 2 && rng.chance(500);
        quirks.message_page_cap = self.message_cap;
        quirks.conversation_page_cap = self.list_cap;
        // That a page which is not full is the last, although it is not, nobody could see.
        let may_deny = if asked.list().is_some() {
            self.list_cap.is_none()
        } else {
            let full = usize::try_from(scenario.page_size).unwrap_or(usize::MAX);
            self.message_cap.is_none_or(|cap| cap >= full)
        };
        quirks.has_more = match rng.between(0, 2) {
            0 if self.lies => HasMore::AlwaysYes,
            1 if self.lies && may_deny => HasMore::AlwaysNo,
            _ => HasMore::Truthful,
        };
        match self.habits.says(asked) {
            HasMore::Truthful => {}
            HasMore::AlwaysNo if !may_deny => {}
            lasting => quirks.has_more = lasting,
        }
        self.denies = quirks.has_more == HasMore::AlwaysNo;
    }

    /// Returns whether a conversation is said to be over, once more.
    fn is_over(&mut self, id: ConversationId, troubled: bool) -> bool {
        match self.over.get_mut(&id) {
            Some(Over::ForGood) => true,
            Some(Over::Times(times)) if troubled && *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    /// Ends a conversation, now and then, before everything of it was fetched.
    fn may_end(
        &mut self,
        rng: &mut Rng,
        population: &mut Population,
        asked: RequestKind,
        response: &Response<Vec<u8>>,
    ) {
        let RequestKind::Fetch { id, size, .. } = asked else {
            return;
        };
        let page = crate::page::Page::read(response.body());
        let is_full = u64::try_from(page.messages.len()).unwrap_or(0) >= size;
        if (page.says_more || is_full) && !self.over.contains_key(&id) && rng.chance(200) {
            if rng.chance(400) {
                population.ledger.close(id);
                self.over.insert(id, Over::ForGood);
            } else {
                let times = rng.between(1, 5);
                self.over.insert(id, Over::Times(times));
            }
        }
    }

    fn is_too_big(&self, asked: RequestKind, response: &Response<Vec<u8>>) -> bool {
        asked.conversation().is_some() && {
            let came = crate::page::Page::read(response.body()).messages.len();
            self.habits.is_too_big(asked, came)
        }
    }
}

/// Passes a request on. A message may be refused; otherwise it is entered in the ledger.
fn ask_server(
    rng: &mut Rng,
    population: &mut Population,
    request: &Request<Vec<u8>>,
    moment: Moment,
) -> Answer {
    if RequestKind::of(request) != RequestKind::Send {
        return population.sim.handle(signed(moment.now_us), request);
    }
    let code = rng.pick(&[-352, -509, -509, 21_020, 21_020, 21_020, 21_046], 21_020);
    let refused = moment.troubled && rng.chance(250);
    population.sim.quirks_mut().sends_refused = refused.then_some(code);
    let sent = population.sent();
    let answer = population.sim.handle(signed(moment.now_us), request);
    population.note_sent(sent, moment.now_us);
    answer
}

/// Returns the response that the server gives, or what is received instead.
fn received(rng: &mut Rng, answer: Answer) -> Result<Response<Vec<u8>>, Vec<Delivery>> {
    match answer {
        Answer::Respond(response) | Answer::Delayed(_, response) => Ok(response),
        Answer::Hang => Err(Vec::new()),
        Answer::Reset | Answer::Truncated(_) => {
            let after_us = rng.between(1_000, 3_000_000);
            let kinds = [TransportErrorKind::Interrupted, TransportErrorKind::Connect];
            let kind = rng.pick(&kinds, TransportErrorKind::Other);
            let error = TransportError::new(kind, "made up");
            Err(vec![Delivery::failure(after_us, error)])
        }
    }
}

/// Puts a response on its way, once or twice.
fn deliveries(
    rng: &mut Rng,
    scenario: &Scenario,
    troubled: bool,
    response: Response<Vec<u8>>,
    meaning: Meaning,
) -> Vec<Delivery> {
    let deliver = |response, rng: &mut Rng| Delivery {
        after_us: latency(rng, scenario, troubled),
        answer: Ok(response),
        meaning,
    };
    let mut deliveries = vec![deliver(response.clone(), rng)];
    if troubled && scenario.has(Trouble::Double) && rng.chance(scenario.intensity) {
        deliveries.push(deliver(response, rng));
    }
    deliveries
}

fn latency(rng: &mut Rng, scenario: &Scenario, troubled: bool) -> u64 {
    let is_slow = troubled && scenario.has(Trouble::Delay) && rng.chance(scenario.intensity);
    if is_slow {
        let deadline = u64::try_from(scenario.request_timeout.as_micros()).unwrap_or(u64::MAX);
        rng.between(100_000, deadline.saturating_mul(3) / 2)
    } else {
        rng.between(10_000, 200_000)
    }
}

/// Returns whether the body is a list of conversations without one.
fn lists_nothing(body: &[u8]) -> bool {
    [&br#""session_list":null"#[..], br#""session_list":[]"#]
        .iter()
        .any(|text| body.windows(text.len()).any(|window| window == *text))
}
