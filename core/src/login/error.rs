//! Errors of logins.

use crate::credential::CredentialError;
use crate::error::{Error, ErrorClass};
use crate::ids::Uid;
use crate::one_line::OneLine;

/// Failure of a login, of its renewal or of its end. No variant holds a cookie or a token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// A request was not built, brought no answer, or was refused.
    #[error(transparent)]
    Call(#[from] Error),
    /// No QR code was scanned and confirmed in its time.
    #[error("no QR code was scanned and confirmed in time: begin anew")]
    Expired,
    /// The service confirmed the login, and its answer lacks what a login is made of.
    #[error(
        "the service gave no {} with this login: neither in Set-Cookie nor in the address of its answer",
        names.join(", no ")
    )]
    MissingCookies {
        /// Names of the cookies.
        names: Vec<&'static str>,
    },
    /// The service gave cookies that no request can carry.
    #[error("the cookies of this login cannot be used: {0}")]
    UnusableCookies(#[from] CredentialError),
    /// The login cannot be renewed: it was made without a refresh token.
    #[error("this login has no refresh token and so cannot be renewed: log in anew")]
    NoRefreshToken,
    /// The renewed login is of another account.
    #[error("the renewed login is of uid {actual}, not of uid {expected}")]
    OtherAccount {
        /// Account of the login before.
        expected: Uid,
        /// Account of the cookies that came.
        actual: Uid,
    },
    /// The login was not stored, so nothing went on.
    #[error("the renewed login was not stored: {}", OneLine(.0))]
    NotStored(String),
    /// The result of this machine was taken before.
    #[error("the result was taken before")]
    Over,
}

impl LoginError {
    /// Returns the remedy for this error; `None` where it is a login from the beginning.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Call(error) => Some(error.class()),
            _ => None,
        }
    }
}
