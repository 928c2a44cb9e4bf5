//! `--cookie-file`: a credential in a file that nobody else can read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bilibili_session::Credential;

use crate::failure::Failure;
use crate::texts::{Said, text};

/// Largest size of a file; no browser's cookies take more.
const LARGEST: u64 = 4 << 20;

/// Reads a file of cookies.
pub(crate) fn read(path: &Path) -> Result<Credential, Failure> {
    let refuse =
        |why: &dyn Said| Failure::Usage(text!("cookie-file", path = path.display(), why = why));
    let file = File::open(path).map_err(|error| refuse(&error))?;
    check_permissions(&file, path)?;
    let mut text = String::new();
    let length = file
        .take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|error| refuse(&error))?;
    if u64::try_from(length).is_ok_and(|length| length == LARGEST) {
        return Err(refuse(&text!("cookie-file-too-large")));
    }
    Credential::parse(&text).map_err(|error| refuse(&error))
}

/// Checks the permissions of the file that was opened, not of a file that has its name by now.
#[cfg(unix)]
fn check_permissions(file: &File, path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    const OTHERS: u32 = 0o066;
    let mode = file
        .metadata()
        .map(|it| it.mode())
        .map_err(Failure::usage)?;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let mode = format!("{:03o}", mode & 0o777);
    Err(Failure::Usage(text!(
        "cookie-file-open",
        path = path.display(),
        mode = mode
    )))
}

#[cfg(not(unix))]
fn check_permissions(_: &File, _: &Path) -> Result<(), Failure> {
    Ok(())
}
