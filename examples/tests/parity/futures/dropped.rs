//! Dropped at any await point and resumed: nothing is lost.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bilibili_session::poller::{Checkpoint, PollerConfig};
use bilibili_session::{ConversationId, Event};
use bilibili_session_simulator::Rng;
use futures_util::StreamExt;
use http::Request;

use super::{Session, Transport, block_on, yield_now};
use crate::world::World;

/// Numbers that choose moments, shared by a server and the one who drops.
#[derive(Clone)]
struct Dice(Arc<Mutex<Rng>>);

impl Dice {
    fn below(&self, limit: u64) -> u64 {
        self.0.lock().unwrap().below(limit)
    }
}

/// A server that answers after a few more polls.
fn transport(world: &World, dice: &Dice) -> impl Transport + use<> {
    let (world, dice) = (world.clone(), dice.clone());
    move |request: Request<Vec<u8>>| {
        let (world, dice) = (world.clone(), dice.clone());
        async move {
            for _ in 0..dice.below(6) {
                yield_now().await;
            }
            let answer = world.answer(request).await;
            for _ in 0..dice.below(6) {
                yield_now().await;
            }
            answer
        }
    }
}

fn session(world: &World, dice: &Dice, checkpoint: Option<&Checkpoint>) -> Session {
    let config = PollerConfig::new()
        .interval(Duration::from_millis(1))
        .page_size(5);
    let transport = transport(world, dice);
    Session::resume(world.context(), transport, config, checkpoint).unwrap()
}

/// Polls so often, then drops.
async fn dropped_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            // Whatever it waits for, it is looked at again.
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

type Seen = Arc<Mutex<BTreeMap<ConversationId, Vec<u64>>>>;

fn note(seen: &Seen, event: &Event) {
    let number = event.text().unwrap().parse().unwrap();
    let mut seen = seen.lock().unwrap();
    seen.entry(event.conversation).or_default().push(number);
}

/// A hundred lives, each dropped at a random moment, then one that is left alone.
/// `live` takes what arrives until it is dropped, and keeps the checkpoint.
fn a_hundred_lives<L>(seed: u64, live: impl Fn(Session, Seen, Arc<Mutex<Option<Checkpoint>>>) -> L)
where
    L: Future<Output = ()>,
{
    let dice = Dice(Arc::new(Mutex::new(Rng::new(seed))));
    let world = World::default();
    let seen = Seen::default();
    let kept = Arc::new(Mutex::new(None));
    block_on(async {
        // The base line, so that all that comes afterwards must come out.
        let first = session(&world, &dice, None);
        let mut updates = first.updates();
        while first.checkpoint().is_none() {
            updates.next().await;
        }
        *kept.lock().unwrap() = first.checkpoint();
        drop(updates);

        let mut sent: BTreeMap<i64, u64> = BTreeMap::new();
        for life in 0..=100 {
            for _ in 0..dice.below(30) {
                let from = 20001 + i64::try_from(dice.below(4)).unwrap();
                let number = sent.entry(from).or_default();
                *number += 1;
                world.receive(from, &number.to_string());
            }
            let checkpoint = kept.lock().unwrap().clone();
            let session = session(&world, &dice, checkpoint.as_ref());
            let life_of = live(session, Arc::clone(&seen), Arc::clone(&kept));
            if life < 100 {
                dropped_after(dice.below(150), life_of).await;
            } else {
                let all = || {
                    let seen = seen.lock().unwrap();
                    sent.iter().all(|(from, last)| {
                        let id = ConversationId::new(1, *from);
                        seen.get(&id).is_some_and(|seen| seen.contains(last))
                    })
                };
                let mut life_of = pin!(life_of);
                poll_fn(|cx| {
                    let _ = life_of.as_mut().poll(cx);
                    cx.waker().wake_by_ref();
                    if all() {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
            }
        }
        for (from, last) in sent {
            let id = ConversationId::new(1, from);
            let mut numbers = seen.lock().unwrap().remove(&id).unwrap();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "seed {seed}, {id}");
        }
    });
}

#[test]
fn a_stream_dropped_a_hundred_times_loses_nothing() {
    for seed in [1, 2, 3] {
        a_hundred_lives(seed, |session, seen, kept| async move {
            let mut events = session.messages();
            while let Some(event) = events.next().await {
                note(&seen, &event);
                *kept.lock().unwrap() = session.checkpoint();
            }
        });
    }
}

#[test]
fn handlers_dropped_a_hundred_times_lose_nothing() {
    for seed in [1, 2, 3] {
        a_hundred_lives(seed, |session, seen, kept| {
            session.on_any(move |event, session| {
                let (seen, kept) = (Arc::clone(&seen), Arc::clone(&kept));
                // What was handled before this one, and not this one.
                *kept.lock().unwrap() = session.checkpoint();
                async move {
                    yield_now().await;
                    note(&seen, &event);
                }
            });
            async move { session.start().await.unwrap() }
        });
    }
}
