//! What stands between the poller and the server, and means harm.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{ConversationId, TransportError, TransportErrorKind};
use bilibili_session_simulator::{Answer, Fault, FaultKind, HasMore, Rng};
use http::{Request, Response, StatusCode};
use serde_json::Value;

use crate::habits::Habits;
use crate::page::{int, seqno};
use crate::population::{Population, signed};
use crate::request_kind::{ListOf, RequestKind};
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// What an answer means to the one who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// As it should be.
    Right,
    /// To be tried again.
    Fault,
    /// The signature is refused, whatever the keys are; or there is none.
    Refused,
    /// The signature is refused: the keys have changed.
    OldKeys,
    /// A pause of minutes.
    RiskControl,
    /// A pause of half a minute.
    Throttled,
    /// Nothing is to be sent for half a minute.
    SendsTooOften,
    /// Nothing is to be sent for a day.
    SendsForADay,
    /// The end.
    LoginLost,
    /// The end of that conversation.
    Gone,
}

/// Something that comes back.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// How much later (µs).
    pub(crate) after_us: u64,
    pub(crate) answer: Result<Response<Vec<u8>>, TransportError>,
    pub(crate) meaning: Meaning,
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
    /// How often messages were kept back since this one was handed out.
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

/// A message is kept back at most so often: the third time in vain it counts as gone.
const KEPT_BACK: u8 = 2;

/// When a request comes, and what is known of it then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now_us: u64,
    pub(crate) handed_out: Option<u64>,
    /// The newest message of this conversation that a list told of.
    pub(crate) told: Option<u64>,
    /// Whether anything may go wrong.
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

    /// The server's answers to a request, as they come back. None at all: it hangs.
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
        let meets_trouble = troubled && rng.chance(scenario.intensity);
        let refused = asked.conversation().filter(|id| self.habits.refuses(*id));
        let over = asked
            .conversation()
            .filter(|id| self.is_over(*id, troubled));
        let fault = match refused {
            _ if over.is_some() => {
                let code = rng.pick(&[700_013, 700_014, 1_000_004], 700_013);
                Some((FaultKind::Code(code), Meaning::Gone))
            }
            Some(_) => Some((FaultKind::Code(-403), Meaning::Refused)),
            None => meets_trouble.then(|| fault(rng, scenario, asked)).flatten(),
        };
        let (fault, mut meaning) = fault.unzip();
        population.sim.clear_faults();
        if let Some(kind) = fault {
            population.sim.push_fault(Fault::once("/", kind));
        }
        let sends = asked == RequestKind::Send;
        if sends {
            let code = rng.pick(&[-352, -509, -509, 21_020, 21_020, 21_020, 21_046], 21_020);
            let refused = troubled && rng.chance(250);
            population.sim.quirks_mut().sends_refused = refused.then_some(code);
        }
        let sent = if sends { population.sent() } else { 0 };
        let answer = population.sim.handle(signed(now_us), request);
        if sends {
            population.note_sent(sent, now_us);
        }
        if let Some(id) = asked.conversation().filter(|_| after) {
            population.arrive_in(rng, scenario, now_us, id);
        }
        let mut response = match answer {
            Answer::Respond(response) | Answer::Delayed(_, response) => response,
            Answer::Hang => return Vec::new(),
            Answer::Reset | Answer::Truncated(_) => {
                return vec![Delivery {
                    after_us: rng.between(1_000, 3_000_000),
                    answer: Err(TransportError::new(
                        rng.pick(
                            &[TransportErrorKind::Interrupted, TransportErrorKind::Connect],
                            TransportErrorKind::Other,
                        ),
                        "made up",
                    )),
                    meaning: Meaning::Fault,
                }];
            }
        };
        if meaning == Some(Meaning::Gone) {
            self.said_to_be_over.extend(asked.conversation());
        }
        if meaning.is_none() {
            meaning = Some(match meaning_of(&response) {
                Meaning::Refused if asked.is_signed() && !self.habits.refuses_all() => {
                    Meaning::OldKeys
                }
                meaning => meaning,
            });
            if troubled {
                self.edit(rng, scenario, population, moment, request, &mut response);
            }
            if scenario.has(Trouble::Over) && troubled && meaning == Some(Meaning::Right) {
                self.may_end(rng, population, asked, &response);
            }
            if self.is_too_big(asked, &response) {
                return vec![Delivery {
                    after_us: rng.between(10_000, 200_000),
                    answer: Err(TransportError::body_too_large(65_536)),
                    meaning: Meaning::Fault,
                }];
            }
        }
        // Where nothing is listed, the date is all there is to tell what is old.
        let hides_date = scenario.has(Trouble::NoDate) || self.habits.hides_date();
        if hides_date && !lists_nothing(response.body()) {
            response.headers_mut().remove(http::header::DATE);
        }
        let meaning = meaning.unwrap_or(Meaning::Right);
        let mut deliveries = vec![Delivery {
            after_us: latency(rng, scenario, troubled),
            answer: Ok(response.clone()),
            meaning,
        }];
        if troubled && scenario.has(Trouble::Double) && rng.chance(scenario.intensity) {
            deliveries.push(Delivery {
                after_us: latency(rng, scenario, troubled),
                answer: Ok(response),
                meaning,
            });
        }
        deliveries
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

    /// A conversation of which more is to come may be over before it does.
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

    /// Keeps back what the list knows of, or leaves fields out.
    fn edit(
        &mut self,
        rng: &mut Rng,
        scenario: &Scenario,
        population: &mut Population,
        moment: Moment,
        request: &Request<Vec<u8>>,
        response: &mut Response<Vec<u8>>,
    ) {
        let asked = RequestKind::of(request);
        let is_vague = scenario.has(Trouble::VagueList)
            && asked
                .list()
                .is_some_and(|list| !(list.of == ListOf::All && list.end_ts.is_none()))
            && rng.chance(scenario.intensity);
        if is_vague {
            edit_list(response, |entry| {
                let both = &["max_seqno", "last_msg"];
                let one = rng.pick(&[&both[..1], &both[1..], &both[..]], both);
                for hidden in one {
                    entry.remove(*hidden);
                }
            });
        }
        let is_extreme = scenario.has(Trouble::Extremes)
            && asked.list().is_some()
            && rng.chance(scenario.intensity);
        if is_extreme {
            let extremes = [0, i64::MAX.unsigned_abs(), u64::MAX];
            edit_list(response, |entry| {
                if rng.chance(300) {
                    let extreme = rng.pick(&extremes, 0);
                    entry.insert("max_seqno".to_owned(), Value::from(extreme));
                }
            });
        }
        let RequestKind::Fetch { id, open: true, .. } = asked else {
            return;
        };
        let [empty, lagging] = [Trouble::EmptyPage, Trouble::LaggingPage]
            .map(|trouble| scenario.has(trouble) && rng.chance(scenario.intensity));
        if (empty || lagging) && self.may_keep_back(moment.handed_out, id) {
            let kept = if empty { 0 } else { rng.between(0, 3) };
            let kept = usize::try_from(kept).unwrap_or(0);
            let empty = population.empty_page(moment.now_us, request);
            hold_back(response, population, empty, (id, moment, self.denies, kept));
        }
    }

    fn may_keep_back(&mut self, handed_out: Option<u64>, id: ConversationId) -> bool {
        let kept = self.kept_back.entry(id).or_insert((handed_out, 0));
        if kept.0 != handed_out {
            *kept = (handed_out, 0);
        }
        kept.1 = kept.1.saturating_add(1);
        kept.1 <= KEPT_BACK
    }
}

/// Changes the entries of a list.
fn edit_list(
    response: &mut Response<Vec<u8>>,
    mut change: impl FnMut(&mut serde_json::Map<String, Value>),
) {
    let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) else {
        return;
    };
    let list = body.pointer_mut("/data/session_list");
    for entry in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(entry) = entry.as_object_mut() {
            change(entry);
        }
    }
    replace(response, &body);
}

/// Keeps the newest messages of a page back: all that came in the last minute, or so many.
/// An emptied page is as the service sends it.
fn hold_back(
    response: &mut Response<Vec<u8>>,
    population: &Population,
    empty: Value,
    (id, moment, denies, most): (ConversationId, Moment, bool, usize),
) {
    let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) else {
        return;
    };
    let Some(data) = body.get_mut("data") else {
        return;
    };
    let says_more = int(data.get("has_more").unwrap_or(&Value::Null)) == 1
        || data.get("has_more") == Some(&Value::Bool(true));
    let Some(list) = data.get_mut("messages").and_then(Value::as_array_mut) else {
        return;
    };
    // Without a message that nobody was told of, a page that denies there is more looks
    // whole, and is not: nobody could see that.
    let newest = list.iter().map(number_of).find(|seqno| *seqno > 0);
    let is_told = newest.is_some() && moment.told >= newest;
    if denies && !is_told {
        return;
    }
    // Only what arrived just now may not be there yet.
    let is_young = |item: &Value| {
        let key = int(item.get("msg_key").unwrap_or(&Value::Null));
        let entry = population.ledger.find(id, number_of(item), key);
        entry.is_none_or(|(_, it)| it.at_us + 60_000_000 > moment.now_us)
    };
    let young = list.iter().take_while(|it| is_young(it)).count();
    let mut kept = if most == 0 { young } else { young.min(most) };
    // The newest one left is one that can be read.
    let left = list.get(kept..).unwrap_or_default();
    kept += left.iter().take_while(|it| number_of(it) == 0).count();
    // A page with one message or none is taken as the last: nobody could see that it is not.
    let stays = list.len().saturating_sub(kept);
    let says_more = match stays {
        0 => int(empty.get("has_more").unwrap_or(&Value::Null)) == 1,
        _ => says_more,
    };
    // Nor that a page is cut which has all that the list told of, and denies more.
    let has_all_told = match stays {
        0 => !is_told,
        _ => list.get(kept).map(number_of) >= moment.told,
    };
    if has_all_told && (denies || stays <= 1 && says_more) {
        return;
    }
    list.drain(..kept);
    match list.first().map(number_of) {
        None => *data = empty,
        Some(newest) => {
            if let Some(fields) = data.as_object_mut() {
                fields.insert("max_seqno".to_owned(), Value::from(newest));
            }
        }
    }
    replace(response, &body);
}

fn replace(response: &mut Response<Vec<u8>>, body: &Value) {
    *response.body_mut() = body.to_string().into_bytes();
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
}

fn number_of(message: &Value) -> u64 {
    seqno(message.get("msg_seqno").unwrap_or(&Value::Null))
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

/// One of the faults that this scenario has.
fn fault(rng: &mut Rng, scenario: &Scenario, asked: RequestKind) -> Option<(FaultKind, Meaning)> {
    let possible: Vec<Trouble> = scenario
        .troubles
        .iter()
        .filter(|trouble| match trouble {
            Trouble::Gone => asked.conversation().is_some(),
            _ => *trouble as u8 <= Trouble::LoginLost as u8,
        })
        .collect();
    let http = |status| FaultKind::Http(StatusCode::from_u16(status).unwrap_or_default());
    let body = |text: &str| FaultKind::Body(text.as_bytes().to_vec());
    Some(match rng.pick(&possible, Trouble::Delay) {
        Trouble::Loss if rng.chance(500) => (FaultKind::Reset, Meaning::Fault),
        Trouble::Loss => (FaultKind::Truncated, Meaning::Fault),
        Trouble::Hang => (FaultKind::Hang, Meaning::Fault),
        Trouble::Garbage => {
            let kind = match rng.between(0, 6) {
                0 => FaultKind::Garbage,
                1 | 2 => FaultKind::DataNull,
                3 => body("<!DOCTYPE html><html>made up</html>"),
                4 => body(""),
                5 => body(r#"{"code":0,"message":"0","data":{"messages":[{"msg_seq"#),
                _ => body(r#"{"code":0,"data":{"messages":"x","session_list":7,"mid":[]}}"#),
            };
            (kind, Meaning::Fault)
        }
        Trouble::Http => (
            http(rng.pick(&[500, 502, 503, 504, 404, 301], 500)),
            Meaning::Fault,
        ),
        Trouble::Codes => {
            let code = rng.pick(&[-3, -500, -503, -400, -403, -403, 2, 700_009, -1], -3);
            let meaning = match code {
                -403 if asked.is_signed() => Meaning::OldKeys,
                -403 => Meaning::Refused,
                _ => Meaning::Fault,
            };
            (FaultKind::Code(code), meaning)
        }
        Trouble::Throttle => match rng.pick(&[-509, -799, 429], 429) {
            429 => (http(429), Meaning::Throttled),
            code => (FaultKind::Code(code), Meaning::Throttled),
        },
        Trouble::RiskControl => match rng.pick(&[-352, -412, 412, 403, 0], 0) {
            0 => (FaultKind::Voucher, Meaning::RiskControl),
            status @ (412 | 403) => {
                let status = u16::try_from(status).unwrap_or_default();
                (http(status), Meaning::RiskControl)
            }
            code => (FaultKind::Code(code), Meaning::RiskControl),
        },
        Trouble::LoginLost if rng.chance(50) => (FaultKind::Code(-101), Meaning::LoginLost),
        Trouble::Gone => {
            let code = rng.pick(&[700_013, 700_014, 1_000_004], 700_013);
            (FaultKind::Code(code), Meaning::Gone)
        }
        _ => return None,
    })
}

/// What an answer of the server means that was not tampered with.
fn meaning_of(response: &Response<Vec<u8>>) -> Meaning {
    let starts = |text: &str| response.body().starts_with(text.as_bytes());
    if starts(r#"{"code":0,"#) {
        Meaning::Right
    } else if starts(r#"{"code":-403,"#) {
        Meaning::Refused
    } else if starts(r#"{"code":-352,"#) {
        Meaning::RiskControl
    } else if starts(r#"{"code":21020,"#) {
        Meaning::SendsTooOften
    } else if starts(r#"{"code":21046,"#) {
        Meaning::SendsForADay
    } else if starts(r#"{"code":-509,"#) {
        Meaning::Throttled
    } else if starts(r#"{"code":70001"#) || starts(r#"{"code":1000004,"#) {
        Meaning::Gone
    } else if starts(r#"{"code":-101,"#) {
        Meaning::LoginLost
    } else {
        Meaning::Fault
    }
}

/// Whether it is a list of conversations without one.
fn lists_nothing(body: &[u8]) -> bool {
    [&br#""session_list":null"#[..], br#""session_list":[]"#]
        .iter()
        .any(|text| body.windows(text.len()).any(|window| window == *text))
}
