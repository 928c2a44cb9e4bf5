//! Commands of operators and consumers.

use std::borrow::Cow;
use std::io::{Write as _, stderr, stdout};
use std::time::Duration;

use bilibili_session_fleet::accounts::Settings;
use bilibili_session_fleet::sessions::core::Uid;
use bilibili_session_fleet::{
    Database, Error, Position, Tail, Vault, accounts, new_key, outbox, prune, warnings, ways,
};
use serde_json::json;
use serde_json::value::RawValue;

use crate::args::{
    AddArgs, FeedsArgs, PruneArgs, SendArgs, StatusArgs, TailArgs, WarningsArgs, WayArgs,
};
use crate::logins;

/// Prints why something was not done.
pub(crate) fn complain(error: &Error) {
    // If nobody reads it, nobody can be told.
    let _ = writeln!(stderr(), "bili-fleet: {error}");
}

/// Prints a line.
fn say(line: impl std::fmt::Display) -> Result<(), Error> {
    let mut out = stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| Error::system("standard output", error))
}

pub(crate) fn key() -> Result<(), Error> {
    say(&*new_key()?)
}

pub(crate) async fn init(database: &Database, vault: &Vault) -> Result<(), Error> {
    database.migrate().await?;
    vault.check(database).await?;
    let encrypted = match database.is_encrypted().await? {
        true => "encrypted",
        false => "not encrypted",
    };
    say(format_args!(
        "the tables are there, in the schema bili_fleet; the connection is {encrypted}"
    ))
}

pub(crate) async fn way(database: &Database, vault: &Vault, args: &WayArgs) -> Result<(), Error> {
    vault.check(database).await?;
    let proxy = args.proxy_on_stdin.then(logins::from_stdin).transpose()?;
    let proxy = proxy.as_ref().map(|text| text.trim());
    ways::set(database, vault, &args.name, args.budget, proxy).await?;
    say(format_args!(
        "{}: {} requests a second",
        args.name, args.budget
    ))
}

pub(crate) async fn add(database: &Database, vault: &Vault, args: &AddArgs) -> Result<(), Error> {
    vault.check(database).await?;
    let logins = logins::read(args)?;
    let pace = Duration::try_from_secs_f64(args.pace).ok();
    let pace = pace.filter(|pace| *pace >= Duration::from_secs(3));
    let pace = pace.ok_or_else(|| Error::usage("a round every 3 s is the fastest"))?;
    let settings = Settings {
        way: args.way.clone(),
        pace,
        feeds: args.feeds.clone(),
    };
    let added = accounts::add(database, vault, &logins, &settings, args.replace).await?;
    say(format_args!("{added} accounts are added"))
}

pub(crate) async fn pause(database: &Database, uids: &[i64], pause: bool) -> Result<(), Error> {
    let count = accounts::pause(database, uids, pause).await?;
    let what = if pause { "paused" } else { "watched again" };
    say(format_args!("{count} accounts are {what}"))
}

pub(crate) async fn feeds(database: &Database, args: &FeedsArgs) -> Result<(), Error> {
    let count = accounts::watch_feeds(database, &args.uids, &args.feeds).await?;
    say(format_args!("{count} accounts are watched for these feeds"))
}

pub(crate) async fn drop(database: &Database, uids: &[i64]) -> Result<(), Error> {
    let count = accounts::drop(database, uids).await?;
    say(format_args!("{count} accounts are dropped"))
}

pub(crate) async fn send(database: &Database, args: &SendArgs) -> Result<(), Error> {
    let put = outbox::put(
        database,
        &args.key,
        args.uid,
        Uid(args.to).into(),
        &args.text,
    )
    .await?;
    say(if put {
        "put into the outbox"
    } else {
        "that key is in the outbox already"
    })
}

pub(crate) async fn status(database: &Database, args: &StatusArgs) -> Result<(), Error> {
    let status = accounts::status(database).await?;
    if args.json {
        let object = |counts: &[(String, i64)]| {
            counts
                .iter()
                .cloned()
                .collect::<std::collections::BTreeMap<_, _>>()
        };
        return say(json!({
            "accounts": object(&status.accounts), "workers": object(&status.workers), "events": status.events,
            "replies": object(&status.replies), "warnings": object(&status.warnings), "longest_lag_s": status.longest_lag_s,
            "failed": status.failed.iter().map(|(uid, why)| json!({"uid": uid, "error": why})).collect::<Vec<_>>(),
        }));
    }
    for (state, count) in &status.accounts {
        say(format_args!("accounts {state}: {count}"))?;
    }
    for (worker, count) in &status.workers {
        say(format_args!("worker {worker}: {count} accounts"))?;
    }
    if let Some(lag) = status.longest_lag_s {
        say(format_args!(
            "longest since a checkpoint of a watched account: {lag:.0} s"
        ))?;
    }
    say(format_args!("events: {}", status.events))?;
    for (state, count) in &status.replies {
        say(format_args!("replies {state}: {count}"))?;
    }
    for (kind, count) in &status.warnings {
        say(format_args!("warnings {kind}, last day: {count}"))?;
    }
    for (uid, why) in &status.failed {
        say(format_args!("account {uid} failed: {why}"))?;
    }
    Ok(())
}

pub(crate) async fn warnings(database: &Database, args: &WarningsArgs) -> Result<(), Error> {
    let kind = args.kind.as_deref();
    for warning in warnings::list(database, args.hours, kind).await? {
        let (at_us, uid, line) = (warning.at_us, warning.uid, as_json(&warning.line));
        say(format_args!(
            r#"{{"at_us":{at_us},"account":{uid},"line":{line}}}"#
        ))?;
    }
    Ok(())
}

pub(crate) async fn prune(database: &Database, args: &PruneArgs) -> Result<(), Error> {
    let ended = prune::events(database, args.older_than).await?;
    say(format_args!("{ended} events are ended"))
}

pub(crate) async fn tail(database: &Database, args: &TailArgs) -> Result<(), Error> {
    let position = match (args.after, args.all) {
        (Some(position), _) => position,
        (None, true) => Position::START,
        (None, false) => Position::now(database).await?,
    };
    let mut tail = Tail::new(database, position);
    loop {
        let events = if args.no_wait {
            tail.read().await
        } else {
            tail.next().await
        };
        let events = match events {
            Ok(events) => events,
            // The server is away for a moment: the place is known, so nothing is missed.
            Err(error @ (Error::Database(_) | Error::Connect(_))) if !args.no_wait => {
                complain(&error);
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            let line = as_json(&event.line);
            let (position, id, uid) = (event.position, event.id, event.uid);
            say(format_args!(
                r#"{{"position":"{position}","id":{id},"account":{uid},"line":{line}}}"#
            ))?;
        }
    }
}

/// Returns a line of a table as JSON. It is that already; were it not, it is a text.
fn as_json(line: &str) -> Cow<'_, str> {
    match serde_json::from_str::<&RawValue>(line) {
        Ok(json) => Cow::Borrowed(json.get()),
        Err(_) => Cow::Owned(json!(line).to_string()),
    }
}
