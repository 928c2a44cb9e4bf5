//! Streams that are given up again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use super::{Session, Update, block_on, sleep, spawn, timeout, yield_now};
use crate::takers::{Taken, at_the_last, config, rounds, whole};
use crate::world::World;

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);

/// Runs a test, which must come to an end.
fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(async { timeout(SOON, test).await }).unwrap_or_else(|_| panic!("it is stuck"))
}

fn session<P, F>(world: &World, pause: P) -> Session
where
    P: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Session::new(world.context(), rounds(world, pause), config()).unwrap()
}

/// The natural loop of a program with something else to do: each turn has a stream and a time
/// limit of its own, and the service is slower than that.
#[test]
fn a_stream_of_its_own_for_each_turn() {
    let world = World::default();
    let turns = Arc::new(AtomicUsize::new(0));
    // A turn ends two waits before an answer comes.
    let count = Arc::clone(&turns);
    let slow = move || {
        let turns = Arc::clone(&count);
        async move {
            let begin = turns.load(Ordering::Relaxed);
            while turns.load(Ordering::Relaxed) < begin + 2 {
                sleep(Duration::from_micros(50)).await;
            }
        }
    };
    let session = session(&world, slow);
    let close = at_the_last(Session::close);
    let mut taken = Taken::default();
    run(async {
        while session.result().is_none() {
            let mut updates = session.updates();
            match timeout(Duration::from_millis(1), updates.next()).await {
                Ok(Some(Update::Event(event))) => {
                    taken.note(&event);
                    close(&session);
                }
                Ok(Some(Update::Warning(warning))) => panic!("{warning}"),
                Ok(_) => {}
                Err(_) => drop(turns.fetch_add(1, Ordering::Relaxed)),
            }
        }
    });
    whole("a stream for each turn", [taken]);
}

/// One that was about to go on is given up: another goes on in its place.
#[test]
fn streams_that_are_given_up_beside_one_that_is_not() {
    let world = World::default();
    let session = session(&world, yield_now);
    let close = at_the_last(Session::close);
    let (other, close_too) = (session.clone(), close.clone());
    let mut taken = Taken::default();
    run(async {
        let patient = spawn(async move {
            let mut taken = Taken::default();
            let mut events = other.messages();
            while let Some(event) = events.next().await {
                taken.note(&event);
                close_too(&other);
            }
            taken
        });
        while session.result().is_none() {
            if let Some(Some(event)) = session.messages().next().now_or_never() {
                taken.note(&event);
                close(&session);
            }
            yield_now().await;
        }
        whole("two", [taken, patient.await]);
    });
}
