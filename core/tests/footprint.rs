//! The memory and the allocations of a poller, counted exactly: they are not to creep.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/rounds.rs"]
mod rounds;

use allocation_counter::{AllocationInfo, measure};
use rounds::{Answers, Rounds};

/// Counts what a round allocates, once the first of its kind is over.
fn count(rounds: &mut Rounds, answers: &Answers) -> AllocationInfo {
    rounds.run(answers);
    measure(|| {
        rounds.run(answers);
    })
}

#[test]
fn dbg() {
    for known in [100, 1000] {
        let mut r = None;
        let info = measure(|| r = Some(Rounds::new(known)));
        let mut r = r.unwrap();
        eprintln!("{known} {info:?}");
        let answers = r.idle();
        eprintln!("idle {:?}", count(&mut r, &answers));
        let answers = r.overlap();
        eprintln!("overlap {:?}", count(&mut r, &answers));
        let answers = r.active(10, 5);
        r.run(&answers);
        let answers = r.active(10, 5);
        let info = measure(|| {
            r.run(&answers);
        });
        eprintln!("active {info:?}");
    }
}
