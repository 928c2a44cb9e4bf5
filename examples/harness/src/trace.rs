//! The last things that happened.

use std::collections::VecDeque;
use std::time::Duration;

use bilibili_session::ConversationId;
use http::Response;
use serde_json::Value;

/// The last lines, if anybody wants them.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    keep: usize,
    /// Lines that are about others are left out.
    about: Option<ConversationId>,
    last_entry: String,
    /// The first lines from then on are wanted, not the last of all.
    from: Option<Duration>,
}

impl Trace {
    pub(crate) fn new(keep: usize, about: Option<ConversationId>, from: Option<Duration>) -> Self {
        Self {
            lines: VecDeque::new(),
            keep,
            about,
            last_entry: String::new(),
            from,
        }
    }

    /// Adds a line about the run as a whole.
    pub(crate) fn add(&mut self, now: Duration, line: impl FnOnce() -> String) {
        if self.keep == 0 {
            return;
        }
        match self.from {
            Some(from) if now < from || self.lines.len() >= self.keep => return,
            _ if self.lines.len() >= self.keep => {
                self.lines.pop_front();
            }
            _ => {}
        }
        let line = format!("{:>12.3} {}", now.as_secs_f64(), line());
        self.lines.push_back(line);
    }

    /// Adds a line about a conversation, or about none.
    pub(crate) fn add_about(
        &mut self,
        now: Duration,
        of: Option<ConversationId>,
        line: impl FnOnce() -> String,
    ) {
        if self.about.is_none_or(|about| of == Some(about)) {
            self.add(now, line);
        }
    }

    /// Adds a line about an answer.
    pub(crate) fn add_answer(
        &mut self,
        now: Duration,
        of: Option<ConversationId>,
        head: impl FnOnce() -> String,
        answer: Option<&Response<Vec<u8>>>,
    ) {
        if self.keep == 0 {
            return;
        }
        let digest = answer.map_or_else(String::new, |answer| self.digest(answer));
        if let Some(about) = self.about.filter(|about| of != Some(*about)) {
            // A list is worth a line when it says something new of the one it is about.
            let entry = digest
                .split(", ")
                .find(|part| part.starts_with(&format!("{about} ")));
            if entry.is_none_or(|entry| entry == self.last_entry) {
                return;
            }
            self.last_entry = entry.unwrap_or_default().to_owned();
        }
        self.add(now, || format!("{}{digest}", head()));
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }

    /// Returns the essence of an answer: conversations and their numbers, or numbers of messages.
    fn digest(&self, answer: &Response<Vec<u8>>) -> String {
        let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else {
            let start: String = String::from_utf8_lossy(answer.body())
                .chars()
                .take(60)
                .collect();
            return format!(" {} {start:?}", answer.status());
        };
        let get =
            |value: &Value, name: &str| value.get(name).map_or(String::new(), Value::to_string);
        let mut digest = format!(" code {}", get(&body, "code"));
        let data = body.get("data").unwrap_or(&Value::Null);
        for entry in data
            .get("session_list")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let number = |name: &str| {
                get(entry, name)
                    .trim_matches('"')
                    .parse()
                    .unwrap_or_default()
            };
            let id = ConversationId::new(number("session_type"), number("talker_id"));
            if self.about.is_none_or(|about| about == id) {
                let (to, at) = (get(entry, "max_seqno"), get(entry, "session_ts"));
                digest.push_str(&format!(", {id} to {to} at {at}"));
            }
        }
        for entry in data
            .get("messages")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let (seqno, at) = (get(entry, "msg_seqno"), get(entry, "timestamp"));
            digest.push_str(&format!(", {seqno} at {at}"));
        }
        let lists = [
            "/items",
            "/latest/items",
            "/total/items",
            "/system_notify_list",
            "",
        ];
        let lists = lists
            .iter()
            .filter_map(|list| data.pointer(list)?.as_array());
        for entry in lists.flatten() {
            let names = ["reply_time", "at_time", "like_time", "time_at"];
            let at = names.map(|name| get(entry, name)).concat();
            digest.push_str(&format!(
                ", {}{} at {at}",
                get(entry, "id"),
                get(entry, "cursor")
            ));
        }
        if let Some(more) = data.get("has_more") {
            digest.push_str(&format!(", more: {more}"));
        }
        digest.chars().take(600).collect()
    }
}
