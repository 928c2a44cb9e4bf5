//! Reasons why something was not done.

use std::error::Error as _;

use tokio_postgres::error::SqlState;

/// Reason why something was not done. None holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused, or could not be asked.
    #[error("the database: {}", explain(.0))]
    Database(#[source] tokio_postgres::Error),
    /// The tables are missing, or older than this program.
    #[error("the tables are not there, or older than this program: run `bili-fleet init`")]
    Tables,
    /// No connection to the database was to be had.
    #[error("no connection to the database: {0}")]
    Connect(String),
    /// The tables could not be brought up to date.
    #[error("the tables cannot be brought up to date: {0}")]
    Migration(String),
    /// The key of the logins is missing, or is another one.
    #[error("the key of the logins: {0}")]
    Key(&'static str),
    /// The command cannot be carried out as it was given.
    #[error("{0}")]
    Usage(String),
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// Action that failed.
        what: String,
        /// The reason.
        error: std::io::Error,
    },
}

impl Error {
    /// Creates the error of something that cannot be.
    pub fn usage(why: impl Into<String>) -> Self {
        Self::Usage(why.into())
    }

    /// Creates the error of something that the system refused.
    pub fn system(what: impl Into<String>, error: std::io::Error) -> Self {
        let what = what.into();
        Self::System { what, error }
    }

    /// Returns whether the database refused what it was given, so that the same again is of no use.
    pub(crate) fn is_of_data(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let code = error.code().map(|code| code.code());
        code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let missing = [
            SqlState::INVALID_SCHEMA_NAME,
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_COLUMN,
        ];
        match error.code().is_some_and(|code| missing.contains(code)) {
            true => Self::Tables,
            false => Self::Database(error),
        }
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::Connect(explain(&error)),
            other => Self::Connect(other.to_string()),
        }
    }
}

/// Returns the words of an error of the database: its own are `db error`.
pub(crate) fn explain(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(refusal), _) if *refusal.code() == SqlState::LOCK_NOT_AVAILABLE => format!(
            "{}: a backup or another long transaction is in the way, try again later",
            refusal.message()
        ),
        (Some(refusal), _) => refusal.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
