//! Requests for notifications: what happens beside them, and what goes wrong with them.

use bilibili_session_simulator::{Fault, FaultKind, Rng};
use http::Request;

use super::fault::{Meaning, fault, meaning_of};
use super::{Adversary, Delivery, Moment, deliveries, received};
use crate::feeds::Crowd;
use crate::population::{Population, signed};
use crate::request_kind::{RequestKind, Step};
use crate::scenario::Scenario;
use crate::trouble::Trouble;

impl Adversary {
    /// Returns the server's answers to a request for notifications.
    pub(crate) fn answer_feed(
        &mut self,
        crowd: &mut Crowd,
        scenario: &Scenario,
        population: &mut Population,
        request: &Request<Vec<u8>>,
        moment: Moment,
    ) -> Vec<Delivery> {
        let Moment {
            now_us, troubled, ..
        } = moment;
        let asked = RequestKind::of(request);
        self.habits.set_date(&mut crowd.rng, population);
        let race = if troubled { crowd.ways.race } else { 0 };
        race_with(crowd, population, asked, now_us, race);
        let drawn = draw(crowd, scenario, asked, moment);
        population.sim.clear_faults();
        if let Some((kind, _)) = &drawn {
            population.sim.push_fault(Fault::once("/", kind.clone()));
        }
        let answer = population.sim.handle(signed(now_us), request);
        // What happens after the answer is no part of it.
        race_with(crowd, population, asked, now_us + 1, race);
        let rng = &mut crowd.rng;
        let mut response = match received(rng, answer) {
            Ok(response) => response,
            Err(failure) => return failure,
        };
        let meaning = drawn.map_or_else(|| meaning_of(&response), |(_, meaning)| meaning);
        if scenario.has(Trouble::NoDate) || self.habits.hides_date() {
            response.headers_mut().remove(http::header::DATE);
        }
        deliveries(rng, scenario, troubled, response, meaning)
    }
}

/// Lets something happen in the feed that is asked for.
fn race_with(
    crowd: &mut Crowd,
    population: &mut Population,
    asked: RequestKind,
    now_us: u64,
    share: u32,
) {
    if let RequestKind::Feed(kind, _) = asked
        && crowd.rng.chance(share)
    {
        crowd.race(&mut population.sim, now_us, kind);
    }
}

/// Returns the fault that answers instead of the server, if any.
fn draw(
    crowd: &mut Crowd,
    scenario: &Scenario,
    asked: RequestKind,
    moment: Moment,
) -> Option<(FaultKind, Meaning)> {
    let run_us = moment.now_us.saturating_sub(crate::life::EPOCH_US);
    let fails_first = crowd.ways.fails_first.is_some_and(|(kind, until_us)| {
        asked == RequestKind::Feed(kind, Step::Newest) && run_us < until_us
    });
    if fails_first && moment.troubled {
        return Some((FaultKind::Code(-500), Meaning::Fault));
    }
    let meets_trouble = moment.troubled && crowd.rng.chance(scenario.intensity);
    let rng = &mut crowd.rng;
    meets_trouble.then(|| fault(rng, scenario, asked)).flatten()
}

/// Draws a body that is none for notifications. Not among them is what cannot be told from an
/// answer that is right: no `data` where there is no notice, and counters that are absent.
pub(super) fn garbage(rng: &mut Rng, asked: RequestKind) -> FaultKind {
    let body = |text: &str| FaultKind::Body(text.as_bytes().to_vec());
    let is_page = matches!(asked, RequestKind::Feed(..));
    let is_notices = matches!(
        asked,
        RequestKind::Feed(bilibili_session::FeedKind::System, _)
    );
    match rng.between(0, 5) {
        0 => FaultKind::Garbage,
        1 => body("<!DOCTYPE html><html>made up</html>"),
        2 => body(""),
        3 if is_page => body(r#"{"code":0,"data":{"items":"x","total":7,"system_notify_list":1}}"#),
        4 if is_page && !is_notices => FaultKind::DataNull,
        _ => body(r#"{"code":0,"message":"0","data":{"items":[{"id"#),
    }
}
