//! The server: connections and migrations.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;
use crate::{address, tls};

mod embedded {
    #![allow(missing_docs, unreachable_pub, reason = "what the macro makes")]
    refinery::embed_migrations!("migrations");
}

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Settings of each connection: a commit that was answered lasts, and a process that is stopped in the middle of a
/// transaction holds up the others for no longer than this.
const OPTIONS: &str = "-c synchronous_commit=on -c idle_in_transaction_session_timeout=4000 -c statement_timeout=20000";

/// Lock of the migrations, so that two workers that start at once do not both make tables.
const MIGRATING: i64 = 0x6269_6c69_666c_6565;

/// The server, its pool of connections and its migrations.
#[derive(Clone)]
pub struct Database {
    config: Config,
    tls: MakeRustlsConnect,
    pool: Pool,
}

/// A connection of its own, to be driven.
pub(crate) type Driven = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Database {
    /// Creates a pool of at most so many connections; none is opened yet.
    ///
    /// `sslmode` and `sslrootcert` of the address are read as `psql` reads them: without them a connection is encrypted where
    /// the server offers that, and the server's certificate is not checked.
    ///
    /// # Errors
    /// Fails when the address, or the file of certificates that it names, cannot be read.
    pub fn new(url: &str, connections: usize) -> Result<Self, Error> {
        let (mut config, checks) = address::read(url)?;
        let tls = tls::connector(&checks)?;
        let options = match config.get_options() {
            Some(given) => format!("{OPTIONS} {given}"),
            None => OPTIONS.to_owned(),
        };
        config
            .options(options)
            .connect_timeout(PATIENCE)
            // One that has died without a word is found out before the leases have: by what is not confirmed, or by asking.
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("bili-fleet");
        }
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(
            config.clone(),
            tls.clone(),
            ManagerConfig { recycling_method },
        );
        let timeouts = Timeouts {
            wait: Some(PATIENCE),
            create: Some(PATIENCE),
            recycle: Some(PATIENCE),
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .timeouts(timeouts)
            .build()
            .map_err(|error| Error::Connect(error.to_string()))?;
        Ok(Self { config, tls, pool })
    }

    /// Returns a connection of the pool.
    pub(crate) async fn client(&self) -> Result<Object, Error> {
        Ok(self.pool.get().await?)
    }

    /// Opens a connection of one's own.
    pub(crate) async fn connect(&self) -> Result<(Client, Driven), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// Returns whether connections to it are encrypted, as the server says.
    ///
    /// # Errors
    /// Fails when the database cannot be asked.
    pub async fn is_encrypted(&self) -> Result<bool, Error> {
        let client = self.client().await?;
        let ask =
            "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)";
        Ok(client.query_one(ask, &[]).await?.try_get(0)?)
    }

    /// Brings the tables up to date, in a schema of their own.
    ///
    /// # Errors
    /// Fails when the database cannot be asked, or refuses.
    pub async fn migrate(&self) -> Result<(), Error> {
        // Not the pool's any more: it ends with this, and with it the lock and the settings.
        let mut client = Object::take(self.client().await?);
        // A table with many rows takes its time.
        client.batch_execute("SET statement_timeout = 0").await?;
        client
            .query_one("SELECT pg_advisory_lock($1)", &[&MIGRATING])
            .await?;
        migrate(&mut client).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

async fn migrate(client: &mut Client) -> Result<(), Error> {
    client
        .batch_execute("CREATE SCHEMA IF NOT EXISTS bili_fleet")
        .await?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("bili_fleet.migrations");
    let report = runner.run_async(client).await;
    report.map_err(|error| Error::Migration(error.to_string()))?;
    // After a restore into another server its transactions count from lower numbers: what is there counts as old.
    client
        .execute(
            "UPDATE bili_fleet.events SET xid = '0' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())",
            &[],
        )
        .await?;
    client
        .execute(
            "INSERT INTO bili_fleet.ways (name, budget) VALUES ('direct', 10) ON CONFLICT DO NOTHING",
            &[],
        )
        .await?;
    Ok(())
}
