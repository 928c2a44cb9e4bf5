//! Login, server and transport of a command, out of options and environment.

use std::net::IpAddr;

use bilibili_session::login::Login;
use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_examples::{Demo, credential_from_env, variable};
use bilibili_session_simulator::Script;

use crate::args::{Common, RuntimeName};
use crate::failure::Failure;
use crate::logins::{Account, Logins, named};
use crate::output::note;
use crate::texts::{Other, say, text};
use crate::{cookie_file, home};

/// Server of a command and the way to it, whoever asks.
pub(crate) struct Service {
    pub(crate) hosts: Hosts,
    /// Base of all addresses.
    pub(crate) origin: String,
    pub(crate) runtime: RuntimeName,
    pub(crate) transport: TransportConfig,
}

impl Service {
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let origin = given_origin(common)?;
        let hosts = match &origin {
            Some(origin) => Hosts::origin(origin).map_err(Failure::usage)?,
            None => Hosts::official(),
        };
        let is_https = origin.is_none_or(|it| it.to_ascii_lowercase().starts_with("https:"));
        let proxy = match &common.proxy {
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
            origin: base_of(&hosts)?,
            hosts,
            runtime: common.runtime,
            transport,
        })
    }

    /// Returns the stored login that a command about logins means: the one that is named, else
    /// the default one.
    pub(crate) fn account(&self, common: &Common) -> Result<Account, Failure> {
        let account = match named(common)? {
            Some(name) => Account::of_name(&name, &self.origin).map(Some)?,
            None => Account::of_default(&self.origin)?,
        };
        account.ok_or_else(|| Failure::Usage(text!("no-login")))
    }
}

/// Client configuration and runtime of a command.
pub(crate) struct Setup {
    pub(crate) context: ClientConfig,
    pub(crate) runtime: RuntimeName,
    pub(crate) transport: TransportConfig,
    /// The stored login, if the credential is one.
    pub(crate) account: Option<Account>,
    service: Option<Service>,
    /// Served for as long as this is kept.
    demo: Option<Demo>,
}

/// Login of a command.
enum Chosen {
    Credential(Credential),
    Stored(Box<Account>),
    Nothing,
}

impl Setup {
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        if common.demo {
            return Self::demo(common, &say!("demo-asked"));
        }
        let chosen = choose(common)?;
        if let Chosen::Nothing = chosen {
            if given_origin(common)?.is_some() {
                return Err(Failure::Usage(text!("origin-needs-credential")));
            }
            return Self::demo(common, &say!("demo-no-credential"));
        }
        let service = Service::new(common)?;
        let (credential, account) = match chosen {
            Chosen::Stored(account) => (account.entry.login.credential().clone(), Some(*account)),
            Chosen::Credential(credential) => (credential, None),
            Chosen::Nothing => return Err(Failure::Usage(text!("no-credential"))),
        };
        Ok(Self {
            context: ClientConfig::new(credential).hosts(service.hosts.clone()),
            runtime: service.runtime,
            transport: service.transport.clone(),
            account,
            service: Some(service),
            demo: None,
        })
    }

    fn demo(common: &Common, words: &str) -> Result<Self, Failure> {
        let refused = |error: Box<dyn std::error::Error>| {
            Failure::Usage(text!("demo-failed", error = Other(error)))
        };
        let demo = Demo::start(Script::demo()).map_err(|error| refused(error.into()))?;
        note(words);
        Ok(Self {
            context: demo.context().map_err(refused)?,
            runtime: common.runtime,
            transport: TransportConfig::new().timeout(common.timeout),
            account: None,
            service: None,
            demo: Some(demo),
        })
    }

    /// Returns whether the embedded simulator answers.
    pub(crate) fn is_demo(&self) -> bool {
        self.demo.is_some()
    }

    /// Returns what renews the stored login, if the credential is one.
    pub(crate) fn logins(&self) -> Result<Option<Logins>, Failure> {
        let service = self.service.as_ref().filter(|_| self.account.is_some());
        service.map(Logins::new).transpose()
    }

    /// Repeats the confirmation that a stored login owes.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        let owes = |account: &Account| account.entry.login.owes_confirmation();
        if !self.account.as_ref().is_some_and(owes) {
            return Ok(());
        }
        let logins = self.logins()?;
        if let (Some(account), Some(logins)) = (&mut self.account, logins) {
            account.settle(&logins)?;
            let credential = account.entry.login.credential().clone();
            self.context = ClientConfig::new(credential).hosts(self.hosts());
        }
        Ok(())
    }

    /// Returns the configuration for the cookies of a renewed login.
    pub(crate) fn renewed(&self, login: &Login) -> ClientConfig {
        ClientConfig::new(login.credential().clone()).hosts(self.hosts())
    }

    fn hosts(&self) -> Hosts {
        let service = self.service.as_ref();
        service.map_or_else(Hosts::official, |service| service.hosts.clone())
    }
}

/// Chooses the login: `--cookie-file`, `--account`, the environment, a stored one.
fn choose(common: &Common) -> Result<Chosen, Failure> {
    let stored = |account: Account| Chosen::Stored(Box::new(account));
    if let Some(path) = &common.cookie_file {
        return Ok(Chosen::Credential(cookie_file::read(path)?));
    }
    let origin = || base_of(&Service::new(common)?.hosts);
    if let Some(name) = &common.account {
        let account = Account::of_name(name, &origin()?)?;
        check_uid(&account)?;
        return Ok(stored(account));
    }
    if let Some(credential) = credential_from_env().map_err(Failure::usage)? {
        return Ok(Chosen::Credential(credential));
    }
    if let Some(name) = named(common)? {
        return Ok(stored(Account::of_name(&name, &origin()?)?));
    }
    let default = Account::of_default(&origin()?)?;
    Ok(default.map_or(Chosen::Nothing, stored))
}

/// Checks the uid of the environment, if there is one, against that of a login that goes before
/// the environment.
fn check_uid(account: &Account) -> Result<(), Failure> {
    let uid = account.entry.login.uid();
    match variable("BILI_UID").map_err(Failure::usage)? {
        Some(given) if given != uid.to_string() => Err(Failure::Usage(text!(
            "uid-of-another",
            given = given,
            account = account.entry.account,
            uid = uid,
        ))),
        _ => Ok(()),
    }
}

fn given_origin(common: &Common) -> Result<Option<String>, Failure> {
    match &common.origin {
        Some(origin) => Ok(Some(origin.clone())),
        None => variable("BILI_ORIGIN").map_err(Failure::usage),
    }
}

/// Returns the base of all addresses. Of a context only that is taken, so its login is made up.
fn base_of(hosts: &Hosts) -> Result<String, Failure> {
    let nobody = Credential::parse("SESSDATA=nobody").map_err(Failure::usage)?;
    let context = ClientConfig::new(nobody).hosts(hosts.clone());
    home::origin(&context).ok_or_else(|| Failure::Usage(text!("origin-unusable")))
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
        return Err(Failure::Usage(text!("proxy-not-http")));
    }
    let Some(host) = host_of(proxy) else {
        return Err(Failure::Usage(text!("proxy-unusable")));
    };
    // Not passed by in silence: who names a proxy expects it to be used.
    if !is_https && !is_loopback(&host) {
        return Err(Failure::Usage(text!("proxy-elsewhere")));
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
