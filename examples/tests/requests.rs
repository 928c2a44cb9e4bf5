//! The number of requests of a session, which are the dearest thing for the account.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use bilibili_session::Uid;
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::session::SessionMachine;
use bilibili_session_simulator::{Simulator, VirtualBot};

const INTERVAL: Duration = Duration::from_secs(6);

fn bot() -> VirtualBot<SessionMachine> {
    VirtualBot::new(Simulator::default(), |setup| {
        let config = PollerConfig::new().interval(INTERVAL);
        let poller = Poller::resume(setup.context, config, setup.checkpoint.as_ref())?;
        Ok(SessionMachine::new(poller))
    })
    .unwrap()
}

/// Returns the number of requests in this time.
fn requests_in(bot: &mut VirtualBot<SessionMachine>, span: Duration) -> u64 {
    let before = bot.simulator().requests_matching("");
    bot.run_for(span).unwrap();
    bot.simulator().requests_matching("") - before
}

#[test]
fn two_at_the_start_and_one_a_round() {
    let mut bot = bot();
    assert_eq!(bot.simulator().requests_matching(""), 2);
    assert_eq!(requests_in(&mut bot, INTERVAL * 100), 100);
}

#[test]
fn two_and_the_first_round_after_a_resume() {
    let mut bot = bot();
    bot.stop();
    let before = bot.simulator().requests_matching("");
    bot.restart().unwrap();
    bot.run_for(INTERVAL).unwrap();
    assert_eq!(bot.simulator().requests_matching("") - before, 2);
}

#[test]
fn one_more_for_each_changed_conversation() {
    let mut bot = bot();
    for changed in [1, 2, 7] {
        for uid in 0..changed {
            for _ in 0..3 {
                let from = Uid(20_001 + i64::try_from(uid).unwrap());
                bot.receive_text(from, "made up").unwrap();
            }
        }
        assert_eq!(requests_in(&mut bot, INTERVAL), 1 + changed);
        // The list shows them again: that costs nothing.
        assert_eq!(requests_in(&mut bot, INTERVAL), 1);
    }
}

#[test]
fn one_more_for_each_page_beyond_the_first() {
    let mut bot = bot();
    for (messages, pages) in [(199, 1), (201, 2), (450, 3)] {
        for _ in 0..messages {
            bot.receive_text(Uid(20_001), "made up").unwrap();
        }
        assert_eq!(requests_in(&mut bot, INTERVAL), 1 + pages, "{messages}");
    }
}

#[test]
fn one_more_an_hour_for_the_whole_list() {
    let mut bot = bot();
    let hour = Duration::from_secs(3600);
    requests_in(&mut bot, hour);
    let rounds = 600;
    assert_eq!(requests_in(&mut bot, hour), rounds + 1);
}
