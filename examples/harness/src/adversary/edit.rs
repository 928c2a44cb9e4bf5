//! Right answers that are tampered with: lists without fields, pages without their newest messages.

use bilibili_session::ConversationId;
use bilibili_session_simulator::Rng;
use http::{Request, Response};
use serde_json::Value;

use super::{Adversary, Moment};
use crate::page::{int, seqno};
use crate::population::Population;
use crate::request_kind::{ListOf, RequestKind};
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Limit of how often in a row a message is kept back: the third time in vain it counts as gone.
const KEPT_BACK: u8 = 2;

impl Adversary {
    /// Keeps back what the list knows of, or leaves fields out.
    pub(super) fn edit(
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
        if (empty || lagging) && self.may_keep_back(moment.delivered, id) {
            let kept = if empty { 0 } else { rng.between(0, 3) };
            let kept = usize::try_from(kept).unwrap_or(0);
            let empty = population.empty_page(moment.now_us, request);
            hold_back(response, population, empty, (id, moment, self.denies, kept));
        }
    }

    fn may_keep_back(&mut self, delivered: Option<u64>, id: ConversationId) -> bool {
        let kept = self.kept_back.entry(id).or_insert((delivered, 0));
        if kept.0 != delivered {
            *kept = (delivered, 0);
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
    // Without a message that no list has shown, a page that denies there is more looks
    // whole, and is not: nobody could see that.
    let newest = list.iter().map(number_of).find(|seqno| *seqno > 0);
    let is_listed = newest.is_some() && moment.listed >= newest;
    if denies && !is_listed {
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
    // Nor that a page is cut which has all that the list showed, and denies more.
    let has_all_listed = match stays {
        0 => !is_listed,
        _ => list.get(kept).map(number_of) >= moment.listed,
    };
    if has_all_listed && (denies || stays <= 1 && says_more) {
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
