//! Many accounts, shared out over many workers, with PostgreSQL as the record.
//!
//! One process of [`bilibili-session-tokio`](bilibili_session_tokio) watches hundreds of accounts. Where one is not enough,
//! or must not be the only one, several workers share them: each [claims](worker) accounts by a lease, and writes what
//! arrives in the same transaction that checks the lease and stores the checkpoint. So each event stands in the table
//! exactly once.
//!
//! | | |
//! |---|---|
//! | [`Database`] | the server, its pool of connections and its migrations |
//! | [`Vault`] | encrypts logins under a key that is not in the database |
//! | [`accounts`] | adds, pauses, drops accounts, and says how they are |
//! | [`worker`] | watches accounts, as many as its share |
//! | [`Tail`] | every event in the order of the record, none skipped |
//! | [`consumers`] | hands events to several consumers, with acknowledgement |
//! | [`outbox`] | sends a reply once |
//! | [`warnings`] | what went wrong, gaps above all |
//! | [`prune`] | ends old events |

pub mod accounts;
mod address;
pub mod consumers;
mod database;
mod error;
mod feeds;
mod lines;
mod listener;
pub mod metrics;
pub mod outbox;
pub mod prune;
mod tail;
mod tls;
mod vault;
pub mod warnings;
pub mod ways;
pub mod worker;

pub use database::Database;
pub use error::Error;
pub use feeds::FeedList;
pub use tail::{Position, StoredEvent, Tail};
pub use vault::{Vault, new_key};

/// Library of the sessions, and with it the core.
pub use bilibili_session_tokio as sessions;
