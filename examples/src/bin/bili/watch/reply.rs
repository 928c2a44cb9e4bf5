//! `--reply`: answers private texts.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::poller::Warning;
use bilibili_session::{Error, Event, MsgKey, TransportError, TransportErrorKind, Uid};

use super::stop::Stop;
use crate::runtime::Sender;

/// Time that an answer that is under way may hold up the end.
const GRACE: Duration = Duration::from_secs(1);
/// Time between two looks whether the end has come.
const GLANCE: Duration = Duration::from_millis(50);

/// Answers private texts with one of its own.
pub(super) struct Replier {
    text: String,
    send: Sender,
    stop: Stop,
}

impl Replier {
    pub(super) const fn new(text: String, send: Sender, stop: Stop) -> Self {
        Self { text, send, stop }
    }

    /// Sends with another session from now on.
    pub(super) fn send_with(&mut self, send: Sender) {
        self.send = send;
    }

    /// Returns whether the event is a private text from somebody else.
    pub(super) fn fits(&self, event: &Event, own: Option<Uid>) -> bool {
        event.conversation.is_user()
            && event.text().is_some()
            && event.sender_uid() != Uid(0)
            && own.is_some_and(|own| own != event.sender_uid())
    }

    /// Sends the answer. One that hangs does not keep the watch from ending.
    pub(super) fn reply(&self, event: &Event) -> Result<MsgKey, Warning> {
        let conversation = event.conversation;
        let failed = |error| Warning::ReplyFailed {
            conversation,
            error,
        };
        let (tell, told) = mpsc::channel();
        let (send, text) = (Sender::clone(&self.send), self.text.clone());
        thread::Builder::new()
            .name("reply".to_owned())
            .spawn(move || {
                // Fails when nobody waits any more.
                let _ = tell.send(send(conversation, &text));
            })
            .map_err(|error| failed(other(error.to_string())))?;
        let mut ended: Option<Instant> = None;
        loop {
            match told.recv_timeout(GLANCE) {
                Ok(sent) => return sent.map(|sent| sent.msg_key).map_err(failed),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed(other("sending panicked".to_owned())));
                }
                Err(RecvTimeoutError::Timeout) if self.stop.is_triggered() => {
                    if ended.get_or_insert_with(Instant::now).elapsed() > GRACE {
                        return Err(failed(other(
                            "still under way when the watch ended".to_owned(),
                        )));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

fn other(words: String) -> Error {
    TransportError::new(TransportErrorKind::Other, words).into()
}
