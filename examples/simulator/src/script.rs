//! A conversation that plays itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::control::integer;
use crate::{Arrived, Fault, Message, NewMessage, Simulator};

/// A conversation that plays itself: steps, each so many milliseconds after the account first listed its conversations.
///
/// Written as JSON, one object a line or an array of them:
///
/// ```json
/// {"after_ms":1500,"from":20001,"content":{"content":"在吗？"}}
/// {"after_ms":3000,"from":20001,"content":{"content":"发错了"},"name":"slip"}
/// {"after_ms":4000,"withdraw":"slip"}
/// {"after_ms":5000,"rotate_keys":true}
/// {"after_ms":6000,"fault":{"path":"fetch_session_msgs","kind":"http_500"}}
/// {"answers":{"from":20001,"after_ms":800,"lines":["收到！","哈哈"],"times":20}}
/// ```
///
/// With a negative `after_ms` a step lies in the past: it was there before the first request of all.
///
/// A message has the fields of `POST /_simulator/message` (but `count`); `name` lets a later step withdraw it. `answers`
/// is somebody who answers each text sent to them with the next of their lines, until they have done so `times` times.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// By time.
    steps: Vec<Step>,
    answers: Vec<Answers>,
}

#[derive(Clone, Debug)]
struct Step {
    after_us: i64,
    name: Option<String>,
    action: StepAction,
}

#[derive(Clone, Debug)]
enum StepAction {
    Message(Box<NewMessage>),
    Withdraw(String),
    RotateKeys,
    Fault(Fault),
}

/// Part of a script that answers texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    from: i64,
    #[serde(default)]
    after_ms: u32,
    lines: Vec<String>,
    #[serde(default = "usual_times")]
    times: u32,
    #[serde(skip)]
    given: u32,
}

fn usual_times() -> u32 {
    20
}

impl Script {
    /// Returns a friendly little conversation in Chinese: text, picture, withdrawal, shared video and notice within twelve
    /// seconds, a group, and a friend who answers.
    pub fn demo() -> Self {
        // The text is part of the crate, and a test reads it.
        Self::parse(include_str!("demo.jsonl")).unwrap_or_default()
    }

    /// Reads a script: one JSON object a line, or an array.
    ///
    /// # Errors
    /// Says in which entry what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: Vec<Value> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map_err(|error| format!("the script is no JSON: {error}"))?
        } else {
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty());
            lines
                .map(|(n, line)| {
                    serde_json::from_str(line)
                        .map_err(|error| format!("line {} is no JSON: {error}", n + 1))
                })
                .collect::<Result<_, _>>()?
        };
        let mut script = Self::default();
        for (entry, n) in entries.iter().zip(1..) {
            script
                .add(entry)
                .map_err(|reason| format!("entry {n} of the script: {reason}"))?;
        }
        script.steps.sort_by_key(|step| step.after_us);
        script.check_names()?;
        Ok(script)
    }

    fn add(&mut self, entry: &Value) -> Result<(), String> {
        if let Some(answers) = entry.get("answers") {
            let answers =
                Answers::deserialize(answers).map_err(|error| format!("`answers`: {error}"))?;
            if answers.lines.is_empty() {
                return Err("`answers` has no `lines`".to_owned());
            }
            self.answers.push(answers);
            return Ok(());
        }
        let after_ms = integer(entry, "after_ms")?.ok_or("`after_ms` is missing")?;
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let action = if let Some(name) = text("withdraw") {
            StepAction::Withdraw(name)
        } else if let Some(fault) = entry.get("fault") {
            StepAction::Fault(Fault::from_json(fault)?)
        } else if entry.get("rotate_keys").is_some() {
            StepAction::RotateKeys
        } else {
            StepAction::Message(Box::new(NewMessage::from_json(entry)?))
        };
        self.steps.push(Step {
            after_us: after_ms.saturating_mul(1000),
            name: text("name"),
            action,
        });
        Ok(())
    }

    /// Checks that each message to withdraw has a step before that sends it.
    fn check_names(&self) -> Result<(), String> {
        let mut named = std::collections::BTreeSet::new();
        for step in &self.steps {
            if let StepAction::Withdraw(name) = &step.action
                && !named.contains(name)
            {
                return Err(format!(
                    "the script withdraws `{name}`, which no earlier step names"
                ));
            }
            named.extend(step.name.clone());
        }
        Ok(())
    }
}

/// A script being played.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    script: Script,
    /// Time of the first request: steps with a time before it are history by then.
    first_us: Option<i64>,
    started_us: Option<i64>,
    next: usize,
    /// The answers that are on their way.
    pending: BTreeMap<(i64, u64), NewMessage>,
    answered: u64,
    names: BTreeMap<String, i64>,
    playing: Option<String>,
}

/// Action of a step, names looked up.
pub(crate) enum Action {
    Message(Box<NewMessage>),
    Withdraw(i64),
    RotateKeys,
    Fault(Fault),
    Nothing,
}

impl Action {
    pub(crate) fn act(self, simulator: &mut Simulator, now_us: i64) -> Option<Arrived> {
        match self {
            Self::Message(new) => simulator.receive(now_us, *new).ok(),
            Self::Withdraw(key) => simulator.withdraw(now_us, key).ok(),
            Self::RotateKeys => {
                simulator.rotate_keys();
                None
            }
            Self::Fault(fault) => {
                simulator.push_fault(fault);
                None
            }
            Self::Nothing => None,
        }
    }
}

impl Player {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            script,
            first_us: None,
            started_us: None,
            next: 0,
            pending: BTreeMap::new(),
            answered: 0,
            names: BTreeMap::new(),
            playing: None,
        }
    }

    /// Starts the script's time, once the account has listed its conversations.
    pub(crate) fn start(&mut self, now_us: i64) {
        self.started_us.get_or_insert(now_us);
    }

    /// Notes a message that the account sent: the part that answers texts will answer.
    pub(crate) fn heard(&mut self, now_us: i64, message: &Message) {
        if message.msg_type != 1 || message.receiver_type != 1 {
            return;
        }
        for answers in self
            .script
            .answers
            .iter_mut()
            .filter(|answers| answers.from == message.receiver_id)
        {
            if answers.given >= answers.times {
                continue;
            }
            let Some(line) = answers
                .lines
                .iter()
                .cycle()
                .nth(answers.given as usize % answers.lines.len())
            else {
                continue;
            };
            answers.given += 1;
            self.answered += 1;
            let due_us = now_us.saturating_add(i64::from(answers.after_ms) * 1000);
            self.pending.insert(
                (due_us, self.answered),
                NewMessage::text(answers.from, line),
            );
        }
    }

    /// Returns the earliest action that is due by now, and its time.
    pub(crate) fn due(&mut self, now_us: i64) -> Option<(i64, Action)> {
        let first_us = *self.first_us.get_or_insert(now_us);
        let step = self.script.steps.get(self.next).and_then(|step| {
            let from = if step.after_us < 0 {
                Some(first_us)
            } else {
                self.started_us
            };
            Some((from?.saturating_add(step.after_us), step))
        });
        let step = step.filter(|(due_us, _)| *due_us <= now_us);
        let answer = self
            .pending
            .first_key_value()
            .map(|((due_us, _), _)| *due_us)
            .filter(|&due_us| due_us <= now_us);
        match (step, answer) {
            (step, Some(due_us)) if step.is_none_or(|(step_due, _)| due_us < step_due) => {
                let (_, new) = self.pending.pop_first()?;
                self.playing = None;
                Some((due_us, Action::Message(Box::new(new))))
            }
            (Some((due_us, step)), _) => {
                self.next += 1;
                self.playing.clone_from(&step.name);
                let action = match &step.action {
                    StepAction::Message(new) => Action::Message(new.clone()),
                    StepAction::Withdraw(name) => self
                        .names
                        .get(name)
                        .map_or(Action::Nothing, |key| Action::Withdraw(*key)),
                    StepAction::RotateKeys => Action::RotateKeys,
                    StepAction::Fault(fault) => Action::Fault(fault.clone()),
                };
                Some((due_us, action))
            }
            _ => None,
        }
    }

    /// Notes the result of the last action: under its name, it can be withdrawn.
    pub(crate) fn done(&mut self, arrived: Option<Arrived>) {
        if let (Some(name), Some(arrived)) = (self.playing.take(), arrived) {
            self.names.insert(name, arrived.msg_key);
        }
    }
}
