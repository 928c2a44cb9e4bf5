//! `soak`: a bot that runs for long, on real sockets, against a server that keeps failing.
//!
//! `cargo run --release -p bilibili-session-examples --bin soak -- --runtime blocking --minutes 10`
//!
//! The simulator runs in a process of its own (this program again, with `serve`), so that what
//! is measured here is the bot alone. Every minute the session is closed and another one goes on
//! from its checkpoint. At the end it fails if a message was lost or came twice, a reply is
//! missing, or memory, threads or files grew after the beginning.

mod bot;
mod ledger;
mod measure;
mod other_side;
mod server;

use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bilibili_session::poller::{Checkpoint, PollerConfig};
use clap::{Parser, Subcommand, ValueEnum};

use bot::Bot;
use ledger::Ledger;
use measure::Measures;
use other_side::OtherSide;

type Failure = Box<dyn std::error::Error>;

/// Runs a bot for long against a server that keeps failing, and counts.
#[derive(Debug, Parser)]
struct Args {
    /// Which runtime does the work
    #[arg(long, value_enum, default_value_t)]
    runtime: Runtime,
    /// For how long messages arrive
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many messages arrive in a second, on average
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// What traffic and faults are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The other side, ordered on stdin
    #[command(hide = true)]
    Serve,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Runtime {
    /// Threads, and ureq
    #[default]
    Blocking,
    /// async-std, and surf
    AsyncStd,
}

/// Length of the life of one session.
const LIFE: Duration = Duration::from_secs(60);
/// Interval of measurements.
const GLANCE: Duration = Duration::from_secs(1);
/// Time after the last message within which all must be there: longer than any pause.
const GRACE: Duration = Duration::from_secs(120);
/// Time limit of an exchange.
const TIMEOUT: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.role {
        Some(Role::Serve) => server::serve(args.rate, args.seed).map(|()| true),
        None => soak(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // That nobody reads it changes nothing.
            let _ = writeln!(std::io::stderr(), "soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn config() -> PollerConfig {
    PollerConfig::new()
        .interval(Duration::from_millis(500))
        .request_timeout(TIMEOUT)
        .kept_events(200)
}

fn soak(args: &Args) -> Result<bool, Failure> {
    let length = Duration::try_from_secs_f64(args.minutes * 60.0)?;
    let mut other_side = OtherSide::start(args.rate, args.seed)?;
    let context = other_side.context()?;
    let ledger = Ledger::default();
    let started = Instant::now();
    let mut measures = Measures::new(length);
    let mut checkpoint: Option<Checkpoint> = None;
    let mut minute = 1;
    let mut lives = 0_u32;
    let mut totals = None;
    loop {
        let bot = Bot::start(args.runtime, &context, checkpoint.as_ref(), &ledger)?;
        lives += 1;
        let born = Instant::now();
        if lives == 1 {
            ledger.wait_until_connected(GRACE)?;
            other_side.begin()?;
        }
        while born.elapsed() < LIFE && !bot.is_finished() {
            std::thread::sleep(GLANCE);
            measures.take(started.elapsed());
            if started.elapsed() >= LIFE * minute {
                writeln!(stdout(), "minute {minute}: {ledger}, {measures}")?;
                minute += 1;
            }
            if totals.is_none() && started.elapsed() >= length {
                totals = Some(other_side.end()?);
            }
            if let Some(totals) = &totals
                && (ledger.is_complete(totals) || started.elapsed() > length + GRACE)
            {
                break;
            }
        }
        // Whoever goes on has a checkpoint that was text in between.
        let taken = bot.end()?.ok_or("there is no checkpoint")?;
        checkpoint = Some(Checkpoint::from_json(&taken.to_json())?);
        if let Some(totals) = &totals
            && (ledger.is_complete(totals) || started.elapsed() > length + GRACE)
        {
            break;
        }
    }
    let totals = totals.ok_or("the other side did not say what it sent")?;
    let verdict = ledger.verdict(&other_side.leave(totals)?);
    let mut out = stdout();
    writeln!(out, "{} lives of {:?}: {verdict}", lives, args.runtime)?;
    writeln!(out, "warnings: {}", ledger.warnings())?;
    writeln!(out, "{}", measures.verdict())?;
    Ok(verdict.is_good() && measures.verdict().is_good())
}
