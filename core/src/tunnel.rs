//! The way through an HTTP proxy: `CONNECT`, for a connection that a runtime opens itself.

use std::fmt;

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{TransportError, TransportErrorKind};

/// Largest answer of a proxy.
const LARGEST: usize = 16 << 10;

/// An HTTP proxy, and how it is asked for a way to a host: `http://host:port` or
/// `http://user:password@host:port`.
#[derive(Clone)]
pub struct Tunnel {
    host: String,
    port: u16,
    /// Name and password as they are sent.
    authorization: Option<String>,
}

/// Formats the proxy without its password.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Tunnel {
    /// Reads the address of a proxy.
    ///
    /// # Errors
    /// Fails when it is no `http://` URL with a host.
    pub fn parse(url: &str) -> Result<Self, TransportError> {
        let refused = || {
            let message = "the proxy's address cannot be used";
            TransportError::new(TransportErrorKind::Other, message)
        };
        let url = match url.contains("://") {
            true => Url::parse(url),
            false => Url::parse(&format!("http://{url}")),
        };
        let url = url.ok().filter(|url| url.scheme() == "http");
        let url = url.ok_or_else(refused)?;
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = plain(url.username());
        let password = url.password().map(plain);
        let has_login = !user.is_empty() || password.is_some();
        let login = format!("{user}:{}", password.unwrap_or_default());
        Ok(Self {
            host: url.host_str().ok_or_else(refused)?.to_owned(),
            port: url.port().unwrap_or(80),
            authorization: has_login.then(|| BASE64.encode(login.as_bytes())),
        })
    }

    /// Returns the proxy's host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Returns the proxy's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the bytes to send to the proxy first.
    pub fn request(&self, host: &str, port: u16) -> Vec<u8> {
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(authorization);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.into_bytes()
    }

    /// Reads what came from the proxy so far, to the end if `is_all`; `None`: more is to come.
    ///
    /// # Errors
    /// Says why there is no way: the proxy refuses, or does not speak HTTP.
    pub fn read(head: &[u8], is_all: bool) -> Option<Result<(), TransportError>> {
        let failed = |message: &str| {
            let error = TransportError::new(TransportErrorKind::Connect, message);
            Some(Err(error))
        };
        if !head.windows(4).any(|end| end == b"\r\n\r\n") {
            return match is_all || head.len() > LARGEST {
                true => failed("what the proxy answers is not HTTP"),
                false => None,
            };
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        match (words.next(), words.next()) {
            (Some([b'H', b'T', b'T', b'P', b'/', ..]), Some([b'2', _, _])) => Some(Ok(())),
            (Some([b'H', b'T', b'T', b'P', b'/', ..]), _) => failed("the proxy refused"),
            _ => failed("what the proxy answers is not HTTP"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_asked_for_a_way() {
        let tunnel = Tunnel::parse("http://me:pass%20word@127.0.0.1:8080").unwrap();
        assert_eq!((tunnel.host(), tunnel.port()), ("127.0.0.1", 8080));
        assert_eq!(
            String::from_utf8(tunnel.request("example.test", 7826)).unwrap(),
            "CONNECT example.test:7826 HTTP/1.1\r\nHost: example.test:7826\r\n\
             Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n\r\n"
        );
        assert!(!format!("{tunnel:?}").contains("me"));
        let plain = Tunnel::parse("proxy.test").unwrap();
        assert_eq!(
            String::from_utf8(plain.request("::1", 1)).unwrap(),
            "CONNECT [::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n"
        );
        for address in ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://", ""] {
            assert!(Tunnel::parse(address).is_err(), "{address}");
        }
    }

    #[test]
    fn its_answer_is_read_to_the_end_of_the_head() {
        let answer = b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n";
        for length in 0..answer.len() {
            assert!(Tunnel::read(&answer[..length], false).is_none());
            assert!(Tunnel::read(&answer[..length], true).unwrap().is_err());
        }
        assert!(Tunnel::read(answer, false).unwrap().is_ok());
        for answer in [
            "HTTP/1.1 407 no\r\n\r\n",
            "\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "200 200\r\n\r\n",
        ] {
            assert!(
                Tunnel::read(answer.as_bytes(), false).unwrap().is_err(),
                "{answer}"
            );
        }
        assert!(Tunnel::read(&[b'x'; LARGEST + 1], false).unwrap().is_err());
    }
}
