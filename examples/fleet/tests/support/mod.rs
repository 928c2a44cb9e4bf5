//! A PostgreSQL server of the tests' own, and a simulator with many accounts that notes who asks.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

pub mod front;
pub mod postgres;
pub mod proxy;

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bilibili_session_fleet::accounts::{self, Settings, read_cookies};
use bilibili_session_fleet::{Database, Vault, new_key, ways};
use bilibili_session_simulator::{Config, Login, Simulator};
use rustix::process::{Pid, Signal, kill_process};

pub const FIRST: i64 = 10_001;

pub fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_micros()).unwrap()
}

/// Simulator with so many accounts, from [`FIRST`] on.
pub fn simulator(accounts: i64) -> Arc<Mutex<Simulator>> {
    simulator_from(FIRST, accounts)
}

/// Simulator with so many accounts, from this one on.
pub fn simulator_from(first: i64, accounts: i64) -> Arc<Mutex<Simulator>> {
    let mut simulator = Simulator::new(Config {
        feeds: false,
        login: Login::made_up(first),
        ..Config::default()
    });
    for uid in first + 1..first + accounts {
        simulator.add_account(Login::made_up(uid)).unwrap();
    }
    Arc::new(Mutex::new(simulator))
}

pub fn cookies(uid: i64) -> String {
    let login = Login::made_up(uid);
    let (sessdata, bili_jct) = (login.sessdata, login.bili_jct);
    format!("SESSDATA={sessdata}; bili_jct={bili_jct}; DedeUserID={uid}")
}

/// A fleet's database with so many accounts, a round every `pace`.
pub struct Fleet {
    pub postgres: postgres::Postgres,
    pub database: Database,
    pub key: String,
}

impl Fleet {
    /// Returns none, loudly, where there is no PostgreSQL.
    pub async fn start(accounts: i64, pace: Duration) -> Option<Self> {
        let postgres = postgres::Postgres::start()?;
        let database = Database::new(&postgres.url(), 8).unwrap();
        database.migrate().await.unwrap();
        let key = new_key().unwrap().to_string();
        let fleet = Self {
            postgres,
            database,
            key,
        };
        let vault = fleet.vault();
        vault.check(&fleet.database).await.unwrap();
        ways::set(&fleet.database, &vault, "direct", 2000.0, None)
            .await
            .unwrap();
        let logins: Vec<_> = (FIRST..FIRST + accounts)
            .map(|uid| read_cookies(&cookies(uid)).unwrap())
            .collect();
        let settings = Settings {
            pace,
            ..Settings::default()
        };
        accounts::add(&fleet.database, &vault, &logins, &settings, false)
            .await
            .unwrap();
        Some(fleet)
    }

    pub fn vault(&self) -> Vault {
        Vault::new(&self.key).unwrap()
    }

    pub async fn client(&self) -> tokio_postgres::Client {
        postgres::connect(&self.postgres.url()).await
    }

    /// Starts a worker as a process of its own.
    pub fn worker(&self, name: &str, origin: &str, options: &[&str]) -> Worker {
        let mut command = self.command();
        command
            // So that the database can tell who writes.
            .env(
                "DATABASE_URL",
                format!("{}&application_name={name}", self.postgres.url()),
            )
            .args(["work", "--name", name, "--origin", origin])
            .args(options);
        let log = self.postgres.folder().join(format!("{name}.log"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        Worker(command.stderr(Stdio::from(log)).spawn().unwrap())
    }

    /// Returns what a worker of this name has logged.
    pub fn log(&self, name: &str) -> String {
        let path = self.postgres.folder().join(format!("{name}.log"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Runs a command to its end. Returns its exit code, and what it said: of standard output where it was done.
    pub fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        self.run_with(args, input, &[])
    }

    /// The same, with these changes of the environment.
    pub fn run_with(&self, args: &[&str], input: &str, change: &[(&str, &str)]) -> (i32, String) {
        let mut command = self.command();
        command
            .args(args)
            .envs(change.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that is refused before it reads has gone by then.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        let said = match done.status.success() {
            true => done.stdout,
            false => done.stderr,
        };
        (
            done.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bili-fleet"));
        command
            .env("DATABASE_URL", self.postgres.url())
            .env("BILI_FLEET_KEY", &self.key)
            .env_remove("BILI_FLEET_KEY_FILE");
        command
    }
}

/// A process that ends with this.
pub struct Worker(pub Child);

impl Worker {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until this holds.
pub async fn until(what: &str, longest: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < longest, "{what}: not within {longest:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns the number that a query answers.
pub async fn number(client: &tokio_postgres::Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}
