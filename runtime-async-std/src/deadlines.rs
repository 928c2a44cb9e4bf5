//! Limits the time of exchanges, with one timer for all of them.
//!
//! A timer of async-std is dear to set: it wakes the thread that waits for sockets, and most exchanges are over long before
//! theirs would run out. So all of a transport share one, which is set when none is, for the end of the exchange that began
//! first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use async_std::task;

/// Exchanges that go on, and when each is to end at the latest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadlines(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The oldest first; they are few.
    open: Vec<Entry>,
    next_id: u64,
    is_watched: bool,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    deadline: Instant,
    waker: Option<Waker>,
}

impl Deadlines {
    /// Waits for a future for so long; `None` when it was not ready by then.
    pub(crate) async fn limit<T>(
        &self,
        span: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        // Farther away than any clock goes, there is nothing to watch.
        let open = Instant::now().checked_add(span).map(|it| self.enter(it));
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            match &open {
                Some(open) if open.is_over(cx.waker()) => Poll::Ready(None),
                _ => Poll::Pending,
            }
        })
        .await
    }

    fn enter(&self, deadline: Instant) -> Open<'_> {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id = id.wrapping_add(1);
        state.open.push(Entry {
            id,
            deadline,
            waker: None,
        });
        if !std::mem::replace(&mut state.is_watched, true) {
            drop(task::spawn(self.clone().watch()));
        }
        Open {
            deadlines: self,
            id,
            deadline,
        }
    }

    /// Wakes each when its time is over, until none is left.
    async fn watch(self) {
        while let Some(first) = self.next() {
            task::sleep(first.saturating_duration_since(Instant::now())).await;
            let now = Instant::now();
            let mut state = self.lock();
            // One that nobody polls any more is not watched for ever.
            let overdue: Vec<_> = state.open.extract_if(.., |it| it.deadline <= now).collect();
            drop(state);
            overdue
                .into_iter()
                .filter_map(|it| it.waker)
                .for_each(Waker::wake);
        }
    }

    /// Returns the next end; `None`, and nobody watches any more, when nothing is open.
    fn next(&self) -> Option<Instant> {
        let mut state = self.lock();
        let next = state.open.iter().map(|it| it.deadline).min();
        state.is_watched = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that goes on, until this is dropped.
struct Open<'a> {
    deadlines: &'a Deadlines,
    id: u64,
    deadline: Instant,
}

impl Open<'_> {
    /// Returns whether its time is over; wakes this one then, if not.
    fn is_over(&self, waker: &Waker) -> bool {
        if Instant::now() >= self.deadline {
            return true;
        }
        let mut state = self.deadlines.lock();
        let entry = state.open.iter_mut().find(|it| it.id == self.id);
        if let Some(entry) = entry {
            match &mut entry.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        false
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut state = self.deadlines.lock();
        state.open.retain(|it| it.id != self.id);
    }
}
