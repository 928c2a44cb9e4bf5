//! Login: the cookies of an account.
//!
//! A [`Credential`] is checked when it is made, shows nothing of itself in
//! `Debug`, and is wiped when it is dropped. It comes from single fields
//! ([`Credential::builder`]) or from any of the three forms in which browsers
//! hand cookies out ([`Credential::parse`]).

mod formats;

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroize;

use crate::ids::Uid;
use crate::secret::Secret;

/// Cookies of a login. Only `SESSDATA` is always needed; calls that write need `bili_jct` too.
///
/// ```
/// use bilibili_session::Credential;
///
/// let credential = Credential::builder()
///     .sessdata("made,up*")
///     .bili_jct("00112233445566778899aabbccddeeff")
///     .build()?;
/// assert!(!format!("{credential:?}").contains("made"));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// ```
#[derive(Clone)]
pub struct Credential {
    sessdata: Secret,
    bili_jct: Option<Secret>,
    buvid3: Option<Secret>,
    buvid4: Option<Secret>,
    uid: Option<Uid>,
}

/// Reason for which a credential was not made. No variant holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Nothing can be asked without a login.
    #[error("SESSDATA is missing: log in with a browser and take that cookie from there")]
    MissingSessdata,
    /// A value that cannot stand in a `Cookie` header.
    #[error(
        "{0} holds a character that no cookie can have (a line break, NUL, a space, ';', or one that is not ASCII)"
    )]
    BadCharacter(&'static str),
    /// `DedeUserID` is the account's number.
    #[error("DedeUserID is not a number above 0")]
    BadUid,
    /// None of the known forms.
    #[error("neither a Cookie header line, nor a cookies.txt, nor a browser's JSON export: {0}")]
    UnknownForm(&'static str),
}

impl Credential {
    /// Begins a credential of single cookies.
    pub fn builder() -> CredentialBuilder {
        CredentialBuilder::default()
    }

    /// Reads a credential from text: a `Cookie:` header line, a Netscape `cookies.txt`,
    /// or the JSON export of a browser extension. Cookies of other sites are left out.
    ///
    /// # Errors
    /// Fails when the text has none of these forms, has no `SESSDATA`, or a value
    /// that cannot stand in a header.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        formats::parse(text)?.build()
    }

    /// Returns the number of the account, if `DedeUserID` was given. Only nav knows the true one.
    pub fn uid(&self) -> Option<Uid> {
        self.uid
    }

    /// Returns whether calls that write can be made: there is a `bili_jct`.
    pub fn can_write(&self) -> bool {
        self.bili_jct.is_some()
    }

    /// Returns the CSRF token.
    pub(crate) fn csrf(&self) -> Option<&str> {
        self.bili_jct.as_ref().map(Secret::expose)
    }

    /// Returns a copy of each cookie by itself.
    #[cfg(feature = "login")]
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            sessdata: self.sessdata.clone(),
            bili_jct: self.bili_jct.clone(),
            buvid3: self.buvid3.clone(),
            buvid4: self.buvid4.clone(),
        }
    }

    /// Returns all values but the account's number.
    #[cfg(feature = "login")]
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let others = [&self.bili_jct, &self.buvid3, &self.buvid4];
        std::iter::once(&self.sessdata).chain(others.into_iter().flatten())
    }

    /// Returns whether both are the same login: the same `SESSDATA`.
    #[cfg(feature = "login")]
    pub(crate) fn is_same_login(&self, other: &Self) -> bool {
        self.sessdata.expose() == other.sessdata.expose()
    }

    /// Returns the `Cookie` header: the fields that are set, in a fixed order.
    pub(crate) fn cookie_header(&self) -> Option<HeaderValue> {
        let mut line = String::with_capacity(512);
        line.push_str("SESSDATA=");
        line.push_str(self.sessdata.expose());
        for (name, value) in [
            ("bili_jct", &self.bili_jct),
            ("buvid3", &self.buvid3),
            ("buvid4", &self.buvid4),
        ] {
            if let Some(value) = value {
                line.push_str("; ");
                line.push_str(name);
                line.push('=');
                line.push_str(value.expose());
            }
        }
        if let Some(uid) = self.uid {
            line.push_str("; DedeUserID=");
            line.push_str(&uid.to_string());
        }
        let header = HeaderValue::from_str(&line).ok().map(|mut header| {
            header.set_sensitive(true);
            header
        });
        line.zeroize();
        header
    }
}

/// [`Credential::parse`].
impl FromStr for Credential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        Self::parse(text)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("sessdata", &self.sessdata)
            .field("bili_jct", &self.bili_jct)
            .field("buvid3", &self.buvid3)
            .field("buvid4", &self.buvid4)
            .field("uid", &self.uid)
            .finish()
    }
}

/// Cookies of a credential, each by itself.
#[cfg(feature = "login")]
pub(crate) struct Parts {
    pub(crate) sessdata: Secret,
    pub(crate) bili_jct: Option<Secret>,
    pub(crate) buvid3: Option<Secret>,
    pub(crate) buvid4: Option<Secret>,
}

/// Collects the cookies of a [`Credential`]; an empty value counts as not given.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct CredentialBuilder {
    sessdata: Option<Secret>,
    bili_jct: Option<Secret>,
    buvid3: Option<Secret>,
    buvid4: Option<Secret>,
    uid: Option<Secret>,
}

impl CredentialBuilder {
    /// Sets `SESSDATA`, as the browser shows it; a value without `%` is percent-encoded.
    pub fn sessdata(mut self, value: impl Into<String>) -> Self {
        self.sessdata = Secret::given(value);
        self
    }

    /// Sets `bili_jct`, the CSRF token.
    pub fn bili_jct(mut self, value: impl Into<String>) -> Self {
        self.bili_jct = Secret::given(value);
        self
    }

    /// Sets `buvid3`, the device cookie of the same browser.
    pub fn buvid3(mut self, value: impl Into<String>) -> Self {
        self.buvid3 = Secret::given(value);
        self
    }

    /// Sets `buvid4`, the other device cookie of the same browser.
    pub fn buvid4(mut self, value: impl Into<String>) -> Self {
        self.buvid4 = Secret::given(value);
        self
    }

    /// Sets `DedeUserID`, the account's own number. Without this, nav is asked.
    pub fn uid(mut self, value: impl Into<String>) -> Self {
        self.uid = Secret::given(value);
        self
    }

    /// Takes the device cookies of another login of the same browser.
    #[cfg(feature = "login")]
    pub(crate) fn device_of(mut self, other: &Credential) -> Self {
        self.buvid3.clone_from(&other.buvid3);
        self.buvid4.clone_from(&other.buvid4);
        self
    }

    /// Sets the cookie of this name, if it is one that is sent; other names are left out.
    fn cookie(self, name: &str, value: &str) -> Self {
        match name {
            "SESSDATA" => self.sessdata(value),
            "bili_jct" => self.bili_jct(value),
            "buvid3" => self.buvid3(value),
            "buvid4" => self.buvid4(value),
            "DedeUserID" => self.uid(value),
            _ => self,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Fails when `SESSDATA` is missing or a value cannot stand in a header.
    pub fn build(self) -> Result<Credential, CredentialError> {
        let sessdata = self.sessdata.ok_or(CredentialError::MissingSessdata)?;
        let uid = match &self.uid {
            None => None,
            Some(text) => match text.expose().parse() {
                Ok(uid @ 1..) => Some(Uid(uid)),
                _ => return Err(CredentialError::BadUid),
            },
        };
        Ok(Credential {
            sessdata: percent_encoded(&sessdata.checked("SESSDATA")?),
            bili_jct: checked(self.bili_jct, "bili_jct")?,
            buvid3: checked(self.buvid3, "buvid3")?,
            buvid4: checked(self.buvid4, "buvid4")?,
            uid,
        })
    }
}

fn checked(secret: Option<Secret>, name: &'static str) -> Result<Option<Secret>, CredentialError> {
    secret.map(|secret| secret.checked(name)).transpose()
}

/// The characters that are encoded in a cookie: all but RFC 3986's unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A SESSDATA holds `,` and `*`: as it came from the server they are escaped.
fn percent_encoded(sessdata: &Secret) -> Secret {
    let value = sessdata.expose();
    if value.contains('%') {
        return sessdata.clone();
    }
    // Long enough for all, so that no half of the secret stays where a growing text has been.
    let mut encoded = String::with_capacity(value.len() * 3);
    encoded.extend(utf8_percent_encode(value, RESERVED));
    Secret::of(encoded)
}
