//! The poller against a server that means harm, seed by seed.
//!
//! `HARNESS_SEED=123 cargo test -p bilibili-session-harness --test harness -- one_seed --nocapture`
//! runs one seed again, made smaller (`HARNESS_AS_IT_IS=1`: not; `HARNESS_LINES=200`: with so many lines of its end); `HARNESS_SEEDS=100..600` runs others, and with `HARNESS_ALL=1` it goes on
//! after one that fails. `HARNESS_THREADS=1` takes them one after the other. `HARNESS_HABIT=EndIgnored` forces one of
//! `Trouble::HABITS` on, and the others off; with `HARNESS_ALONE=1` nothing else goes wrong; `HARNESS_HABIT=none`: none of them. `HARNESS_FEEDS=none` reads
//! messages alone, `all` all feeds as well; `HARNESS_HINTS=none` or `all`: without or with a push channel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bilibili_session::FeedKind;
use bilibili_session_harness::{
    Report, Scenario, Trouble, run, run_and_shrink, run_traced, run_with_lines,
};

/// The scenario of a seed, as the environment wants it.
fn scenario(seed: u64) -> Scenario {
    let mut scenario = drawn(seed);
    match std::env::var("HARNESS_FEEDS").as_deref() {
        Ok("none") => scenario.feeds.clear(),
        Ok("all") => scenario.feeds = FeedKind::ALL.to_vec(),
        _ => {}
    }
    match std::env::var("HARNESS_HINTS").as_deref() {
        Ok("none") => scenario.hints = false,
        Ok("all") => scenario.hints = true,
        _ => {}
    }
    scenario
}

fn drawn(seed: u64) -> Scenario {
    match std::env::var("HARNESS_HABIT").as_deref() {
        Err(_) => Scenario::draw(seed),
        Ok("none") => Scenario::without_habits(seed),
        Ok(name) => {
            let habit = Trouble::named(name).expect("HARNESS_HABIT: the name of a trouble");
            Scenario::with_habit(seed, habit, std::env::var("HARNESS_ALONE").is_ok())
        }
    }
}

/// Runs these seeds on all cores; the first that fails is shown.
fn run_seeds(seeds: Range<u64>) {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let threads = match std::env::var("HARNESS_THREADS") {
        Ok(threads) => threads.parse().unwrap(),
        Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let work = || {
        let mut all = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return all;
            }
            let scenario = scenario(seed);
            let began = Instant::now();
            let result = run(&scenario);
            if std::env::var("HARNESS_ALL").is_ok() && began.elapsed().as_secs() >= 2 {
                println!("{seed} took {:.1?}", began.elapsed());
            }
            match result {
                Ok(report) => all.push(report),
                Err(violation) if std::env::var("HARNESS_ALL").is_ok() => println!(
                    "{seed} at {:.0} s: {}: {} {:?}",
                    violation.at.as_secs_f64(),
                    violation.property,
                    violation.what,
                    violation.scenario.habits(),
                ),
                Err(violation) => {
                    // No other seed begins.
                    next.store(seeds.end, Ordering::Relaxed);
                    eprintln!("{violation}");
                    if std::env::var("HARNESS_AS_IT_IS").is_ok() {
                        panic!("{violation}");
                    }
                    match run_and_shrink(&scenario) {
                        Err(smaller) => panic!("{smaller}"),
                        Ok(_) => panic!("{violation}"),
                    }
                }
            }
        }
    };
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    println!(
        "{} seeds in {:.1?}: {} h of virtual time, {} lives, {} rounds, {} requests, {} messages, {} events, {} warnings, {} notifications, {} events of them, {} hints",
        reports.len(),
        began.elapsed(),
        sum(|report| report.length.as_secs()) / 3600,
        sum(|report| report.lives),
        sum(|report| report.rounds),
        sum(|report| report.requests),
        sum(|report| report.messages),
        sum(|report| report.events),
        sum(|report| report.warnings),
        sum(|report| report.notifications),
        sum(|report| report.feed_events),
        sum(|report| report.hints),
    );
}

fn from_env(default: Range<u64>) -> Range<u64> {
    let Ok(range) = std::env::var("HARNESS_SEEDS") else {
        return default;
    };
    let (first, end) = range.split_once("..").expect("HARNESS_SEEDS=FIRST..END");
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn five_hundred_seeds() {
    run_seeds(from_env(0..500));
}

#[test]
#[ignore = "minutes; with --release: cargo test --release -p bilibili-session-harness --test harness -- --ignored ten_thousand --nocapture"]
fn ten_thousand_seeds() {
    run_seeds(from_env(0..10_000));
}

#[test]
fn one_seed() {
    let seed = std::env::var("HARNESS_SEED").map_or(1, |seed| seed.parse().unwrap());
    let scenario = scenario(seed);
    println!("{scenario:?}");
    let began = Instant::now();
    let lines = std::env::var("HARNESS_LINES").map(|lines| lines.parse().unwrap());
    let shrinks = std::env::var("HARNESS_AS_IT_IS").is_err();
    let result = match lines {
        Ok(lines) => run_with_lines(&scenario, lines, shrinks),
        Err(_) if shrinks => run_and_shrink(&scenario),
        Err(_) => run_traced(&scenario),
    };
    match result {
        Ok(report) => println!("{report:?} in {:.1?}", began.elapsed()),
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..10 {
        let scenario = Scenario::draw(seed);
        assert_eq!(run(&scenario), run(&scenario));
    }
}
