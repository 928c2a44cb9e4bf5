//! The end of a watch: by a signal, the clock, the last message, or because nobody reads.

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
    /// Time of the trigger, once it came.
    triggered: Option<Instant>,
    close: Option<Box<dyn Fn() + Send>>,
}

/// Exit code of a command that Ctrl-C ended, as shells give it.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Triggered by Ctrl-C, SIGTERM and SIGHUP. A second one ends the process as it is.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let stop = Self::default();
        let on_signal = stop.clone();
        let mut is_first = true;
        ctrlc::set_handler(move || {
            // Of signals: that the time is over, or the last message out, is none.
            if !std::mem::take(&mut is_first) {
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

    /// Sets the function to call when it is triggered; called at once if it has been.
    pub(super) fn closes(&self, close: Box<dyn Fn() + Send>) {
        let mut state = self.lock();
        if state.triggered.is_some() {
            close();
        } else {
            state.close = Some(close);
        }
    }

    pub(super) fn trigger(&self) {
        let close = {
            let mut state = self.lock();
            state.triggered.get_or_insert_with(Instant::now);
            state.close.take()
        };
        if let Some(close) = close {
            close();
        }
    }

    pub(super) fn is_triggered(&self) -> bool {
        self.lock().triggered.is_some()
    }

    /// Returns whether it was triggered so long ago.
    pub(super) fn is_over(&self, grace: Duration) -> bool {
        let triggered = self.lock().triggered;
        triggered.is_some_and(|at| at.elapsed() >= grace)
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
