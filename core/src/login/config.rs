//! Settings that the requests of a login share, also before there is one.

use http::{HeaderValue, Request};

use super::{Login, LoginError};
use crate::client_config::{ClientConfig, USER_AGENT};
use crate::endpoint::RequestParts;
use crate::hosts::Hosts;

/// Hosts and user agent of the requests of a login.
#[derive(Debug, Clone)]
#[must_use]
pub struct LoginConfig {
    hosts: Hosts,
    user_agent: Option<String>,
}

impl LoginConfig {
    /// Creates the settings for the service's own hosts.
    pub const fn new() -> Self {
        Self {
            hosts: Hosts::official(),
            user_agent: None,
        }
    }

    /// Sends requests to these hosts instead.
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sends this `User-Agent`; all requests of a login should have the same.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Returns the settings for calls with this login.
    pub fn client_config(&self, login: &Login) -> ClientConfig {
        let context = ClientConfig::new(login.credential().clone()).hosts(self.hosts.clone());
        match &self.user_agent {
            Some(user_agent) => context.user_agent(user_agent),
            None => context,
        }
    }

    /// Builds the request of somebody who has no login.
    pub(super) fn anonymous(&self, parts: RequestParts) -> Result<Request<Vec<u8>>, LoginError> {
        let user_agent = self.user_agent.as_deref().unwrap_or(USER_AGENT);
        let user_agent = HeaderValue::from_str(user_agent).ok();
        let request = parts.into_anonymous_request(&self.hosts, user_agent.as_ref());
        Ok(request.map_err(crate::Error::from)?)
    }
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self::new()
    }
}
