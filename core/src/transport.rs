//! Settings of transports.

use std::fmt;
use std::time::Duration;

/// Longest time for which a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(15);

/// Settings that all transports share.
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct TransportConfig {
    /// See [`timeout`](Self::timeout).
    pub timeout: Duration,
    /// See [`body_limit`](Self::body_limit).
    pub body_limit: u64,
    /// See [`proxy`](Self::proxy).
    pub proxy: Option<String>,
    /// See [`root_certificates`](Self::root_certificates).
    pub root_certificates: Option<Vec<u8>>,
}

impl TransportConfig {
    /// Creates the default settings: 30 s for an exchange, 16 MiB for a body, no proxy,
    /// the usual certificate authorities.
    pub const fn new() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            body_limit: 16 << 20,
            proxy: None,
            root_certificates: None,
        }
    }

    /// Sets the most time that a whole exchange may take, from looking up the name to the last byte
    /// of the body; 30 s unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the most bytes that a body may have; 16 MiB unless set.
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets a proxy: `http://host:port` or `http://user:password@host:port`.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Trusts these certificate authorities (PEM, one or more) in place of the usual ones:
    /// for a company's proxy, or a server of one's own.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Returns the time for which a connection that nobody uses is kept for the next request: 15 s, or the
    /// [timeout](Self::timeout) where that is shorter.
    ///
    /// A connection whose network is gone says nothing, and costs a request the whole timeout. By then those that were kept
    /// beside it are too old: so a network that changes costs one timeout, not one for each connection.
    pub fn idle_timeout(&self) -> Duration {
        self.timeout.min(IDLE)
    }
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows no address of a proxy, a password may stand in it.
impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("timeout", &self.timeout)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}
