//! Logins that are kept: where they lie, which one is meant, how they are renewed.

mod account;
mod runtime;
mod store;

pub(crate) use account::{Account, is_name, named};
pub(crate) use runtime::Logins;
pub(crate) use store::{Entry, Store};

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::texts::{Other, text};

/// Draws the randomness of a renewal.
pub(crate) fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::File(text!("no-random-numbers", error = Other(error))))?;
    Ok(seed)
}

/// Returns the second since the epoch.
pub(crate) fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
