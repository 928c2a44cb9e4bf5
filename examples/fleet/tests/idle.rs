//! Ten thousand quiet accounts in one worker:
//! `cargo test --release -p bilibili-session-fleet --test idle -- --ignored --nocapture`.
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may"
)]

mod support;

use std::time::{Duration, Instant};

use support::front::Front;
use support::{FIRST, Fleet, number, simulator_from, until};

const ACCOUNTS: i64 = 10_000;
const PACE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute or two"]
async fn ten_thousand_quiet_accounts() {
    let Some(fleet) = Fleet::start(ACCOUNTS, PACE).await else {
        return;
    };
    let firsts = (FIRST..FIRST + ACCOUNTS).step_by(100);
    let simulators = firsts.map(|first| simulator_from(first, 100)).collect();
    let front = Front::of_many(simulators, 100).await;
    let client = fleet.client().await;
    println!("log: {}", fleet.postgres.folder().display());
    let worker = fleet.worker("one", &front.origin, &["--capacity", "10000"]);
    let begun = Instant::now();
    let stored = "SELECT count(*) FROM bili_fleet.accounts WHERE checkpoint IS NOT NULL";
    let mut said = Instant::now();
    until("all are watched", Duration::from_secs(240), async || {
        let there = number(&client, stored).await;
        if said.elapsed() > Duration::from_secs(5) {
            said = Instant::now();
            let asked = front.asked.lock().unwrap().len();
            println!(
                "{there} are watched after {:?}, {asked} requests",
                begun.elapsed()
            );
        }
        there == ACCOUNTS
    })
    .await;
    println!("all watched after {:?}", begun.elapsed());
    let (asked, cpu) = (front.asked.lock().unwrap().len(), cpu_s(&worker));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let asked = front.asked.lock().unwrap().len() - asked;
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.0.id())).unwrap();
    let memory = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let cpu = cpu_s(&worker) - cpu;
    println!("{asked} requests and {cpu:.1} s of CPU in 30 s, {memory}");
    let held =
        "SELECT count(*) FROM bili_fleet.leases WHERE until > clock_timestamp() AND epoch = 1";
    assert_eq!(
        number(&client, held).await,
        ACCOUNTS,
        "no lease was ever lost"
    );
    assert!(asked >= 8000, "{asked}");
}

/// Seconds of CPU that a worker has used.
fn cpu_s(worker: &support::Worker) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.0.id())).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = [11, 12]
        .iter()
        .map(|place| fields[*place].parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}
