//! A watch that answers, and is killed while messages arrive and its answers are late, cut, or
//! never come: each message is answered exactly once, or its outcome is reported as unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Rng, Simulator};
use http::StatusCode;
use serde_json::Value;

use super::support::*;

const USERS: i64 = 5;
/// The messages that arrive for each kill.
const FOR_EACH_KILL: usize = 5;
/// A message, by its sender and its place.
type Place = (i64, u64);

/// Fate of the next answer to a message that is sent, if it has one.
fn fault(random: &mut Rng) -> Option<Fault> {
    let fault = |kind| Fault::once("/send_msg", kind);
    let late = Duration::from_millis(100 + random.below(800));
    let bad_gateway = FaultKind::Http(StatusCode::BAD_GATEWAY);
    Some(match random.below(20) {
        0..=5 => fault(FaultKind::Delay(late)),
        6 | 7 => fault(FaultKind::Reset).carried_out(),
        8 => fault(FaultKind::Hang).carried_out(),
        9 => fault(bad_gateway).carried_out(),
        10 => fault(FaultKind::Reset),
        11 => fault(FaultKind::Hang),
        _ => return None,
    })
}

/// So many messages, and faults of the answers to them.
fn feed(simulator: &Mutex<Simulator>, count: usize, is_over: &AtomicBool) {
    let mut random = Rng::new(19);
    let mut left = count;
    while left > 0 && !is_over.load(Ordering::Relaxed) {
        let from = 20001 + i64::try_from(random.below(u64::try_from(USERS).unwrap())).unwrap();
        // Now and then several at once.
        let burst = usize::try_from(random.below(5).saturating_sub(1)).unwrap();
        let burst = burst.clamp(1, left);
        {
            let mut simulator = simulator.lock().unwrap_or_else(PoisonError::into_inner);
            for _ in 0..burst {
                let message = NewMessage::text(from, &format!("{left} to go"));
                simulator.receive(now_us(), message).unwrap();
                if let Some(fault) = fault(&mut random) {
                    simulator.push_fault(fault);
                }
            }
        }
        left -= burst;
        let pause = 200 + random.below(1300);
        std::thread::sleep(Duration::from_millis(pause) * u32::try_from(burst).unwrap());
    }
}

fn sent_keys(state: &Value) -> BTreeSet<String> {
    let sent = state["sent"].as_array().unwrap().iter();
    sent.map(|it| it["msg_key"].as_str().unwrap().to_owned())
        .collect()
}

/// Lines that all lives have printed.
#[derive(Default)]
struct Told {
    messages: BTreeSet<Place>,
    keys: BTreeMap<Place, String>,
    unknown: BTreeSet<Place>,
    not_sent: BTreeSet<Place>,
    /// Replies that a life found and had not made itself.
    found: usize,
    /// Words of each life on each message, for whoever has to find out.
    lives: Vec<Vec<(Place, String)>>,
}

impl Told {
    /// One life, before which these keys were there.
    fn life(&mut self, lines: &[Value], before: &BTreeSet<String>) {
        let mut current = None;
        let mut said = Vec::new();
        for line in lines {
            match line["event"].as_str().unwrap() {
                "message" => {
                    let talker = line["conversation"]["talker_id"].as_i64().unwrap();
                    let place = (talker, line["msg_seqno"].as_u64().unwrap());
                    self.messages.insert(place);
                    said.push((place, String::new()));
                    current = Some(place);
                }
                "sent" => {
                    let place = current.take().unwrap();
                    assert_eq!(line["to"]["talker_id"], place.0);
                    let key = line["msg_key"].as_str().unwrap().to_owned();
                    said.push((place, key.clone()));
                    self.found += usize::from(before.contains(&key));
                    if let Some(former) = self.keys.insert(place, key.clone()) {
                        assert_eq!(former, key, "{place:?} was answered twice");
                    }
                }
                "notice" if line["kind"] == "reply_failed" => {
                    let place = current.take().unwrap();
                    let words = line["message"].as_str().unwrap();
                    said.push((place, words.to_owned()));
                    match words.contains("not known whether") {
                        true => self.unknown.insert(place),
                        false => self.not_sent.insert(place),
                    };
                }
                _ => {}
            }
        }
        self.lives.push(said);
    }

    /// Compares with what the service has.
    fn check(&self, state: &Value) {
        let mut sent: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for it in state["sent"].as_array().unwrap() {
            let to = it["receiver_id"].as_i64().unwrap();
            let key = it["msg_key"].as_str().unwrap().to_owned();
            sent.entry(to).or_default().push(key);
        }
        for user in 20001..20001 + USERS {
            let of_user = |place: &&Place| place.0 == user;
            let sent = sent.remove(&user).unwrap_or_default();
            let keys: Vec<&String> = self
                .keys
                .iter()
                .filter(|(place, _)| place.0 == user)
                .map(|(_, key)| key)
                .collect();
            let positions: Vec<usize> = keys
                .iter()
                .map(|key| sent.iter().position(|it| it == *key).expect("it was sent"))
                .collect();
            // Each is the answer to one message, in the order of the messages.
            assert!(
                positions.is_sorted_by(|one, next| one < next),
                "{user}: {positions:?} {:#?}",
                self.lives
            );
            // A kill may have come before the line, with the answer on disk.
            let silent = self.messages.iter().filter(of_user).filter(|place| {
                !self.keys.contains_key(*place)
                    && !self.unknown.contains(*place)
                    && !self.not_sent.contains(*place)
            });
            assert_eq!(sent.len() - keys.len(), silent.count(), "user {user}");
        }
        assert!(sent.is_empty());
    }
}

fn answered_once(kills: usize) {
    let world = World::new();
    let file = world.path("checkpoint");
    let path = file.to_str().unwrap();
    for from in 20001..20001 + USERS {
        world.texts(from, 2);
    }
    let watch = |n: usize| {
        let runtime = RUNTIMES[n % 2];
        let args = ["watch", "--json", "--interval", "0.05", "--timeout", "1"];
        let more = [
            "--checkpoint",
            path,
            "--runtime",
            runtime,
            "--reply",
            "收到",
        ];
        Watch::start(world.bili(&[&args[..], &more].concat()))
    };
    let mut running = watch(0);
    running.until_connected();
    let count = kills * FOR_EACH_KILL;
    let before = world.state();
    let is_over = Arc::new(AtomicBool::new(false));
    let (simulator, over) = (world.server.shared(), Arc::clone(&is_over));
    let feeder = std::thread::spawn(move || feed(&simulator, count, &over));
    let mut random = Rng::new(20_240_229);
    let mut told = Told::default();
    let mut keys = BTreeSet::new();
    for n in 0..kills {
        // An answer comes after three seconds at the soonest.
        let life = match random.below(6) {
            0 => random.below(3000),
            _ => 3000 + random.below(3000),
        };
        std::thread::sleep(Duration::from_millis(life));
        told.life(&running.kill(), &keys);
        keys = sent_keys(&world.state());
        running = watch(n + 1);
    }
    feeder.join().unwrap();
    world.server.simulator().clear_faults();
    let messages = |state: &Value| -> u64 {
        let conversations = state["conversations"].as_array().unwrap();
        let all = conversations
            .iter()
            .map(|it| it["messages"].as_u64().unwrap());
        all.sum::<u64>() - u64::try_from(state["sent"].as_array().unwrap().len()).unwrap()
    };
    let arrived = messages(&world.state()) - messages(&before);
    assert_eq!(arrived, u64::try_from(count).unwrap());
    // The last life answers what is left, and a message of its own at the end.
    for user in 20001..20001 + USERS {
        world.text(user, "the last one");
    }
    let mut last = 0;
    while last < USERS {
        let line = running.next().expect("it goes on");
        let is_last = line["content"]["content"] == "the last one";
        last += i64::from(is_last);
    }
    running.until("the last answer", |line| {
        line["event"] == "sent" || line["kind"] == "reply_failed"
    });
    running.interrupt();
    let ended = running.end();
    ended.gracefully();
    told.life(&ended.lines, &keys);
    let state = world.state();
    told.check(&state);
    let all = count + usize::try_from(USERS).unwrap();
    assert_eq!(told.messages.len(), all);
    let only_unknown = told
        .unknown
        .iter()
        .filter(|it| !told.keys.contains_key(*it));
    let not_sent = told
        .not_sent
        .iter()
        .filter(|it| !told.keys.contains_key(*it));
    println!(
        "{kills} kills, {all} messages of {USERS} conversations: {} answers sent, none twice; {} reported as unknown, {} as not sent; {} answers were made by a life that was killed, and found by the next",
        state["sent"].as_array().unwrap().len(),
        only_unknown.count(),
        not_sent.count(),
        told.found,
    );
}

#[test]
fn killed_while_it_answers_each_message_is_answered_once() {
    answered_once(12);
}

#[test]
#[ignore = "ten minutes"]
fn killed_a_hundred_times_while_500_messages_are_answered() {
    answered_once(100);
}
