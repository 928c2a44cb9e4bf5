//! Shared code of the examples: a login from the environment, or the embedded simulator.
//!
//! The `bili` command is in `src/bin/bili`, a bot of a few lines in `src/bin/echo_bot.rs`.

use std::env::VarError;
use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, CredentialError, Hosts};
use bilibili_session_blocking::UreqTransport;
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Script, Simulator};

/// Interval of requests to the embedded simulator: nobody minds.
pub const DEMO_INTERVAL: Duration = Duration::from_secs(1);

/// Reason why the environment cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The variable is not UTF-8. Taken for unset it would send a login elsewhere than it was
    /// meant to go, or nowhere without a word.
    NotText(&'static str),
    /// The variable holds `SESSDATA=…` and not the value alone, which the service would not know.
    NotTheValue {
        /// Name of the variable.
        variable: &'static str,
        /// Name of the cookie.
        cookie: &'static str,
    },
    /// The values are no login.
    Credential(CredentialError),
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText(name) => write!(
                f,
                "the environment variable {name} is not UTF-8 text: set it anew, or unset it"
            ),
            Self::NotTheValue { variable, cookie } => write!(
                f,
                "the environment variable {variable} takes the value alone: leave out {cookie}="
            ),
            Self::Credential(error) => write!(f, "the credential of the environment: {error}"),
        }
    }
}

impl Error for EnvironmentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotText(_) | Self::NotTheValue { .. } => None,
            Self::Credential(error) => Some(error),
        }
    }
}

/// Returns the value of an environment variable that is set and not empty.
///
/// # Errors
/// Fails when it is set to something that is not UTF-8.
pub fn variable(name: &'static str) -> Result<Option<String>, EnvironmentError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(EnvironmentError::NotText(name)),
    }
}

/// Returns the credential of `BILI_SESSDATA`, `BILI_JCT`, `BILI_BUVID3`, `BILI_BUVID4` and
/// `BILI_UID`; `None` when none of them is set.
///
/// # Errors
/// Fails when a value is not UTF-8, begins with its own name or cannot be a cookie, or all but
/// `BILI_SESSDATA` is there.
pub fn credential_from_env() -> Result<Option<Credential>, EnvironmentError> {
    let sessdata = cookie("BILI_SESSDATA", "SESSDATA")?;
    let bili_jct = cookie("BILI_JCT", "bili_jct")?;
    let buvid3 = cookie("BILI_BUVID3", "buvid3")?;
    let buvid4 = cookie("BILI_BUVID4", "buvid4")?;
    let uid = cookie("BILI_UID", "DedeUserID")?;
    if [&sessdata, &bili_jct, &buvid3, &buvid4, &uid]
        .into_iter()
        .all(Option::is_none)
    {
        return Ok(None);
    }
    Credential::builder()
        .sessdata(sessdata.unwrap_or_default())
        .bili_jct(bili_jct.unwrap_or_default())
        .buvid3(buvid3.unwrap_or_default())
        .buvid4(buvid4.unwrap_or_default())
        .uid(uid.unwrap_or_default())
        .build()
        .map(Some)
        .map_err(EnvironmentError::Credential)
}

/// Returns the value of a cookie. `SESSDATA=…` is how browsers copy one; as a value it would be
/// refused as a login that has expired.
fn cookie(
    variable: &'static str,
    cookie: &'static str,
) -> Result<Option<String>, EnvironmentError> {
    let value = self::variable(variable)?;
    let named = |value: &String| {
        let rest = value.trim_start().strip_prefix(cookie);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match value.as_ref().is_some_and(named) {
        true => Err(EnvironmentError::NotTheValue { variable, cookie }),
        false => Ok(value),
    }
}

/// The embedded simulator, served for as long as this is kept.
#[derive(Debug)]
pub struct Demo {
    server: Server,
}

impl Demo {
    /// Serves a simulator that plays this script.
    ///
    /// # Errors
    /// Fails when the system gives no port or no thread.
    pub fn start(script: Script) -> io::Result<Self> {
        let simulator = Simulator::new(Config {
            script: Some(script),
            ..Config::default()
        });
        Server::start(simulator, 0).map(|server| Self { server })
    }

    /// Returns the login and the address of the server.
    ///
    /// # Errors
    /// Never, as its values are made up to be valid.
    pub fn context(&self) -> Result<ClientConfig, Box<dyn Error>> {
        let login = self.server.simulator().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()?;
        Ok(ClientConfig::new(credential).hosts(Hosts::origin(&self.server.origin())?))
    }
}

/// Everything that a bot needs.
#[derive(Debug)]
pub struct Connection {
    /// Login and server.
    pub context: ClientConfig,
    /// Carrier of the requests.
    pub transport: UreqTransport,
    /// Interval and other settings of the poller.
    pub config: PollerConfig,
    /// The embedded simulator, if that is who answers.
    pub demo: Option<Demo>,
}

/// Connects with the login of the environment, or without one to the embedded simulator,
/// where somebody says hello, and good-bye a few seconds later.
///
/// # Errors
/// Fails when the environment holds no good credential or origin.
pub fn connect() -> Result<Connection, Box<dyn Error>> {
    let (context, config, demo) = match credential_from_env()? {
        Some(credential) => (ClientConfig::new(credential), PollerConfig::new(), None),
        None => {
            let demo = Demo::start(Script::parse(include_str!("echo_demo.jsonl"))?)?;
            let config = PollerConfig::new().interval(Duration::from_millis(200));
            (demo.context()?, config, Some(demo))
        }
    };
    let context = match variable("BILI_ORIGIN")? {
        Some(origin) if demo.is_none() => context.hosts(Hosts::origin(&origin)?),
        _ => context,
    };
    Ok(Connection {
        context,
        transport: UreqTransport::new(),
        config,
        demo,
    })
}

/// Code of the READMEs, which must compile.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    enum English {}
    #[doc = include_str!("../../README.zh-CN.md")]
    enum Chinese {}
}
