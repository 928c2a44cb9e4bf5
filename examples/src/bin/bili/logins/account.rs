//! The login that a command uses, and its renewal.

use std::io;

use bilibili_session::ErrorClass;
use bilibili_session::login::{Login, LoginError};
use bilibili_session_examples::variable;

use super::{Entry, Logins, Store, seed};
use crate::args::Common;
use crate::failure::Failure;
use crate::output::note;
use crate::texts::{Language, Said as _, say, text};

/// Longest name of an account.
const LONGEST: usize = 64;

/// Returns whether a login can be stored under this name.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"._-@".contains(&it);
    !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && name.bytes().all(fits)
}

/// Returns the account that is named: by `--account`, else by the environment.
pub(crate) fn named(common: &Common) -> Result<Option<String>, Failure> {
    if let Some(name) = &common.account {
        return Ok(Some(name.clone()));
    }
    let name = variable("BILI_ACCOUNT").map_err(Failure::usage)?;
    match name {
        Some(name) if !is_name(&name) => Err(Failure::Usage(text!("bad-bili-account"))),
        name => Ok(name),
    }
}

/// A stored login in use.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    store: Store,
    pub(crate) entry: Entry,
}

impl Account {
    /// Returns the login of this name, to be used with this origin.
    pub(crate) fn of_name(name: &str, origin: &str) -> Result<Self, Failure> {
        let store = Store::open()?;
        let entry = store.get(name)?.ok_or_else(|| unknown(name))?;
        Self { store, entry }.with_origin(origin)
    }

    /// Returns the login that is meant when none is named; `None` where none is stored.
    pub(crate) fn of_default(origin: &str) -> Result<Option<Self>, Failure> {
        // Without a folder there is no login in it.
        let Ok(store) = Store::open() else {
            return Ok(None);
        };
        let default = match store.default()? {
            Some(name) => store.get(&name)?,
            None => None,
        };
        let entry = match default {
            Some(entry) => entry,
            None => {
                let mut entries = store.entries()?;
                match (entries.pop(), entries.is_empty()) {
                    (None, _) => return Ok(None),
                    (Some(entry), true) => entry,
                    (Some(_), false) => {
                        return Err(Failure::Usage(text!("several-logins")));
                    }
                }
            }
        };
        Self { store, entry }.with_origin(origin).map(Some)
    }

    fn with_origin(self, origin: &str) -> Result<Self, Failure> {
        if self.entry.origin == origin {
            return Ok(self);
        }
        Err(Failure::Usage(text!(
            "login-of-elsewhere",
            account = self.entry.account,
            origin = self.entry.origin,
            asked = origin,
        )))
    }

    /// Repeats a confirmation that is still owed. One that fails for the moment stays owed: the
    /// login is good all the same.
    pub(crate) fn settle(&mut self, logins: &Logins) -> Result<(), Failure> {
        if !self.entry.login.owes_confirmation() {
            return Ok(());
        }
        match self.confirm(logins) {
            Err(Failure::Login(LoginError::Call(error)))
                if !matches!(
                    error.class(),
                    ErrorClass::LoginLost | ErrorClass::RiskControl
                ) =>
            {
                note(&say!("confirmation-owed", error = error));
                Ok(())
            }
            result => result,
        }
    }

    /// Repeats a confirmation that is still owed, or says why it cannot be.
    pub(crate) fn confirm(&mut self, logins: &Logins) -> Result<(), Failure> {
        let store = self.store.clone();
        let lock = store.lock()?;
        self.read_again()?;
        let login = self.entry.login.clone();
        logins.confirm(login, |login| {
            self.entry.login = login.clone();
            store.put(&lock, &self.entry).map_err(in_words)
        })?;
        Ok(())
    }

    /// Renews the login where the service wants that, or in any case if `force`. Each login that
    /// comes of it is stored, and then passed to `renewed`.
    pub(crate) fn refresh(
        &mut self,
        logins: &Logins,
        force: bool,
        mut renewed: impl FnMut(&Login),
    ) -> Result<bool, Failure> {
        let store = self.store.clone();
        let lock = store.lock()?;
        let before = self.entry.login.clone();
        self.read_again()?;
        let login = self.entry.login.clone();
        if !login.has_cookies_of(&before) {
            renewed(&login);
        }
        let refreshed = logins.refresh(login, seed()?, force, |login| {
            self.entry.login = login.clone();
            store.put(&lock, &self.entry).map_err(in_words)?;
            renewed(login);
            Ok(())
        })?;
        Ok(refreshed)
    }

    /// Ends the login, and removes it from the store.
    pub(crate) fn logout(&mut self, logins: &Logins) -> Result<(), Failure> {
        match self.settle_before_logout(logins) {
            Err(Failure::Login(LoginError::Call(error)))
                if error.class() == ErrorClass::LoginLost => {}
            result => result?,
        }
        let lock = self.store.lock()?;
        self.read_again()?;
        logins.logout(&self.entry.login)?;
        self.store.remove(&lock, &self.entry.account)
    }

    fn settle_before_logout(&mut self, logins: &Logins) -> Result<(), Failure> {
        match self.entry.login.owes_confirmation() {
            true => self.confirm(logins),
            false => Ok(()),
        }
    }

    /// Reads the login again: another process may have renewed it.
    pub(crate) fn read_again(&mut self) -> Result<(), Failure> {
        let name = &self.entry.account;
        let entry = self.store.get(name)?.ok_or_else(|| unknown(name))?;
        self.entry = entry;
        Ok(())
    }
}

fn in_words(failure: Failure) -> io::Error {
    // It goes into a line for scripts as well.
    io::Error::other(failure.words().said(Language::English))
}

fn unknown(name: &str) -> Failure {
    Failure::Usage(text!("login-unknown", name = name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "10001", "my.name-1_x@home", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".a",
            "a/b",
            "a b",
            "你",
            "a\n",
            "a:b",
            "a\\b",
            &"x".repeat(65),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
