//! The checkpoint's file: locked, and replaced as a whole or not at all.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bilibili_session::poller::Checkpoint;
use fs4::fs_std::FileExt as _;

use crate::failure::Failure;

/// Ten thousand conversations are far less.
const LARGEST: u64 = 64 << 20;

/// A file of ours until this is dropped.
pub(super) struct CheckpointFile {
    path: PathBuf,
    /// What it held.
    pub(super) checkpoint: Option<Checkpoint>,
    /// Held as long as this is.
    _lock: File,
}

impl CheckpointFile {
    /// Locks the file and reads it; one that is there but cannot be resumed stays as it is.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let refuse =
            |why: &dyn Display| Failure::Usage(format!("the checkpoint {}: {why}", path.display()));
        // Through a link to where it leads, so that the link stays one.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(refuse(&error)),
        };
        if path.file_name().is_none() || path.is_dir() {
            return Err(refuse(&"not a file"));
        }
        let lock = private()
            .truncate(false)
            .open(beside(&path, ".lock"))
            .map_err(|error| refuse(&format!("its folder cannot be written to: {error}")))?;
        match lock.try_lock_exclusive() {
            Ok(true) => {}
            Ok(false) => {
                return Err(refuse(
                    &"another process keeps it up to date; give each watch a file of its own",
                ));
            }
            Err(error) => return Err(refuse(&format!("it cannot be locked: {error}"))),
        }
        let checkpoint = match read(&path) {
            Ok(text) => Some(Checkpoint::from_json(&text).map_err(|error| {
                refuse(&format!(
                    "{error}; it stays as it is: to begin anew, remove it"
                ))
            })?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(refuse(&error)),
        };
        Ok(Self {
            path,
            checkpoint,
            _lock: lock,
        })
    }

    /// Replaces the file: it holds the old checkpoint or the new one, at any instant.
    pub(super) fn replace(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        // The name is ours while the lock is, so one that a killed process left is reused.
        let fresh = beside(&self.path, ".new");
        let written = write(&fresh, &checkpoint.to_json())
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .and_then(|()| sync_folder(&self.path));
        written.map_err(|error| {
            // Half a file is of no use; that it cannot be removed changes nothing.
            let _ = std::fs::remove_file(&fresh);
            let rest = match self.path.try_exists() {
                Ok(true) => "; the one before it is still there",
                _ => "",
            };
            Failure::File(format!(
                "the checkpoint {} cannot be written: {error}{rest}",
                self.path.display()
            ))
        })
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private().truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
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
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Whom one talks with is nobody else's business.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
