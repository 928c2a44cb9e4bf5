//! The key of the logins: from a file that nobody else can read, or from the environment.

use std::fs;
use std::path::Path;

use bilibili_session_fleet::{Error, Vault};
use zeroize::Zeroizing;

pub(crate) fn read(file: Option<&Path>, given: Option<&str>) -> Result<Vault, Error> {
    match (file, given) {
        (Some(path), _) => {
            let refuse = |error| Error::system(format!("the key file {}", path.display()), error);
            let handle = fs::File::open(path).map_err(refuse)?;
            check_permissions(&handle, path)?;
            let text = std::io::read_to_string(handle).map_err(refuse)?;
            Vault::new(&Zeroizing::new(text))
        }
        (None, Some(key)) => Vault::new(key),
        (None, None) => Err(Error::Key(
            "BILI_FLEET_KEY_FILE or BILI_FLEET_KEY is not set; to make one: (umask 077; bili-fleet key > FILE)",
        )),
    }
}

/// Checks that nobody else can read a file that holds a secret.
#[cfg(unix)]
pub(crate) fn check_permissions(file: &fs::File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let refuse = |error| Error::system(path.display().to_string(), error);
    match file.metadata().map_err(refuse)?.mode() & 0o077 {
        0 => Ok(()),
        _ => Err(Error::usage(format!(
            "{} can be read or changed by others, and it holds a secret: run `chmod 600` on it",
            path.display()
        ))),
    }
}

#[cfg(not(unix))]
pub(crate) fn check_permissions(_: &fs::File, _: &Path) -> Result<(), Error> {
    Ok(())
}
