//! Cost of a round, with its answers ready: idle rounds, those that bring messages (beside the
//! floor, which is the reading of the same list and pages alone), and both with many conversations known.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the making of the answers is left out of the time"
)]

#[path = "../tests/support/rounds.rs"]
mod rounds;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bilibili_session::endpoints::{FetchSessionMsgs, NewSessions};
use bilibili_session::poller::{Journal, JournalEntry, Poller};
use bilibili_session::{Endpoint, Uid, UnixMicros};
use criterion::{Criterion, criterion_group, criterion_main};
use rounds::Rounds;

/// Rounds whose answers are made ahead.
const AHEAD: u64 = 20;

fn idle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idle round");
    for known in [100, 100_000] {
        let mut rounds = Rounds::new(known);
        let answers = rounds.idle();
        group.bench_function(format!("{known} known"), |bencher| {
            bencher.iter(|| rounds.run(&answers));
        });
        let answers = rounds.overlap();
        group.bench_function(format!("{known} known, one listed again"), |bencher| {
            bencher.iter(|| rounds.run(&answers));
        });
    }
    group.finish();
}

/// Times rounds in which `messages` arrive in each of ten conversations.
fn active_rounds(rounds: &mut Rounds, messages: u64, iterations: u64) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let some = left.min(AHEAD);
        left -= some;
        for answers in rounds.ahead(some, 10, messages) {
            // Copied, as the floor's are: bytes that have just come are at hand.
            let answers = answers.clone();
            let begun = Instant::now();
            let (requests, events) = rounds.run_once(answers);
            total += begun.elapsed();
            assert_eq!((requests, events), (11, 10 * messages));
        }
    }
    total
}

fn active(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round of 10 changed conversations");
    for known in [100, 100_000] {
        let mut rounds = Rounds::new(known);
        group.bench_function(format!("1 message each, {known} known"), |bencher| {
            bencher.iter_custom(|n| active_rounds(&mut rounds, 1, n));
        });
    }
    for messages in [30, 200] {
        let mut rounds = Rounds::new(100);
        let answers = rounds.ahead(AHEAD, 10, messages);
        group.bench_function(
            format!("floor: {messages} messages each, read"),
            |bencher| {
                let list = NewSessions::new(UnixMicros(0));
                let call = FetchSessionMsgs::new(Uid(20_001));
                bencher.iter_custom(|n| {
                    let mut total = Duration::ZERO;
                    for round in 0..n {
                        let answers = &answers[usize::try_from(round % AHEAD).unwrap()];
                        let response = http::Response::new(answers.list().to_vec());
                        let begun = Instant::now();
                        black_box(list.parse(&response).unwrap());
                        total += begun.elapsed();
                        for body in answers.pages() {
                            let response = http::Response::new(body.to_vec());
                            let begun = Instant::now();
                            black_box(call.parse(&response).unwrap());
                            total += begun.elapsed();
                        }
                    }
                    total
                });
            },
        );
        let mut rounds = Rounds::new(100);
        group.bench_function(format!("{messages} messages each"), |bencher| {
            bencher.iter_custom(|n| active_rounds(&mut rounds, messages, n));
        });
    }
    group.finish();
}

/// Times what is written after each of these rounds, which bring one message.
fn saves(
    rounds: &mut Rounds,
    iterations: u64,
    mut save: impl FnMut(&mut Poller) -> usize,
) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..iterations {
        let answers = rounds.active(1, 1);
        rounds.run(&answers);
        let begun = Instant::now();
        black_box(save(&mut rounds.poller));
        total += begun.elapsed();
    }
    total
}

fn checkpoint(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checkpoint after one message, 10000 known");
    let mut rounds = Rounds::new(10_000);
    group.bench_function("floor: the whole", |bencher| {
        let whole = |poller: &mut Poller| poller.checkpoint().unwrap().to_json().len();
        bencher.iter_custom(|n| saves(&mut rounds, n, whole));
    });
    let mut journal = Journal::new();
    group.bench_function("journal, with its snapshots", |bencher| {
        bencher.iter_custom(|n| {
            saves(&mut rounds, n, |poller| match poller.save(&mut journal) {
                Some(JournalEntry::Append(text) | JournalEntry::Replace(text)) => text.len(),
                None => unreachable!("it is connected"),
            })
        });
    });
    group.finish();
}

criterion_group!(benches, idle, active, checkpoint);
criterion_main!(benches);
