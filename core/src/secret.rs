//! Texts that nobody is to see: cookies and tokens.

use std::fmt;

use zeroize::Zeroize;

use crate::credential::CredentialError;

/// Text that never shows itself and is wiped when dropped.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Takes a text as it is.
    pub(crate) const fn of(value: String) -> Self {
        Self(value)
    }

    /// Takes a text without the space around it; an empty one is none.
    pub(crate) fn given(value: impl Into<String>) -> Option<Self> {
        let mut value = value.into();
        let trimmed = value.trim();
        if trimmed.len() == value.len() {
            return (!value.is_empty()).then_some(Self(value));
        }
        let secret = (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()));
        value.zeroize();
        secret
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn checked(self, name: &'static str) -> Result<Self, CredentialError> {
        let fits = self
            .0
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';');
        if fits {
            Ok(self)
        } else {
            Err(CredentialError::BadCharacter(name))
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Writes the secret itself: for what is stored where nobody else reads.
#[cfg(feature = "login")]
impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "login")]
impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
