//! Connections that end, fall silent or send anything at all.

use proptest::prelude::*;

use super::checks::{Step, check_steps};
use super::*;

#[test]
fn a_silent_server_counts_as_lost() {
    let mut channel = Channel::new(1);
    channel.connect();
    for n in 3..6 {
        assert_eq!(channel.wait(), ms(20_000));
        assert_eq!(channel.expect_frame(n).0, HEARTBEAT);
    }
    assert_eq!(channel.wait(), ms(5000));
    channel.expect_lost(&Loss::Silent);
    assert!(!channel.machine.is_connected());
    // It was connected for more than a minute.
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();

    // Anything that comes is a sign of life.
    for n in 3..9 {
        channel.wait();
        channel.expect_frame(n);
        let now = channel.now();
        channel.machine.handle_alive(now);
    }
}

#[test]
fn waits_double_to_five_minutes() {
    let mut channel = Channel::new(1);
    for (turn, wait) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        .into_iter()
        .enumerate()
    {
        channel.expect_connect();
        channel.lose(broken());
        // Told once, however often it fails.
        if turn == 0 {
            channel.expect_lost(&broken());
            assert_eq!(channel.wait(), ms(wait * 1000));
        } else {
            assert_eq!(channel.expect_dropped(), ms(wait * 1000));
            channel.wait();
        }
    }
    // A connection of less than a minute changes nothing, one of a minute all.
    for (age, wait) in [(59_999, 300), (60_000, 1), (10, 2), (60_000, 1)] {
        channel.connect();
        let end = channel.clock + ms(age);
        while channel.clock < end {
            channel.frame(&frame(HEARTBEAT, b""));
            channel.clock = end.min(channel.clock + ms(15_000));
            while matches!(channel.poll(), Output::Send(_)) {}
        }
        channel.lose(Loss::Ended);
        channel.expect_lost(&Loss::Ended);
        assert_eq!(channel.wait(), ms(wait * 1000), "{age}");
    }
}

#[test]
fn refusals_are_told_once() {
    let refused = |code| Loss::Refused {
        code,
        message: "made up".to_owned(),
    };
    let mut channel = Channel::new(1);
    channel.open();
    channel.frame(&refusal(AUTH, 5, "made up"));
    channel.expect_lost(&refused(5));
    channel.wait();
    channel.open();
    channel.frame(&refusal(AUTH, 6, "made up"));
    assert_eq!(channel.expect_dropped(), ms(2000));
    channel.wait();
    // The subscription is refused: then it was connected meanwhile.
    channel.connect();
    channel.frame(&refusal(SUBSCRIBE, 7, "made up"));
    channel.expect_lost(&refused(7));
    assert_eq!(channel.wait(), ms(4000));
    // A handshake that is answered with something else.
    channel.expect_connect();
    channel.lose(Loss::Http(http::StatusCode::FORBIDDEN));
    assert_eq!(channel.expect_dropped(), ms(8000));
}

#[test]
fn a_kick_counts_as_a_loss() {
    let mut channel = Channel::new(1);
    channel.connect();
    channel.frame(&frame(NOTIFY, &[number(1, 10001), number(2, 2)].concat()));
    channel.expect_lost(&Loss::Kicked);
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let mut channel = Channel::new(1);
    channel.expect_connect();
    assert_eq!(channel.wait(), ms(15_000));
    channel.expect_lost(&Loss::NoAnswer);
    // The connection that is there after all is dropped.
    let now = channel.now();
    channel.machine.handle_connected(now);
    assert_eq!(channel.expect_dropped(), ms(1000));
    channel.wait();
    channel.open();
    // Nothing counts before the login.
    channel.frame(&notice(1));
    channel.frame(b"\xff");
    assert_eq!(channel.wait(), ms(15_000));
    assert_eq!(channel.expect_dropped(), ms(2000));
}

#[test]
fn garbage_is_ignored_until_there_is_too_much() {
    let mut channel = Channel::new(1);
    channel.connect();
    for _ in 0..4 {
        for _ in 0..15 {
            channel.frame(b"\x08garbage\xff\xff");
        }
        channel.frame(&notice(1));
        channel.expect_hint(Hint::Messages);
    }
    for _ in 0..16 {
        channel.frame(b"");
    }
    channel.expect_lost(&Loss::Unreadable);
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();
}

#[test]
fn it_ends_from_any_state() {
    let states: [fn(&mut Channel); 5] = [
        |_| {},
        Channel::expect_connect,
        |channel| drop(channel.open()),
        Channel::connect,
        |channel| {
            channel.expect_connect();
            channel.lose(broken());
        },
    ];
    for reach in states {
        let mut channel = Channel::new(1);
        reach(&mut channel);
        channel.machine.handle_close();
        let output = channel.poll();
        assert!(matches!(output, Output::Disconnect), "{output:?}");
        channel.frame(&notice(1));
        channel.lose(broken());
        channel.machine.handle_close();
        for _ in 0..3 {
            let output = channel.poll();
            assert!(matches!(output, Output::Closed), "{output:?}");
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_bytes = prop::collection::vec(any::<u8>(), 0..64);
    let good = prop_oneof![
        Just(frame(AUTH, b"")),
        Just(frame(HEARTBEAT, b"")),
        Just(refusal(AUTH, 3, "x")),
        (0..200_u64).prop_map(notice),
    ];
    // A frame that is whole but for one byte, or its end.
    let spoilt = (
        good.clone(),
        any::<u8>(),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(mut bytes, value, at, cut)| {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if cut {
                bytes.truncate(at);
            }
            bytes
        });
    let body = any_bytes.clone().prop_map(|body| frame(NOTIFY, &body));
    let step = prop_oneof![
        2 => Just(Step::Connected),
        2 => good.prop_map(Step::Frame),
        2 => spoilt.prop_map(Step::Frame),
        1 => any_bytes.prop_map(Step::Frame),
        1 => body.prop_map(Step::Frame),
        1 => Just(Step::Alive),
        1 => Just(Step::Lost),
        3 => any::<u16>().prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn nothing_that_comes_does_harm(steps in steps(), seed in any::<u64>()) {
        check_steps(seed, &steps);
    }
}
