//! Requests and warnings of a morning in which nothing is asked for in vain.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bilibili_session::poller::Habits;
use bilibili_session_simulator::{HasMore, ListSignature, Quirks};
use serde_json::Value;

use crate::world::{FIRST_ID, SECOND, World, id_of, is_new, kind_of};

/// Lists begin this much before the baseline.
const OVERLAP: i64 = 5 * SECOND;

/// The single types of lists.
const TYPES: [i64; 5] = [1, 2, 3, 5, 7];

/// Costs of a morning.
pub(crate) struct Reckoning {
    /// Conversations that changed since the list that the checkpoint covers.
    pub(crate) changed: usize,
    /// Entries of a page of a list.
    pub(crate) page: usize,
    pub(crate) requests: [usize; 3],
    pub(crate) warnings: BTreeMap<&'static str, usize>,
    /// Messages of conversations that no list shows.
    pub(crate) hidden: usize,
}

impl Reckoning {
    pub(crate) fn of(world: &World, checkpoint: &Value, quirks: &Quirks, known: Habits) -> Self {
        let floor = number(checkpoint, "base_ts") - OVERLAP;
        let changed = changed(&world.sim.state(), floor);
        let page = quirks.conversation_page_cap.unwrap_or(100);
        let ignores = quirks.all_types_ignore_end_ts;
        let is_blind = ignores && quirks.single_types_ignore_end_ts;

        // The next page begins with the last entry of the one before, and one must be below the floor.
        let pages = |entries: usize| 1 + (entries + 1).saturating_sub(page).div_ceil(page - 1);
        // A page that comes again shows that there is no way down.
        let again = |kind| 1 + usize::from(of_type(&changed, kind).len() >= page);
        let below = |kind| pages(of_type(&changed[page - 1..], kind).len());
        let mut lists = match ignores {
            false => pages(changed.len()),
            true if is_blind => 2 + TYPES.map(again).iter().sum::<usize>(),
            true => 1 + TYPES.map(below).iter().sum::<usize>(),
        };
        lists += usize::from(ignores && !is_blind && known.all_types_ignore_end_ts.is_none());
        let is_signed = quirks.list_signature != ListSignature::NotWanted;
        let is_refused = is_signed && known.lists_signed.is_none();
        lists += usize::from(is_refused);

        let tops = TYPES
            .iter()
            .flat_map(|kind| of_type(&changed, *kind).into_iter().take(page));
        let shown: BTreeSet<i64> = match is_blind {
            true => changed[..page].iter().copied().chain(tops).collect(),
            false => changed.iter().copied().collect(),
        };
        let hidden = changed
            .iter()
            .filter(|it| !shown.contains(it))
            .map(|it| owed(world, *it));

        let mut warnings = BTreeMap::new();
        if is_refused && quirks.list_signature == ListSignature::Code352 {
            warnings.insert("risk_control", 1);
        }
        if is_blind {
            warnings.insert("list_incomplete", 1);
        }
        Self {
            changed: changed.len(),
            page,
            requests: [lists, messages(world, checkpoint, quirks, &shown), 1],
            warnings,
            hidden: hidden.sum(),
        }
    }
}

/// Requests for the messages of these conversations.
fn messages(world: &World, checkpoint: &Value, quirks: &Quirks, shown: &BTreeSet<i64>) -> usize {
    let entries = checkpoint["conversations"].as_array().unwrap().iter();
    let remembered: BTreeSet<i64> = entries
        .filter(|it| it["cursor"].is_u64())
        .map(|it| number(it, "talker_id") - FIRST_ID)
        .collect();
    let says_more = quirks.has_more == HasMore::AlwaysYes;
    let asked = shown.iter().map(|index| {
        let (owed, is_known) = (owed(world, *index), remembered.contains(index));
        // Where it is said that there is more, a hole below several messages is asked for: users' numbers have holes.
        let has_hole = kind_of(*index) != 3 && owed > 1;
        let is_listed = says_more || is_known && quirks.has_more_disregards_begin;
        let has_end = !is_known && !is_new(*index);
        usize::from(owed > 0 || !is_known) + usize::from(has_hole && is_listed && !has_end)
    });
    asked.sum()
}

/// Returns the conversations that changed from then on, the newest first.
fn changed(state: &Value, floor: i64) -> Vec<i64> {
    let all = state["conversations"].as_array().unwrap().iter();
    let mut changed: Vec<(i64, i64)> = all
        .map(|it| (number(it, "session_ts"), number(it, "talker_id") - FIRST_ID))
        .filter(|it| it.0 >= floor)
        .collect();
    changed.sort_unstable();
    changed.iter().rev().map(|it| it.1).collect()
}

/// Those that the list of a single type shows.
fn of_type(list: &[i64], kind: i64) -> Vec<i64> {
    let is_on =
        |index: &&i64| matches!((kind, kind_of(**index)), (1, 7)) || kind_of(**index) == kind;
    list.iter().filter(is_on).copied().collect()
}

fn owed(world: &World, index: i64) -> usize {
    world.owed.get(&id_of(index)).map_or(0, VecDeque::len)
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap()
}
