//! Disks as one does not have them at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library that makes a process find its disk full or slow; see `disk.c`.
pub fn odd_disk(folder: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/disk.c");
    let library = folder.join("disk.so");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, Path::new(source)])
        .output()
        .unwrap_or_else(|error| panic!("these tests need a C compiler, {compiler:?}: {error}"));
    assert!(output.status.success(), "{output:?}");
    library
}
