//! A bot with its handlers as they are, in virtual time: on every runtime, and with none.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::error::Error;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bilibili_session::poller::{Hint, Poller, PollerConfig, Status, Warning};
use bilibili_session::session::{Driven, HandlerResult, SessionMachine};
use bilibili_session::{ErrorClass, Event, EventType, Uid};
use bilibili_session_async_std as on_async_std;
use bilibili_session_blocking as blocking;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Setup, Simulator, VirtualBot};
use bilibili_session_tokio as on_tokio;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const USER: Uid = Uid(20001);

type Started<S> = Result<S, Box<dyn Error>>;

/// The bot on threads: handlers like these know nothing of tests.
mod bot {
    use super::*;

    pub(super) fn echo(event: &Event, session: &blocking::Session) -> HandlerResult {
        match event.text().unwrap_or_default() {
            _ if !event.conversation.is_user() => {}
            "/close" => session.close(),
            "fail" => return Err("made up".into()),
            text => {
                let sent = session.reply(event, text);
                sent.map_err(|error| error.class().to_string())?;
            }
        }
        Ok(())
    }

    /// In tasks, of each runtime that has some.
    macro_rules! in_tasks {
        ($runtime:ident) => {
            async fn echo(event: Arc<Event>, session: $runtime::Session) -> HandlerResult {
                match event.text().unwrap_or_default() {
                    _ if !event.conversation.is_user() => {}
                    "/close" => session.close(),
                    "fail" => return Err("made up".into()),
                    text => {
                        let sent = session.reply(&event, text).await;
                        sent.map_err(|error| error.class().to_string())?;
                    }
                }
                Ok(())
            }

            pub(crate) fn start(setup: Setup) -> Started<$runtime::ByHand> {
                let send = move |request| ready(setup.transport.send(request));
                let (context, config) = (setup.context, PollerConfig::new());
                let from = setup.checkpoint.as_ref();
                let session = $runtime::Session::resume(context, send, config, from)?;
                session.on(EventType::Text, echo);
                Ok(session.by_hand())
            }
        };
    }

    pub(super) mod in_tasks_of_async_std {
        use super::*;
        in_tasks!(on_async_std);
    }

    pub(super) mod in_tasks_of_tokio {
        use super::*;
        in_tasks!(on_tokio);
    }
}

fn on_threads(setup: Setup) -> Started<blocking::ByHand> {
    let send = move |request| setup.transport.send(request);
    let (context, config) = (setup.context, PollerConfig::new());
    let session = blocking::Session::resume(context, send, config, setup.checkpoint.as_ref())?;
    session.on(EventType::Text, bot::echo);
    Ok(session.by_hand())
}

/// Runs a test on every runtime.
macro_rules! on_every_runtime {
    ($($(#[$attribute:meta])* fn $name:ident($bot:ident) $body:block)+) => {$(
        #[test]
        $(#[$attribute])*
        fn $name() {
            fn test<S: Driven>(mut $bot: VirtualBot<S>) $body
            test(VirtualBot::new(Simulator::default(), on_threads).unwrap());
            test(VirtualBot::new(Simulator::default(), bot::in_tasks_of_async_std::start).unwrap());
            test(VirtualBot::new(Simulator::default(), bot::in_tasks_of_tokio::start).unwrap());
        }
    )+};
}

/// Everything that handlers were called for, and everything that was sent.
fn log<S: Driven>(bot: &VirtualBot<S>) -> String {
    format!("{:?} {:?}", bot.updates(), bot.sent())
}

on_every_runtime! {
    fn private_texts_are_answered_in_order_and_nothing_else(bot) {
        let own = bot.simulator().login().uid;
        bot.receive_text(USER, "一").unwrap();
        bot.receive(NewMessage::text(20001, "in a group").in_group(221_300)).unwrap();
        bot.receive(NewMessage::text(own, "from another device").to(20001)).unwrap();
        bot.receive_text(USER, "二").unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.sent(), [(USER, "一"), (USER, "二")]);
        assert_eq!(bot.status(), Some(Status::Connected));
        assert_eq!(bot.events().len(), 3, "its own message is none to handle");
    }

    fn hundreds_between_two_rounds_are_answered_once_and_in_order(bot) {
        let texts: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        for text in &texts {
            bot.receive_text(USER, text).unwrap();
        }
        bot.run_for(MINUTE).unwrap();
        let expected: Vec<(Uid, &str)> = texts.iter().map(|text| (USER, text.as_str())).collect();
        assert_eq!(bot.sent(), expected);
    }

    fn a_reply_that_is_refused_is_a_warning(bot) {
        bot.simulator().peer_mut(USER.0).refuses = Some(25003);
        bot.receive_text(USER, "hi").unwrap();
        bot.receive_text(Uid(20002), "fail").unwrap();
        bot.run_for(MINUTE).unwrap();
        assert!(bot.sent().is_empty());
        let failed = |warning: &&Warning| match warning {
            Warning::HandlerFailed { reason, .. } => reason.clone(),
            other => panic!("{other}"),
        };
        let mut reasons: Vec<String> = bot.warnings().iter().map(failed).collect();
        reasons.sort();
        assert_eq!(reasons, ["made up", "refused"]);
    }

    fn trouble_delays_a_message_and_loses_none(bot) {
        let kinds = [FaultKind::Reset, FaultKind::Truncated, FaultKind::Hang, FaultKind::Garbage];
        for (n, kind) in kinds.into_iter().enumerate() {
            bot.simulator().push_fault(Fault::once("session_svr", kind).times(3));
            bot.receive_text(USER, &n.to_string()).unwrap();
            bot.run_for(HOUR).unwrap();
            assert_eq!(bot.sent().len(), n + 1);
        }
        assert!(!bot.warnings().is_empty());
    }

    fn an_answer_comes_when_the_service_gives_it(bot) {
        let late = FaultKind::Delay(Duration::from_secs(8));
        bot.simulator().push_fault(Fault::once("new_sessions", late));
        bot.receive_text(USER, "hi").unwrap();
        let began = bot.now().monotonic;
        assert!(bot.run_until(MINUTE, |bot| !bot.sent().is_empty()).unwrap());
        let took = bot.now().monotonic - began;
        assert!(took >= Duration::from_secs(8), "{took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    fn a_call_of_a_handler_takes_the_time_of_its_answer(bot) {
        for (kind, seconds) in [
            (FaultKind::Delay(Duration::from_secs(9)), 9..15),
            // And ten more in which the conversation is read back.
            (FaultKind::Hang, 39..47),
        ] {
            bot.simulator().push_fault(Fault::once("send_msg", kind));
            let (began, heard) = (bot.now().monotonic, bot.events().len());
            bot.receive_text(USER, "hi").unwrap();
            assert!(bot.run_until(MINUTE, |bot| bot.events().len() > heard).unwrap());
            let took = (bot.now().monotonic - began).as_secs();
            assert!(seconds.contains(&took), "{took} s");
        }
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.sent().len(), 1);
        assert_eq!(bot.warnings().len(), 1, "{:?}", bot.warnings());
    }

    fn the_latency_is_that_of_every_exchange(bot) {
        bot.set_latency(Duration::from_millis(700));
        let rounds = |bot: &VirtualBot<S>| bot.simulator().requests_matching("new_sessions");
        let before = rounds(&bot);
        bot.run_for(HOUR).unwrap();
        let slow = rounds(&bot) - before;
        bot.set_latency(Duration::ZERO);
        bot.run_for(HOUR).unwrap();
        let fast = rounds(&bot) - before - slow;
        assert!(slow > 100 && fast >= slow, "{slow} and {fast}");
    }

    fn what_arrives_while_it_is_down_is_answered_after_a_restart(bot) {
        bot.receive_text(USER, "before").unwrap();
        bot.run_for(MINUTE).unwrap();
        bot.stop();
        assert_eq!((bot.status(), bot.session().is_none()), (None, true));
        bot.receive_text(USER, "meanwhile").unwrap();
        bot.run_for(HOUR).unwrap();
        assert_eq!(bot.sent().len(), 1, "nobody is there");
        bot.restart().unwrap();
        bot.run_for(MINUTE).unwrap();
        bot.restart().unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.sent(), [(USER, "before"), (USER, "meanwhile")]);
    }

    fn what_came_after_an_older_checkpoint_comes_again_and_is_not_answered_again(bot) {
        let earlier = bot.checkpoint();
        assert!(earlier.is_some());
        bot.receive_text(USER, "hi").unwrap();
        bot.run_for(MINUTE).unwrap();
        bot.restart_from(earlier).unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.events().len(), 2);
        assert_eq!(bot.sent(), [(USER, "hi")]);
        assert_eq!(bot.warnings().len(), 0);
        bot.restart_from(None).unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.events().len(), 2, "what begins anew brings nothing old");
    }

    fn under_risk_control_minutes_pass_without_a_request(bot) {
        let refused = Fault::once("send_msg", FaultKind::Code(-352));
        bot.simulator().push_fault(refused);
        bot.receive_text(USER, "one").unwrap();
        bot.run_for(MINUTE).unwrap();
        let before = bot.simulator().requests_matching("");
        bot.receive_text(USER, "two").unwrap();
        bot.run_for(3 * MINUTE).unwrap();
        assert_eq!(bot.simulator().requests_matching(""), before);
        bot.run_for(10 * MINUTE).unwrap();
        assert_eq!(bot.sent(), [(USER, "two")]);
        assert!(bot.warnings().iter().any(|it| matches!(it, Warning::RiskControl { .. })));
    }

    fn a_dead_login_ends_it_and_a_new_one_begins_again(bot) {
        let uid = bot.simulator().login().uid;
        bot.simulator().log_out(uid).unwrap();
        let error = bot.run_for(MINUTE).unwrap_err();
        assert_eq!(error.class(), ErrorClass::LoginLost);
        assert!(bot.result().unwrap().is_err());
        assert_eq!(bot.status_changes().last().unwrap().status.code(), 4);
        bot.simulator().log_in(uid).unwrap();
        bot.receive_text(USER, "hi").unwrap();
        bot.restart().unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.sent(), [(USER, "hi")]);
    }

    fn closed_it_does_nothing_more(bot) {
        bot.receive_text(USER, "/close").unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.result(), Some(&Ok(())));
        let requests = bot.simulator().requests_matching("");
        bot.run_for(HOUR).unwrap();
        assert_eq!(bot.simulator().requests_matching(""), requests);
        bot.restart().unwrap();
        bot.run_for(MINUTE).unwrap();
        assert_eq!(bot.status(), Some(Status::Connected));
        bot.close().unwrap();
        assert_eq!(bot.status(), Some(Status::Closed));
    }

    fn the_same_happens_each_time_and_on_each_runtime(bot) {
        fn play<S: Driven>(bot: &mut VirtualBot<S>) -> String {
            bot.simulator().push_fault(Fault::once("session_svr", FaultKind::Reset).times(5));
            bot.receive_text(USER, "hi").unwrap();
            bot.run_for(HOUR).unwrap();
            log(bot)
        }
        let again = &mut VirtualBot::new(Simulator::default(), on_threads).unwrap();
        assert_eq!(play(&mut bot), play(again));
    }
}

#[test]
fn a_start_that_fails_is_seen() {
    let failing = |_: Setup| -> Started<SessionMachine> { Err("made up".into()) };
    let error = VirtualBot::new(Simulator::default(), failing).unwrap_err();
    assert_eq!(error.to_string(), "made up");

    let mut simulator = Simulator::default();
    let uid = simulator.login().uid;
    simulator.log_out(uid).unwrap();
    let mut bot = VirtualBot::new(simulator, on_threads).unwrap();
    assert!(bot.result().unwrap().is_err());
    bot.run_for(MINUTE).unwrap_err();
}

/// A counter that is no part of the session: handlers keep what state they like.
#[test]
fn handlers_keep_their_state_over_a_restart() {
    let count = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&count);
    let mut bot = VirtualBot::new(Simulator::default(), move |setup| {
        let send = move |request| setup.transport.send(request);
        let session = blocking::Session::new(setup.context, send, PollerConfig::new())?;
        let count = Arc::clone(&shared);
        session.on_any(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        Ok(session.by_hand())
    })
    .unwrap();
    for _ in 0..3 {
        bot.run_for(2 * MINUTE).unwrap();
        bot.receive_text(USER, "hi").unwrap();
        bot.run_for(2 * MINUTE).unwrap();
        bot.restart().unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

/// A handler that waits for something outside holds up its own conversation, and no other.
#[test]
fn a_handler_waits_for_what_is_outside_of_this_world() {
    let (sender, receiver) = async_std::channel::bounded::<()>(1);
    let log = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&log);
    let mut bot = VirtualBot::new(Simulator::default(), move |setup| {
        let send = move |request| ready(setup.transport.send(request));
        let session = on_async_std::Session::new(setup.context, send, PollerConfig::new())?;
        let (receiver, said) = (receiver.clone(), Arc::clone(&said));
        session.on(EventType::Text, move |event, _| {
            let (receiver, said) = (receiver.clone(), Arc::clone(&said));
            async move {
                if event.text() == Some("wait") {
                    receiver.recv().await.unwrap();
                }
                said.lock().unwrap().push(event.text().unwrap().to_owned());
            }
        });
        Ok(session.by_hand())
    })
    .unwrap();
    bot.receive_text(USER, "wait").unwrap();
    bot.receive_text(USER, "after").unwrap();
    bot.receive_text(Uid(20002), "other").unwrap();
    bot.run_for(MINUTE).unwrap();
    assert_eq!(*log.lock().unwrap(), ["other"]);
    sender.try_send(()).unwrap();
    bot.run_for(MINUTE).unwrap();
    assert_eq!(*log.lock().unwrap(), ["other", "wait", "after"]);
}

#[test]
fn a_bare_machine_hands_out_what_comes() {
    let mut bot = VirtualBot::new(Simulator::default(), |setup| {
        Ok(SessionMachine::new(Poller::new(
            setup.context,
            PollerConfig::new(),
        )?))
    })
    .unwrap();
    bot.receive_text(USER, "hi").unwrap();
    let heard = bot.run_until(MINUTE, |bot| !bot.events().is_empty());
    assert!(heard.unwrap());
    assert!(bot.now().monotonic < MINUTE, "no longer than needed");
    assert_eq!(bot.events()[0].text(), Some("hi"));
}

#[test]
fn a_hint_brings_a_message_before_the_next_round() {
    let mut bot = VirtualBot::new(Simulator::default(), |setup| {
        let config = PollerConfig::new().interval(HOUR);
        Ok(SessionMachine::new(Poller::new(setup.context, config)?))
    })
    .unwrap();
    bot.run_for(MINUTE).unwrap();
    bot.receive_text(USER, "hi").unwrap();
    bot.receive_hint(Hint::Messages);
    let heard = bot.run_until(MINUTE, |bot| !bot.events().is_empty());
    assert!(heard.unwrap());
}
