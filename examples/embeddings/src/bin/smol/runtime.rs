//! smol as the runtime of a session. Copy this file as it is; `transport.rs` has the HTTP.

use std::future::Future;
use std::time::Duration;

use bilibili_session_async::{Runtime, Spawn};
use smol::Timer;

/// smol: the runtime of [`Session`].
#[derive(Debug, Clone)]
pub struct Smol;

/// One login and the messages that arrive for it, on smol. `Client` and `LoginClient` have their names in the same way.
pub type Session = bilibili_session_async::Session<Smol>;

impl Runtime for Smol {
    async fn sleep(span: Duration) {
        Timer::after(span).await;
    }
}

/// For `Session::run`, which this program does without.
impl Spawn for Smol {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}
