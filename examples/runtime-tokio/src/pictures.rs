//! Pictures from files.

use std::io;
use std::path::Path;

use bilibili_session::Picture;
use tokio::fs;

/// Reads a picture from a file.
///
/// # Errors
/// Fails when the file cannot be read, and with [`io::ErrorKind::InvalidData`] when it is
/// no png, jpeg, gif or webp.
pub async fn read_picture(path: impl AsRef<Path>) -> io::Result<Picture> {
    Picture::from_bytes(fs::read(path).await?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
