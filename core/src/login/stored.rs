//! A login as a value, to be stored and gone on from.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::LoginError;
use crate::credential::{Credential, CredentialError};
use crate::ids::Uid;
use crate::secret::Secret;

/// Login of an account: its cookies, what it is renewed with, and whether the login before it is
/// still to be ended.
///
/// It can be serialised at every step; what comes of that are secrets, for a file that nobody
/// else reads. It is wiped when it is dropped, and shows none of its values in `Debug`.
///
/// ```
/// use bilibili_session::Credential;
/// use bilibili_session::login::Login;
///
/// let credential = Credential::parse("SESSDATA=made%2Cup; bili_jct=0011; DedeUserID=10001")?;
/// // The refresh token is what browsers keep as `ac_time_value`.
/// let login = Login::with_refresh_token(credential, "made up")?;
/// assert_eq!(Login::from_json(&login.to_json())?.to_json(), login.to_json());
/// assert!(!format!("{login:?}").contains("made"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Login {
    credential: Credential,
    uid: Uid,
    /// Kept beside the cookies, and never sent.
    pub(super) uid_check: Option<Secret>,
    pub(super) sid: Option<Secret>,
    refresh_token: Option<Secret>,
    /// Refresh token of the login that this one replaces, until that one is ended.
    replaces: Option<Secret>,
}

impl Login {
    /// Creates a login of cookies and a refresh token.
    pub(super) fn new(
        credential: Credential,
        refresh_token: Option<Secret>,
    ) -> Result<Self, LoginError> {
        let uid = credential.uid().ok_or(CredentialError::BadUid)?;
        if !credential.can_write() {
            return Err(LoginError::MissingCookies {
                names: vec!["bili_jct"],
            });
        }
        Ok(Self {
            credential,
            uid,
            uid_check: None,
            sid: None,
            refresh_token,
            replaces: None,
        })
    }

    /// Creates a login of a browser's cookies and its refresh token (`ac_time_value` in the local
    /// storage of the site). The browser's own login ends when this one is renewed.
    ///
    /// # Errors
    /// Fails when the credential lacks `bili_jct` or `DedeUserID`.
    pub fn with_refresh_token(
        credential: Credential,
        refresh_token: impl Into<String>,
    ) -> Result<Self, LoginError> {
        Self::new(credential, Secret::given(refresh_token))
    }

    /// Returns the cookies, for calls.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Returns the number of the account.
    pub const fn uid(&self) -> Uid {
        self.uid
    }

    /// Returns whether the login can be renewed: there is a refresh token.
    pub const fn can_be_renewed(&self) -> bool {
        self.refresh_token.is_some()
    }

    /// Returns whether the login replaces one that is still to be ended: see
    /// [`Refresh::confirm_only`](super::Refresh::confirm_only).
    pub const fn owes_confirmation(&self) -> bool {
        self.replaces.is_some()
    }

    /// Returns whether the cookies are the same. Another process that renewed the login leaves
    /// other ones in the store.
    pub fn has_cookies_of(&self, other: &Self) -> bool {
        self.credential.is_same_login(&other.credential)
    }

    /// Returns each secret of the login, so that a program can keep them out of its output.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let tokens = [
            &self.refresh_token,
            &self.replaces,
            &self.uid_check,
            &self.sid,
        ];
        self.credential
            .secrets()
            .chain(tokens.into_iter().flatten())
            .map(Secret::expose)
    }

    /// Writes the login as JSON text, which is a secret as a whole.
    pub fn to_json(&self) -> Zeroizing<String> {
        // A struct of texts always serialises.
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a login that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// Fails when the text is none; no value stands in the error.
    pub fn from_json(text: &str) -> Result<Self, LoginError> {
        serde_json::from_str(text).map_err(|_| {
            let reason = "neither JSON nor whole";
            LoginError::UnusableCookies(CredentialError::UnknownForm(reason))
        })
    }

    pub(super) const fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    pub(super) const fn replaces(&self) -> Option<&Secret> {
        self.replaces.as_ref()
    }

    /// Notes that this login replaces the one with this refresh token, or none any more.
    pub(super) fn set_replaces(&mut self, old: Option<Secret>) {
        self.replaces = old;
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("uid", &self.uid)
            .field("can_be_renewed", &self.can_be_renewed())
            .field("owes_confirmation", &self.owes_confirmation())
            .finish_non_exhaustive()
    }
}

/// Form in which a login is stored: each cookie under its name.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "SESSDATA")]
    sessdata: Secret,
    bili_jct: Secret,
    #[serde(rename = "DedeUserID")]
    uid: i64,
    #[serde(
        rename = "DedeUserID__ckMd5",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    uid_check: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buvid3: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buvid4: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<Secret>,
}

impl Serialize for Login {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cookies = self.credential.parts();
        Stored {
            sessdata: cookies.sessdata,
            // A login always has one.
            bili_jct: cookies
                .bili_jct
                .unwrap_or_else(|| Secret::of(String::new())),
            uid: self.uid.0,
            uid_check: self.uid_check.clone(),
            sid: self.sid.clone(),
            buvid3: cookies.buvid3,
            buvid4: cookies.buvid4,
            refresh_token: self.refresh_token.clone(),
            replaces: self.replaces.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Login {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let text = |secret: &Option<Secret>| {
            let secret = secret.as_ref().map(Secret::expose);
            secret.unwrap_or_default().to_owned()
        };
        let login = Credential::builder()
            .sessdata(stored.sessdata.expose())
            .bili_jct(stored.bili_jct.expose())
            .uid(stored.uid.to_string())
            .buvid3(text(&stored.buvid3))
            .buvid4(text(&stored.buvid4))
            .build()
            .map_err(LoginError::from)
            .and_then(|credential| Self::new(credential, stored.refresh_token));
        let mut login = login.map_err(serde::de::Error::custom)?;
        login.uid_check = stored.uid_check;
        login.sid = stored.sid;
        login.replaces = stored.replaces;
        Ok(login)
    }
}
