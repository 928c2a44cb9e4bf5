//! `history`

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;

use bilibili_session::endpoints::FetchSessionMsgs;
use bilibili_session::pager::History;
use bilibili_session::{ConversationId, Event, Seqno};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::{each_page, progress, report_unreadable};
use crate::args::HistoryArgs;
use crate::failure::Failure;
use crate::lines::MessageLine;
use crate::local_time::local_time;
use crate::output::{DIM, Output};
use crate::runtime::Runtime;

pub(crate) fn run(runtime: &Runtime, args: &HistoryArgs, out: &mut Output) -> Result<(), Failure> {
    match &args.out {
        None => write(runtime, args, out),
        Some(path) => {
            let words =
                |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
            let refuse = |error| Failure::File(words(error));
            let file = OutFile::create(path).map_err(|error| Failure::Usage(words(error)))?;
            let mut to_file = out.to(BufWriter::new(file));
            write(runtime, args, &mut to_file).map_err(|failure| match failure {
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
    out: &mut Output<W>,
) -> Result<(), Failure> {
    let id = args.talker.id();
    if args.since_seqno.is_none() && !args.all {
        return newest(runtime, id, out);
    }
    let bar = match args.all {
        true => progress("{spinner} {pos} messages, {elapsed}", None),
        false => ProgressBar::hidden(),
    };
    let after = Seqno(args.since_seqno.unwrap_or_default());
    let mut pager = History::rising(id, after);
    let result = each_page(runtime, &mut pager, |page| {
        for event in &page {
            print(event, out)?;
        }
        bar.inc(u64::try_from(page.len()).unwrap_or_default());
        out.flush()
    });
    bar.finish_and_clear();
    result
}

/// Prints one page as the server sends it, oldest message first.
fn newest<W: Write>(
    runtime: &Runtime,
    id: ConversationId,
    out: &mut Output<W>,
) -> Result<(), Failure> {
    let mut page = runtime.call(FetchSessionMsgs::new(id))?;
    report_unreadable(page.unreadable.len());
    page.messages.sort_by_key(Event::msg_seqno);
    for event in &page.messages {
        print(event, out)?;
    }
    out.flush()
}

fn print<W: Write>(event: &Event, out: &mut Output<W>) -> Result<(), Failure> {
    out.print(&MessageLine(event), || in_words(event))
}

/// Returns the line of a message: `2026-01-31 08:15:00  user 20001: hi`.
pub(crate) fn in_words(event: &Event) -> String {
    format!("{DIM}{}{DIM:#}  {event}", local_time(event.timestamp()))
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
