//! The timers and tasks of an async runtime.

use std::future::Future;
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, fs, io, thread};

use bilibili_session::Now;
use futures_channel::oneshot;

use crate::clock::system_time;

/// Timers of an async runtime, for a type that stands for it and has no value of interest.
///
/// With [`sleep`](Self::sleep), which is all that has to be written, there are the streams and the
/// handlers of a [`Session`](crate::Session), a [`Client`](crate::Client) and a
/// [`LoginClient`](crate::LoginClient); with [`Spawn`] also [`Session::run`](crate::Session::run).
/// The rest has defaults that fit everywhere.
///
/// This is a session on smol. An alias names the runtime once, as the crates for tokio and
/// async-std do, and nothing else has to:
///
/// ```
/// use std::time::Duration;
///
/// use bilibili_session_async::core::poller::PollerConfig;
/// use bilibili_session_async::core::{ClientConfig, Credential, CredentialError, Error};
/// use bilibili_session_async::{Runtime, Spawn};
///
/// #[derive(Debug, Clone)]
/// struct Smol;
///
/// impl Runtime for Smol {
///     async fn sleep(span: Duration) {
///         smol::Timer::after(span).await;
///     }
/// }
///
/// impl Spawn for Smol {
///     fn spawn(task: impl Future<Output = ()> + Send + 'static) {
///         smol::spawn(task).detach();
///     }
/// }
///
/// type Session = bilibili_session_async::Session<Smol>;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any HTTP client is a transport: a closure is, and so is a type that implements `Transport`.
/// let transport = |_request: http::Request<Vec<u8>>| async {
///     Ok(http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec()))
/// };
/// let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let session = Session::new(context, transport, PollerConfig::new())?;
/// session.on_text(async |text, event, session| {
///     session.reply(&event, &text).await?;
///     Ok(())
/// });
/// let end = smol::block_on(session.run());
/// assert_eq!(end.unwrap_err().code(), Some(-101));
/// # Ok(())
/// # }
/// ```
pub trait Runtime: Clone + fmt::Debug + Send + Sync + 'static {
    /// Waits for this long. The future can be polled by one thread after another, and dropped at
    /// any time.
    fn sleep(span: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// Returns the time, by the clocks of the system where the runtime has none of its own. The
    /// monotonic part never goes back, and [`sleep`](Self::sleep) goes by it.
    fn now() -> Now {
        system_time()
    }

    /// Polls a stream of a session once, by calling `step`, which may be ready each time. A runtime
    /// that gives other tasks their turn only where that is asked for, asks here.
    fn poll_turn<T>(
        cx: &mut Context<'_>,
        step: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        step(cx)
    }

    /// Writes a file that may exist, by a thread of its own where the runtime has no files: for
    /// [`Client::save_picture`](crate::Client::save_picture).
    fn write_file(
        path: PathBuf,
        bytes: Vec<u8>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        write_on_a_thread(path, bytes)
    }
}

/// Tasks of an async runtime: for [`Session::run`](crate::Session::run).
pub trait Spawn: Runtime {
    /// Spawns a task, which goes on when nobody waits for it. A runtime that ends drops it.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);
}

async fn write_on_a_thread(path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
    let (sender, written) = oneshot::channel();
    thread::Builder::new().spawn(move || sender.send(fs::write(path, bytes)))?;
    written.await.map_err(io::Error::other)?
}
