//! A night: 1,000 of 1,500 conversations changed while the watch was down. All messages come out, each once and in order,
//! whatever habit the lists have. Tables say what that takes, in virtual time:
//!
//! `cargo test -p bilibili-session-harness --test night -- --nocapture --test-threads 1`
//!
//! All habits: `… --test night -- --ignored each_habit --nocapture`
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

mod reckoning;
mod world;

use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Habits, PollerConfig};
use bilibili_session_simulator::{HasMore, Quirks};
use serde_json::Value;

use reckoning::Reckoning;
use world::{HOUR, INTERVAL, MINUTE, SECOND, World};

/// So many of the habits are tried in every run.
const USUAL: usize = 7;

/// Habits of the lists, and what of them is known beforehand.
#[rustfmt::skip]
const HABITS: [(&str, &str); 23] = [
    ("", ""),
    (r#""all_types_ignore_end_ts":true"#, ""),
    (r#""all_types_ignore_end_ts":true"#, r#""all_types_ignore_end_ts":true"#),
    (r#""all_types_ignore_end_ts":true,"conversation_page_cap":20"#, ""),
    (r#""all_types_ignore_end_ts":true,"single_types_ignore_end_ts":true"#, ""),
    (r#""list_signature":"code403""#, ""),
    (r#""date":"absent""#, ""),
    (r#""all_types_ignore_end_ts":true,"new_sessions_takes_end_ts":true"#, ""),
    (r#""list_signature":"code403""#, r#""lists_signed":true"#),
    (r#""list_signature":"code352""#, ""),
    (r#""list_signature":"code352""#, r#""lists_signed":true"#),
    (r#""has_more":"always_yes""#, ""),
    (r#""has_more":"always_no""#, ""),
    (r#""empty_page_says_more":true"#, ""),
    (r#""has_more_disregards_begin":true"#, ""),
    (r#""conversation_page_cap":20"#, ""),
    (r#""date":{"skewed":-7200}"#, ""),
    (r#""date":{"skewed":7200}"#, ""),
    (r#""date":{"stale":1699996400}"#, ""),
    (r#""commit_lag_us":3000000"#, ""),
    (r#""begin_ts_inclusive":true"#, ""),
    (r#""end_ts_inclusive":true"#, ""),
    (r#""begin_ts_inclusive":true,"end_ts_inclusive":true,"oldest_of_gap":true"#, ""),
];

fn body(checkpoint: &Checkpoint) -> Value {
    serde_json::from_str::<Value>(&checkpoint.to_json()).unwrap()["body"].take()
}

/// Lives through a night with a habit of the lists, and says as a row what it took.
fn night(habit: &str, known: &str, config: PollerConfig) -> String {
    let read = |fields: &str| serde_json::from_str::<Value>(&format!("{{{fields}}}")).unwrap();
    let quirks = Quirks::from_json(&read(habit)).unwrap();
    let habits: Habits = serde_json::from_value(read(known)).unwrap();
    let (mut world, checkpoint) = World::after_the_night(quirks.clone(), &config.habits(habits));
    let reckoned = Reckoning::of(&world, &body(&checkpoint), &quirks, habits);
    let (began, hidden) = (world.now_us, reckoned.hidden);
    assert!(
        (1000..1060).contains(&reckoned.changed),
        "{habit}: the night, some of ten minutes before"
    );

    world.pass_until(HOUR, |world| world.owed() == hidden);
    assert_eq!(
        world.owed(),
        hidden,
        "{habit}: all that lists show comes out"
    );
    let [lists, messages, other] = world.requests;
    assert_eq!(
        [messages, other],
        reckoned.requests[1..],
        "{habit}: for messages, other things"
    );
    let took = world.last_came_us - began;
    // Each round lists what came meanwhile; where each page says that there is more, a second
    // one shows that there is not. And a whole list is due after a night.
    let a_round = 1 + usize::from(quirks.has_more == HasMore::AlwaysYes);
    let whole = 1500 / (reckoned.page - 1) + 8;
    let rounds = usize::try_from(took / INTERVAL).unwrap() + 1;
    let least = reckoned.requests[0];
    assert!(
        (least..=least + rounds * a_round + whole).contains(&lists) || hidden > 0,
        "{habit}: {lists} lists, {least} for the night, {rounds} rounds"
    );
    assert!(
        world.warnings.keys().eq(reckoned.warnings.keys()),
        "{habit}: {:?}",
        world.warnings
    );
    let pause = if world.warnings.contains_key("risk_control") {
        375 * SECOND
    } else {
        0
    };
    let paced = 300_000 * i64::try_from(lists + messages + other).unwrap() + INTERVAL + pause;
    assert!(
        took < paced,
        "{habit}: at most a round was waited for, and what was announced"
    );
    let warnings: Vec<String> = world
        .warnings
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();

    world.pass(2 * MINUTE);
    let later = world.requests[0] - lists;
    assert_eq!(
        (world.owed(), world.requests[1]),
        (hidden, messages),
        "{habit}: nothing is fetched twice"
    );
    assert!(
        hidden > 0 || later <= 21 * a_round + whole,
        "{habit}: {later} lists, one a round and a whole list"
    );
    if hidden > 0 {
        let base = body(&world.poller.checkpoint().unwrap())["base_ts"].take();
        assert_eq!(
            base,
            body(&checkpoint)["base_ts"],
            "what is hidden lies above the baseline"
        );
        *world.sim.quirks_mut() = Quirks::default();
        world.pass_until(10 * MINUTE, |world| world.owed() == 0);
        assert_eq!(world.owed(), 0, "all comes out once lists show it");
    }
    let habit = if habit.is_empty() { "none" } else { habit };
    let known = if known.is_empty() { "no" } else { "yes" };
    let took = seconds(took);
    let warnings = if warnings.is_empty() {
        "none".to_owned()
    } else {
        warnings.join(", ")
    };
    format!("| {habit} | {known} | {lists} | {messages} | {other} | {took} | {warnings} | {hidden} | {later} |")
        .replace('"', "")
}

fn seconds(us: i64) -> String {
    format!("{}.{} s", us / SECOND, us % SECOND / 100_000)
}

fn table(habits: &[(&str, &str)]) {
    let rows = std::thread::scope(|scope| {
        let halves = habits.chunks(habits.len().div_ceil(2)).map(|half| {
            scope.spawn(|| {
                let rows = half
                    .iter()
                    .map(|(habit, known)| night(habit, known, PollerConfig::new()));
                rows.collect::<Vec<String>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        let rows = halves.into_iter().map(|half| half.join().unwrap());
        rows.collect::<Vec<_>>().concat()
    });
    println!(
        "| habit | known beforehand | list requests | message requests | other | until the last message | warnings \
         | hidden messages | lists in the next 2 min (20 rounds and a whole list) |"
    );
    println!("|---|---|---|---|---|---|---|---|---|\n{}", rows.join("\n"));
}

#[test]
fn a_night_is_read_whole() {
    table(&HABITS[..USUAL]);
}

#[test]
#[ignore = "half a minute"]
fn a_night_is_read_whole_with_each_habit() {
    table(&HABITS);
}

/// Of 1,400 conversations only the time of a message shows what is new.
#[test]
fn a_night_is_read_whole_where_the_first_page_is_all_that_was_read_before() {
    let config = PollerConfig::new().whole_list_interval(None);
    println!("{}", night("", "", config));
}

/// Pace of requests, time of a night and delay of a message: the least distance between two requests decides on all.
#[test]
fn a_pace_has_its_price() {
    let spacings = [0, 100, 300, 1000];
    let rows = std::thread::scope(|scope| {
        let rows = spacings.map(|spacing| scope.spawn(move || pace(spacing)));
        rows.map(|row| row.join().unwrap())
    });
    println!(
        "| spacing | night | message that comes 10 s after the resume | 1 message in an interval | 10 | 100 |"
    );
    println!("|---|---|---|---|---|---|");
    for (spacing, row) in spacings.iter().zip(&rows) {
        let daily = row
            .daily
            .map(|(median, worst)| format!("{} / {}", seconds(median), seconds(worst)));
        let name = if *spacing == 300 {
            "300 ms (default)".to_owned()
        } else {
            format!("{spacing} ms")
        };
        println!(
            "| {name} | {} | {} | {} |",
            seconds(row.night),
            seconds(row.meanwhile),
            daily.join(" | ")
        );
    }
    assert!(rows.is_sorted_by_key(|row| row.night));
    assert!(rows.is_sorted_by_key(|row| row.daily[2].1));
    assert!(rows[2].night < 10 * MINUTE);
    assert!(
        rows.iter().all(|row| row.daily[0].1 < 10 * SECOND),
        "one message is there with the next round"
    );
}

struct Pace {
    night: i64,
    meanwhile: i64,
    /// Delay of a message, median and worst, where 1, 10 and 100 conversations get one within an interval.
    daily: [(i64, i64); 3],
}

fn pace(spacing: u64) -> Pace {
    let config = match spacing {
        300 => PollerConfig::new(),
        _ => PollerConfig::new().spacing(Duration::from_millis(spacing)),
    };
    let (mut world, _) = World::after_the_night(Quirks::default(), &config);
    let (began, messages) = (world.now_us, world.owed());
    world.delays.clear();
    world.arrivals.push_back((began + 10 * SECOND, 2));
    world.pass_until(HOUR, |world| world.delays.len() == messages);
    let night = world.last_came_us - began;
    world.pass_until(HOUR, |world| world.owed() == 0 && world.arrivals.is_empty());
    let (_, meanwhile) = world.youngest;
    world.pass(5 * MINUTE);
    let daily = [(1, 40, 20), (10, 10, 30), (100, 4, 240)].map(|(count, times, apart)| {
        world.delays.clear();
        for _ in 0..times {
            let gap = INTERVAL / count;
            let place = i64::try_from(world.delays.len()).unwrap();
            let first = world.now_us + 1 + (place * 370_000) % INTERVAL;
            world.arrivals = (0..count)
                .map(|n| (first + n * gap, (place + n) * 7 % 1500))
                .collect();
            world.pass(apart * SECOND);
        }
        assert_eq!(
            world.owed(),
            0,
            "{count} messages in an interval come out within {apart} s"
        );
        world.delays.sort_unstable();
        (
            world.delays[world.delays.len() / 2],
            *world.delays.last().unwrap(),
        )
    });
    Pace {
        night,
        meanwhile,
        daily,
    }
}
