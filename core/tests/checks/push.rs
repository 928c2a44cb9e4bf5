//! A push channel stays calm whatever comes over it.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use bilibili_session::poller::Hint;
use bilibili_session::push::{Loss, Output, PushMachine};
use bilibili_session::{ClientConfig, Credential, Now, UnixMicros};

/// Something that happens to a channel.
#[derive(Debug, Clone, Arbitrary)]
pub enum Step {
    Connected,
    Frame(Vec<u8>),
    Alive,
    Lost,
    /// So many milliseconds pass.
    Pass(u16),
}

/// Outputs without a wait that a step may lead to.
const MOST_AT_ONCE: usize = 50;

/// The seed of a channel, and what happens to it.
pub fn check(input: &[u8]) {
    let mut input = Unstructured::new(input);
    if let Ok((seed, steps)) = <(u64, Vec<Step>)>::arbitrary(&mut input) {
        check_steps(seed, &steps);
    }
}

/// No panic, no busy loop, reports that alternate, hints only while connected, and no attempt
/// before its time.
pub fn check_steps(seed: u64, steps: &[Step]) {
    let credential = Credential::parse("SESSDATA=made%2Cup; buvid3=b3").unwrap();
    let mut machine = PushMachine::new(ClientConfig::new(credential), seed);
    let began = Duration::from_secs(5);
    let mut now = Now {
        monotonic: began,
        wall: UnixMicros(1_700_000_000_000_000),
    };
    let (mut reported, mut connects) = (None, 0_u64);
    for step in steps {
        match step {
            Step::Connected => machine.handle_connected(now),
            Step::Frame(bytes) => machine.handle_frame(now, bytes),
            Step::Alive => machine.handle_alive(now),
            Step::Lost => machine.handle_lost(now, Loss::Ended),
            Step::Pass(ms) => now.monotonic += Duration::from_millis(u64::from(*ms)),
        }
        for turn in 0.. {
            assert!(turn < MOST_AT_ONCE, "a busy loop");
            match machine.poll_output(now) {
                Output::Connected => assert_ne!(reported.replace(true), Some(true)),
                Output::Lost(_) => assert_ne!(reported.replace(false), Some(false)),
                Output::Connect(_) => connects += 1,
                // The report comes first: what happened before it is looked for as well.
                Output::Hint(Hint::Connected) => assert_eq!(reported, Some(true)),
                Output::Hint(_) => assert_eq!(reported, Some(true), "nobody is connected"),
                Output::Wait(until) => {
                    assert!(until > now.monotonic, "a wait for the past");
                    break;
                }
                Output::Closed => panic!("nobody closed it"),
                Output::Send(_) | Output::Disconnect => {}
            }
        }
    }
    let passed = (now.monotonic - began).as_secs();
    assert!(connects <= passed + 1, "{connects} attempts in {passed} s");
    machine.handle_close();
    for turn in 0.. {
        assert!(turn < MOST_AT_ONCE, "it does not close");
        if let Output::Closed = machine.poll_output(now) {
            break;
        }
    }
}
