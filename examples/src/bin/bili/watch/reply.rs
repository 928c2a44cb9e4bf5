//! `--reply`: answers private texts.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::poller::Warning;
use bilibili_session::{Error, ErrorClass, Event, MsgKey, TransportError, TransportErrorKind, Uid};

use super::stop::Stop;
use crate::runtime::Sender;

/// Time that an answer that is under way may hold up the end.
const GRACE: Duration = Duration::from_secs(1);
/// Time between two looks whether the end has come.
const GLANCE: Duration = Duration::from_millis(50);

/// Waits before a reply that was certainly not sent is tried again.
const WAITS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

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
        let (event, stop) = (event.clone(), self.stop.clone());
        thread::Builder::new()
            .name("reply".to_owned())
            .spawn(move || {
                let sent = insist(&stop, || send(&event, &text));
                // Fails when nobody waits any more.
                let _ = tell.send(sent);
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
                        let under_way = other("still under way when the watch ended".to_owned());
                        return Err(failed(Error::UnknownOutcome(Box::new(under_way))));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Sends a reply, and again where it was certainly not sent and the reason may pass.
fn insist<T>(stop: &Stop, send: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for wait in WAITS {
        match send() {
            Err(error) if is_passing(&error) && !stop.is_triggered() => {}
            outcome => return outcome,
        }
        let until = Instant::now() + wait;
        while Instant::now() < until && !stop.is_triggered() {
            thread::sleep(GLANCE);
        }
    }
    send()
}

/// Returns whether the message was not sent, for a reason that may pass.
fn is_passing(error: &Error) -> bool {
    let may_pass = matches!(error.class(), ErrorClass::Transport | ErrorClass::Server);
    may_pass && !matches!(error, Error::UnknownOutcome(_))
}

fn other(words: String) -> Error {
    TransportError::new(TransportErrorKind::Other, words).into()
}
