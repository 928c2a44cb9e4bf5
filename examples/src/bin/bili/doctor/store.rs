//! Findings kept for the watch: nothing secret, by login and origin.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use bilibili_session::poller::{Checkpoint, Habits};
use bilibili_session::{ClientConfig, Uid};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::home::{folder, make_private, origin};
use crate::output::note;
use crate::texts::{say, text};

const NAME: &str = "habits.json";
/// Thousands of logins are less.
const LARGEST: u64 = 1 << 20;

/// The habits of the service that one login met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    uid: Uid,
    origin: String,
    habits: Habits,
}

/// Returns the habits found for the login of a watch. Where the login is not known before the
/// service is asked (no checkpoint yet, and no uid): those that all logins of that origin met.
pub(crate) fn habits(context: &ClientConfig, checkpoint: Option<&Checkpoint>) -> Habits {
    let uid = checkpoint.map(Checkpoint::uid);
    let uid = uid.or(context.credential().uid());
    let (Some(folder), Some(origin)) = (folder(), origin(context)) else {
        return Habits::new();
    };
    let path = folder.join(NAME);
    match read(&path) {
        Ok(entries) => of(&entries, uid, &origin),
        Err(error) => {
            let path = path.display();
            note(&say!("habits-disregarded", path = path, error = error));
            Habits::new()
        }
    }
}

fn of(entries: &[Entry], uid: Option<Uid>, origin: &str) -> Habits {
    let met = entries
        .iter()
        .filter(|it| it.origin == origin && uid.is_none_or(|uid| uid == it.uid))
        .map(|it| it.habits);
    let common = met.reduce(|one, other| {
        let mut common = Habits::new();
        common.all_types_ignore_end_ts = one
            .all_types_ignore_end_ts
            .filter(|it| other.all_types_ignore_end_ts == Some(*it));
        common.lists_signed = one
            .lists_signed
            .filter(|it| other.lists_signed == Some(*it));
        common
    });
    common.unwrap_or_default()
}

/// Keeps what was found out; what was not leaves what was known before.
pub(super) fn keep(context: &ClientConfig, uid: Uid, habits: Habits) -> Result<(), Failure> {
    if habits == Habits::new() {
        return Ok(());
    }
    let (Some(folder), Some(origin)) = (folder(), origin(context)) else {
        note(&say!("habits-not-kept"));
        return Ok(());
    };
    let path = folder.join(NAME);
    keep_in(&folder, uid, &origin, habits).map_err(|error| {
        Failure::File(text!(
            "file-unwritable",
            path = path.display(),
            error = error
        ))
    })?;
    note(&say!("habits-kept", path = path.display()));
    Ok(())
}

fn keep_in(folder: &Path, uid: Uid, origin: &str, habits: Habits) -> io::Result<()> {
    let path = folder.join(NAME);
    // One that cannot be read is of no use to anybody.
    let mut entries = read(&path).unwrap_or_default();
    let place = entries
        .iter()
        .position(|it| it.uid == uid && it.origin == origin);
    let before = place.map(|place| entries.swap_remove(place).habits);
    let before = before.unwrap_or_default();
    let mut merged = habits;
    merged.all_types_ignore_end_ts = habits
        .all_types_ignore_end_ts
        .or(before.all_types_ignore_end_ts);
    merged.lists_signed = habits.lists_signed.or(before.lists_signed);
    entries.push(Entry {
        uid,
        origin: origin.to_owned(),
        habits: merged,
    });
    entries.sort_by(|a, b| (a.uid, &a.origin).cmp(&(b.uid, &b.origin)));
    let text = serde_json::to_string_pretty(&entries).map_err(io::Error::from)?;
    make_private(folder)?;
    replace(folder, &path, &text)
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Replaces a file: it holds the old text or the new one, at any instant.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(NAME).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_login_and_origin_has_its_own_and_the_unknown_leaves_what_was_known() {
        let folder = tempfile::TempDir::new().unwrap();
        let folder = folder.path().join("new");
        let found = Habits::new().all_types_ignore_end_ts(true);
        keep_in(&folder, Uid(10001), "https://a", found).unwrap();
        keep_in(&folder, Uid(10002), "https://a", Habits::new()).unwrap();
        keep_in(&folder, Uid(10001), "https://b", found.lists_signed(true)).unwrap();
        let later = Habits::new().lists_signed(false);
        keep_in(&folder, Uid(10001), "https://a", later).unwrap();
        let entries = read(&folder.join(NAME)).unwrap();
        let met = |uid, origin: &str| of(&entries, Some(Uid(uid)), origin);
        assert_eq!(met(10001, "https://a"), found.lists_signed(false));
        assert_eq!(met(10001, "https://b"), found.lists_signed(true));
        assert_eq!(met(10002, "https://a"), Habits::new());
        assert_eq!(met(10003, "https://b"), Habits::new());
        // Of a login that is not known yet: what all have in common.
        assert_eq!(of(&entries, None, "https://a"), Habits::new());
        assert_eq!(of(&entries, None, "https://b"), found.lists_signed(true));
        assert_eq!(of(&entries, None, "https://c"), Habits::new());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        }
    }
}
