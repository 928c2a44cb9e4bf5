//! Logins on the runtime that was asked for.

use std::io;

use bilibili_session::Error;
use bilibili_session::login::{Login, LoginConfig, LoginError, QrProgress};
use bilibili_session_async_std as async_std_runtime;
use bilibili_session_blocking as blocking;
use futures_lite::future::block_on;

use crate::args::RuntimeName;
use crate::failure::Failure;
use crate::setup::Service;

/// Logs in, renews logins and ends them.
pub(crate) enum Logins {
    Blocking(blocking::LoginClient),
    AsyncStd(async_std_runtime::LoginClient),
}

impl Logins {
    pub(crate) fn new(service: &Service) -> Result<Self, Failure> {
        let config = LoginConfig::new().hosts(service.hosts.clone());
        Ok(match service.runtime {
            RuntimeName::Blocking => {
                let transport = blocking::UreqTransport::with_config(&service.transport);
                let transport = transport.map_err(Failure::usage)?;
                Self::Blocking(blocking::LoginClient::new(config, transport))
            }
            RuntimeName::AsyncStd => {
                let transport = async_std_runtime::SurfTransport::with_config(&service.transport);
                let transport = transport.map_err(Failure::usage)?;
                Self::AsyncStd(async_std_runtime::LoginClient::new(config, transport))
            }
        })
    }

    pub(crate) fn login_qr(&self, show: impl FnMut(QrProgress)) -> Result<Login, LoginError> {
        match self {
            Self::Blocking(logins) => logins.login_qr(show),
            Self::AsyncStd(logins) => block_on(logins.login_qr(show)),
        }
    }

    pub(crate) fn refresh(
        &self,
        login: Login,
        seed: [u8; 32],
        force: bool,
        store: impl FnMut(&Login) -> io::Result<()>,
    ) -> Result<bool, LoginError> {
        match self {
            Self::Blocking(logins) => logins.refresh(login, seed, force, store),
            Self::AsyncStd(logins) => block_on(logins.refresh(login, seed, force, store)),
        }
    }

    pub(crate) fn confirm(
        &self,
        login: Login,
        store: impl FnMut(&Login) -> io::Result<()>,
    ) -> Result<(), LoginError> {
        match self {
            Self::Blocking(logins) => logins.confirm(login, store),
            Self::AsyncStd(logins) => block_on(logins.confirm(login, store)),
        }
    }

    pub(crate) fn logout(&self, login: &Login) -> Result<(), Error> {
        match self {
            Self::Blocking(logins) => logins.logout(login),
            Self::AsyncStd(logins) => block_on(logins.logout(login)),
        }
    }
}
