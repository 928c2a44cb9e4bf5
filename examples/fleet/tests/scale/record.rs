//! Work of the database, as it says itself.

use tokio_postgres::Client;

/// Counters of the server since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    pub transactions: i64,
    pub wal_bytes: i64,
    /// Images of whole pages, one for the first change of each after a checkpoint.
    pub wal_images: i64,
}

/// A kind of statement, with its part in the time that statements took.
#[derive(Debug)]
pub struct Statement {
    pub calls: i64,
    pub total_ms: f64,
    pub wal_bytes: i64,
    pub text: String,
}

/// Lets the server count statements, from its next start on. Returns whether it can.
pub async fn can_count_statements(client: &Client) -> bool {
    let there = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    if super::support::number(client, there).await == 0 {
        return false;
    }
    let set = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'";
    client.batch_execute(set).await.unwrap();
    true
}

/// Begins to count statements, at zero, and writes all pages, so that the images of a checkpoint are in what is measured.
pub async fn begin(client: &Client, statements: bool) {
    if statements {
        let count =
            "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()";
        client.batch_execute(count).await.unwrap();
    }
    client.batch_execute("CHECKPOINT").await.unwrap();
}

pub async fn counters(client: &Client) -> Counters {
    let read = "SELECT (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database WHERE datname = current_database()),
        (SELECT wal_bytes::bigint FROM pg_stat_wal), (SELECT wal_fpi FROM pg_stat_wal)";
    let row = client.query_one(read, &[]).await.unwrap();
    Counters {
        transactions: row.get(0),
        wal_bytes: row.get(1),
        wal_images: row.get(2),
    }
}

/// Statements that took the most time since counting began.
pub async fn longest_statements(client: &Client) -> Vec<Statement> {
    let read = r"SELECT calls, total_exec_time, wal_bytes::bigint, left(regexp_replace(query, '\s+', ' ', 'g'), 70)
        FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 6";
    let rows = client.query(read, &[]).await.unwrap();
    rows.iter()
        .map(|row| Statement {
            calls: row.get(0),
            total_ms: row.get(1),
            wal_bytes: row.get(2),
            text: row.get(3),
        })
        .collect()
}

/// Size of each table with its indexes, in KB.
pub async fn sizes_kb(client: &Client) -> Vec<(String, i64)> {
    let read = "SELECT relname::text, pg_total_relation_size(oid) / 1024 FROM pg_class
        WHERE relnamespace = 'bili_fleet'::regnamespace AND relname IN ('accounts', 'leases', 'events') ORDER BY 1";
    let rows = client.query(read, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
