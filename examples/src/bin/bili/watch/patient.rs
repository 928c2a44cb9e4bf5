//! Stdout that can be left behind: whoever reads it may have stopped, and not gone.

use std::io::{self, Write};
use std::time::Duration;

use super::stop::Stop;

/// Time that a line may hold up the end.
const GRACE: Duration = Duration::from_secs(2);
/// Time between two looks whether the end has come.
const GLANCE: Duration = Duration::from_millis(100);
/// So much goes into a pipe as a whole or not at all, so that lines up to this length are not
/// cut in two (`PIPE_BUF` where it is smallest).
const WHOLE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Waits for its reader, but not when the watch is to end: then it is as if nobody read.
pub(super) struct Patient {
    stop: Stop,
    /// So many bytes are written as a whole or not at all.
    whole: usize,
}

impl Patient {
    pub(super) fn new(stop: Stop) -> Self {
        let whole = match is_plain_file() {
            true => usize::MAX,
            false => WHOLE,
        };
        Self { stop, whole }
    }

    /// So many bytes of lines are all written, or none of them.
    pub(super) const fn whole(&self) -> usize {
        self.whole
    }
}

#[cfg(unix)]
impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::io::Errno;
        let stdout = io::stdout();
        let piece = first_lines(bytes, self.whole);
        loop {
            // A file has no reader to wait for.
            if self.whole < usize::MAX && !is_ready(&stdout)? {
                if self.stop.is_over(GRACE) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                continue;
            }
            match rustix::io::write(&stdout, piece) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As many whole lines as fit; a piece of the first one, if that alone is too long.
#[cfg(unix)]
fn first_lines(bytes: &[u8], limit: usize) -> &[u8] {
    let Some(fitting) = bytes.get(..limit) else {
        return bytes;
    };
    let lines = fitting.iter().rposition(|it| *it == b'\n');
    lines.and_then(|last| bytes.get(..=last)).unwrap_or(fitting)
}

#[cfg(unix)]
fn is_plain_file() -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(io::stdout()).is_ok_and(|it| FileType::from_raw_mode(it.st_mode).is_file())
}

#[cfg(not(unix))]
const fn is_plain_file() -> bool {
    false
}

/// Returns whether something can be written, or will fail at once.
#[cfg(unix)]
fn is_ready(stdout: &io::Stdout) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut asked = [PollFd::new(stdout, PollFlags::OUT)];
    let glance = Timespec::try_from(GLANCE).map_err(io::Error::other)?;
    match poll(&mut asked, Some(&glance)) {
        Err(rustix::io::Errno::INTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}

#[cfg(not(unix))]
impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_with_a_line() {
        assert_eq!(first_lines(b"one\ntwo\n", 8), b"one\ntwo\n");
        assert_eq!(first_lines(b"one\ntwo\n", 7), b"one\n");
        assert_eq!(first_lines(b"one\ntwo\n", 4), b"one\n");
        assert_eq!(first_lines(b"one\ntwo\n", 3), b"one");
        assert_eq!(first_lines(b"one\n", usize::MAX), b"one\n");
    }
}
