//! A worker: it claims accounts up to its share, watches them, and writes what arrives.

mod begin;
mod commit;
mod gate;
mod lease;
mod record;
mod renewal;
mod replies;
mod secrets;
mod watch;
mod ways;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bilibili_session::Hosts;
use data_encoding::HEXLOWER;
use tokio::sync::{mpsc, watch as signal};
use tokio::task::{AbortHandle, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use self::commit::Committer;
use self::gate::Way;
use self::lease::Lease;
use self::record::Record;
use self::replies::{Seat, Sessions};
use self::ways::Ways;
use crate::database::Database;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::vault::Vault;
use crate::warnings;

/// Time between two looks at what there is to claim.
const TURN: Duration = Duration::from_secs(1);
/// Longest time over which the first rounds of claimed accounts are spread: until the next turn may bring more.
const SPREAD: Duration = TURN;
/// Time after its first round before an account is given to another worker for balance.
const SETTLED: Duration = Duration::from_secs(3);
/// Time in which all leases are given back at the end.
const GIVE_BACK: Duration = Duration::from_millis(1200);
/// A request counts as failed after this: before that it may wait for its turn.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// Most accounts that are claimed in one turn.
const CLAIMED_AT_ONCE: usize = 2000;

/// Settings of a worker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// Name for people; something random is put behind it, so that no two are the same.
    pub name: String,
    /// Most accounts that it watches.
    pub capacity: usize,
    /// Length of a lease: an account whose worker is killed is idle for no longer than this and some seconds.
    pub lease: Duration,
    /// Time for which commits are collected.
    pub group: Duration,
    /// Listens to the push channel of each account as well, by a connection of its own: what arrives is asked for at once.
    pub push: bool,
    /// Server in place of the service: a simulator.
    pub hosts: Hosts,
}

impl WorkerConfig {
    /// Creates the settings of a worker of this name: up to 1000 accounts, leases of 15 s, a commit every 50 ms.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            capacity: 1000,
            lease: Duration::from_secs(15),
            group: Duration::from_millis(50),
            push: false,
            hosts: Hosts::official(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.name.is_empty() || self.capacity == 0 {
            return Err(Error::usage(
                "a worker has a name, and room for at least one account",
            ));
        }
        if self.lease < Duration::from_secs(2) {
            return Err(Error::usage(
                "a lease under 2 s ends before it can be renewed",
            ));
        }
        Ok(())
    }
}

/// Parts that all tasks of a worker share.
pub(crate) struct Shared {
    record: Record,
    metrics: Arc<Metrics>,
    sessions: Mutex<Sessions>,
}

impl Shared {
    /// Returns the session of an account, if it is that of this lease.
    fn seat(&self, uid: i64, epoch: i64) -> Option<Seat> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = sessions.get(&uid).filter(|it| it.lease.epoch == epoch)?;
        Some(seat.clone())
    }

    fn change_sessions(&self, change: impl FnOnce(&mut Sessions)) {
        change(&mut self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// An account that is watched.
struct Running {
    lease: Arc<Lease>,
    way: Arc<Way>,
    stop: signal::Sender<bool>,
    task: AbortHandle,
    first_round: Instant,
}

/// A worker at work.
struct Worker {
    shared: Arc<Shared>,
    vault: Arc<Vault>,
    config: WorkerConfig,
    ways: Ways,
    commits: mpsc::Sender<commit::Entry>,
    running: HashMap<i64, Running>,
    tasks: JoinSet<(i64, i64)>,
    renewed_at: Option<Instant>,
}

/// Watches accounts until `stop` is ready, and gives all of them back then, within two seconds.
///
/// # Errors
/// Fails when the settings cannot be, the database is not there, the key is not that of it, or a part of the worker breaks. A database
/// that goes away later is waited for.
pub async fn run(
    database: &Database,
    vault: Vault,
    mut config: WorkerConfig,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    config.check()?;
    let mut suffix = [0; 4];
    getrandom::fill(&mut suffix).map_err(|_| Error::Key("the system gives no randomness"))?;
    // One that is started again must not take the leases of the one before for its own.
    config.name = format!("{}-{}", config.name, HEXLOWER.encode(&suffix));
    vault.check(database).await?;
    let (commits, entries) = mpsc::channel(4096);
    let committer = Committer {
        database: database.clone(),
        owner: config.name.clone(),
        group: config.group,
        metrics: Arc::clone(&metrics),
    };
    let mut committer = tokio::spawn(committer.run(entries));
    let shared = Arc::new(Shared {
        record: Record {
            database: database.clone(),
            name: config.name.clone(),
            lease: config.lease,
            capacity: config.capacity,
        },
        metrics,
        sessions: Mutex::default(),
    });
    let (quit, quits) = signal::channel(false);
    let mut replies = tokio::spawn(replies::run(Arc::clone(&shared), quits));
    let old_warnings = tokio::spawn(warnings::end_old(database.clone()));
    let mut worker = Worker {
        shared,
        vault: Arc::new(vault),
        config,
        ways: Ways::default(),
        commits,
        running: HashMap::new(),
        tasks: JoinSet::new(),
        renewed_at: None,
    };
    tracing::info!(
        worker = worker.config.name,
        capacity = worker.config.capacity,
        "begins"
    );
    // Without these two nothing would be written or sent any more, and the leases would be kept all the same.
    let stop = async {
        tokio::select! {
            () = stop => Ok(()),
            _ = &mut committer => Err(broken("what writes the events")),
            _ = &mut replies => Err(broken("what sends the replies")),
        }
    };
    let stopped = worker.work(stop).await;
    quit.send_replace(true);
    old_warnings.abort();
    worker.leave(&replies).await;
    drop(worker);
    committer.abort();
    stopped
}

fn broken(what: &str) -> Error {
    let why = "it has ended, and the worker with it";
    Error::system(what, std::io::Error::other(why))
}

impl Worker {
    async fn work<T>(&mut self, stop: impl Future<Output = T>) -> T {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                biased;
                stopped = &mut stop => return stopped,
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok((uid, epoch)) => self.forget(uid, epoch),
                    Err(error) => self.forget_broken(&error),
                },
                _ = turns.tick() => {
                    let turn = self.turn();
                    // The leases do not wait for a database that hangs, nor does the end.
                    let turn = tokio::select! {
                        turn = turn => turn,
                        stopped = &mut stop => return stopped,
                    };
                    if let Err(error) = turn {
                        tracing::warn!(%error, "the leases cannot be looked after");
                    }
                }
            }
        }
    }

    /// Renews the leases, lets go of what is lost or too much, and claims what is free.
    async fn turn(&mut self) -> Result<(), Error> {
        self.drop_lost();
        let patience = self.config.lease / 4;
        let late = |_| Error::Connect("it does not answer".to_owned());
        let mut of_no_use = Vec::new();
        if self
            .renewed_at
            .is_none_or(|at| at.elapsed() >= self.config.lease / 5)
        {
            let renewed = timeout(patience, self.shared.record.renew()).await;
            let (held, asked) = renewed.map_err(late)??;
            self.renewed_at = Some(asked);
            self.keep(&held, asked);
            // Those of a claim whose answer was lost, or that could not be watched.
            let known = |uid: &i64| self.running.contains_key(uid);
            of_no_use.extend(held.into_iter().filter(|(uid, _)| !known(uid)));
        }
        // What is not answered by then is done again in the next turn: all three together leave time to renew before the end.
        let room = timeout(patience, self.let_go_of(&of_no_use));
        let room = room.await.map_err(late)??;
        timeout(patience, self.claim(room)).await.map_err(late)??;
        self.shared.metrics.watched(self.running.len());
        Ok(())
    }

    /// Gives back what is of no use or too much. Returns for how many more there is room.
    async fn let_go_of(&mut self, of_no_use: &[(i64, i64)]) -> Result<usize, Error> {
        self.shared.record.give_back(of_no_use).await?;
        let share = self.shared.record.share().await?;
        self.refresh_ways().await?;
        self.leave_old_ways();
        let surplus = self.running.len().saturating_sub(share);
        if surplus > 0 {
            self.let_go(surplus);
        }
        Ok(share
            .saturating_sub(self.running.len())
            .min(CLAIMED_AT_ONCE))
    }

    /// Claims what is free, at most so many, and watches it.
    async fn claim(&mut self, room: usize) -> Result<(), Error> {
        if room > 0 {
            let closed = self.ways.closed();
            let claimed = self.shared.record.claim(room, &closed).await?;
            if !claimed.is_empty() {
                // Their part of the budget is this worker's from now on.
                self.refresh_ways().await?;
            }
            self.watch_all(claimed).await?;
        }
        Ok(())
    }

    async fn refresh_ways(&mut self) -> Result<(), Error> {
        let database = &self.shared.record.database;
        self.ways
            .refresh(database, &self.vault, &self.config.name)
            .await
    }

    /// Gives back the accounts whose way out is another one by now: they are claimed again, with the new one.
    fn leave_old_ways(&self) {
        let is_old = |it: &&Running| !self.ways.is_current(&it.way);
        let mut given = 0;
        for running in self.running.values().filter(is_old) {
            given += usize::from(!running.stop.send_replace(true));
        }
        if given > 0 {
            tracing::info!(
                accounts = given,
                "are given back: their way out has changed"
            );
        }
    }

    /// Ends what has no lease any more.
    fn drop_lost(&mut self) {
        let lost = self.running.values().filter(|it| !it.lease.is_held());
        let lost: Vec<_> = lost.map(|it| (it.lease.uid, it.lease.epoch)).collect();
        for (uid, epoch) in lost {
            tracing::warn!(uid, epoch, "the lease has run out");
            self.abort(uid, epoch);
        }
    }

    /// Renews the leases that are held, and ends what was taken away.
    fn keep(&mut self, held: &HashMap<i64, i64>, asked: Instant) {
        let mut gone = Vec::new();
        for running in self.running.values() {
            let lease = &running.lease;
            if held.get(&lease.uid) == Some(&lease.epoch) {
                lease.renew(asked, self.config.lease);
            } else {
                gone.push((lease.uid, lease.epoch));
            }
        }
        for (uid, epoch) in gone {
            // Paused, dropped, or with a new login; or it is just being given back.
            tracing::info!(uid, epoch, "the lease is no longer ours");
            self.abort(uid, epoch);
        }
    }

    /// Gives back so many accounts: others have room for them.
    fn let_go(&mut self, surplus: usize) {
        let already = self.running.values().filter(|it| *it.stop.borrow()).count();
        // One that has just been claimed has waited long enough: it is not to wait once more.
        let is_settled = |it: &&Running| !*it.stop.borrow() && it.first_round.elapsed() >= SETTLED;
        let kept = self.running.values().filter(is_settled);
        let mut given = 0;
        for running in kept.take(surplus.saturating_sub(already)) {
            running.stop.send_replace(true);
            given += 1;
        }
        if given > 0 {
            tracing::info!(accounts = given, "are given back for others to claim");
        }
    }

    fn abort(&mut self, uid: i64, epoch: i64) {
        if let Some(running) = self.running.get(&uid) {
            running.task.abort();
        }
        self.forget(uid, epoch);
    }

    /// Forgets a watch that has panicked: its lease is given back then. One that was aborted was forgotten before.
    fn forget_broken(&mut self, error: &JoinError) {
        let mut running = self.running.values();
        if let Some(broken) = running.find(|it| it.task.id() == error.id()) {
            let (uid, epoch) = (broken.lease.uid, broken.lease.epoch);
            tracing::error!(uid, epoch, "the watch has broken off");
            self.forget(uid, epoch);
        }
    }

    fn forget(&mut self, uid: i64, epoch: i64) {
        if self
            .running
            .get(&uid)
            .is_some_and(|it| it.lease.epoch == epoch)
        {
            self.running.remove(&uid);
        }
        self.shared.change_sessions(|sessions| {
            if sessions.get(&uid).is_some_and(|it| it.lease.epoch == epoch)
                && let Some(seat) = sessions.remove(&uid)
            {
                seat.session.close();
            }
        });
    }

    /// Gives all leases back: after what was taken is written, as far as that takes no longer than it may.
    async fn leave(&mut self, replies: &JoinHandle<()>) {
        for running in self.running.values() {
            running.stop.send_replace(true);
        }
        // Each waits for the replies of its account.
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // What is not written by now comes again from the checkpoint; a reply is unknown.
        let _ = timeout(GIVE_BACK, all).await;
        self.tasks.abort_all();
        replies.abort();
        match timeout(Duration::from_millis(500), self.shared.record.leave()).await {
            Ok(Ok(())) => tracing::info!(worker = self.config.name, "has given everything back"),
            Ok(Err(error)) => tracing::warn!(%error, "the leases are not given back, and run out"),
            Err(_) => tracing::warn!("the leases are not given back, and run out"),
        }
    }
}
