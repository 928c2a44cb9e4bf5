//! What ends a watch: a signal, the clock, the last message, or that nobody reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Ends a watch, once. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Stop {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_triggered: bool,
    close: Option<Box<dyn Fn() + Send>>,
}

/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Triggered by Ctrl-C, SIGTERM and SIGHUP. A second one ends the process as it is.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let stop = Self::default();
        let on_signal = stop.clone();
        ctrlc::set_handler(move || {
            if on_signal.is_triggered() {
                std::process::exit(INTERRUPTED);
            }
            on_signal.trigger();
        })
        .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
        Ok(stop)
    }

    /// Triggered so long after the start.
    pub(super) fn at(&self, started: Instant, duration: Duration) -> Result<(), Failure> {
        let stop = self.clone();
        thread::Builder::new()
            .name("duration".to_owned())
            .spawn(move || {
                thread::sleep(duration.saturating_sub(started.elapsed()));
                stop.trigger();
            })
            .map_err(Failure::Output)?;
        Ok(())
    }

    /// Triggered when the other end of the pipe that is written to is closed, which a
    /// watch without news would not notice.
    pub(super) fn when_nobody_reads(&self) {
        #[cfg(unix)]
        {
            let stop = self.clone();
            // Without this thread the next line that is printed shows it.
            let _ = thread::Builder::new()
                .name("reader".to_owned())
                .spawn(move || {
                    if is_closed_at_last() {
                        stop.trigger();
                    }
                });
        }
    }

    /// What to call when it is triggered; called at once if it has been.
    pub(super) fn closes(&self, close: Box<dyn Fn() + Send>) {
        let mut state = self.lock();
        if state.is_triggered {
            close();
        } else {
            state.close = Some(close);
        }
    }

    pub(super) fn trigger(&self) {
        let close = {
            let mut state = self.lock();
            state.is_triggered = true;
            state.close.take()
        };
        if let Some(close) = close {
            close();
        }
    }

    pub(super) fn is_triggered(&self) -> bool {
        self.lock().is_triggered
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until stdout has no reader any more; `false` if that cannot be seen.
#[cfg(unix)]
fn is_closed_at_last() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdout = std::io::stdout();
    loop {
        // Nothing is asked for: errors and hang-ups are told of in any case.
        let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut asked, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
            Ok(_) => {
                let [asked] = &asked;
                return asked.revents().intersects(PollFlags::ERR | PollFlags::HUP);
            }
        }
    }
}
