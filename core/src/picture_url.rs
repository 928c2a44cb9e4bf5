//! Addresses of pictures: on the service's own picture hosts, over https.

use url::{Host, Url};

use crate::error::BuildError;
use crate::hosts::Hosts;

/// Pictures lie on subdomains of these.
const SITES: [&str; 2] = [".hdslb.com", ".biliimg.com"];

/// Address (`https://`) on one of the service's picture hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PictureUrl(Url);

impl PictureUrl {
    /// Reads an address; `http://` and `//` become `https://`, as the service itself takes them.
    pub(crate) fn read(address: &str) -> Result<Self, BuildError> {
        let foreign = |host: &str| BuildError::ForeignPicture {
            host: host.to_owned(),
        };
        let address = address.trim();
        let absolute = match address.strip_prefix("//") {
            Some(rest) => format!("https://{rest}"),
            None => address.to_owned(),
        };
        let mut url = Url::parse(&absolute).map_err(|_| foreign(""))?;
        let host = match url.host() {
            Some(Host::Domain(host)) => host.trim_end_matches('.').to_owned(),
            other => {
                return Err(foreign(
                    &other.map(|host| host.to_string()).unwrap_or_default(),
                ));
            }
        };
        let ours = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none()
            && SITES
                .iter()
                .any(|site| host.ends_with(site) && host.len() > site.len());
        if !ours || url.set_scheme("https").is_err() {
            return Err(foreign(&host));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Returns the address as messages contain it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the address to request: with an origin in place of the hosts, the same path there.
    pub(crate) fn on(&self, hosts: &Hosts) -> String {
        match hosts.replacement() {
            None => self.0.as_str().to_owned(),
            Some(origin) => {
                let origin = origin.as_str().trim_end_matches('/');
                match self.0.query() {
                    None => format!("{origin}{}", self.0.path()),
                    Some(query) => format!("{origin}{}?{query}", self.0.path()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_services_own_hosts() {
        for (address, read) in [
            (
                "http://i0.hdslb.com/bfs/a.png",
                "https://i0.hdslb.com/bfs/a.png",
            ),
            ("//i2.hdslb.com/bfs/a.png", "https://i2.hdslb.com/bfs/a.png"),
            (
                "https://message.biliimg.com/bfs/im_new/a.jpg?x=1#y",
                "https://message.biliimg.com/bfs/im_new/a.jpg?x=1",
            ),
            (
                "HTTPS://I0.HDSLB.COM/bfs/a.png",
                "https://i0.hdslb.com/bfs/a.png",
            ),
        ] {
            assert_eq!(PictureUrl::read(address).unwrap().as_str(), read);
        }
        for address in [
            "",
            "a.png",
            "https://example.test/bfs/a.png",
            "https://hdslb.com/a.png",
            "https://evilhdslb.com/a.png",
            "https://i0.hdslb.com.example.test/a.png",
            "https://i0.hdslb.com@example.test/a.png",
            "https://u:p@i0.hdslb.com/a.png",
            "https://i0.hdslb.com:8443/a.png",
            "ftp://i0.hdslb.com/a.png",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://127.0.0.1/a.png",
        ] {
            assert!(
                matches!(
                    PictureUrl::read(address),
                    Err(BuildError::ForeignPicture { .. })
                ),
                "{address}"
            );
        }
    }
}
