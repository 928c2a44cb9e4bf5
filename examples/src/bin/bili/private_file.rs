//! Files that nobody but their owner reads.

use std::fs::OpenOptions;

/// Opens for writing, and creates for the owner alone: a login, or whom one talks with, is nobody
/// else's business.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
