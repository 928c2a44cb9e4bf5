//! Options of the command line. A credential is none of them: other users see the command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bilibili_session::feeds::NotAFeed;
use bilibili_session::{ConversationId, FeedKind, GroupId, Uid};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::failure::Failure;
use crate::logins::is_name;
use crate::output::report;
use crate::secrets::Secrets;
use crate::texts::{Text, say, text, usage_in_words};

/// Bilibili private messages and notifications.
///
/// The credential comes from --cookie-file, from the environment (BILI_SESSDATA, BILI_JCT,
/// BILI_BUVID3, BILI_BUVID4, BILI_UID), or from a login that `bili login` stored. Without one,
/// and without an origin, the embedded simulator answers.
#[derive(Debug, Parser)]
#[command(name = "bili", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not logged in, 4 risk control";

/// For all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Common {
    /// Take the credential from this file: a Cookie: header line, a cookies.txt, or a
    /// browser extension's JSON export
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cookie_file: Option<PathBuf>,
    /// Ask this base in place of every host: https://, or http:// on this machine
    /// [env: BILI_ORIGIN]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) origin: Option<String>,
    /// Use the login that `bili login` stored under this name; goes before the environment
    /// [env: BILI_ACCOUNT, which does not]
    #[arg(long, global = true, value_name = "NAME", value_parser = account_name)]
    pub(crate) account: Option<String>,
    /// Let the embedded simulator answer, whatever credential there is
    #[arg(long, global = true, conflicts_with_all = ["account", "cookie_file", "origin"])]
    pub(crate) demo: bool,
    /// Which runtime does the work
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) runtime: RuntimeName,
    /// Print one JSON object a line, and nothing else, on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Ask for names that are not known, fifty users in a request, with --json too: lines then
    /// have a `name`
    #[arg(long, global = true)]
    pub(crate) names: bool,
    /// How many seconds one exchange may take
    #[arg(long, global = true, value_name = "SECS", default_value = "30", value_parser = positive_seconds)]
    pub(crate) timeout: Duration,
    /// Go through this HTTP proxy; with an http:// origin one on this machine
    /// [env: HTTPS_PROXY, for https]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum RuntimeName {
    /// Threads, and ureq
    #[default]
    Blocking,
    /// async-std, and surf
    AsyncStd,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print messages as they arrive
    Watch(WatchArgs),
    /// Whose login this is
    Whoami,
    /// List conversations
    Sessions(SessionsArgs),
    /// List conversations that changed
    NewSessions {
        /// Since when, in microseconds since the epoch
        #[arg(long, value_name = "MICROS", default_value_t = 0)]
        since: i64,
    },
    /// Show one conversation
    Session(Talker),
    /// Print messages of a conversation, oldest first
    History(HistoryArgs),
    /// Send a text or a picture, or take a message back. Nothing is sent twice: where no answer
    /// comes, the conversation is read back, and tells whether it was sent
    // clap would put what is sent before the receiver.
    #[command(
        override_usage = "bili send [OPTIONS] <UID> <TEXT|--picture <FILE>|--withdraw <MSG_KEY>>"
    )]
    Send(SendArgs),
    /// Count what is unread
    Unread,
    /// List replies to you
    Replies(FeedArgs),
    /// List mentions of you
    At(FeedArgs),
    /// List likes of what you made
    Likes(FeedArgs),
    /// List system notices
    System(FeedArgs),
    /// Show the settings of messages, or change some and show them then
    Settings(SettingsArgs),
    /// Mark a conversation as read, up to its newest message, or all of them
    MarkRead(MarkReadArgs),
    /// Pin a conversation to the top
    Pin(Switch),
    /// Mute a conversation
    Mute(Switch),
    /// Remove a conversation from the list
    Remove(Talker),
    /// Ask the service how it behaves where nothing is documented: at most thirty requests,
    /// nothing is changed, and the report names nobody
    Doctor,
    /// Log in with the phone: shows a QR code and stores the login
    Login,
    /// List the stored logins
    Accounts {
        /// Use this one where none is named
        #[arg(long = "default", value_name = "NAME", value_parser = account_name)]
        new_default: Option<String>,
    },
    /// Renew the stored login, if the service wants that
    Refresh {
        /// Renew it in any case
        #[arg(long)]
        force: bool,
    },
    /// End the stored login, and delete it here
    Logout,
    /// Serve the simulator on 127.0.0.1 until it is ended
    Simulate(SimulateArgs),
    /// Print a script that completes this command in a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder
    Man {
        /// The folder; it is there already
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Ask every so many seconds (6, or 20 with --push); under 3 only with an origin or the
    /// embedded simulator
    #[arg(long, value_name = "SECS", value_parser = positive_seconds)]
    pub(crate) interval: Option<Duration>,
    /// Print own messages too
    #[arg(long)]
    pub(crate) include_self: bool,
    /// Go on from this file if it is there, and keep it up to date; what `bili doctor` found
    /// out for this login is used
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Print these notifications too: replies, at, likes, system, several with commas, or all.
    /// It is not known whether reading them here marks them as read
    #[arg(long, value_name = "LIST", value_parser = feeds)]
    pub(crate) feeds: Option<Feeds>,
    /// End after so many messages and notifications
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_events: Option<u64>,
    /// End so many seconds after the start
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// Also listen to the push channel, and look at once when it tells of something
    #[arg(long)]
    pub(crate) push: bool,
    /// Answer every private text with this, once, with --checkpoint also if this is killed in
    /// between; while the service wants to be left alone, none is sent
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) reply: Option<String>,
    /// Print to stderr at the end what was counted: rounds, requests by outcome, messages, their
    /// delay, pauses
    #[arg(long)]
    pub(crate) stats: bool,
    /// Serve the same on this port of 127.0.0.1 (0: any free one) as Prometheus reads it, at
    /// /metrics
    #[arg(long, value_name = "PORT")]
    pub(crate) metrics: Option<u16>,
}

/// A conversation.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Talker {
    /// The other user, or with --group the group
    #[arg(value_name = "UID", value_parser = number_of_somebody)]
    uid: i64,
    /// UID is a group
    #[arg(long)]
    group: bool,
}

impl Talker {
    pub(crate) fn id(self) -> ConversationId {
        if self.group {
            GroupId(self.uid).into()
        } else {
            Uid(self.uid).into()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Change this setting; several times for several, all in one request. Names and numbers are
    /// those that are shown; a switch is 0 or 1
    #[arg(long = "set", value_name = "NAME=N", value_parser = setting)]
    pub(crate) changes: Vec<(String, i64)>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["uid", "all"])))]
pub(crate) struct MarkReadArgs {
    /// The other user, or with --group the group
    #[arg(value_name = "UID", value_parser = number_of_somebody)]
    uid: Option<i64>,
    /// UID is a group
    #[arg(long, conflicts_with = "all")]
    group: bool,
    /// Every conversation, one after the other, a second apart
    #[arg(long)]
    all: bool,
}

impl MarkReadArgs {
    /// Returns the conversation; `None` is all of them.
    pub(crate) fn id(&self) -> Option<ConversationId> {
        let Self { uid, group, .. } = *self;
        uid.map(|uid| Talker { uid, group }.id())
    }
}

#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {
    /// 1 users and system, 2 not followed, 3 fan groups, 4 all, 5 intercepted, 7 system,
    /// 8 strangers, 9 followed and system
    #[arg(long = "type", value_name = "N", default_value_t = 4)]
    pub(crate) session_type: i64,
    /// All pages, not the first alone; says so if some may be missing
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) talker: Talker,
    /// All messages after this one
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub(crate) since_seqno: Option<u64>,
    /// All messages, from the beginning
    #[arg(long)]
    pub(crate) all: bool,
    /// Write into this file, which is replaced when all is there: as text, or with --json as JSON
    /// lines
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["text", "picture", "withdraw"])))]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) talker: Talker,
    /// What to say
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Upload this picture (png, jpeg, gif, webp) and send it
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// Take back the message with this key, within 120 s of sending it
    #[arg(long, value_name = "MSG_KEY")]
    pub(crate) withdraw: Option<i64>,
    /// Read the conversation back, and fail if the message does not show up there
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FeedArgs {
    /// All pages, not the first alone
    #[arg(long)]
    pub(crate) all: bool,
    /// At most so many; goes on over pages until then
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Switch {
    #[command(flatten)]
    pub(crate) talker: Talker,
    /// Undo it
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The port; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Play this script, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

/// Says what is wrong with the command line, in one line; or it was help that was asked for.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind as Kind;
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    if let Kind::DisplayHelp
    | Kind::DisplayVersion
    | Kind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind()
    {
        // That nobody reads it is no failure.
        let _ = error.print();
        return code;
    }
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more").next().unwrap_or_default();
    let message = usage_in_words(error, &in_one_line(text));
    let hint = text!("hint-usage");
    let failure = Failure::Usage(text!("with-hint", message = message, hint = hint));
    report(&failure, false, &Secrets::default());
    code
}

/// Joins the paragraphs of clap's message: what is wrong, and tips.
fn in_one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        let words = words.join(" ");
        let said = ["error: ", "tip: "]
            .iter()
            .find_map(|it| words.strip_prefix(it));
        said.map_or_else(|| words.clone(), str::to_owned)
    });
    paragraphs.collect::<Vec<_>>().join("; ")
}

/// The longest span that makes sense; longer ones would overflow clocks.
const LONGEST_S: f64 = 1e9;

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=LONGEST_S).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(say!("not-seconds")),
    }
}

/// Reads a user's or a group's number; the words of the standard library for what is none are
/// about digits, and English.
fn number_of_somebody(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| say!("not-a-uid"))
}

/// Reads `NAME=N`; which names there are is known where they are written.
fn setting(text: &str) -> Result<(String, i64), String> {
    let wrong = || say!("not-a-setting");
    let (name, number) = text.split_once('=').ok_or_else(wrong)?;
    let number = number.trim().parse().map_err(|_| wrong())?;
    Ok((name.trim().to_owned(), number))
}

/// Feeds of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feeds(pub(crate) Vec<FeedKind>);

fn feeds(text: &str) -> Result<Feeds, String> {
    if text.trim() == "all" {
        return Ok(Feeds(FeedKind::ALL.to_vec()));
    }
    let named = text.split(',').map(|name| name.trim().parse());
    let kinds = named.collect::<Result<_, NotAFeed>>();
    kinds
        .map(Feeds)
        .map_err(|error| Text::of(&error).to_string())
}

fn account_name(text: &str) -> Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err(say!("not-an-account-name")),
    }
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err(say!("not-above-zero")),
        span => Ok(span),
    }
}
