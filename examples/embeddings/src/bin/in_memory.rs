//! The core with no network at all: a session of your own, and its tests, in memory and in virtual time.
//!
//! Take it when you turn the core's machine yourself: implement [`Driven`] around it as `OwnSession` does, and the
//! simulator's [`VirtualBot`] tests it. A bot on one of the runtimes needs none of this: its sessions are `Driven` already.
//!
//! ```sh
//! cargo run -p bilibili-session-embeddings --bin in_memory
//! cargo test -p bilibili-session-embeddings --bin in_memory
//! ```
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::poller::{Poller, PollerConfig};
use bilibili_session::session::{Driven, Output, SessionMachine, Update};
use bilibili_session::{Event, Now, Uid};
use bilibili_session_simulator::{Setup, Simulator, VirtualBot, VirtualTransport};

/// The bot: what it answers to a message. It knows neither network nor time.
fn bot(event: &Event) -> Option<SendMsg> {
    let text = event.text().filter(|_| event.conversation.is_user())?;
    Some(SendMsg::text(event.conversation, &format!("收到：{text}")))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = VirtualBot::new(Simulator::default(), OwnSession::start)?;
    world.receive_text(Uid(20001), "你好")?;
    world.run_for(Duration::from_secs(3600))?;
    world.receive_text(Uid(20002), "hello")?;
    world.run_for(Duration::from_secs(60))?;
    for update in world.updates() {
        match update {
            Update::Event(event) => println!("{event}"),
            Update::Feed(event) => println!("{event}"),
            Update::Warning(warning) => println!("{warning}"),
            Update::Status(change) => println!("{}", change.status),
        }
    }
    let replies = [(Uid(20001), "收到：你好"), (Uid(20002), "收到：hello")];
    match world.sent() {
        sent if sent == replies => Ok(()),
        sent => Err(format!("these replies went out: {sent:?}").into()),
    }
}

/// The core's machine, the bot that is called for every message, and the way that its replies take.
struct OwnSession {
    machine: SessionMachine,
    transport: VirtualTransport,
}

impl OwnSession {
    fn start(setup: Setup) -> Result<Self, Box<dyn Error>> {
        let (context, config) = (setup.context, PollerConfig::new());
        let poller = Poller::resume(context, config, setup.checkpoint.as_ref())?;
        Ok(Self {
            machine: SessionMachine::new(poller),
            transport: setup.transport,
        })
    }

    /// Makes a call with the login of the session, and within its pauses.
    fn call(&mut self, now: Now, reply: SendMsg) -> Result<SentMsg, bilibili_session::Error> {
        let mut call = Call::new(reply);
        loop {
            match self.machine.poll_call(now, &mut call) {
                call::Output::Send(request) => {
                    let answer = self.transport.send(request);
                    self.machine.handle_call_response(now, &mut call, answer);
                }
                call::Output::Wait(_) => {
                    unreachable!("no message is handled while the machine asks for keys")
                }
                call::Output::Done(result) => return result,
            }
        }
    }
}

impl Driven for OwnSession {
    fn poll_output(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Output {
        loop {
            let dispatch = match self.machine.poll_output(now) {
                Output::Handle(dispatch) => dispatch,
                output => return output,
            };
            handled(dispatch.update());
            let reply = dispatch.update().event().and_then(|event| bot(event));
            let failure = reply.and_then(|reply| self.call(now, reply).err());
            let failures = failure.iter().map(ToString::to_string).collect();
            self.machine.handle_done(dispatch, failures);
        }
    }

    fn machine(&self) -> impl Deref<Target = SessionMachine> {
        &self.machine
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine> {
        &mut self.machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bilibili_session_simulator::{Fault, FaultKind, NewMessage};

    const MINUTE: Duration = Duration::from_secs(60);

    fn connected() -> VirtualBot<OwnSession> {
        VirtualBot::new(Simulator::default(), OwnSession::start).unwrap()
    }

    #[test]
    fn a_private_text_is_answered_and_nothing_else() {
        let mut world = connected();
        let own = world.simulator().login().uid;
        for message in [
            NewMessage::text(20001, "你好"),
            NewMessage::text(20001, "in a group").in_group(221_300),
            NewMessage::text(own, "from another device").to(20001),
        ] {
            world.receive(message).unwrap();
        }
        world.run_for(MINUTE).unwrap();
        assert_eq!(world.sent(), [(Uid(20001), "收到：你好")]);
    }

    #[test]
    fn new_keys_are_fetched_when_the_old_ones_are_refused() {
        let mut world = connected();
        for message in ["one", "two"] {
            world.simulator().rotate_keys();
            world.receive_text(Uid(20001), message).unwrap();
            world.run_for(10 * MINUTE).unwrap();
        }
        let replies = [(Uid(20001), "收到：one"), (Uid(20001), "收到：two")];
        assert_eq!(world.sent(), replies);
    }

    #[test]
    fn what_arrives_while_it_is_down_is_answered_after_a_restart() {
        let mut world = connected();
        world.stop();
        world.receive_text(Uid(20001), "你好").unwrap();
        world.restart().unwrap();
        world.run_for(MINUTE).unwrap();
        assert_eq!(world.sent(), [(Uid(20001), "收到：你好")]);
    }

    #[test]
    fn a_reply_that_the_risk_control_refuses_is_a_pause_for_all() {
        let mut world = connected();
        let refused = Fault::once("send_msg", FaultKind::Code(-352));
        world.simulator().push_fault(refused);
        for text in ["one", "two"] {
            world.receive_text(Uid(20001), text).unwrap();
        }
        world.run_for(MINUTE).unwrap();
        let requests = |world: &VirtualBot<_>, part| world.simulator().requests_matching(part);
        assert_eq!(requests(&world, "send_msg"), 1, "the second fails at once");
        assert_eq!(requests(&world, "nav"), 1, "one login");
        let before = requests(&world, "");
        world.run_for(3 * MINUTE).unwrap();
        assert_eq!(requests(&world, ""), before);
        world.receive_text(Uid(20001), "three").unwrap();
        world.run_for(10 * MINUTE).unwrap();
        assert_eq!(world.sent(), [(Uid(20001), "收到：three")]);
    }

    #[test]
    fn a_reply_too_many_for_the_day_pauses_replies_alone() {
        let mut world = connected();
        let refused = Fault::once("send_msg", FaultKind::Code(21046));
        world.simulator().push_fault(refused);
        for text in ["one", "two"] {
            world.receive_text(Uid(20001), text).unwrap();
            world.run_for(11 * 60 * MINUTE).unwrap();
        }
        let requests = |world: &VirtualBot<_>, part| world.simulator().requests_matching(part);
        assert_eq!(requests(&world, "send_msg"), 1);
        assert!(requests(&world, "new_sessions") > 1000, "lists go on");
        world.run_for(3 * 60 * MINUTE).unwrap();
        world.receive_text(Uid(20001), "three").unwrap();
        world.run_for(2 * MINUTE).unwrap();
        assert_eq!(world.sent(), [(Uid(20001), "收到：three")]);
    }
}
