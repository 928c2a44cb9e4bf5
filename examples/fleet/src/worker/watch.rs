//! One account: its session, and what of it waits to be written.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, Status, Warning};
use bilibili_session::session::Update;
use bilibili_session::{Error as SessionError, ErrorClass};
use bilibili_session_tokio::Session;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::commit::{End, Entry, Outcome};
use super::gate::Way;
use super::lease::Lease;
use super::secrets::Secrets;
use crate::database::Database;
use crate::error::Error;
use crate::lines::{Row, of_warning};
use crate::metrics::Metrics;
use crate::warnings::NewWarning;

/// Events that wait to be written before no more are taken.
const MOST_WAITING: usize = 512;
/// Time after which the checkpoint of a quiet account is stored again.
const QUIET: Duration = Duration::from_secs(60);
/// Longest wait until the other workers are told something.
const PATIENCE: Duration = Duration::from_secs(5);

/// An account that is watched.
pub(super) struct Watch {
    pub(super) session: Session,
    pub(super) lease: Arc<Lease>,
    pub(super) way: Arc<Way>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) database: Database,
    pub(super) commits: mpsc::Sender<Entry>,
    pub(super) metrics: Arc<Metrics>,
    /// Set when the lease is to be given back.
    pub(super) stop: watch::Receiver<bool>,
    pub(super) first_round: Instant,
}

/// Entries that wait to be written.
#[derive(Default)]
struct Waiting {
    events: Vec<Row>,
    warnings: Vec<NewWarning>,
    /// The checkpoint is to be stored although nothing arrived.
    is_due: bool,
}

impl Waiting {
    const fn count(&self) -> usize {
        self.events.len() + self.warnings.len()
    }
}

impl Watch {
    /// Watches the account until the lease is given back or lost.
    pub(super) async fn run(self) {
        let mut stop = self.stop.clone();
        let is_stopped = tokio::select! {
            () = stopped(&mut stop) => true,
            () = sleep_until(self.first_round) => false,
        };
        let end = if is_stopped {
            Some(End::GivenBack)
        } else {
            self.watch().await
        };
        if end.is_some() {
            // A reply that is being sent, and a login that is being renewed, come to their end before.
            self.lease.close().await;
        }
        self.session.close();
        let Some(end) = end else { return };
        // The last words: all that was taken is written before.
        let (done, outcome) = oneshot::channel();
        let entry = Entry {
            lease: Arc::clone(&self.lease),
            events: Vec::new(),
            warnings: Vec::new(),
            checkpoint: None,
            end,
            done,
        };
        if self.commits.send(entry).await.is_ok() {
            let _ = outcome.await;
        }
    }

    /// Returns how the lease is to end; `None` when it is lost.
    async fn watch(&self) -> Option<End> {
        // It is watched on until a reply that is being sent, or a renewal, has ended.
        let mut leaving = pin!(async {
            stopped(&mut self.stop.clone()).await;
            self.lease.close().await;
        });
        let mut updates = self.session.updates();
        let mut waiting = Waiting::default();
        let mut in_flight: Option<oneshot::Receiver<Outcome>> = None;
        let mut end = None;
        let mut stored_at = Instant::now();
        loop {
            if in_flight.is_none() && (waiting.is_due || waiting.count() > 0) {
                stored_at = Instant::now();
                in_flight = Some(self.hand_over(&mut waiting).await?);
            }
            if end.is_some() && in_flight.is_none() {
                return end;
            }
            let has_room = end.is_none() && waiting.count() < MOST_WAITING;
            tokio::select! {
                outcome = async { in_flight.as_mut()?.await.ok() }, if in_flight.is_some() => {
                    in_flight = None;
                    if outcome != Some(Outcome::Saved) {
                        return None;
                    }
                }
                () = &mut leaving, if end.is_none() => end = Some(End::GivenBack),
                () = sleep_until(stored_at + QUIET), if in_flight.is_none() && end.is_none() => waiting.is_due = true,
                update = updates.next(), if has_room => match update {
                    Some(update) => self.take(&update, &mut waiting).await,
                    None => end = Some(self.ended()),
                },
            }
        }
    }

    /// Hands what waits to the committer, with the checkpoint that covers it: nothing was taken from the session since.
    async fn hand_over(&self, waiting: &mut Waiting) -> Option<oneshot::Receiver<Outcome>> {
        let (done, outcome) = oneshot::channel();
        let Waiting {
            events, warnings, ..
        } = std::mem::take(waiting);
        let checkpoint = self.session.checkpoint();
        let entry = Entry {
            lease: Arc::clone(&self.lease),
            warnings,
            events,
            checkpoint: checkpoint.as_ref().map(Checkpoint::to_json),
            end: End::None,
            done,
        };
        self.commits.send(entry).await.ok()?;
        Some(outcome)
    }

    async fn take(&self, update: &Update, waiting: &mut Waiting) {
        waiting.events.extend(Row::of(update));
        match update {
            Update::Warning(warning) => {
                let line = self.secrets.hide(&of_warning(warning));
                let kind = warning.kind();
                waiting.warnings.push(NewWarning { kind, line });
                self.note(warning).await;
            }
            Update::Status(change) => {
                // From here on nothing that arrives is to be missed, whoever watches.
                waiting.is_due |= change.status == Status::Connected;
            }
            Update::Event(_) | Update::Feed(_) => {}
        }
    }

    /// Says what went wrong; risk control and throttling slow the whole way out.
    async fn note(&self, warning: &Warning) {
        self.metrics.warning(warning.kind());
        let words = self.secrets.hide(&warning.to_string());
        tracing::info!(uid = self.lease.uid, kind = warning.kind(), "{words}");
        let class = warning.error().map(SessionError::class);
        if class.is_some_and(is_displeased) {
            slow_all(
                &self.way,
                &self.database,
                warning.delay().unwrap_or_default(),
            )
            .await;
        }
    }

    fn ended(&self) -> End {
        match self.session.result() {
            Some(Err(error)) => {
                let why = self.secrets.hide(&error.to_string()).replace('\0', " ");
                tracing::error!(uid = self.lease.uid, "the session has ended: {why}");
                End::Failed(why)
            }
            _ => End::GivenBack,
        }
    }
}

/// Waits until the lease is to be given back.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that the worker is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Returns whether the service shows with such an error that it wants less.
pub(super) const fn is_displeased(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::RiskControl | ErrorClass::Throttled)
}

/// Lets all workers slow down on this way out, this one at once.
pub(super) async fn slow_all(way: &Way, database: &Database, delay: Duration) {
    way.slow();
    let told = timeout(PATIENCE, tell(database, &way.name, delay)).await;
    match told {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the other workers do not hear that the way out is slowed");
        }
        Err(_) => tracing::warn!("the other workers may not hear that the way out is slowed"),
    }
}

async fn tell(database: &Database, way: &str, delay: Duration) -> Result<(), Error> {
    let client = database.client().await?;
    let slow = "UPDATE bili_fleet.ways SET slowed_until = clock_timestamp() + $2::double precision * interval '1 second'
        WHERE name = $1 AND slowed_until < clock_timestamp() + $2::double precision * interval '1 second'";
    client.execute(slow, &[&way, &delay.as_secs_f64()]).await?;
    Ok(())
}
