//! The memory and the allocations of a poller, counted exactly: they are not to creep.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/rounds.rs"]
mod rounds;

use allocation_counter::{AllocationInfo, measure};
use bilibili_session::poller::Poller;
use rounds::{Answers, Rounds};

/// Counts what a round allocates, once the first of its kind is over.
fn count(rounds: &mut Rounds, answers: &Answers) -> AllocationInfo {
    rounds.run(answers);
    measure(|| {
        rounds.run(answers);
    })
}

#[test]
fn an_idle_account_with_100_conversations_takes_16_kib() {
    let mut rounds = None;
    let info = measure(|| rounds = Some(Rounds::new(100)));
    let bytes = size_of::<Poller>() + usize::try_from(info.bytes_current).unwrap();
    assert!(bytes <= 16 * 1024, "{bytes}");
}

#[test]
fn an_idle_round_allocates_little_and_keeps_nothing() {
    let mut rounds = Rounds::new(100);
    let answers = rounds.idle();
    let idle = count(&mut rounds, &answers);
    assert!(idle.count_total <= 12, "{idle:?}");
    assert_eq!(idle.bytes_current, 0);
    // The list shows a conversation again.
    let answers = rounds.overlap();
    let overlap = count(&mut rounds, &answers);
    assert!(overlap.count_total <= 20, "{overlap:?}");
    assert_eq!(overlap.bytes_current, 0);
}

/// The memory of the whole process, as the system counts it.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "to be run alone, and with --release"]
#[expect(clippy::disallowed_methods, reason = "the system tells it in a file")]
fn ten_thousand_accounts_take_less_than_200_mb() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().unwrap() * 1024
    };
    let before = resident();
    let accounts: Vec<_> = (0..10_000).map(|_| Rounds::new(100)).collect();
    let taken = resident() - before;
    println!("{} accounts: {} MB", accounts.len(), taken / 1_000_000);
    assert!(taken < 200_000_000, "{taken}");
}
