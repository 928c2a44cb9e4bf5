//! Hints of a push channel: a look at once, politely.

use std::time::Duration;

use bilibili_session::poller::{Hint, Output, Poller, PollerConfig, Status, Warning};
use bilibili_session::{ClientConfig, Hosts};
use serde_json::{Value, json};

use crate::scenario::{Scenario, context, entry, user};

/// So rarely that no round comes in turn.
const INTERVAL: Duration = Duration::from_secs(120);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn official() -> Scenario {
    let config = PollerConfig::new().interval(INTERVAL).spacing(ms(0));
    Scenario::of(Poller::new(context(), config).unwrap()).connect(&[])
}

fn elsewhere() -> Scenario {
    let context = context().hosts(Hosts::origin("http://127.0.0.1:1").unwrap());
    let config = PollerConfig::new().interval(INTERVAL);
    Scenario::of(Poller::new(context, config).unwrap()).connect(&[])
}

fn hint(scenario: &mut Scenario, hint: Hint) {
    let now = scenario.now();
    scenario.poller.handle_hint(now, hint);
}

/// A round that is due now and brings nothing.
#[track_caller]
fn nothing(scenario: &mut Scenario) {
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
}

/// A round that is due now and brings this message.
#[track_caller]
fn brings(scenario: &mut Scenario, seqno: u64, at: i64) {
    let list = [entry(user(20001), seqno, at)];
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": list, "has_more": 0}));
    scenario.fetch(user(20001), &[seqno], false);
    scenario.expect_seqnos([seqno]);
}

/// The distances of the rounds that come by themselves, with nothing in them.
#[track_caller]
fn distances(scenario: &mut Scenario, count: usize) -> Vec<Duration> {
    let distance = |_| {
        let wait = scenario.wait();
        nothing(scenario);
        wait
    };
    (0..count).map(distance).collect()
}

#[test]
fn a_hint_leads_to_a_look_at_once() {
    for mut scenario in [official(), elsewhere()] {
        scenario.advance(ms(10_000));
        scenario.expect_wait();
        hint(&mut scenario, Hint::Messages);
        brings(&mut scenario, 8, 10);
        // The interval counts from there.
        assert_eq!(scenario.expect_wait(), INTERVAL);
    }
}

#[test]
fn never_closer_to_the_last_round_than_may_be() {
    for (mut scenario, least) in [(official(), ms(3000)), (elsewhere(), ms(1000))] {
        for seqno in [8, 9, 10] {
            scenario.advance(ms(100));
            hint(&mut scenario, Hint::Messages);
            assert_eq!(scenario.wait(), least - ms(100));
            brings(&mut scenario, seqno, i64::try_from(seqno).unwrap());
        }
        assert_eq!(scenario.expect_wait(), INTERVAL);
    }
}

#[test]
fn a_storm_is_one_look() {
    let mut scenario = official();
    scenario.advance(ms(5000));
    for _ in 0..1000 {
        hint(&mut scenario, Hint::Messages);
    }
    let sent = scenario.expect_call("new_sessions");
    // It goes on while the look is made: those are one more.
    for _ in 0..1000 {
        scenario.advance(ms(1));
        hint(&mut scenario, Hint::Messages);
        scenario.expect_wait();
    }
    let list = [entry(user(20001), 8, 10)];
    scenario.answer(&sent, json!({"session_list": list, "has_more": 0}));
    scenario.fetch(user(20001), &[8], false);
    scenario.expect_seqnos([8]);
    assert_eq!(distances(&mut scenario, 2), [ms(2000), INTERVAL]);
}

#[test]
fn hints_that_do_not_end_lead_to_the_established_interval() {
    fn hinted(scenario: &mut Scenario, rounds: usize) -> Vec<Duration> {
        let distance = |_| {
            hint(scenario, Hint::Messages);
            let wait = scenario.wait();
            nothing(scenario);
            wait
        };
        (0..rounds).map(distance).collect()
    }
    let mut scenario = official();
    assert_eq!(hinted(&mut scenario, 20), [ms(3000); 20]);
    assert_eq!(hinted(&mut scenario, 20), [ms(6000); 20]);
    // The credit comes back while rounds come later.
    scenario.advance(ms(12_000));
    nothing(&mut scenario);
    assert_eq!(hinted(&mut scenario, 2), [ms(3000); 2]);
    assert_eq!(hinted(&mut scenario, 2), [ms(6000); 2]);

    // Another origin sets its own pace.
    let mut scenario = elsewhere();
    assert_eq!(hinted(&mut scenario, 200), [ms(1000); 200]);
}

#[test]
fn a_push_before_the_list_shows_it_is_looked_for_again() {
    let mut scenario = elsewhere();
    scenario.advance(ms(5000));
    hint(&mut scenario, Hint::Messages);
    nothing(&mut scenario);
    let again = [ms(1500), ms(3000), ms(6000), ms(12_000), INTERVAL];
    assert_eq!(distances(&mut scenario, 5), again);

    // The service itself is not asked sooner than every three seconds.
    let mut scenario = official();
    scenario.advance(ms(5000));
    hint(&mut scenario, Hint::Messages);
    nothing(&mut scenario);
    let again = [ms(3000), ms(3000), ms(6000), ms(12_000), INTERVAL];
    assert_eq!(distances(&mut scenario, 5), again);

    // A look that brings something is the last one.
    let mut scenario = elsewhere();
    scenario.advance(ms(5000));
    hint(&mut scenario, Hint::Messages);
    nothing(&mut scenario);
    assert_eq!(distances(&mut scenario, 1), [ms(1500)]);
    assert_eq!(scenario.wait(), ms(3000));
    brings(&mut scenario, 8, 9);
    assert_eq!(scenario.expect_wait(), INTERVAL);
}

#[test]
fn a_push_that_comes_twice_is_looked_for_once() {
    let mut scenario = elsewhere();
    scenario.advance(ms(5000));
    hint(&mut scenario, Hint::Messages);
    brings(&mut scenario, 8, 5);
    scenario.advance(ms(500));
    hint(&mut scenario, Hint::Messages);
    assert_eq!(distances(&mut scenario, 2), [ms(500), INTERVAL]);
}

#[test]
fn a_connection_is_a_reason_for_one_look() {
    let mut scenario = elsewhere();
    hint(&mut scenario, Hint::Connected);
    assert_eq!(distances(&mut scenario, 2), [ms(1000), INTERVAL]);
}

#[test]
fn hints_of_feeds_are_not_about_messages() {
    let mut scenario = elsewhere();
    for it in [Hint::Replies, Hint::At, Hint::Likes] {
        scenario.advance(ms(2000));
        hint(&mut scenario, it);
    }
    assert_eq!(scenario.expect_wait(), INTERVAL - ms(6000));
}

#[test]
fn never_in_a_pause() {
    let mut scenario = official();
    scenario.advance(INTERVAL);
    let list = scenario.expect_call("new_sessions");
    scenario.refuse(&list, -352);
    let Warning::RiskControl { delay, .. } = scenario.expect_warning() else {
        panic!("no pause");
    };
    for _ in 0..10 {
        scenario.advance(ms(1000));
        hint(&mut scenario, Hint::Messages);
        scenario.expect_wait();
    }
    assert_eq!(scenario.wait(), delay - ms(10_000));
    brings(&mut scenario, 8, 5);
    // All of them were about that.
    assert_eq!(scenario.expect_wait(), INTERVAL);
}

#[test]
fn never_in_a_back_off() {
    let mut scenario = official();
    scenario.advance(INTERVAL);
    let list = scenario.expect_call("new_sessions");
    scenario.respond(&list, 500, "");
    let Warning::Retry { delay, .. } = scenario.expect_warning() else {
        panic!("no back-off");
    };
    scenario.advance(ms(10_000));
    hint(&mut scenario, Hint::Messages);
    assert_eq!(scenario.wait(), delay - ms(10_000));
    brings(&mut scenario, 8, 5);
}

#[test]
fn never_while_nothing_else_may_be_sent() {
    // Before the start the baseline comes anyway; after the end nothing does.
    let config = PollerConfig::new().interval(INTERVAL).spacing(ms(0));
    let mut scenario = Scenario::of(Poller::new(context(), config).unwrap());
    hint(&mut scenario, Hint::Messages);
    let mut scenario = scenario.connect(&[]);
    assert_eq!(scenario.expect_wait(), INTERVAL);
    scenario.poller.handle_close();
    hint(&mut scenario, Hint::Messages);
    for status in [Status::Closing, Status::Closed] {
        let output = scenario.poll();
        assert!(
            matches!(&output, Output::Status(change) if change.status == status),
            "{output:?}"
        );
    }
    hint(&mut scenario, Hint::Messages);
    let output = scenario.poll();
    assert!(matches!(output, Output::Finished(Ok(()))), "{output:?}");
}

#[test]
fn a_resume_keeps_its_distance() {
    fn wait(place: &ClientConfig, hinted: Option<Hint>) -> Duration {
        let config = PollerConfig::new().interval(ms(20_000)).spacing(ms(0));
        let poller = Poller::new(place.clone(), config.clone()).unwrap();
        let mut first = Scenario::of(poller).connect(&[]);
        first.advance(ms(20_000));
        nothing(&mut first);
        let checkpoint = first.poller.checkpoint().unwrap();
        let mut scenario =
            Scenario::of(Poller::resume(place.clone(), config, &checkpoint).unwrap());
        scenario.elapsed = first.elapsed + ms(1000);
        let nav = scenario.expect_call("nav");
        scenario.answer(&nav, crate::scenario::nav_data());
        scenario.expect_status(Status::Connected);
        if let Some(come) = hinted {
            hint(&mut scenario, come);
        }
        let wait = scenario.expect_wait();
        scenario.advance(wait);
        nothing(&mut scenario);
        wait
    }
    let origin = Hosts::origin("http://127.0.0.1:1").unwrap();
    let (official, elsewhere) = (context(), context().hosts(origin));
    // The last round was a second ago, and clocks differ by three at the most.
    for hinted in [None, Some(Hint::Likes)] {
        assert_eq!(wait(&official, hinted), ms(20_000));
        assert_eq!(wait(&elsewhere, hinted), ms(20_000));
    }
    for hinted in [Hint::Messages, Hint::Connected, Hint::Other] {
        assert_eq!(wait(&official, Some(hinted)), ms(5000));
        assert_eq!(wait(&elsewhere, Some(hinted)), ms(3000));
    }
}

/// An interval that was chosen stays; the default is that of the service's own page.
#[test]
fn with_push_the_service_is_asked_less_often() {
    let second_round = |config: PollerConfig| {
        let poller = Poller::new(context(), config.spacing(ms(0))).unwrap();
        let list: [Value; 0] = [];
        Scenario::of(poller).connect(&list).expect_wait()
    };
    assert_eq!(second_round(PollerConfig::new()), ms(6000));
    assert_eq!(second_round(PollerConfig::new().push(true)), ms(20_000));
    let chosen = PollerConfig::new().interval(ms(7000)).push(true);
    assert_eq!(second_round(chosen), ms(7000));
    let chosen = PollerConfig::new().push(true).interval(ms(7000));
    assert_eq!(second_round(chosen), ms(7000));
    let off = PollerConfig::new().push(true).push(false);
    assert_eq!(second_round(off), ms(6000));
}
