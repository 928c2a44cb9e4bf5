//! A checkpoint that is read can be resumed, whatever it says.

use arbitrary::{Arbitrary, Unstructured};
use bilibili_session::poller::Checkpoint;
use md5::{Digest, Md5};

use super::assert_one_line;
use super::poller::life::Life;
use super::poller::script::Script;

/// Content of a checkpoint.
#[derive(Debug, Clone, Arbitrary)]
pub struct Body {
    pub uid: i64,
    pub base_ts: i64,
    pub new_since: i64,
    pub polled_at: i64,
    pub conversations: Vec<Entry>,
}

/// State of a conversation.
#[derive(Debug, Clone, Arbitrary)]
pub struct Entry {
    pub session_type: i8,
    pub talker_id: u8,
    pub cursor: Option<u64>,
    pub target: u64,
    pub session_ts: i64,
}

impl Body {
    /// As the library writes it, with the check sum that fits.
    pub fn to_json(&self) -> String {
        let entries: Vec<String> = self
            .conversations
            .iter()
            .map(|entry| {
                let cursor = entry.cursor.map_or("null".to_owned(), |c| c.to_string());
                format!(
                    r#"{{"session_type":{},"talker_id":{},"cursor":{cursor},"target":{},"session_ts":{}}}"#,
                    entry.session_type, entry.talker_id, entry.target, entry.session_ts
                )
            })
            .collect();
        let body = format!(
            r#"{{"uid":{},"base_ts":{},"new_since":{},"polled_at":{},"conversations":[{}]}}"#,
            self.uid,
            self.base_ts,
            self.new_since,
            self.polled_at,
            entries.join(",")
        );
        let check: String = Md5::digest(&body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            r#"{{"format":"bilibili-session checkpoint","version":1,"check":"{check}","body":{body}}}"#
        )
    }
}

/// Text where byte 0 is even; else a body that gets its check sum, and a script to drive it.
pub fn check(input: &[u8]) {
    let [what, rest @ ..] = input else {
        return;
    };
    if what % 2 == 0 {
        if let Some(checkpoint) = check_text(&String::from_utf8_lossy(rest)) {
            Life::resumed(&checkpoint).run(&Script::default_rounds());
        }
        return;
    }
    let mut from = Unstructured::new(rest);
    let Ok((body, script)) = <(Body, Script)>::arbitrary(&mut from) else {
        return;
    };
    let text = body.to_json();
    let checkpoint = check_text(&text).expect("with the check sum that fits it is one");
    // The first version is read, the current one written.
    let current = text.replacen("\"version\":1", "\"version\":4", 1);
    assert_eq!(checkpoint.to_json(), current);
    Life::resumed(&checkpoint).run(&script);
}

/// Reads it; what is read writes itself and reads the same again.
pub fn check_text(text: &str) -> Option<Checkpoint> {
    match Checkpoint::from_json(text) {
        Ok(checkpoint) => {
            let written = checkpoint.to_json();
            assert_eq!(Checkpoint::from_json(&written).as_ref(), Ok(&checkpoint));
            let through_serde: Checkpoint = serde_json::from_str(&written).unwrap();
            assert_eq!(through_serde, checkpoint);
            Some(checkpoint)
        }
        Err(error) => {
            assert_one_line(&error.to_string());
            None
        }
    }
}
