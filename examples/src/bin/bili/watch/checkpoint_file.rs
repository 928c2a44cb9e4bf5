//! The checkpoint's file: locked, replaced as a whole or not at all, and appended to meanwhile.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bilibili_session::poller::{Checkpoint, JournalEntry};
use fs4::fs_std::FileExt as _;

use crate::failure::Failure;
use crate::private_file::private;
use crate::texts::{Said, text};

/// Ten thousand conversations are far less.
const LARGEST: u64 = 64 << 20;

/// A file of ours until this is dropped.
pub(super) struct CheckpointFile {
    path: PathBuf,
    /// The checkpoint that the file held.
    pub(super) checkpoint: Option<Checkpoint>,
    /// Text of the file, once this process has written it.
    written: Option<String>,
    /// Held as long as this is.
    _lock: File,
}

impl CheckpointFile {
    /// Locks the file and reads it; one that is there but cannot be resumed stays as it is.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let refuse =
            |why: &dyn Said| Failure::Usage(text!("checkpoint", path = path.display(), why = why));
        // Through a link to where it leads, so that the link stays one.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(refuse(&error)),
        };
        if path.file_name().is_none() || path.is_dir() {
            return Err(refuse(&text!("checkpoint-no-file")));
        }
        let lock = open_lock(&beside(&path, ".lock"))
            .map_err(|error| refuse(&text!("checkpoint-unlockable", error = error)))?;
        match lock.try_lock_exclusive() {
            Ok(true) => {}
            Ok(false) => {
                return Err(refuse(&text!("checkpoint-in-use")));
            }
            Err(error) => return Err(refuse(&text!("checkpoint-unlockable", error = error))),
        }
        let checkpoint = match read(&path) {
            Ok(text) => Some(
                Checkpoint::from_json(&text)
                    .map_err(|error| refuse(&text!("checkpoint-unusable", error = error)))?,
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(refuse(&error)),
        };
        Ok(Self {
            path,
            checkpoint,
            written: None,
            _lock: lock,
        })
    }

    /// Brings the file up to date: it holds what it held or the new, at any instant.
    pub(super) fn write(&mut self, entry: JournalEntry) -> Result<(), Failure> {
        match (entry, &mut self.written) {
            (JournalEntry::Replace(text), _) => self.replace(text),
            (JournalEntry::Append(more), Some(written)) => {
                match append(&self.path, written.len(), &more) {
                    Ok(()) => {
                        written.push_str(&more);
                        Ok(())
                    }
                    // Nothing is appended to what may be there by half.
                    Err(_) => {
                        let text = format!("{written}{more}");
                        self.replace(text)
                    }
                }
            }
            (JournalEntry::Append(_), None) => {
                Err(self.failure(&text!("checkpoint-nothing-before")))
            }
        }
    }

    /// Makes the file one snapshot, if additions have followed it.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let Some(written) = &self.written else {
            return Ok(());
        };
        if written.lines().count() <= 1 {
            return Ok(());
        }
        let whole = Checkpoint::from_json(written).map_err(|error| self.failure(&error))?;
        self.replace(whole.to_json() + "\n")
    }

    fn replace(&mut self, text: String) -> Result<(), Failure> {
        // The name is ours while the lock is, so one that a killed process left is reused.
        let fresh = beside(&self.path, ".new");
        let written = create(&fresh).and_then(|file| {
            write(file, &text)
                .and_then(|()| std::fs::rename(&fresh, &self.path))
                // Half a file is of no use; that it cannot be removed changes nothing.
                .inspect_err(|_| drop(std::fs::remove_file(&fresh)))
        });
        let written = written.and_then(|()| sync_folder(&self.path));
        written.map_err(|error| self.failure(&error))?;
        self.written = Some(text);
        Ok(())
    }

    fn failure(&self, why: &dyn Said) -> Failure {
        let path = self.path.display();
        Failure::File(match self.path.try_exists() {
            Ok(true) => text!("checkpoint-unwritable-kept", path = path, why = why),
            _ => text!("checkpoint-unwritable", path = path, why = why),
        })
    }
}

/// Appends to the file that has this length. Where that fails, the file is as it was, unless even
/// that cannot be done: then its end is torn.
fn append(path: &Path, length: usize, text: &str) -> io::Result<()> {
    let length = u64::try_from(length).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    open_as_it_is(&mut options, false);
    let mut file = options.append(true).open(path)?;
    let there = file.metadata()?;
    if !there.is_file() || there.len() != length {
        return Err(io::Error::other(text!("checkpoint-changed")));
    }
    let appended = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    appended.inspect_err(|_| drop(file.set_len(length)))
}

/// Opens the lock's file, whose content is nothing. It is nobody else's, and no other file by
/// another name.
fn open_lock(path: &Path) -> io::Result<File> {
    is_plain_or_absent(path)?;
    let mut options = private();
    open_as_it_is(&mut options, false);
    let file = options.create(true).truncate(false).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_plain(path));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
    }
    Ok(file)
}

/// Makes a new file, where a killed process may have left one: a new one has the permissions
/// that it is made with, and whatever the name has led to stays as it is.
fn create(path: &Path) -> io::Result<File> {
    if is_plain_or_absent(path)? {
        std::fs::remove_file(path)?;
    }
    private().create_new(true).open(path)
}

fn write(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Returns whether the file is there. A name that stands for a link, a pipe or a device is an
/// error.
fn is_plain_or_absent(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => Ok(true),
        Ok(there) if there.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) => Err(not_plain(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn not_plain(path: &Path) -> io::Error {
    io::Error::other(text!("checkpoint-not-plain", path = path.display()))
}

/// The rename is on disk too, where folders can be synced.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn read(path: &Path) -> io::Result<String> {
    let mut options = OpenOptions::new();
    open_as_it_is(&mut options, true);
    let file = options.read(true).open(path)?;
    let there = file.metadata()?;
    if !there.is_file() {
        return Err(io::Error::other(text!("checkpoint-not-regular")));
    }
    // The end of one that is cut off would pass for a torn one.
    if there.len() > LARGEST {
        return Err(io::Error::other(text!("checkpoint-too-large")));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Waits for nobody at the other end of a pipe.
#[cfg(unix)]
fn open_as_it_is(options: &mut OpenOptions, follows_links: bool) {
    use rustix::fs::OFlags;
    let flags = match follows_links {
        true => OFlags::NONBLOCK,
        false => OFlags::NONBLOCK | OFlags::NOFOLLOW,
    };
    let flags = flags.bits().cast_signed();
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
}

#[cfg(not(unix))]
fn open_as_it_is(_: &mut OpenOptions, _: bool) {}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
