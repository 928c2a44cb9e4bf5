//! The push channel: a connection over which the service tells that something has changed.
//!
//! What comes over it is a [`Hint`](crate::poller::Hint) to look, never a delivery: pushes are
//! lost, come twice, and come before the lists show the change. A poller that gets the hints
//! looks sooner; without them it is as safe.
//!
//! A [`PushMachine`] is driven like a poller, and opens no socket: the driver connects a
//! WebSocket when told so, sends binary frames, and passes on those that come.
//!
//! ```
//! use bilibili_session::push::{Output, PushMachine};
//! use bilibili_session::{ClientConfig, Credential, Now, UnixMicros};
//! use std::time::Duration;
//!
//! let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
//! // The seed makes the id of each connection: take a random one.
//! let mut machine = PushMachine::new(context, 0x5eed);
//! # let mut clock = Duration::ZERO;
//! # let mut says_closed = false;
//! loop {
//!     # clock += Duration::from_secs(1);
//!     let now = Now { monotonic: clock, wall: UnixMicros(1_700_000_000_000_000) };
//!     match machine.poll_output(now) {
//!         // Connect a WebSocket with this request.
//!         Output::Connect(handshake) => {
//!             assert_eq!(handshake.request.uri().path(), "/sub");
//!             machine.handle_connected(now);
//!         }
//!         // Send this as a binary message.
//!         Output::Send(frame) => assert!(!frame.is_empty()),
//!         // Pass it to the session: see `SessionMachine::handle_hint`.
//!         Output::Hint(hint) => println!("{hint:?}"),
//!         // Tell whoever wants to know: see `SessionMachine::handle_push`.
//!         Output::Connected => println!("connected"),
//!         Output::Lost(loss) => println!("lost: {loss}"),
//!         // Drop the connection.
//!         Output::Disconnect => {}
//!         // Read from the connection until then.
//!         Output::Wait(until) => {
//!             # assert!(until > clock);
//!             machine.handle_close();
//!         }
//!         Output::Closed => break,
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod frame;
mod handshake;
mod loss;
mod machine;
mod retry;

pub use handshake::Handshake;
pub use loss::Loss;
pub use machine::{Output, PushMachine};
