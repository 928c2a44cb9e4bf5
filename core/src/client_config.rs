//! Settings that all requests of one account share.

use http::HeaderValue;

use crate::credential::Credential;
use crate::error::BuildError;
use crate::hosts::Hosts;
use crate::ids::Uid;

/// Sent unless another is set: what the service's own page would send from a current browser.
pub(crate) const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// Login, hosts and user agent of all requests of one account.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientConfig {
    pub(crate) credential: Credential,
    pub(crate) hosts: Hosts,
    /// `None` where the text that was set is not fit for a header.
    pub(crate) user_agent: Option<HeaderValue>,
    dev_id: Option<String>,
}

impl ClientConfig {
    /// Creates the settings for the service's own hosts and this login.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            hosts: Hosts::official(),
            user_agent: Some(HeaderValue::from_static(USER_AGENT)),
            dev_id: None,
        }
    }

    /// Sends requests to these hosts instead.
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sends this `User-Agent`: the one of the browser that the login came from is best.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = HeaderValue::try_from(user_agent.into()).ok();
        self
    }

    /// Sends this device id with messages, an upper-case UUID v4. Without one it is
    /// derived from the account's number, so it is the same for every message.
    pub fn dev_id(mut self, dev_id: impl Into<String>) -> Self {
        self.dev_id = Some(dev_id.into());
        self
    }

    /// Returns the credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Returns whether requests go to the service itself, not to an origin in its place.
    pub fn is_official(&self) -> bool {
        self.hosts.is_official()
    }

    /// Checks the account that nav names against the one that the credential names, if it names
    /// one.
    ///
    /// # Errors
    /// Fails when they are not the same.
    pub fn check_uid(&self, actual: Uid) -> Result<(), BuildError> {
        match self.credential.uid() {
            Some(given) if given != actual => Err(BuildError::UidMismatch { given, actual }),
            _ => Ok(()),
        }
    }

    /// Checks that there is the token that calls which write carry.
    pub(crate) fn check_can_write(&self) -> Result<(), BuildError> {
        match self.credential.can_write() {
            true => Ok(()),
            false => Err(BuildError::MissingBiliJct),
        }
    }

    /// Returns the device id of messages that `uid` sends.
    pub(crate) fn dev_id_of(&self, uid: Uid) -> String {
        self.dev_id.clone().unwrap_or_else(|| derived_dev_id(uid))
    }
}

/// Derives the shape of an upper-case UUID v4 from an MD5 of the account's number.
fn derived_dev_id(uid: Uid) -> String {
    use md5::{Digest, Md5};
    let digest = Md5::digest(format!("bilibili-session dev_id {uid}"));
    let mut id = data_encoding::HEXUPPER.encode(&digest);
    // The digits that a version 4 has.
    id.replace_range(12..13, "4");
    id.replace_range(16..17, "A");
    for place in [20, 16, 12, 8] {
        id.insert(place, '-');
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_has_the_shape_and_stays() {
        let id = derived_dev_id(Uid(10001));
        assert_eq!(id, "73E90622-33FA-4288-A854-A07A4AC2B41F");
        assert_ne!(id, derived_dev_id(Uid(10002)));
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!(
            id.chars()
                .all(|c| c == '-' || c.is_ascii_digit() || c.is_ascii_uppercase())
        );
    }
}
