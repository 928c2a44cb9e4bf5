//! Hosts that requests go to.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host as UrlHost, Url};

use crate::error::BuildError;

/// Number of bytes that the address of most calls takes no more than, with its query.
const ROOM: usize = 320;

/// Host of the service, by the calls that it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `api.bilibili.com`: nav, notifications, picture upload.
    Api,
    /// `api.vc.bilibili.com`: private messages and their settings.
    Vc,
    /// `message.bilibili.com`: system notices.
    Message,
    /// `passport.bilibili.com`: logins.
    Passport,
    /// `www.bilibili.com`: the page that a login is renewed with.
    Www,
}

/// Hosts of the service itself, or one origin in place of them all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Hosts(Option<Url>);

impl Hosts {
    /// Returns the service's own hosts, over https.
    pub const fn official() -> Self {
        Self(None)
    }

    /// Puts one origin in place of every host; the paths stay. For a simulator, or a recording
    /// proxy.
    ///
    /// # Errors
    /// Fails when the origin is no `https://` URL (or `http://` on loopback: `127.0.0.0/8`,
    /// `localhost`, `[::1]`), or has a user, a query or a fragment.
    pub fn origin(origin: &str) -> Result<Self, BuildError> {
        let refuse = |reason| BuildError::Origin {
            // Read as a URL or not: a password may stand there.
            origin: match origin.contains(['@', '?', '#']) {
                true => String::from("(not shown, a secret may stand in it)"),
                false => origin.to_owned(),
            },
            reason,
        };
        let url = Url::parse(origin).map_err(|_| refuse("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a user or a password does not belong there"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("a query or a fragment does not belong there"));
        }
        match url.scheme() {
            "https" if url.has_host() => Ok(Self(Some(url))),
            "http" if is_loopback(&url) => Ok(Self(Some(url))),
            "http" => Err(refuse("http is taken for loopback only: use https")),
            _ => Err(refuse("it begins neither with https:// nor http://")),
        }
    }

    /// Returns whether these are the service's own hosts.
    pub fn is_official(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the origin in place of the hosts.
    pub(crate) fn replacement(&self) -> Option<&Url> {
        self.0.as_ref()
    }

    /// Returns the address of a path of the push channel: over TLS, as the origin is, if there is
    /// one.
    #[cfg(feature = "push")]
    pub(crate) fn push_url(&self, path: &str) -> String {
        let base = match &self.0 {
            None => String::from("wss://broadcast.chat.bilibili.com:7826"),
            // `http` becomes `ws`, and `https` becomes `wss`.
            Some(origin) => origin.as_str().replacen("http", "ws", 1),
        };
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// Returns the address of a path on a host, with room for a query.
    pub(crate) fn url(&self, host: Host, path: &str) -> String {
        let mut url = String::with_capacity(ROOM);
        url.push_str(match (&self.0, host) {
            (Some(origin), _) => origin.as_str().trim_end_matches('/'),
            (None, Host::Api) => "https://api.bilibili.com",
            (None, Host::Vc) => "https://api.vc.bilibili.com",
            (None, Host::Message) => "https://message.bilibili.com",
            (None, Host::Passport) => "https://passport.bilibili.com",
            (None, Host::Www) => "https://www.bilibili.com",
        });
        url.push_str(path);
        url
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(UrlHost::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(UrlHost::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for origin in [
            "http://127.0.0.1:80",
            "http://127.9.9.9",
            "http://localhost:1",
            "http://[::1]:5/base/",
            "https://example.test",
        ] {
            assert!(Hosts::origin(origin).is_ok(), "{origin}");
        }
        for origin in [
            "http://127.0.0.1.example.test",
            "http://localhost.example.test",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "127.0.0.1:80",
            "http://127.0.0.1@example.test",
            "http://u:p@127.0.0.1",
            "http://127.0.0.1/?q",
            "",
        ] {
            assert!(Hosts::origin(origin).is_err(), "{origin}");
        }
    }

    #[test]
    fn no_error_shows_a_password() {
        for origin in [
            "http://u:PASSWORD@127.0.0.1",
            "http://u:PASSWORD@host:bad",
            "http://u:PASSWORD@",
            "http:/u:PASSWORD@host:99999999",
            "http://u:PASS WORD@127.0.0.1:1/ PASSWORD",
            "u:PASSWORD@host",
            "ftp://u:PASSWORD@host",
            "https://host:bad/?token=PASSWORD",
            "https://host/#PASSWORD",
        ] {
            let error = Hosts::origin(origin).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("PASS"), "{shown}");
        }
        let error = Hosts::origin("https://host:bad").unwrap_err();
        assert!(error.to_string().contains("https://host:bad"), "{error}");
    }

    #[test]
    fn paths_stay() {
        let hosts = Hosts::origin("http://127.0.0.1:8080/base/").unwrap();
        assert_eq!(hosts.url(Host::Vc, "/a"), "http://127.0.0.1:8080/base/a");
        assert_eq!(
            Hosts::official().url(Host::Vc, "/a"),
            "https://api.vc.bilibili.com/a"
        );
    }
}
