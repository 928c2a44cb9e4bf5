//! The secrets of a login, kept out of what is said.

use bilibili_session::login::Login;
use zeroize::Zeroizing;

/// The secrets of a login.
pub(super) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    pub(super) fn of(login: &Login) -> Self {
        let secrets = login.secrets().filter(|secret| secret.len() >= 4);
        Self(
            secrets
                .map(|secret| Zeroizing::new(secret.to_owned()))
                .collect(),
        )
    }

    /// Returns a text without them: an answer of the service may quote one.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
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
        let login = crate::accounts::read_cookies(
            "SESSDATA=made%2Cup; bili_jct=00112233; DedeUserID=10001",
        );
        let secrets = Secrets::of(&login.unwrap());
        assert_eq!(
            secrets.hide("got made%2Cup and 00112233"),
            "got *** and ***"
        );
        assert_eq!(secrets.hide("10001 is not known"), "10001 is not known");
    }
}
