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
        let lock = open_lock(&beside(&path, ".lock"))
            .map_err(|error| refuse(&format!("it cannot be locked: {error}")))?;
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
        let written = create(&fresh).and_then(|file| {
            write(file, &checkpoint.to_json())
                .and_then(|()| std::fs::rename(&fresh, &self.path))
                // Half a file is of no use; that it cannot be removed changes nothing.
                .inspect_err(|_| drop(std::fs::remove_file(&fresh)))
        });
        let written = written.and_then(|()| sync_folder(&self.path));
        written.map_err(|error| {
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
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Whether the file is there. It is an error if the name stands for a link, a pipe or a device.
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
    let path = path.display();
    io::Error::other(format!(
        "{path} is a link, a pipe or a device, not a file: remove it"
    ))
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
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
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
