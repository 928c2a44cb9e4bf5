//! Bounds: how late a notification may come, and how much of a feed is remembered.

use std::time::Duration;

use bilibili_session::FeedKind;
use bilibili_session::poller::Checkpoint;
use serde_json::Value;

use super::{Crowd, FeedLog};
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// A feed is read at least that often.
const MOST_TIME: Duration = Duration::from_secs(5 * 60);
/// So many entries of a feed may be held at once, however small the backlog.
const LEAST_HELD: usize = 100;
/// Number of liked things that are remembered besides those of the last minute.
const THINGS: usize = 501;

/// Checks that nothing that must come has had all the time that it needs, since it showed and
/// since nothing stood in the way any more.
pub(crate) fn in_time(
    log: &FeedLog,
    crowd: &Crowd,
    scenario: &Scenario,
    now_us: u64,
    free_since_us: u64,
) -> Result<(), Breach> {
    let Some((shown_us, happened)) = log.first_missing(&crowd.ledger) else {
        return Ok(());
    };
    // A thing that is liked while its feed is read may move up past the reading.
    let of = crowd.ledger.of(happened.kind, happened.subject);
    let moved_us = of.map(|it| it.shown_us).filter(|it| *it <= now_us).max();
    let since_us = shown_us
        .max(free_since_us)
        .max(moved_us.unwrap_or_default());
    if now_us < since_us + micros(MOST_TIME) {
        return Ok(());
    }
    let (count, ..) = log.missing(&crowd.ledger).unwrap_or((1, 0, happened));
    // Where long pauses may have broken every reading off, the first whole one reads all.
    let is_broken_off = scenario.has(Trouble::RiskControl) || scenario.has(Trouble::Throttle);
    let recent = crowd.ledger.all().rev();
    let recent = recent.take_while(|(_, it)| is_broken_off || it.shown_us + 3_600_000_000 > now_us);
    let entries = recent.filter(|(_, it)| it.kind == happened.kind).count() + count;
    let page = crowd.ways.page_size.unwrap_or(20).min(10);
    let pages = u32::try_from(2 * entries / page.max(2) + 8).unwrap_or(u32::MAX);
    let pages = pages.saturating_mul(1 + u32::try_from(entries / LEAST_HELD).unwrap_or(0));
    let slow = match scenario.has(Trouble::Delay) {
        true => scenario.request_timeout,
        false => Duration::ZERO,
    };
    // The feeds that are read take turns, and what messages need comes between each two.
    let feeds = u32::try_from(scenario.feeds.len()).unwrap_or(u32::MAX);
    let turns = feeds.saturating_mul(2).max(3);
    let each = turns * scenario.spacing + slow + Duration::from_millis(500);
    // Where a cursor is a place, what comes meanwhile may break a reading off.
    let times = if crowd.ways.has_places() { 3 } else { 1 };
    let bound = MOST_TIME * times + 4 * scenario.request_timeout + each * pages;
    Breach::unless(
        now_us <= since_us + micros(bound),
        Property::NothingLost,
        || {
            let late_s = (now_us - since_us) / 1_000_000;
            format!(
                "{} {} ({:?}) has not come for {late_s} s, the first of {count}",
                happened.kind, happened.subject, happened.state
            )
        },
    )
}

/// Checks that a checkpoint of a poller that has rested remembers no more of each feed than the
/// last minute, and so many things.
pub(crate) fn remembers(checkpoint: &Checkpoint, crowd: &Crowd) -> Result<(), Breach> {
    let body: Value = serde_json::from_str(&checkpoint.to_json()).unwrap_or_default();
    let feeds = body.pointer("/body/feeds").and_then(Value::as_array);
    for feed in feeds.into_iter().flatten() {
        let known = feed.get("known").and_then(Value::as_array);
        let known = known.map_or(0, Vec::len);
        let kind = feed.get("kind").and_then(Value::as_str).unwrap_or_default();
        let Ok(kind) = kind.parse::<FeedKind>() else {
            continue;
        };
        let times = || {
            let all = crowd.ledger.all().map(|(_, it)| it);
            all.filter(move |it| it.kind == kind).map(|it| it.time)
        };
        let shown = crowd.ledger.all().map(|(_, it)| it);
        let shown = shown.filter(|it| it.kind == kind && !it.has_vanished && it.is_readable);
        let shown = shown.map(|it| it.time.min(super::ledger::seconds(it.shown_us)));
        // What vanished or cannot be read does not move a feed on.
        let newest = shown.max().unwrap_or(i64::MIN);
        let most = times()
            .filter(|time| *time >= newest.saturating_sub(62))
            .count();
        let things = if kind == FeedKind::Likes { THINGS } else { 0 };
        Breach::unless(known <= 2 * most + things + 20, Property::Bounded, || {
            format!("{known} entries of {kind} are remembered, {most} and {things} may be")
        })?;
    }
    Ok(())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
