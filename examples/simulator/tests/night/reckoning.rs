//! Requests and notices that a morning takes if nothing is asked for in vain.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bilibili_session::poller::Habits;
use bilibili_session_simulator::{HasMore, ListSignature, Quirks};
use serde_json::Value;

use crate::world::{SECOND, World, id_of, is_new, kind_of};

/// Lists begin this much before the base line.
const OVERLAP: i64 = 5 * SECOND;

/// The single types of lists.
const TYPES: [i64; 5] = [1, 2, 3, 5, 7];

/// What the morning takes if nothing is asked for in vain.
pub(crate) struct Reckoning {
    pub(crate) requests: [usize; 3],
    pub(crate) notices: BTreeMap<&'static str, usize>,
    /// Messages of conversations that no list shows.
    pub(crate) hidden: usize,
}

impl Reckoning {
    pub(crate) fn of(world: &World, checkpoint: &Value, quirks: &Quirks, known: Habits) -> Self {
        let floor = checkpoint["base_ts"].as_i64().unwrap() - OVERLAP;
        let ids = |list: &Value, is: &dyn Fn(&Value) -> bool| -> Vec<(i64, i64)> {
            let list = list.as_array().unwrap().iter().filter(|it| is(it));
            list.map(|it| {
                (
                    it["session_ts"].as_i64().unwrap(),
                    it["talker_id"].as_i64().unwrap() - 20_000,
                )
            })
            .collect()
        };
        let state = world.sim.state();
        let mut changed = ids(&state["conversations"], &|it| {
            it["session_ts"].as_i64().unwrap() >= floor
        });
        changed.sort_unstable_by_key(|it| std::cmp::Reverse(*it));
        let changed: Vec<i64> = changed.into_iter().map(|(_, index)| index).collect();
        let remembered = ids(&checkpoint["conversations"], &|it| it["cursor"].is_u64());
        let remembered: BTreeSet<i64> = remembered.into_iter().map(|(_, index)| index).collect();

        let page = quirks.conversation_page_cap.unwrap_or(100);
        let of_type = |list: &[i64], kind| -> Vec<i64> {
            let is_on = |it: &&i64| kind_of(**it) == kind || (kind, kind_of(**it)) == (1, 7);
            list.iter().filter(is_on).copied().collect()
        };
        // The next page begins with the last entry of the one before, and one must be below the floor.
        let pages = |entries: usize| 1 + (entries + 1).saturating_sub(page).div_ceil(page - 1);
        let below = |kind| of_type(&changed[page - 1..], kind).len();
        let is_found_out = usize::from(known.all_types_ignore_end_ts.is_none());
        let (ignores, all_ignore) = (
            quirks.all_types_ignore_end_ts,
            quirks.single_types_ignore_end_ts,
        );
        let mut lists = match (ignores, all_ignore) {
            (false, _) => pages(changed.len()),
            (true, false) => {
                1 + is_found_out + TYPES.map(|kind| pages(below(kind))).iter().sum::<usize>()
            }
            (true, true) => {
                2 + TYPES
                    .iter()
                    .map(|kind| 1 + usize::from(of_type(&changed, *kind).len() >= page))
                    .sum::<usize>()
            }
        };
        let is_refused =
            quirks.list_signature != ListSignature::NotWanted && known.lists_signed.is_none();
        lists += usize::from(is_refused);

        let mut shown: BTreeSet<i64> = changed.iter().copied().collect();
        if ignores && all_ignore {
            let tops = TYPES
                .iter()
                .flat_map(|kind| of_type(&changed, *kind).into_iter().take(page));
            shown = changed[..page].iter().copied().chain(tops).collect();
        }
        let owed = |index: i64| world.owed.get(&id_of(index)).map_or(0, VecDeque::len);
        // There is a hole below several messages of a user: whether something is missing there is asked where
        // older ones, or anything at all, make it say that there is more.
        let is_holey = |index: &&i64| kind_of(**index) != 3 && owed(**index) > 1;
        let of_known = shown
            .iter()
            .filter(is_holey)
            .filter(|it| remembered.contains(it))
            .count();
        let of_new = shown
            .iter()
            .filter(is_holey)
            .filter(|it| is_new(**it))
            .count();
        let always_yes = quirks.has_more == HasMore::AlwaysYes;
        let mut messages = shown
            .iter()
            .filter(|it| owed(**it) > 0 || !remembered.contains(it))
            .count();
        messages += if always_yes || quirks.has_more_disregards_begin {
            of_known
        } else {
            0
        };
        messages += if always_yes { of_new } else { 0 };

        let mut notices = BTreeMap::new();
        if is_refused && quirks.list_signature == ListSignature::Code352 {
            notices.insert("risk_control", 1);
        }
        if ignores && all_ignore {
            notices.insert("list_incomplete", 1);
        }
        let hidden = changed
            .iter()
            .filter(|it| !shown.contains(it))
            .map(|it| owed(*it))
            .sum();
        Self {
            requests: [lists, messages, 1],
            notices,
            hidden,
        }
    }
}
