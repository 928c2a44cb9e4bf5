//! The simulator on 127.0.0.1.

mod body;
mod connection;
mod push;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::Simulator;

/// Simulator that answers HTTP on 127.0.0.1, until it is dropped.
///
/// ```
/// use bilibili_session_simulator::{Simulator, server::Server};
/// let server = Server::start(Simulator::default(), 0)?;
/// assert!(server.origin().starts_with("http://127.0.0.1:"));
/// server.simulator().rotate_keys();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// One thread serves all connections. Dropping ends it at once: connections that hang are closed with it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    simulator: Arc<Mutex<Simulator>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// State that all connections share.
#[derive(Clone)]
struct Shared {
    simulator: Arc<Mutex<Simulator>>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Server {
    /// Serves on this port of 127.0.0.1 (0: any free one), by the system's clock.
    ///
    /// # Errors
    /// If the port is taken, or the system gives no thread.
    pub fn start(simulator: Simulator, port: u16) -> io::Result<Self> {
        Self::start_with_clock(simulator, port, system_clock)
    }

    /// Starts a server with another clock: microseconds since the epoch.
    ///
    /// # Errors
    /// If the port is taken, or the system gives no thread.
    pub fn start_with_clock(
        simulator: Simulator,
        port: u16,
        clock: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let simulator = Arc::new(Mutex::new(simulator));
        let shared = Shared {
            simulator: Arc::clone(&simulator),
            clock: Arc::new(clock),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("bilibili-simulator".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::spawn(connection::accept(listener, shared));
                    // An error says that the server itself is gone, which is an end too.
                    let _ = stopped.await;
                });
                // The runtime ends here, and every connection with it.
            })?;
        Ok(Self {
            address,
            simulator,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the origin: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address of the socket.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the simulator, to play the other side. No request is answered while the guard is held.
    pub fn simulator(&self) -> MutexGuard<'_, Simulator> {
        lock(&self.simulator)
    }

    /// Returns the same simulator, to keep and to share.
    pub fn shared(&self) -> Arc<Mutex<Simulator>> {
        Arc::clone(&self.simulator)
    }

    /// Waits until the server ends, which is when the process does.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread does not panic; if it did, there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It fails if the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Locks the simulator, also after a test that panicked with the lock: the model has no half-done states that matter.
fn lock(simulator: &Mutex<Simulator>) -> MutexGuard<'_, Simulator> {
    simulator.lock().unwrap_or_else(PoisonError::into_inner)
}

fn system_clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
