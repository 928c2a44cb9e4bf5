//! `history`

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;

use bilibili_session::endpoints::{FetchSessionMsgs, GetSessionDetail};
use bilibili_session::pager::History;
use bilibili_session::{ConversationId, Event, Names, Seqno, Uid};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::{each_page, progress, report_unreadable};
use crate::args::HistoryArgs;
use crate::failure::Failure;
use crate::lines::MessageLine;
use crate::local_time::{self, local_time};
use crate::names::{Asker, NameBook};
use crate::output::{DIM, Output, hanging};
use crate::runtime::Runtime;
use crate::texts::{message_in_words, say, text};

pub(crate) fn run(
    runtime: &Runtime,
    args: &HistoryArgs,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    match &args.out {
        None => write(runtime, args, names, out),
        Some(path) => {
            let words = |error: std::io::Error| {
                text!("file-unwritable", path = path.display(), error = error)
            };
            let refuse = |error| Failure::File(words(error));
            let file = OutFile::create(path).map_err(|error| Failure::Usage(words(error)))?;
            let mut to_file = out.to(BufWriter::new(file));
            write(runtime, args, names, &mut to_file).map_err(|failure| match failure {
                Failure::Output(error) => refuse(error),
                Failure::ClosedPipe => refuse(std::io::ErrorKind::BrokenPipe.into()),
                failure => failure,
            })?;
            let file = to_file
                .into_inner()
                .into_inner()
                .map_err(|error| refuse(error.into_error()))?;
            file.finish(path).map_err(refuse)
        }
    }
}

fn write<W: Write>(
    runtime: &Runtime,
    args: &HistoryArgs,
    names: &mut NameBook,
    out: &mut Output<W>,
) -> Result<(), Failure> {
    let id = args.talker.id();
    if args.since_seqno.is_none() && !args.all {
        return newest(runtime, id, names, out);
    }
    let about = (id, &runtime.asker());
    let bar = match args.all {
        true => {
            let template = say!(
                "progress-messages",
                spinner = "{spinner}",
                done = "{pos}",
                elapsed = "{elapsed}",
            );
            progress(&template, None)
        }
        false => ProgressBar::hidden(),
    };
    let after = Seqno(args.since_seqno.unwrap_or_default());
    let mut pager = History::rising(id, after);
    let result = each_page(runtime, &mut pager, |page| {
        print_all(&page, about, names, out)?;
        bar.inc(u64::try_from(page.len()).unwrap_or_default());
        Ok(())
    });
    bar.finish_and_clear();
    result
}

/// Prints one page as the server sends it, oldest message first.
fn newest<W: Write>(
    runtime: &Runtime,
    id: ConversationId,
    names: &mut NameBook,
    out: &mut Output<W>,
) -> Result<(), Failure> {
    let mut page = runtime.call(FetchSessionMsgs::new(id))?;
    report_unreadable(page.unreadable.len());
    page.messages.sort_by_key(Event::msg_seqno);
    print_all(&page.messages, (id, &runtime.asker()), names, out)
}

/// Prints a page, once the names that it shows are known.
fn print_all<W: Write>(
    events: &[Event],
    (id, asker): (ConversationId, &Asker<GetSessionDetail>),
    names: &mut NameBook,
    out: &mut Output<W>,
) -> Result<(), Failure> {
    names.look_up_group(asker, id);
    let users = events.iter().filter_map(|event| names.user_of(event));
    let users: Vec<Uid> = users.collect();
    names.look_up(&users);
    let names = names.names();
    let (secrets, columns) = (out.secrets(), out.columns());
    for event in events {
        out.print(&MessageLine(event, names), || {
            let words = message_in_words(event, names);
            let words = hanging(&secrets.shown(&words), local_time::COLUMNS + 2, columns);
            with_time(event, &words)
        })?;
    }
    out.flush()
}

/// Returns the line of a message: `2026-01-31 08:15:00  小电视 (20001): hi`.
pub(crate) fn in_words(event: &Event, names: &Names) -> String {
    with_time(event, &message_in_words(event, names))
}

fn with_time(event: &Event, words: &str) -> String {
    let time = local_time(event.timestamp());
    format!("{DIM}{time}{DIM:#}  {words}")
}

/// Output file that replaces another one when it is whole; `/dev/null` or a named pipe is
/// written as it is.
enum OutFile {
    Beside(NamedTempFile),
    Straight(std::fs::File),
}

impl OutFile {
    fn create(path: &Path) -> std::io::Result<Self> {
        match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
            Ok(there) if !there.is_file() => {
                Ok(Self::Straight(OpenOptions::new().write(true).open(path)?))
            }
            there => {
                let file = NamedTempFile::new_in(folder(path))?;
                if let Ok(there) = there {
                    file.as_file().set_permissions(there.permissions())?;
                }
                Ok(Self::Beside(file))
            }
        }
    }

    fn finish(self, path: &Path) -> std::io::Result<()> {
        let Self::Beside(file) = self else {
            return Ok(());
        };
        file.as_file().sync_all()?;
        // Through a link to where it leads.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        file.persist(path)?;
        Ok(())
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Beside(file) => file.write(bytes),
            Self::Straight(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Beside(file) => file.flush(),
            Self::Straight(file) => file.flush(),
        }
    }
}

/// Returns the folder of a file, links followed.
fn folder(path: &Path) -> std::path::PathBuf {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    }
}
