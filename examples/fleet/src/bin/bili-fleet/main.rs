//! `bili-fleet`: many accounts, shared out over many workers, with PostgreSQL as the record.

mod args;
mod commands;
mod key;
mod logins;
mod work;

use std::process::ExitCode;

use args::{Args, Command};
use bilibili_session_fleet::{Database, Error};
use clap::Parser as _;

/// Advice for whoever has no database.
const NO_DATABASE: &str = "DATABASE_URL is not set: it names the PostgreSQL server that keeps accounts and events, \
as in DATABASE_URL=postgres://user:password@127.0.0.1/fleet.
To get one: `apt-get install postgresql`, then `sudo -u postgres createuser --pwprompt fleet` and
`sudo -u postgres createdb --owner fleet fleet`; or `docker run -e POSTGRES_PASSWORD=… -p 127.0.0.1:5432:5432 postgres`.
To look at it first: examples/fleet/demo.sh makes a server of its own, and removes it.";

fn main() -> ExitCode {
    let args = Args::parse();
    work::log(args.log_json, args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(|error| Error::system("the runtime", error))
        .and_then(|runtime| {
            let done = runtime.block_on(run(args));
            // What still runs is of no use any more.
            runtime.shutdown_background();
            done
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            match error {
                Error::Usage(_) | Error::Key(_) | Error::Tables => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(args: Args) -> Result<(), Error> {
    if matches!(args.command, Command::Key) {
        return commands::key();
    }
    let url = args.database_url.filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| Error::usage(NO_DATABASE))?;
    let database = Database::new(&url, 8)?;
    let key = || key::read(args.key_file.as_deref(), args.key.as_deref());
    match args.command {
        Command::Key => commands::key(),
        Command::Init => commands::init(&database, &key()?).await,
        Command::Way(way) => commands::way(&database, &key()?, &way).await,
        Command::Add(add) => commands::add(&database, &key()?, &add).await,
        Command::Status(status) => commands::status(&database, &status).await,
        Command::Pause(uids) => commands::pause(&database, &uids.uids, true).await,
        Command::Resume(uids) => commands::pause(&database, &uids.uids, false).await,
        Command::Feeds(feeds) => commands::feeds(&database, &feeds).await,
        Command::Drop(uids) => commands::drop(&database, &uids.uids).await,
        Command::Send(send) => commands::send(&database, &send).await,
        Command::Warnings(args) => commands::warnings(&database, &args).await,
        Command::Prune(args) => commands::prune(&database, &args).await,
        Command::Tail(tail) => commands::tail(&database, &tail).await,
        Command::Work(work) => work::run(&database, key()?, &work).await,
    }
}
