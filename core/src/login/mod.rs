//! Logins: by QR code, their renewal, their end (feature `login`).
//!
//! Only what the site offers a person for their own account. Each of these is a machine of
//! values, driven like a [`Call`](crate::Call): ask [`poll_output`](QrLogin::poll_output) for the
//! next thing to do, do it, give answers back.
//!
//! | to do this | take |
//! |---|---|
//! | log in with the phone | [`QrLogin`] |
//! | renew a login before it expires, or repeat a confirmation that is owed | [`Refresh`] |
//! | ask whether a login is still good | [`CookieInfo`], a call like all others |
//! | end a login | [`Logout`] |
//!
//! A [`Login`] is the value that comes of them and goes into them: it can be stored at every step,
//! and gone on from. A renewal gives out new cookies first and ends the old ones afterwards, so
//! a login that was stored in between [owes a confirmation](Login::owes_confirmation), and is
//! good all the same.
//!
//! ```
//! use bilibili_session::login::{LoginConfig, QrLogin, QrOutput};
//! use bilibili_session::{Now, UnixMicros};
//! use std::time::Duration;
//!
//! # let send = |_: http::Request<Vec<u8>>| {
//! #     Ok(http::Response::new(br#"{"code":-412,"message":"made up"}"#.to_vec()))
//! # };
//! # let mut elapsed = Duration::ZERO;
//! let mut login = QrLogin::new(LoginConfig::new());
//! let result = loop {
//!     let now = Now { monotonic: elapsed, wall: UnixMicros(0) };
//!     match login.poll_output(now) {
//!         QrOutput::Send(request) => {
//!             let answer = send(request);
//!             login.handle_response(now, answer);
//!         }
//!         QrOutput::Show(code) => println!("scan this: {}", code.url()),
//!         QrOutput::Scanned => println!("now confirm it on the phone"),
//!         QrOutput::Wait(until) => elapsed = until,
//!         QrOutput::Done(result) => break result,
//!     }
//! };
//! assert!(result.is_err());
//! ```

mod config;
mod cookies;
mod correspond;
mod error;
mod logout;
mod qr;
mod refresh;
mod steps;
mod stored;

use std::time::Duration;

pub use config::LoginConfig;
pub use error::LoginError;
pub use logout::Logout;
pub use qr::{QrCode, QrLogin, QrOutput, QrProgress};
pub use refresh::{Refresh, RefreshOutput};
pub use steps::{CookieInfo, CookieState};
pub use stored::Login;

/// Time between two questions whether a login is to be renewed: a day.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Time until a renewal that failed is tried again: an hour.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(60 * 60);
