//! Answers private messages that hold a keyword, at a pace of its own: each user once a minute, and all of them sixty times
//! an hour. What is too much stays unanswered. At the end: a test in which an hour passes at once.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin keyword_answers`
#![allow(clippy::print_stderr, reason = "a program says what is wrong")]

use std::collections::BTreeMap;
use std::error::Error;

use bilibili_session::{ConversationId, UnixSeconds};
use bilibili_session_blocking::{Session, UreqTransport};
use bilibili_session_cookbook::account;

/// The first word that a message holds decides.
const ANSWERS: [(&str, &str); 3] = [
    ("营业", "每天 10:00–22:00"),
    ("地址", "见主页置顶"),
    ("hello", "你好！"),
];
const OF_ONE_USER: i64 = 60;
const OF_ALL: (usize, i64) = (60, 3600);

/// Times at which each was answered, in the last hour. The clock is that of the messages: after a pause of the program
/// what came meanwhile counts for the time when it came.
#[derive(Default)]
struct Rate(BTreeMap<(UnixSeconds, ConversationId), ()>);

impl Rate {
    fn allows(&mut self, now: UnixSeconds, who: ConversationId) -> bool {
        self.0.retain(|(then, _), ()| now.0 - then.0 < OF_ALL.1);
        let recent = |(then, whom): &(UnixSeconds, ConversationId)| {
            *whom == who && now.0 - then.0 < OF_ONE_USER
        };
        let allows = self.0.len() < OF_ALL.0 && !self.0.keys().any(recent);
        if allows {
            self.0.insert((now, who), ());
        }
        allows
    }
}

fn answer(session: &Session) {
    let mut rate = Rate::default();
    session.on_text(move |text, event, session| {
        let found = ANSWERS.iter().find(|(word, _)| text.contains(word));
        if let Some((_, answer)) = found.filter(|_| event.conversation.is_user())
            && rate.allows(event.timestamp(), event.conversation)
        {
            session.reply(event, answer)?;
        }
        Ok(())
    });
}

fn main() -> Result<(), Box<dyn Error>> {
    let (context, config) = account()?;
    let session = Session::new(context, UreqTransport::new(), config)?;
    answer(&session);
    session.on_warning(|warning, _| eprintln!("{warning}"));
    Ok(session.start()?)
}

#[cfg(test)]
#[test]
fn each_user_is_answered_once_a_minute() -> Result<(), Box<dyn Error>> {
    use bilibili_session::{Uid, poller::PollerConfig};
    use bilibili_session_simulator::{Simulator, VirtualBot};
    use std::time::Duration;
    let mut bot = VirtualBot::new(Simulator::default(), |setup| {
        let send = move |request| setup.transport.send(request);
        let session = Session::new(setup.context, send, PollerConfig::new())?;
        answer(&session);
        Ok(session.by_hand())
    })?;
    // For an hour, every twenty seconds.
    for _ in 0..180 {
        bot.receive_text(Uid(20001), "hello again")?;
        bot.run_for(Duration::from_secs(20))?;
    }
    assert_eq!(bot.sent().len(), 60);
    Ok(())
}
