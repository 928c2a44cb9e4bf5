//! State of the server: accounts, conversations, messages, keys.

pub(crate) mod account;
pub(crate) mod conversation;
pub(crate) mod feed;
mod made_up;
pub(crate) mod message;
pub(crate) mod notification;
pub(crate) mod passport;
pub(crate) mod peer;
pub(crate) mod settings;
pub(crate) mod world;
