//! The core with no network at all: a bot, and its tests, in memory and in virtual time.
//!
//! Take it when you test a bot of your own. Copy `World`, and the tests as patterns; put your bot where `bot` is. A test
//! of hours takes milliseconds and comes out the same each time: nothing here asks a clock.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin in_memory
//! cargo test -p bilibili-session-embeddings --bin in_memory
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Output, Poller, PollerConfig};
use bilibili_session::{
    Call, Context, Credential, Endpoint, Event, Hosts, Now, Step, TransportError,
    TransportErrorKind, UnixMicros,
};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use http::{Request, Response};

/// The bot: what it answers to a message. It knows neither network nor time.
fn bot(event: &Event) -> Option<SendMsg> {
    let text = event.text().filter(|_| event.conversation.is_user())?;
    Some(SendMsg::text(event.conversation, &format!("收到：{text}")))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = World::new(PollerConfig::new())?;
    world.pass(Duration::from_secs(1))?;
    world.receive(NewMessage::text(20001, "你好"))?;
    world.pass(Duration::from_secs(3600))?;
    world.receive(NewMessage::text(20002, "hello"))?;
    world.pass(Duration::from_secs(60))?;
    for line in &world.log {
        println!("{line}");
    }
    let replies = [(20001, text("收到：你好")), (20002, text("收到：hello"))];
    match world.sent() {
        sent if sent == replies => Ok(()),
        sent => Err(format!("these replies went out: {sent:?}").into()),
    }
}

/// The service, the bot that talks to it, and the time that both live in.
struct World {
    simulator: Simulator,
    poller: Poller,
    now: Now,
    /// What happened, with the time since the beginning.
    log: Vec<String>,
}

impl World {
    /// Nothing has been sent yet.
    fn new(config: PollerConfig) -> Result<Self, Box<dyn Error>> {
        let simulator = Simulator::default();
        let login = simulator.login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()?;
        // The simulator does not look at hosts; this one keeps a mistake from reaching the service.
        let context = Context::new(credential).hosts(Hosts::origin("http://localhost")?);
        Ok(Self {
            simulator,
            poller: Poller::new(context, config)?,
            now: Now {
                monotonic: Duration::ZERO,
                wall: UnixMicros(1_700_000_000_000_000),
            },
            log: Vec::new(),
        })
    }

    /// Somebody writes.
    fn receive(&mut self, message: NewMessage) -> Result<(), Box<dyn Error>> {
        self.simulator.receive(self.now.wall.0, message)?;
        Ok(())
    }

    /// So much time passes, in which the bot does what it does.
    fn pass(&mut self, span: Duration) -> Result<(), bilibili_session::Error> {
        let end = self.now.monotonic + span;
        loop {
            match self.poller.poll_output(self.now) {
                Output::Send(outgoing) => {
                    let answer = self.send(&outgoing.request);
                    // Fails when nobody waits for it any more; here no time passes meanwhile.
                    let _ = self.poller.handle_response(self.now, outgoing.id, answer);
                }
                Output::Event(event) => {
                    self.note(&event);
                    if let Some(reply) = bot(&event) {
                        // What a bot does about a reply that fails is its own affair.
                        match self.call(reply) {
                            Ok(sent) => self.note(&format!("answered, {}", sent.msg_key)),
                            Err(error) => self.note(&error),
                        }
                    }
                }
                Output::Notice(notice) => self.note(&notice),
                Output::Status(change) => self.note(&change.status),
                Output::Wait(until) => {
                    self.sleep(until.min(end));
                    self.poller.handle_timeout(self.now);
                    if self.now.monotonic >= end {
                        return Ok(());
                    }
                }
                Output::Finished(result) => return result,
            }
        }
    }

    /// Makes one call with the login of the poller, and within its pauses.
    fn call<E: Endpoint>(&mut self, endpoint: E) -> Result<E::Output, bilibili_session::Error> {
        let mut call = Call::new(endpoint);
        let mut step = self.poller.start_call(self.now, &mut call);
        loop {
            match step {
                Step::Send(request) => {
                    let answer = self.send(&request);
                    step = self
                        .poller
                        .handle_call_response(self.now, &mut call, answer);
                }
                Step::Done(result) => return result,
            }
        }
    }

    /// The transport: every request is answered at once.
    fn send(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        match self.simulator.handle(self.now.wall.0, request) {
            Answer::Respond(response) | Answer::Delayed(_, response) => Ok(response),
            Answer::Hang => Err(TransportError::timeout()),
            Answer::Truncated(_) | Answer::Reset => Err(TransportError::new(
                TransportErrorKind::Interrupted,
                "the connection ended",
            )),
        }
    }

    /// The clocks go on to this monotonic reading.
    fn sleep(&mut self, until: Duration) {
        let span = until.saturating_sub(self.now.monotonic);
        self.now.monotonic += span;
        self.now.wall = self.now.wall.plus(span);
    }

    fn note(&mut self, what: &impl Display) {
        let since = self.now.monotonic.as_secs_f64();
        self.log.push(format!("{since:>8.1} s  {what}"));
    }

    /// What the bot sent: to whom, and the content.
    fn sent(&self) -> Vec<(i64, String)> {
        self.simulator
            .sent()
            .map(|message| (message.receiver_id, message.content.clone()))
            .collect()
    }
}

/// The content of a text.
fn text(text: &str) -> String {
    NewMessage::text(0, text).content
}

#[cfg(test)]
mod tests {
    use super::*;
    use bilibili_session::ErrorClass;
    use bilibili_session::poller::Status;
    use bilibili_session_simulator::{Fault, FaultKind};

    const MINUTE: Duration = Duration::from_secs(60);

    impl World {
        /// How many requests came to paths with this part.
        fn requests(&self, part: &str) -> u64 {
            let state = self.simulator.state();
            let requests = state["requests"].as_object().unwrap();
            let fitting = requests.iter().filter(|(path, _)| path.contains(part));
            fitting.map(|(_, count)| count.as_u64().unwrap()).sum()
        }
    }

    /// A world that knows how things stand: what arrives from now on comes out.
    fn connected() -> World {
        connected_with(PollerConfig::new())
    }

    fn connected_with(config: PollerConfig) -> World {
        let mut world = World::new(config).unwrap();
        world.pass(Duration::from_secs(1)).unwrap();
        assert_eq!(world.poller.status(), Status::Connected);
        world
    }

    #[test]
    fn a_private_text_is_answered_and_nothing_else() {
        let mut world = connected();
        let own = world.simulator.login().uid;
        for message in [
            NewMessage::text(20001, "你好"),
            NewMessage::text(20001, "in a group").in_group(221_300),
            NewMessage::text(own, "from another device").to(20001),
        ] {
            world.receive(message).unwrap();
        }
        world.pass(MINUTE).unwrap();
        assert_eq!(world.sent(), [(20001, text("收到：你好"))]);
    }

    #[test]
    fn hundreds_between_two_rounds_are_answered_once_and_in_order() {
        let mut world = connected();
        let mut replies = Vec::new();
        for number in 0..500 {
            let message = NewMessage::text(20001, &number.to_string());
            world.receive(message).unwrap();
            replies.push((20001, text(&format!("收到：{number}"))));
        }
        world.pass(MINUTE).unwrap();
        assert_eq!(world.sent(), replies);
    }

    #[test]
    fn trouble_delays_a_message_and_loses_none() {
        for kind in [
            FaultKind::Reset,
            FaultKind::Truncated,
            FaultKind::Hang,
            FaultKind::Garbage,
        ] {
            let mut world = connected();
            world
                .simulator
                .push_fault(Fault::once("session_svr", kind.clone()).times(3));
            world.receive(NewMessage::text(20001, "你好")).unwrap();
            world.pass(10 * MINUTE).unwrap();
            assert_eq!(world.sent(), [(20001, text("收到：你好"))], "{kind:?}");
        }
    }

    #[test]
    fn new_keys_are_fetched_when_the_old_ones_are_refused() {
        let mut world = connected();
        for message in ["one", "two"] {
            world.simulator.rotate_keys();
            world.receive(NewMessage::text(20001, message)).unwrap();
            world.pass(10 * MINUTE).unwrap();
        }
        assert_eq!(
            world.sent(),
            [(20001, text("收到：one")), (20001, text("收到：two"))]
        );
    }

    #[test]
    fn under_risk_control_minutes_pass_without_a_request() {
        let mut world = connected();
        world
            .simulator
            .push_fault(Fault::once("session_svr", FaultKind::Code(-352)));
        world.pass(MINUTE).unwrap();
        let before = world.simulator.state();
        world.receive(NewMessage::text(20001, "你好")).unwrap();
        world.pass(3 * MINUTE).unwrap();
        assert_eq!(world.simulator.state()["requests"], before["requests"]);
        assert_eq!(world.sent(), []);
        world.pass(10 * MINUTE).unwrap();
        assert_eq!(world.sent(), [(20001, text("收到：你好"))]);
    }

    #[test]
    fn a_reply_that_the_risk_control_refuses_is_a_pause_for_all() {
        let mut world = connected();
        world
            .simulator
            .push_fault(Fault::once("send_msg", FaultKind::Code(-352)));
        for text in ["one", "two"] {
            world.receive(NewMessage::text(20001, text)).unwrap();
        }
        world.pass(MINUTE).unwrap();
        assert_eq!(world.requests("send_msg"), 1, "the second fails at once");
        assert_eq!(world.requests("nav"), 1, "one login");
        let before = world.requests("");
        world.pass(3 * MINUTE).unwrap();
        assert_eq!(world.requests(""), before);
        world.receive(NewMessage::text(20001, "three")).unwrap();
        world.pass(10 * MINUTE).unwrap();
        assert_eq!(world.sent(), [(20001, text("收到：three"))]);
    }

    #[test]
    fn a_reply_too_many_for_the_day_pauses_replies_alone() {
        let mut world = connected_with(PollerConfig::new().interval(MINUTE));
        world
            .simulator
            .push_fault(Fault::once("send_msg", FaultKind::Code(21046)));
        for text in ["one", "two"] {
            world.receive(NewMessage::text(20001, text)).unwrap();
            world.pass(11 * 60 * MINUTE).unwrap();
        }
        assert_eq!(world.requests("send_msg"), 1);
        assert!(world.requests("new_sessions") > 1000, "lists go on");
        world.pass(3 * 60 * MINUTE).unwrap();
        world.receive(NewMessage::text(20001, "three")).unwrap();
        world.pass(2 * MINUTE).unwrap();
        assert_eq!(world.sent(), [(20001, text("收到：three"))]);
    }

    #[test]
    fn a_dead_login_ends_it() {
        let mut world = connected();
        let uid = world.simulator.login().uid;
        world.simulator.log_out(uid).unwrap();
        let error = world.pass(MINUTE).unwrap_err();
        assert_eq!(error.class(), ErrorClass::LoginLost);
    }

    #[test]
    fn the_same_happens_each_time() {
        let log = || {
            let mut world = connected();
            world
                .simulator
                .push_fault(Fault::once("session_svr", FaultKind::Reset).times(5));
            world.receive(NewMessage::text(20001, "你好")).unwrap();
            world.pass(10 * MINUTE).unwrap();
            world.log
        };
        assert_eq!(log(), log());
    }
}
