//! `work`: a worker of the fleet.

use std::sync::Arc;
use std::time::Duration;

use bilibili_session_fleet::metrics::{self, Metrics};
use bilibili_session_fleet::sessions::core::Hosts;
use bilibili_session_fleet::worker::{self, WorkerConfig};
use bilibili_session_fleet::{Database, Error, Vault};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::WorkArgs;

/// Longest lease: for so long nobody watches the accounts of a worker that was killed.
const LONGEST_LEASE: Duration = Duration::from_secs(60 * 60);

/// Writes logs of the fleet to standard error. What its libraries log is left out: some would log what they send.
pub(crate) fn log(json: bool, verbose: bool) {
    let level = if verbose {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    let targets = Targets::new().with_target("bilibili_session_fleet", level);
    let registry = tracing_subscriber::registry().with(targets);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if json {
        registry.with(layer.json()).init();
    } else {
        registry.with(layer.with_ansi(false)).init();
    }
}

pub(crate) async fn run(database: &Database, vault: Vault, args: &WorkArgs) -> Result<(), Error> {
    let stop = stop_signal()?;
    let mut config = WorkerConfig::new(&args.name);
    config.capacity = args.capacity;
    config.push = args.push;
    config.group = Duration::from_millis(args.group_ms.min(5000));
    let lease = Duration::try_from_secs_f64(args.lease).ok();
    let lease = lease.filter(|lease| *lease <= LONGEST_LEASE);
    config.lease =
        lease.ok_or_else(|| Error::usage("--lease is a number of seconds, and an hour at most"))?;
    if let Some(origin) = args.origin.as_deref().filter(|origin| !origin.is_empty()) {
        let hosts =
            Hosts::origin(origin).map_err(|error| Error::usage(format!("--origin: {error}")))?;
        config.hosts = hosts;
    }
    let counters = Arc::new(Metrics::default());
    if let Some(port) = args.metrics {
        let address = metrics::serve(port, Arc::clone(&counters)).await?;
        tracing::info!(target: "bilibili_session_fleet", %address, "serves /metrics");
    }
    database.migrate().await?;
    worker::run(database, vault, config, counters, stop).await
}

/// Returns what is ready once the process is asked to end.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Error::system("signals", error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        // Where it cannot be listened for, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
