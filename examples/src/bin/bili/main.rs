//! `bili`: Bilibili private messages on the command line.
//!
//! One file for each family of commands. Whatever is printed goes through `output`,
//! whatever fails through `failure`.

mod args;
mod commands;
mod cookie_file;
mod doctor;
mod failure;
mod help;
mod home;
mod json_line;
mod lines;
mod local_time;
mod logins;
mod names;
mod output;
mod private_file;
mod qr;
mod runtime;
mod secrets;
mod setup;
mod texts;
mod watch;

use std::process::ExitCode;
use std::time::Instant;

use clap::FromArgMatches as _;

use args::{Cli, Command};
use failure::Failure;
use names::NameBook;
use output::Output;
use runtime::Runtime;
use secrets::Secrets;
use setup::Setup;
use texts::text;

fn main() -> ExitCode {
    let started = Instant::now();
    let matches = help::command().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return args::explain(&error),
    };
    let secrets = Secrets::default();
    match run(&cli, started, &secrets) {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            output::report(&failure, cli.common.json, &secrets);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli, started: Instant, secrets: &Secrets) -> Result<(), Failure> {
    match &cli.command {
        Command::Simulate(args) => return commands::simulate::run(args),
        Command::Completions { shell } => return help::completions(*shell),
        Command::Man { folder } => return help::man(folder),
        _ => {}
    }
    if let Some(done) = run_logins(cli, secrets) {
        return done;
    }
    let mut setup = Setup::new(&cli.common)?;
    secrets.add_context(&setup.context);
    if let Some(account) = &setup.account {
        secrets.add(account.entry.login.secrets());
    }
    let mut out = Output::stdout(cli.common.json, secrets.clone());
    let out = &mut out;
    if let Command::Watch(args) = &cli.command {
        return watch::run(&setup, &cli.common, args, started, out);
    }
    setup.settle()?;
    let runtime = &Runtime::new(&setup)?;
    let names = &mut NameBook::new(&cli.common, runtime.asker());
    match &cli.command {
        Command::Watch(_)
        | Command::Simulate(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Login
        | Command::Accounts { .. }
        | Command::Refresh { .. }
        | Command::Logout => Ok(()),
        Command::Whoami => commands::whoami::run(runtime, out),
        Command::Sessions(args) => commands::sessions::list(runtime, args, names, out),
        Command::NewSessions { since } => commands::sessions::new(runtime, *since, names, out),
        Command::Session(talker) => commands::sessions::one(runtime, talker.id(), names, out),
        Command::History(args) => commands::history::run(runtime, args, names, out),
        Command::Send(args) => commands::send::run(runtime, args, out),
        Command::Doctor => doctor::run(&setup, runtime, out),
        Command::Unread => commands::unread::run(runtime, out),
        Command::Replies(args) => commands::feeds::replies(runtime, args, names, out),
        Command::At(args) => commands::feeds::at(runtime, args, names, out),
        Command::Likes(args) => commands::feeds::likes(runtime, args, names, out),
        Command::System(args) => commands::system::run(runtime, args, out),
        Command::Settings(args) => commands::settings::run(runtime, args, out),
        Command::MarkRead(args) => match args.id() {
            Some(id) => commands::marks::read(runtime, id, out),
            None => commands::mark_all::run(runtime, out),
        },
        Command::Pin(switch) => commands::marks::pin(runtime, switch, out),
        Command::Mute(switch) => commands::marks::mute(runtime, switch, out),
        Command::Remove(talker) => commands::marks::remove(runtime, talker.id(), out),
    }?;
    out.flush()
}

/// Runs the commands about stored logins, if it is one of them.
fn run_logins(cli: &Cli, secrets: &Secrets) -> Option<Result<(), Failure>> {
    let is_about_logins = matches!(
        cli.command,
        Command::Login | Command::Accounts { .. } | Command::Refresh { .. } | Command::Logout
    );
    if is_about_logins && cli.common.demo {
        // Whoever plays is not to end the login that is stored.
        return Some(Err(Failure::Usage(text!("login-of-demo"))));
    }
    let out = &mut Output::stdout(cli.common.json, secrets.clone());
    Some(match &cli.command {
        Command::Login => commands::login::run(&cli.common, secrets, out),
        Command::Accounts { new_default } => {
            commands::accounts::run(&cli.common, new_default.as_deref(), secrets, out)
        }
        Command::Refresh { force } => commands::refresh::run(&cli.common, *force, secrets, out),
        Command::Logout => commands::logout::run(&cli.common, secrets, out),
        _ => return None,
    })
}
