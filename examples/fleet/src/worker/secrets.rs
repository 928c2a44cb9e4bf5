//! The secrets of a login, kept out of what is said.

use std::sync::{Mutex, PoisonError};

use bilibili_session::login::Login;
use zeroize::Zeroizing;

/// The secrets of a login, and of those that it was before.
pub(super) struct Secrets(Mutex<Vec<Zeroizing<String>>>);

impl Secrets {
    pub(super) fn of(login: &Login) -> Self {
        let secrets = Self(Mutex::default());
        secrets.add(login);
        secrets
    }

    /// Adds those of a renewed login.
    pub(super) fn add(&self, login: &Login) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in login.secrets().filter(|secret| secret.len() >= 4) {
            if !known.iter().any(|it| it.as_str() == secret) {
                known.push(Zeroizing::new(secret.to_owned()));
            }
        }
    }

    /// Returns a text without them: an answer of the service may quote one.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_cookie_is_hidden() {
        let login = |text: &str| crate::accounts::read_cookies(text).unwrap();
        let secrets = Secrets::of(&login(
            "SESSDATA=made%2Cup; bili_jct=00112233; DedeUserID=10001",
        ));
        secrets.add(&login(
            "SESSDATA=renewed%2A; bili_jct=00112233; DedeUserID=10001",
        ));
        assert_eq!(
            secrets.hide("got made%2Cup, renewed%2A and 00112233"),
            "got ***, *** and ***"
        );
        assert_eq!(secrets.hide("10001 is not known"), "10001 is not known");
    }
}
