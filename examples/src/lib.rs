//! What the examples have in common: a login from the environment, or the embedded simulator.
//!
//! The `bili` command is in `src/bin/bili`, a bot of a few lines in `src/bin/echo_bot.rs`.

use std::error::Error;
use std::io;
use std::time::Duration;

use bilibili_session::poller::PollerConfig;
use bilibili_session::{Context, Credential, CredentialError, Hosts};
use bilibili_session_blocking::UreqTransport;
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Script, Simulator};

/// How often the embedded simulator is asked: nobody minds.
pub const DEMO_INTERVAL: Duration = Duration::from_secs(1);

/// The value of an environment variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The credential of `BILI_SESSDATA`, `BILI_JCT`, `BILI_BUVID3`, `BILI_BUVID4` and
/// `BILI_UID`; `None` when none of them is set.
///
/// # Errors
/// Fails when a value cannot be a cookie, or all but `BILI_SESSDATA` is there.
pub fn credential_from_env() -> Result<Option<Credential>, CredentialError> {
    let names = [
        "BILI_SESSDATA",
        "BILI_JCT",
        "BILI_BUVID3",
        "BILI_BUVID4",
        "BILI_UID",
    ];
    let [sessdata, bili_jct, buvid3, buvid4, uid] = names.map(variable);
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

    /// The login that it knows, and where it is.
    ///
    /// # Errors
    /// Never, as its values are made up to be valid.
    pub fn context(&self) -> Result<Context, Box<dyn Error>> {
        let login = self.server.simulator().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()?;
        Ok(Context::new(credential).hosts(Hosts::origin(&self.server.origin())?))
    }
}

/// What a bot needs.
#[derive(Debug)]
pub struct Connection {
    /// Who asks, and whom.
    pub context: Context,
    /// What carries the requests.
    pub transport: UreqTransport,
    /// How often is asked.
    pub config: PollerConfig,
    /// The embedded simulator, if that is who answers.
    pub demo: Option<Demo>,
}

/// Connects with the login of the environment, or without one to the embedded simulator,
/// where somebody says hello, and good-bye a few seconds later.
///
/// # Errors
/// Fails when the environment holds no good credential.
pub fn connect() -> Result<Connection, Box<dyn Error>> {
    let (context, config, demo) = match credential_from_env()? {
        Some(credential) => (Context::new(credential), PollerConfig::new(), None),
        None => {
            let demo = Demo::start(Script::parse(include_str!("echo_demo.jsonl"))?)?;
            let config = PollerConfig::new().interval(Duration::from_millis(200));
            (demo.context()?, config, Some(demo))
        }
    };
    let context = match variable("BILI_ORIGIN") {
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

/// What the READMEs show compiles.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    enum English {}
    #[doc = include_str!("../../README.zh-CN.md")]
    enum Chinese {}
}
