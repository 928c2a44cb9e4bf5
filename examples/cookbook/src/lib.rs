//! Common parts of the programs of the cookbook: the account that they run for.

use std::error::Error;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, Hosts};

/// Reads the account from the file of cookies that `BILI_COOKIES` names, and how often to ask.
///
/// # Errors
/// Fails when the variable is not set, or the file holds no login.
pub fn account() -> Result<(ClientConfig, PollerConfig), Box<dyn Error>> {
    let file = env::var_os("BILI_COOKIES")
        .ok_or("set BILI_COOKIES to a file with the cookies of the account")?;
    account_of(file)
}

/// Reads the account from this file of cookies, and how often to ask.
///
/// With `BILI_ORIGIN` it is the account of a server on this machine, a simulator's for instance, which is asked at once and
/// again.
///
/// # Errors
/// Fails when the file holds no login.
pub fn account_of(file: impl AsRef<Path>) -> Result<(ClientConfig, PollerConfig), Box<dyn Error>> {
    let context = ClientConfig::new(Credential::parse(&fs::read_to_string(file)?)?);
    Ok(match env::var("BILI_ORIGIN") {
        Ok(origin) => (
            context.hosts(Hosts::origin(&origin)?),
            PollerConfig::new().interval(Duration::from_millis(50)),
        ),
        Err(_) => (context, PollerConfig::new()),
    })
}
