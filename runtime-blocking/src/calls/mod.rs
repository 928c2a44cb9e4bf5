//! Calls: one at a time, page after page, and those around a picture.

mod client;
mod pages;
mod pictures;

pub use client::Client;
pub use pictures::read_picture;
