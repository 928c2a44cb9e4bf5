//! Stdout that can be left behind: whoever reads it may have stopped, and not gone.

use std::io::{self, Write};
use std::time::Duration;

use super::stop::Stop;

/// How long a line may hold up the end.
const GRACE: Duration = Duration::from_secs(2);
/// How often is looked whether the end has come.
const GLANCE: Duration = Duration::from_millis(100);
/// So much goes into a pipe as a whole or not at all, so that lines up to this length are not
/// cut in two (`PIPE_BUF` where it is smallest).
const WHOLE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Waits for its reader, but not when the watch is to end: then it is as if nobody read.
pub(super) struct Patient(pub(super) Stop);

#[cfg(unix)]
impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::io::Errno;
        let stdout = io::stdout();
        loop {
            if !is_ready(&stdout)? {
                if self.0.is_over(GRACE) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                continue;
            }
            match rustix::io::write(&stdout, bytes.get(..WHOLE).unwrap_or(bytes)) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether something can be written, or will fail at once.
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
