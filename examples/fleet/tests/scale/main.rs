//! Quiet accounts in one worker, from a hundred to ten thousand; [SCALE.md](../../SCALE.md) is what came of it.
//!
//! ```sh
//! cargo test --release -p bilibili-session-fleet --test scale -- --ignored --nocapture
//! ```
//!
//! | variable | |
//! |---|---|
//! | `SCALE_ACCOUNTS` | numbers of accounts, one run each; `100,1000,3000,10000` |
//! | `SCALE_SECONDS` | time that is measured; 60 |
//! | `SCALE_BUDGET` | requests a second of the way out; ten times what the accounts need, so that it is not the limit |
//! | `SCALE_CONVERSATIONS` | conversations of each account; 20 |
//! | `SCALE_OPTIONS` | further options of `bili-fleet work`, for instance `--lease 60` |
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may"
)]

mod machine;
mod record;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bilibili_session_fleet::ways;
use server::{Arrival, Asked, Server};
use support::{FIRST, Fleet, number, until};

const PACE: Duration = Duration::from_secs(6);
/// A round that is later than this is not what this is to show: a busy machine may be that late, a worker must not.
const LATEST: Duration = Duration::from_secs(2);
/// Rounds of each account before those that are measured.
const SETTLED: u32 = 3;
const STORED: &str = "SELECT count(*) FROM bili_fleet.accounts WHERE checkpoint IS NOT NULL";
/// Accounts that the worker has held since it claimed them first: all were added at once, with one epoch.
const HELD: &str = "SELECT count(*) FROM bili_fleet.leases
    WHERE until > clock_timestamp() AND epoch = (SELECT min(epoch) FROM bili_fleet.leases)";

#[test]
#[ignore = "ten minutes"]
fn quiet_accounts_in_one_worker() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for accounts in setting("SCALE_ACCOUNTS", "100,1000,3000,10000").split(',') {
        runtime.block_on(measure(accounts.trim().parse().unwrap()));
    }
}

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

async fn measure(accounts: i64) {
    let Some(fleet) = Fleet::start(accounts, PACE).await else {
        return;
    };
    let counts_statements = record::can_count_statements(&fleet.client().await).await;
    fleet.postgres.crash();
    let needed = accounts as f64 / PACE.as_secs_f64();
    let budget = setting("SCALE_BUDGET", &(needed * 10.0).to_string());
    let budget: f64 = budget.parse().unwrap();
    ways::set(&fleet.database, &fleet.vault(), "direct", budget, None)
        .await
        .unwrap();
    let plan = PACE.max(Duration::from_secs_f64(accounts as f64 / budget / 0.7));
    let conversations = setting("SCALE_CONVERSATIONS", "20").parse().unwrap();
    let server = Server::start(FIRST..FIRST + accounts, conversations);
    let client = fleet.client().await;
    let postmaster = machine::postmaster(&fleet.postgres.folder().join("server/data"));

    let load = machine::load();
    let begun = Instant::now();
    let capacity = accounts.to_string();
    let further = setting("SCALE_OPTIONS", "");
    let mut options = vec!["--capacity", &capacity];
    options.extend(further.split_whitespace());
    let worker = fleet.worker("one", &server.origin, &options);
    let pid = worker.0.id();
    until("all are watched", Duration::from_secs(300), async || {
        number(&client, STORED).await == accounts
    })
    .await;
    let watched = begun.elapsed();
    let mut rounds: HashMap<i64, u32> = HashMap::new();
    until("all are settled", Duration::from_secs(120), async || {
        for arrival in server.take() {
            *rounds.entry(arrival.uid).or_default() += u32::from(arrival.asked == Asked::Changes);
        }
        rounds.values().filter(|it| **it >= SETTLED).count() as i64 == accounts
    })
    .await;

    let seconds: u64 = setting("SCALE_SECONDS", "60").parse().unwrap();
    record::begin(&client, counts_statements).await;
    server.take();
    let before = Usage::of(pid, postmaster, &client).await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let used = Usage::of(pid, postmaster, &client).await.since(&before);
    let arrivals = server.take();
    let lost = accounts - number(&client, HELD).await;
    let delays = Delays::of(&arrivals, accounts, plan);

    let (now_kb, most_kb) = machine::memory_kb(pid);
    let requests = arrivals.len() as f64;
    let others = arrivals
        .iter()
        .filter(|it| it.asked != Asked::Changes)
        .count();
    println!(
        "{accounts} accounts, a round every {:.1} s, budget {budget:.0}/s, load before {load:.1}",
        plan.as_secs_f64()
    );
    println!("  all watched after    {:.1} s", watched.as_secs_f64());
    println!(
        "  requests             {:.1}/s (accounts / pace: {:.1}), {others} of {requests} not for changes",
        requests / used.wall_s,
        accounts as f64 / plan.as_secs_f64()
    );
    println!(
        "  worker               {:.1} % of a core, {:.0} us a request; {:.1} MB, at most {:.1} MB ({:.1} KB an account)",
        used.worker_s / used.wall_s * 100.0,
        used.worker_s / requests * 1e6,
        now_kb / 1024.0,
        most_kb / 1024.0,
        most_kb / accounts as f64
    );
    println!(
        "  delay of a round     median {:.1} ms, p99 {:.1} ms, max {:.1} ms, of {} rounds; fewest of an account {}",
        delays.at(0.5),
        delays.at(0.99),
        delays.at(1.0),
        delays.sorted_ms.len(),
        delays.fewest
    );
    println!(
        "  database             {:.1} % of a core, {:.1} transactions/s, {:.1} KB/s of WAL ({:.1} page images/s)",
        used.database_s / used.wall_s * 100.0,
        used.transactions / used.wall_s,
        used.wal_bytes / 1024.0 / used.wall_s,
        used.wal_images / used.wall_s
    );
    println!(
        "  tables (KB)          {:?}",
        record::sizes_kb(&client).await
    );
    println!(
        "  this server          {:.1} % of a core",
        used.server_s / used.wall_s * 100.0
    );
    if counts_statements {
        for it in record::longest_statements(&client).await {
            let (calls, text) = (it.calls, it.text);
            let (part, mean) = (it.total_ms / used.wall_s / 10.0, it.total_ms / calls as f64);
            let wal = it.wal_bytes as f64 / 1024.0 / used.wall_s;
            println!(
                "    {part:5.2} % of the time, {calls:5} x {mean:7.2} ms, {wal:6.1} KB/s of WAL  {text}"
            );
        }
    }
    assert_eq!(lost, 0, "no lease is ever lost");
    let least = (used.wall_s / (plan + LATEST).as_secs_f64()).floor() as usize;
    assert!(
        delays.fewest >= least,
        "an account had {} rounds of {least}",
        delays.fewest
    );
    let latest = LATEST.as_secs_f64() * 1e3;
    assert!(
        delays.at(1.0) <= latest,
        "a round was {:.0} ms late",
        delays.at(1.0)
    );
    let early = delays.at(0.0);
    assert!(early >= -latest, "a round was {:.0} ms early", -early);
}

/// Use up to a moment.
struct Usage {
    at: Instant,
    wall_s: f64,
    worker_s: f64,
    database_s: f64,
    server_s: f64,
    transactions: f64,
    wal_bytes: f64,
    wal_images: f64,
}

impl Usage {
    async fn of(worker: u32, postmaster: u32, client: &tokio_postgres::Client) -> Self {
        let counters = record::counters(client).await;
        Self {
            at: Instant::now(),
            wall_s: 0.0,
            worker_s: machine::cpu_s(worker),
            database_s: machine::family_cpu_s(postmaster),
            server_s: machine::cpu_s(std::process::id()),
            transactions: counters.transactions as f64,
            wal_bytes: counters.wal_bytes as f64,
            wal_images: counters.wal_images as f64,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            at: self.at,
            wall_s: self.at.duration_since(before.at).as_secs_f64(),
            worker_s: self.worker_s - before.worker_s,
            database_s: self.database_s - before.database_s,
            server_s: self.server_s - before.server_s,
            transactions: self.transactions - before.transactions,
            wal_bytes: self.wal_bytes - before.wal_bytes,
            wal_images: self.wal_images - before.wal_images,
        }
    }
}

/// Delays of rounds: the time from one of an account to its next, less the pace.
struct Delays {
    sorted_ms: Vec<f64>,
    /// Rounds of the account that had the fewest.
    fewest: usize,
}

impl Delays {
    fn of(arrivals: &[Arrival], accounts: i64, plan: Duration) -> Self {
        let mut rounds: HashMap<i64, Vec<Instant>> = (FIRST..FIRST + accounts)
            .map(|uid| (uid, Vec::new()))
            .collect();
        for it in arrivals.iter().filter(|it| it.asked == Asked::Changes) {
            rounds.entry(it.uid).or_default().push(it.at);
        }
        let mut sorted_ms = Vec::with_capacity(arrivals.len());
        for times in rounds.values_mut() {
            // Threads note them, not quite in order.
            times.sort();
            let distances = times.windows(2).map(|it| it[1].duration_since(it[0]));
            sorted_ms.extend(distances.map(|it| (it.as_secs_f64() - plan.as_secs_f64()) * 1e3));
        }
        sorted_ms.sort_by(f64::total_cmp);
        let fewest = rounds.values().map(Vec::len).min().unwrap_or_default();
        Self { sorted_ms, fewest }
    }

    /// Delay in milliseconds that this part of the rounds does not exceed.
    fn at(&self, part: f64) -> f64 {
        let last = self.sorted_ms.len() - 1;
        self.sorted_ms[(last as f64 * part).round() as usize]
    }
}
