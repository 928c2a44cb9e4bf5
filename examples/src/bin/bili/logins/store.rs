//! The files of logins: each replaced as a whole or not at all, and read by nobody else.
//!
//! A login lies in `login-NAME.json`, the name of the default one in `default-login.json`. Whoever
//! writes holds the lock of the folder, so that two processes renew one after the other; who
//! reads needs none.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bilibili_session::login::Login;
use fs4::fs_std::FileExt as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::home;
use crate::private_file::private;
use crate::texts::{Said, Text, text};

const VERSION: u64 = 1;
/// Larger ones are no logins.
const LARGEST: u64 = 1 << 20;
const DEFAULT: &str = "default-login.json";

/// A login that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    version: u64,
    pub(crate) account: String,
    /// Base of the addresses that the login came from, and is used with.
    pub(crate) origin: String,
    pub(crate) name: String,
    pub(crate) logged_in_at: u64,
    pub(crate) login: Login,
}

#[derive(Serialize, Deserialize)]
struct Default {
    account: String,
}

/// The folder of logins.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// The right to write, as long as it is kept.
pub(crate) struct Lock {
    _file: File,
}

impl Entry {
    pub(crate) fn new(account: &str, origin: String, login: Login, logged_in_at: u64) -> Self {
        Self {
            version: VERSION,
            account: account.to_owned(),
            origin,
            name: String::new(),
            logged_in_at,
            login,
        }
    }
}

impl Store {
    pub(crate) fn open() -> Result<Self, Failure> {
        let folder = home::folder();
        let folder = folder.ok_or_else(|| Failure::Usage(text!("no-folder-for-logins")))?;
        Ok(Self { folder })
    }

    /// Returns all logins, by name.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let refuse = |error: io::Error| {
            let folder = self.folder.display();
            Failure::Usage(text!("folder-of-logins", folder = folder, error = error))
        };
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refuse(error)),
        };
        let mut names = Vec::new();
        for file in files {
            let name = file.map_err(refuse)?.file_name();
            let name = name.to_str().and_then(|name| {
                let name = name.strip_prefix("login-")?.strip_suffix(".json")?;
                Some(name.to_owned())
            });
            names.extend(name);
        }
        names.sort_unstable();
        let entries = names.iter().map(|name| self.get(name));
        entries.filter_map(Result::transpose).collect()
    }

    /// Returns the login of this name.
    pub(crate) fn get(&self, account: &str) -> Result<Option<Entry>, Failure> {
        let path = self.path(account);
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let entry: Entry = serde_json::from_str(&text).map_err(|_| {
            let path = path.display();
            Failure::Usage(text!(
                "stored-login-damaged",
                path = path,
                account = account
            ))
        })?;
        if entry.version != VERSION {
            return Err(Failure::Usage(text!(
                "stored-login-version",
                path = path.display()
            )));
        }
        // Some file systems do not tell `A` from `a`.
        Ok(Some(entry).filter(|entry| entry.account == account))
    }

    /// Returns the name of the login that is meant when none is named.
    pub(crate) fn default(&self) -> Result<Option<String>, Failure> {
        let path = self.folder.join(DEFAULT);
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        // One that cannot be read names none.
        let default = serde_json::from_str::<Default>(&text).ok();
        Ok(default.map(|default| default.account))
    }

    /// Waits until no other process writes.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        let path = self.folder.join("logins.lock");
        let lock = || {
            home::make_private(&self.folder)?;
            let file = private().create(true).truncate(false).open(&path)?;
            file.lock_exclusive()?;
            Ok(Lock { _file: file })
        };
        lock().map_err(|error: io::Error| {
            Failure::File(text!(
                "file-unlockable",
                path = path.display(),
                error = error
            ))
        })
    }

    /// Puts a login in place of the one of its name.
    pub(crate) fn put(&self, _: &Lock, entry: &Entry) -> Result<(), Failure> {
        let path = self.path(&entry.account);
        // Long enough for all, so that no half of a secret stays where a growing text has been.
        let mut text = Zeroizing::new(Vec::with_capacity(64 << 10));
        serde_json::to_writer(&mut *text, entry)
            .map_err(io::Error::from)
            .and_then(|()| self.replace(&path, &text))
            .map_err(|error| unwritable(&path, &error))
    }

    pub(crate) fn set_default(&self, _: &Lock, account: &str) -> Result<(), Failure> {
        let path = self.folder.join(DEFAULT);
        let account = account.to_owned();
        serde_json::to_vec(&Default { account })
            .map_err(io::Error::from)
            .and_then(|text| self.replace(&path, &text))
            .map_err(|error| unwritable(&path, &error))
    }

    /// Removes a login, and the default if it was that.
    pub(crate) fn remove(&self, _: &Lock, account: &str) -> Result<(), Failure> {
        let is_default = self.default()?.is_some_and(|it| it == account);
        let default = is_default.then(|| self.folder.join(DEFAULT));
        for path in [self.path(account)].into_iter().chain(default) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(unremovable(&path, &error));
                }
                _ => {}
            }
        }
        sync(&self.folder).map_err(|error| unremovable(&self.folder, &error))
    }

    fn path(&self, account: &str) -> PathBuf {
        self.folder.join(format!("login-{account}.json"))
    }

    /// Replaces a file: it holds the old text or the new one, at any instant. The name of the new
    /// one is ours while the lock is, so that what a killed process left does not stay.
    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        home::make_private(&self.folder)?;
        let fresh = self.folder.join("logins.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).open(&fresh)?;
        file.write_all(text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync(&self.folder)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::File(text!(
        "file-unwritable",
        path = path.display(),
        error = *error
    ))
}

fn unremovable(path: &Path, error: &io::Error) -> Failure {
    Failure::File(text!(
        "file-unremovable",
        path = path.display(),
        error = *error
    ))
}

/// Reads a file that nobody else can read; `None` where there is none.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    let refuse =
        |why: &dyn Said| Failure::Usage(text!("stored-login", path = path.display(), why = why));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(&error)),
    };
    check_permissions(&file).map_err(|why| refuse(&why))?;
    let length = file.metadata().map_err(|error| refuse(&error))?.len();
    if length > LARGEST {
        return Err(refuse(&text!("stored-login-too-large")));
    }
    let room = usize::try_from(length).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(room + 1));
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|error| refuse(&error))?;
    Ok(Some(text))
}

#[cfg(unix)]
fn check_permissions(file: &File) -> Result<(), Text> {
    use std::os::unix::fs::MetadataExt as _;
    const OTHERS: u32 = 0o077;
    let mode = file.metadata().map_err(|error| Text::of(&error))?.mode();
    match mode & OTHERS {
        0 => Ok(()),
        _ => {
            let mode = format!("{:03o}", mode & 0o777);
            Err(text!("stored-login-open", mode = mode))
        }
    }
}

#[cfg(not(unix))]
fn check_permissions(_: &File) -> Result<(), Text> {
    Ok(())
}

/// Makes changes of names last, where folders can be synced.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
