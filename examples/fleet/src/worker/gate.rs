//! Gates that a request passes on its way out: the budget of the way, and the lease of the account.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bilibili_session::{TransportError, TransportErrorKind};
use bilibili_session_tokio::{ReqwestTransport, Session, Transport, TransportConfig};
use http::{Request, Response};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::lease::Lease;
use crate::error::Error;
use crate::metrics::Metrics;

/// Part of the budget that is left while the service is displeased.
const SLOWED: f64 = 0.25;
/// Looks after a login that may begin for each request of the budget: most are one request, a renewal is some.
const LOGINS: f64 = 0.1;
/// Longest wait for a turn: what has to wait longer fails, and is tried later.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest time between two rounds, however small a budget is.
const SLOWEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Lateness of a timer that is made up for.
const LATE: Duration = Duration::from_millis(20);

/// Turns at a way out, evenly spaced, in the order in which they are asked for.
#[derive(Debug)]
struct Turns {
    /// Turns a second.
    rate: Mutex<f64>,
    /// Time of the next turn. Whoever is next waits with the lock, which is given in turn.
    next: tokio::sync::Mutex<Instant>,
    waiting: AtomicUsize,
}

impl Turns {
    fn new(rate: f64) -> Self {
        Self {
            rate: Mutex::new(rate),
            next: tokio::sync::Mutex::new(Instant::now()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a turn, unless that would take too long.
    async fn take(&self) -> Result<(), TransportError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _queued = Queued(&self.waiting);
        if before as f64 / *lock(&self.rate) > LONGEST.as_secs_f64() {
            return Err(crowded());
        }
        self.wait().await;
        Ok(())
    }

    /// Waits for a turn, however long that takes.
    async fn wait(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        // A timer that is late by some milliseconds costs no turns.
        let least = Instant::now().checked_sub(LATE).unwrap_or(*next);
        let gap = Duration::from_secs_f64(1.0 / lock(&self.rate).max(0.001));
        *next = (*next).max(least) + gap;
    }
}

/// One that waits for a turn, as long as it does.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A way out, as this worker uses it.
pub(super) struct Way {
    pub(super) name: String,
    /// Settings with the proxy, for the push channel.
    config: TransportConfig,
    transport: ReqwestTransport,
    turns: Turns,
    /// Turns to look after a login. All at once they would not leave room for the rounds.
    logins: Turns,
    crowd: Mutex<Crowd>,
}

/// Work of all workers together on a way out.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    /// Requests of a round of all their accounts on it.
    requests: f64,
    /// Requests a second of all.
    budget: f64,
    /// This worker's part of those.
    part: f64,
}

impl Way {
    pub(super) fn new(
        name: String,
        config: TransportConfig,
        transport: ReqwestTransport,
        budget: f64,
    ) -> Self {
        Self {
            name,
            config,
            transport,
            turns: Turns::new(budget),
            logins: Turns::new(budget * LOGINS),
            crowd: Mutex::new(Crowd {
                requests: 1.0,
                budget,
                part: 1.0,
            }),
        }
    }

    /// Takes this worker's part of a budget, and the requests of a round of all workers' accounts.
    pub(super) fn share_out(&self, budget: f64, part: f64, requests: f64, is_slowed: bool) {
        let slowed = if is_slowed { SLOWED } else { 1.0 };
        *lock(&self.turns.rate) = budget * part * slowed;
        *lock(&self.logins.rate) = budget * part * slowed * LOGINS;
        *lock(&self.crowd) = Crowd {
            requests,
            budget,
            part,
        };
    }

    /// Lets a session listen to the push channel, which goes this way as well. It takes no turns: it is one connection.
    pub(super) fn listen(&self, session: Session) -> Result<Session, Error> {
        let listening = session.with_push(&self.config);
        listening.map_err(|error| Error::usage(format!("the push channel: {error}")))
    }

    /// Waits until a login of this way out may be looked after.
    pub(super) async fn wait_for_login(&self) {
        self.logins.wait().await;
    }

    /// Slows this worker's requests at once; the others hear of it from the database.
    pub(super) fn slow(&self) {
        let Crowd { budget, part, .. } = *lock(&self.crowd);
        let mut rate = lock(&self.turns.rate);
        *rate = rate.min(budget * part * SLOWED);
    }

    /// Returns the least time between two rounds at which the rounds of all accounts take seven tenths of the budget.
    pub(super) fn least_pace(&self) -> Duration {
        let Crowd {
            requests, budget, ..
        } = *lock(&self.crowd);
        let pace = Duration::try_from_secs_f64(requests.max(1.0) / (budget * 0.7));
        pace.unwrap_or(SLOWEST).min(SLOWEST)
    }
}

/// Transport of one account.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) way: Arc<Way>,
    pub(super) lease: Arc<Lease>,
    pub(super) metrics: Arc<Metrics>,
}

impl Transport for Gate {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        // What is refused up to here was not sent, for sure: a reply may go out later.
        match timeout(LONGEST, self.way.turns.take()).await {
            Ok(turn) => turn?,
            Err(_) => return Err(crowded()),
        }
        if !self.lease.is_open() {
            return Err(unsent("the account is watched by this worker no longer"));
        }
        let mut sending = pin!(self.way.transport.send(request));
        // Before each step of it: a process that was stopped in between may go on past the end.
        let mut exchange = poll_fn(|cx| match self.lease.is_open() {
            true => sending.as_mut().poll(cx),
            false => Poll::Pending,
        });
        // No request outlives the lease. One that is renewed meanwhile goes on.
        let mut end = self.lease.end();
        loop {
            if end <= Instant::now() {
                return Err(lost());
            }
            if let Ok(answer) = timeout_at(end, &mut exchange).await {
                self.metrics.requests.inc();
                return answer;
            }
            end = self.lease.end();
        }
    }
}

/// An error of what was not sent.
fn unsent(why: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Connect, why)
}

fn crowded() -> TransportError {
    unsent("too much waits for its turn at the way out")
}

fn lost() -> TransportError {
    TransportError::new(
        TransportErrorKind::Other,
        "the lease of the account has run out",
    )
}

/// Locks a mutex, also after a panic: the values behind these locks are whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_and_no_more_than_the_budget() {
        let begun = Instant::now();
        let turns = Turns::new(10.0);
        for _ in 0..21 {
            turns.take().await.unwrap();
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(1900), "{took:?}");
        assert!(took <= Duration::from_millis(2100), "{took:?}");
        // What was not used is not saved up.
        tokio::time::advance(Duration::from_secs(100)).await;
        let begun = Instant::now();
        for _ in 0..11 {
            turns.take().await.unwrap();
        }
        assert!(
            begun.elapsed() >= Duration::from_millis(900),
            "{:?}",
            begun.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_too_long_takes_no_more_and_a_new_rate_holds_at_once() {
        let turns = Turns::new(1.0);
        let mut all: futures_util::stream::FuturesUnordered<_> =
            (0..100).map(|_| turns.take()).collect();
        let mut refused = 0;
        let begun = Instant::now();
        let mut passed = 0;
        while let Some(turn) = futures_util::StreamExt::next(&mut all).await {
            match turn {
                Ok(()) => passed += 1,
                Err(_) => refused += 1,
            }
            if passed == 10 {
                *lock(&turns.rate) = 1000.0;
            }
        }
        assert_eq!(passed + refused, 100);
        assert!((60..=62).contains(&passed), "{passed}");
        assert!(begun.elapsed() < Duration::from_secs(12));
    }

    fn way(budget: f64) -> Arc<Way> {
        let config = TransportConfig::new();
        let transport = ReqwestTransport::with_config(&config).unwrap();
        Arc::new(Way::new("it".to_owned(), config, transport, budget))
    }

    #[tokio::test(start_paused = true)]
    async fn logins_are_looked_after_one_after_the_other_and_none_is_refused() {
        let way = way(10.0);
        let begun = Instant::now();
        let all: Vec<_> = (0..1000).map(|_| way.wait_for_login()).collect();
        futures_util::future::join_all(all).await;
        let took = begun.elapsed().as_secs();
        assert!((990..=1000).contains(&took), "{took}");
    }

    #[test]
    fn a_worker_with_a_part_of_a_budget_is_slowed_at_once() {
        let way = way(100.0);
        way.share_out(100.0, 0.1, 500.0, false);
        way.slow();
        assert!((*lock(&way.turns.rate) - 2.5).abs() < 0.001);
        way.share_out(1e-20, 1.0, 500.0, false);
        assert_eq!(way.least_pace(), SLOWEST, "and nobody panics");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_its_turn_while_its_lease_is_given_back_is_not_sent() {
        let lease = Arc::new(Lease::new(1, 1, Instant::now(), Duration::from_secs(100)));
        let gate = Gate {
            way: way(0.1),
            lease: Arc::clone(&lease),
            metrics: Arc::default(),
        };
        gate.way.turns.take().await.unwrap();
        let (answer, ()) = tokio::join!(gate.send(Request::new(Vec::new())), lease.close());
        assert!(lease.is_held());
        let error = answer.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
        assert!(error.to_string().contains("no longer"), "{error}");
    }
}
