//! Login, server and transport of a command, out of options and environment.

use std::net::IpAddr;

use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_examples::{Demo, credential_from_env, variable};
use bilibili_session_simulator::Script;

use crate::args::{Common, RuntimeName};
use crate::cookie_file;
use crate::failure::Failure;
use crate::output::note;

/// Client configuration and runtime of a command.
pub(crate) struct Setup {
    pub(crate) context: ClientConfig,
    pub(crate) runtime: RuntimeName,
    pub(crate) transport: TransportConfig,
    /// Served for as long as this is kept.
    demo: Option<Demo>,
}

impl Setup {
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let credential = match &common.cookie_file {
            Some(path) => Some(cookie_file::read(path)?),
            None => credential_from_env().map_err(Failure::usage)?,
        };
        let origin = match &common.origin {
            Some(origin) => Some(origin.clone()),
            None => variable("BILI_ORIGIN").map_err(Failure::usage)?,
        };
        let (context, demo) = match (credential, &origin) {
            (Some(credential), Some(origin)) => (with_origin(credential, origin)?, None),
            (Some(credential), None) => (ClientConfig::new(credential), None),
            (None, Some(_)) => {
                return Err(Failure::usage(
                    "an origin needs a credential: set BILI_SESSDATA and BILI_JCT, or give --cookie-file",
                ));
            }
            (None, None) => {
                let refused = |error| Failure::Usage(format!("the embedded simulator: {error}"));
                let demo = Demo::start(Script::demo()).map_err(|error| refused(error.into()))?;
                note(
                    "no credential, so the embedded simulator answers; for your own account set BILI_SESSDATA and BILI_JCT, or give --cookie-file",
                );
                (demo.context().map_err(refused)?, Some(demo))
            }
        };
        let is_https = context.is_official()
            || origin.is_some_and(|origin| origin.to_ascii_lowercase().starts_with("https:"));
        let proxy = match &common.proxy {
            _ if demo.is_some() => None,
            Some(proxy) => Some(proxy.clone()),
            None if is_https => proxy_of_the_environment()?,
            None => None,
        };
        let mut transport = TransportConfig::new().timeout(common.timeout);
        if let Some(proxy) = proxy {
            check_proxy(&proxy, is_https)?;
            transport = transport.proxy(proxy);
        }
        Ok(Self {
            context,
            runtime: common.runtime,
            transport,
            demo,
        })
    }

    /// Returns whether the embedded simulator answers.
    pub(crate) fn is_demo(&self) -> bool {
        self.demo.is_some()
    }
}

fn proxy_of_the_environment() -> Result<Option<String>, Failure> {
    for name in ["HTTPS_PROXY", "https_proxy"] {
        if let Some(proxy) = variable(name).map_err(Failure::usage)? {
            return Ok(Some(proxy));
        }
    }
    Ok(None)
}

/// Refuses a proxy of another kind, which would be misunderstood, or passed by. The address is
/// not repeated: a password may stand in it.
fn check_proxy(proxy: &str, is_https: bool) -> Result<(), Failure> {
    let scheme = proxy.split_once("://");
    if let Some((scheme, _)) = scheme
        && !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
    {
        return Err(Failure::usage(
            "the proxy is not one of HTTP: give http://host:port",
        ));
    }
    let Some(host) = host_of(proxy) else {
        return Err(Failure::usage(
            "the proxy's address cannot be used: give http://host:port",
        ));
    };
    // Not passed by in silence: who names a proxy expects it to be used.
    if !is_https && !is_loopback(&host) {
        return Err(Failure::usage(
            "an http:// origin is on this machine, but the proxy is not: the login would cross the network in the clear; leave out --proxy, or name the proxy by its address in 127.0.0.0/8 or [::1]",
        ));
    }
    Ok(())
}

/// Returns the host, where everybody reads the same one out of the address.
fn host_of(proxy: &str) -> Option<String> {
    let uri: http::Uri = proxy.parse().ok()?;
    let authority = uri.authority()?;
    let place = authority.as_str().rsplit('@').next()?;
    let has_port = place != authority.host();
    (!has_port || authority.port_u16().is_some()).then(|| authority.host().to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn with_origin(credential: Credential, origin: &str) -> Result<ClientConfig, Failure> {
    let hosts = Hosts::origin(origin).map_err(Failure::usage)?;
    Ok(ClientConfig::new(credential).hosts(hosts))
}
