//! The begin of a watch: what was claimed becomes a session, or is said to be of no use.

use std::sync::Arc;

use bilibili_session::ClientConfig;
use bilibili_session::login::Login;
use bilibili_session::poller::{Checkpoint, PollerConfig};
use bilibili_session_tokio::Session;
use tokio::sync::watch as signal;
use tokio::time::Instant;

use super::gate::{Gate, Way};
use super::lease::Lease;
use super::record::Claimed;
use super::renewal::Renewal;
use super::replies::Seat;
use super::secrets::Secrets;
use super::watch::Watch;
use super::{REQUEST_TIMEOUT, Running, SPREAD, Worker};
use crate::accounts;
use crate::error::Error;

impl Worker {
    /// Watches what was claimed, as far as it can be.
    pub(super) async fn watch_all(&mut self, claimed: Vec<Claimed>) -> Result<(), Error> {
        if !claimed.is_empty() {
            tracing::info!(accounts = claimed.len(), "are claimed");
        }
        let count = u32::try_from(claimed.len().max(1)).unwrap_or(u32::MAX);
        let (mut failed, mut of_no_use) = (Vec::new(), Vec::new());
        for (place, claimed) in claimed.into_iter().enumerate() {
            let (uid, epoch) = (claimed.uid, claimed.epoch);
            // One after the other, so that they do not all ask at once, now and in each round.
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let first_round = Instant::now() + SPREAD.mul_f64(f64::from(place) / f64::from(count));
            // The way out may have changed since it was claimed. What is wrong with it is said there.
            let Some(way) = self.ways.get(&claimed.way).map(Arc::clone) else {
                of_no_use.push((uid, epoch));
                continue;
            };
            if let Err(error) = self.watch(claimed, way, first_round) {
                tracing::error!(uid, %error, "cannot be watched");
                failed.push((uid, epoch, error.to_string()));
            }
        }
        // After all others are watched: the database may be gone by now.
        self.shared.record.give_back(&of_no_use).await?;
        for (uid, epoch, why) in failed {
            self.shared.record.fail(uid, epoch, &why).await?;
        }
        Ok(())
    }

    fn watch(
        &mut self,
        claimed: Claimed,
        way: Arc<Way>,
        first_round: Instant,
    ) -> Result<(), Error> {
        let Claimed {
            uid,
            epoch,
            way: _,
            login,
            login_due_in,
            pace,
            checkpoint,
            feeds,
            asked,
        } = claimed;
        let login = self.vault.open(&accounts::sealed_as(uid), &login)?;
        let login = std::str::from_utf8(&login)
            .ok()
            .and_then(|text| Login::from_json(text).ok());
        let login = login.ok_or_else(|| Error::usage("the stored login cannot be read"))?;
        let checkpoint = checkpoint
            .map(|text| Checkpoint::from_json(&text))
            .transpose();
        let checkpoint =
            checkpoint.map_err(|error| Error::usage(format!("the checkpoint: {error}")))?;
        let lease = Arc::new(Lease::new(uid, epoch, asked, self.config.lease));
        let gate = Gate {
            way: Arc::clone(&way),
            lease: Arc::clone(&lease),
            metrics: Arc::clone(&self.shared.metrics),
        };
        let context =
            ClientConfig::new(login.credential().clone()).hosts(self.config.hosts.clone());
        let seed = uid.cast_unsigned() ^ epoch.cast_unsigned().rotate_left(32);
        let config = PollerConfig::new()
            .interval(pace.max(way.least_pace()))
            .feeds(feeds)
            .request_timeout(REQUEST_TIMEOUT)
            .seed(seed);
        let session = Session::resume(context, gate.clone(), config, checkpoint.as_ref())
            .map_err(|error| Error::usage(error.to_string()))?;
        let session = match self.config.push {
            true => way.listen(session)?,
            false => session,
        };
        let secrets = Arc::new(Secrets::of(&login));
        let seat = Seat {
            session: session.clone(),
            lease: Arc::clone(&lease),
            secrets: Arc::clone(&secrets),
        };
        self.shared
            .change_sessions(|sessions| drop(sessions.insert(uid, seat)));
        let (stop, stopped) = signal::channel(false);
        let renewal = Renewal {
            login,
            due_in: login_due_in,
            first_round,
            session: session.clone(),
            secrets: Arc::clone(&secrets),
            gate,
            hosts: self.config.hosts.clone(),
            vault: Arc::clone(&self.vault),
            database: self.shared.record.database.clone(),
            owner: self.config.name.clone(),
        };
        let watch = Watch {
            session,
            lease: Arc::clone(&lease),
            way: Arc::clone(&way),
            secrets,
            database: self.shared.record.database.clone(),
            commits: self.commits.clone(),
            metrics: Arc::clone(&self.shared.metrics),
            stop: stopped,
            first_round,
        };
        let task = self.tasks.spawn(async move {
            tokio::select! {
                () = watch.run() => (uid, epoch),
                never = renewal.run() => match never {},
            }
        });
        self.running.insert(
            uid,
            Running {
                lease,
                way,
                stop,
                task,
                first_round,
            },
        );
        Ok(())
    }
}
