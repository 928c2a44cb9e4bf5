//! Options and subcommands.

use std::path::PathBuf;

use bilibili_session_fleet::{FeedList, Position};
use clap::{Parser, Subcommand};

/// Watch many Bilibili accounts with many workers; PostgreSQL keeps the record.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Args {
    /// PostgreSQL server: postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub(crate) database_url: Option<String>,
    /// File with the key of the logins; nobody else can read it.
    #[arg(long, env = "BILI_FLEET_KEY_FILE", global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Set by BILI_FLEET_KEY alone: the command line can be read by others.
    #[arg(
        long,
        env = "BILI_FLEET_KEY",
        hide = true,
        hide_env_values = true,
        global = true
    )]
    pub(crate) key: Option<String>,
    /// Write logs as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
    /// Log more.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a new key for the logins.
    Key,
    /// Make the tables, or bring them up to date.
    Init,
    /// Make a way out, or change it: a proxy and its budget of requests.
    Way(WayArgs),
    /// Add accounts: a cookie file on standard input, or logins that `bili login` has stored.
    Add(AddArgs),
    /// Say how the accounts and the workers are.
    Status(StatusArgs),
    /// Watch these accounts no more, until `resume`.
    Pause(UidArgs),
    /// Watch these accounts again.
    Resume(UidArgs),
    /// Change which feeds of notifications these accounts are watched for.
    Feeds(FeedsArgs),
    /// Drop these accounts with their logins; their events stay.
    Drop(UidArgs),
    /// Put a reply into the outbox.
    Send(SendArgs),
    /// Print events as they are committed, one JSON object a line.
    Tail(TailArgs),
    /// Print what went wrong, one JSON object a line: gaps above all. It is kept for two weeks.
    Warnings(WarningsArgs),
    /// End old events, except those that a consumer has not acknowledged.
    Prune(PruneArgs),
    /// Watch accounts: as many of these processes as there are to be workers.
    Work(WorkArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct WayArgs {
    /// Name of the way out; `direct` is the machine's own address.
    pub(crate) name: String,
    /// Requests a second of all workers together, at least 0.01.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) budget: f64,
    /// Read the address of the proxy, http://HOST:PORT, from standard input: it may hold a password.
    #[arg(long)]
    pub(crate) proxy_on_stdin: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// Take this login of `bili login` instead of standard input; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Vec<String>,
    /// Each line of standard input is the `Cookie` header of one account.
    #[arg(long, conflicts_with = "account")]
    pub(crate) each_line: bool,
    /// Way out that the accounts are bound to.
    #[arg(long, default_value = "direct")]
    pub(crate) way: String,
    /// Seconds between two rounds of an account, at least 3.
    #[arg(long, default_value_t = 6.0)]
    pub(crate) pace: f64,
    /// Feeds of notifications to watch beside the messages: `all`, `none`, or some of replies,at,likes,system.
    ///
    /// None unless given, since they cost about half a request more with each round; with --replace those of before.
    #[arg(long, value_name = "LIST")]
    pub(crate) feeds: Option<FeedList>,
    /// Give accounts that are there already the new login.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UidArgs {
    /// Numbers of the accounts.
    #[arg(required = true, value_name = "UID")]
    pub(crate) uids: Vec<i64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FeedsArgs {
    /// `all`, `none`, or some of replies,at,likes,system.
    #[arg(value_name = "LIST")]
    pub(crate) feeds: FeedList,
    /// Numbers of the accounts.
    #[arg(required = true, value_name = "UID")]
    pub(crate) uids: Vec<i64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// Number of the account that sends.
    pub(crate) uid: i64,
    /// Number of the user who is written to.
    pub(crate) to: i64,
    /// Text.
    pub(crate) text: String,
    /// Key of the reply: the same key is sent once.
    #[arg(long)]
    pub(crate) key: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    /// Go on after this position, that of the last line that was handled.
    #[arg(long, conflicts_with = "all")]
    pub(crate) after: Option<Position>,
    /// Begin with the first event.
    #[arg(long)]
    pub(crate) all: bool,
    /// End when all that is there was printed.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WarningsArgs {
    /// Those of one kind alone, `gap` say.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Those of so many hours.
    #[arg(long, default_value_t = 24)]
    pub(crate) hours: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PruneArgs {
    /// Days after which an event is old, at least 1.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) older_than: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// Name in logs and in `status`.
    #[arg(long, default_value = "worker")]
    pub(crate) name: String,
    /// Most accounts that this worker watches.
    #[arg(long, default_value_t = 1000)]
    pub(crate) capacity: usize,
    /// Seconds that a lease lasts, at most 3600.
    #[arg(long, default_value_t = 15.0)]
    pub(crate) lease: f64,
    /// Milliseconds for which commits are collected.
    #[arg(long, default_value_t = 50)]
    pub(crate) group_ms: u64,
    /// Listen to the push channel of each account as well: what arrives is asked for at once, so that --pace can be longer.
    ///
    /// One connection an account, by its way out. Rounds go on: the channel tells that there is something, not all of it.
    #[arg(long)]
    pub(crate) push: bool,
    /// Serve counters for Prometheus on this port of 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub(crate) metrics: Option<u16>,
    /// Server in place of the service: a simulator.
    #[arg(long, env = "BILI_ORIGIN")]
    pub(crate) origin: Option<String>,
}
