//! Calls: one at a time, page after page, and those around a picture.

mod client;
#[cfg(feature = "login")]
mod login;
mod pages;
mod pictures;

pub use client::Client;
#[cfg(feature = "login")]
pub use login::LoginClient;
