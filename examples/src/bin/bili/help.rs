//! The command line with its examples, as help, man pages and shell completions show it.

use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::texts::text;

/// Examples of each command, as they are typed.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "watch",
        "bili watch                                   the embedded simulator, if there is no login
bili watch --checkpoint watch.json           goes on there after an end of any kind
bili watch --feeds all --push --json         everything, at once, for a program to read
bili watch --reply '稍后回复您' --stats       answers private texts, counts at the end",
    ),
    ("whoami", "bili --cookie-file cookies.txt whoami"),
    (
        "sessions",
        "bili sessions --all\nbili sessions --json | jq .talker_id",
    ),
    ("new-sessions", "bili new-sessions --since 1700000000000000"),
    ("session", "bili session 20001\nbili session 221300 --group"),
    (
        "history",
        "bili history 20001                            the newest messages
bili history 20001 --all --out history.txt    every one, oldest first
bili --json history 20001 --all --out h.jsonl  the same as JSON lines
bili history 20001 --since-seqno 17 --json    what came after number 17",
    ),
    (
        "send",
        "bili send 20001 '你好'
bili send 20001 --picture cat.png
bili send 20001 --withdraw 7300000000000000007",
    ),
    ("unread", "bili unread --json"),
    ("replies", "bili replies --max 50"),
    ("at", "bili at --all --json"),
    ("likes", "bili likes"),
    ("system", "bili system --max 20"),
    (
        "settings",
        "bili settings\nbili settings --set keys_reply=1",
    ),
    ("mark-read", "bili mark-read 20001\nbili mark-read --all"),
    ("pin", "bili pin 20001\nbili pin 20001 --off"),
    ("mute", "bili mute 221300 --group"),
    ("remove", "bili remove 20001"),
    (
        "doctor",
        "bili --cookie-file cookies.txt --json doctor > report.jsonl",
    ),
    ("login", "bili login\nbili login --account work"),
    ("accounts", "bili accounts\nbili accounts --default work"),
    (
        "refresh",
        "bili refresh\nbili refresh --account work --force",
    ),
    ("logout", "bili logout --account work"),
    (
        "simulate",
        "bili simulate --port 8080\nbili --origin http://127.0.0.1:8080 watch",
    ),
    (
        "completions",
        "bili completions bash > ~/.local/share/bash-completion/completions/bili
bili completions zsh > ~/.zfunc/_bili",
    ),
    ("man", "bili man ~/.local/share/man/man1"),
];

/// Returns the command line, with an example of each command below its help.
pub(crate) fn command() -> Command {
    EXAMPLES
        .iter()
        .fold(Cli::command(), |command, (name, examples)| {
            let indented: String = examples.lines().map(|line| format!("\n  {line}")).collect();
            command.mut_subcommand(name, |it| it.after_help(format!("Examples:{indented}")))
        })
}

/// Prints the script that completes `bili` in this shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "bili", &mut script);
    write(&script)
}

/// Writes a man page of `bili`, and one of each command, into this folder.
pub(crate) fn man(folder: &Path) -> Result<(), Failure> {
    let mut command = command();
    command.build();
    clap_mangen::generate_to(command, folder)
        .map_err(|error| Failure::Usage(text!("about-file", path = folder.display(), why = error)))
}

fn write(text: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text)?;
    Ok(out.flush()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_an_example_that_is_taken() {
        let named: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        let command = command();
        for it in command.get_subcommands() {
            assert!(named.contains(&it.get_name()), "{}", it.get_name());
        }
        for (name, examples) in EXAMPLES {
            for line in examples.lines() {
                // Up to what follows it: a remark, a pipe, a file.
                let typed = line.split("  ").next().unwrap();
                let typed = typed.split(['|', '>']).next().unwrap().replace('\'', "");
                let words = typed.split_whitespace();
                let matches = command.clone().try_get_matches_from(words);
                let matches = matches.unwrap_or_else(|error| panic!("{line}: {error}"));
                let taken = matches.subcommand_name().unwrap();
                // The last line of `simulate` shows what to do with what it prints.
                assert!(taken == *name || *name == "simulate", "{line}: {taken}");
            }
        }
    }
}
