//! The library's words, in Chinese.
//!
//! A variant that is not known here is said as the library says it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bilibili_session::endpoints::{NotASetting, SessionSettings};
use bilibili_session::error::{ApiError, BuildError, PausedError};
use bilibili_session::feeds::NotAFeed;
use bilibili_session::login::LoginError;
use bilibili_session::poller::{CheckpointError, ConfigError, Status};
use bilibili_session::{
    ConversationId, CredentialError, Error, ErrorClass, OneLine, TransportError,
};
use bilibili_session_examples::EnvironmentError;

use super::{Said, catalogue};

/// Says an entry of the library's catalogue.
pub(super) fn entry(key: &str, args: &[(&'static str, &dyn Said)]) -> String {
    catalogue::of_library(key, args).unwrap_or_else(|| key.to_owned())
}

/// `chinese!("key", name = value)`.
macro_rules! chinese {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::texts::library::entry($key, &[$((stringify!($name), &$value)),*])
    };
}
pub(super) use chinese;

/// Says a phrase of the library that has no values in it.
pub(super) fn phrase(english: &str) -> String {
    let found = catalogue::of_library(&key_of(english), &[]);
    found.unwrap_or_else(|| OneLine(english).to_string())
}

/// Returns the key of a phrase.
pub(super) fn key_of(english: &str) -> String {
    let lower = english.to_ascii_lowercase();
    let words = lower.split(|it: char| !it.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("says-{}", words.join("-"))
}

/// Says how long something takes.
pub(super) fn span(span: Duration) -> String {
    let seconds = match span.as_secs_f64() {
        long if long >= 10.0 || long.fract() < 0.05 => format!("{long:.0}"),
        short => format!("{short:.1}"),
    };
    chinese!("seconds", seconds = seconds)
}

pub(super) fn error(error: &Error) -> String {
    match error {
        Error::Build(error) => build_error(error),
        Error::Transport(error) => transport_error(error),
        Error::Api(error) => api_error(error),
        Error::PictureRefused { code, message } => {
            chinese!("picture-refused", code = *code, message = OneLine(message))
        }
        Error::Decode(error) => {
            let message = OneLine(error.message());
            match error.path() {
                "" => chinese!("unreadable", message = message),
                path => chinese!("unreadable-at", path = OneLine(path), message = message),
            }
        }
        Error::Page(error) => phrase(&error.to_string()),
        Error::Paused(paused) => paused_error(*paused),
        Error::UnknownOutcome(inner) => chinese!("unknown-outcome", error = **inner),
        Error::WithinHandler => chinese!("within-handler"),
        // Of HTTP there is nothing to translate.
        other => other.to_string(),
    }
}

fn api_error(error: &ApiError) -> String {
    let code = error.code;
    let message = OneLine(&error.message).to_string();
    let meaning = catalogue::of_library(&format!("code-{code}"), &[]);
    match meaning.filter(|_| error.meaning().is_some()) {
        Some(meaning) if message.is_empty() => chinese!("api", code = code, meaning = meaning),
        Some(meaning) => {
            chinese!(
                "api-with-message",
                code = code,
                meaning = meaning,
                message = message
            )
        }
        None => chinese!("api", code = code, meaning = message),
    }
}

fn paused_error(paused: PausedError) -> String {
    let reason = match paused.class {
        ErrorClass::RiskControl => chinese!("paused-risk-control"),
        ErrorClass::Signature => chinese!("paused-signature"),
        _ => chinese!("paused-throttled"),
    };
    chinese!(
        "paused",
        remaining = span(paused.remaining),
        reason = reason
    )
}

pub(super) fn transport_error(error: &TransportError) -> String {
    let kind = phrase(&error.kind.to_string());
    chinese!("transport", kind = kind, message = phrase(&error.message))
}

pub(super) fn build_error(error: &BuildError) -> String {
    match error {
        BuildError::MissingBiliJct => chinese!("missing-bili-jct"),
        BuildError::EmptyText => chinese!("empty-text"),
        BuildError::ContentTooLong { length, limit } => {
            chinese!("content-too-long", length = *length, limit = *limit)
        }
        BuildError::ToOneself => chinese!("to-oneself"),
        BuildError::TooLateToWithdraw { age_s, limit_s } => {
            chinese!("too-late-to-withdraw", age = *age_s, limit = *limit_s)
        }
        BuildError::ForeignPicture { host } => {
            chinese!("foreign-picture", host = format!("{host:?}"))
        }
        BuildError::NotAPicture { reason } => chinese!("not-a-picture", reason = phrase(reason)),
        BuildError::UnknownReceiver { session_type } => {
            chinese!("unknown-receiver", kind = *session_type)
        }
        BuildError::Parameter { name, rule } => {
            chinese!("parameter", name = *name, rule = phrase(rule))
        }
        BuildError::UidMismatch { given, actual } => {
            chinese!("uid-mismatch", given = *given, actual = *actual)
        }
        BuildError::ForeignCheckpoint { checkpoint, actual } => {
            chinese!(
                "foreign-checkpoint",
                checkpoint = *checkpoint,
                actual = *actual
            )
        }
        BuildError::Origin { origin, reason } => {
            // A remark in place of the origin is one of the library's phrases.
            let origin = match phrase(origin) {
                same if same == *origin => format!("{origin:?}"),
                remark => remark,
            };
            chinese!("origin", origin = origin, reason = phrase(reason))
        }
        BuildError::NotSendable(what) => chinese!("not-sendable", what = phrase(what)),
        other => other.to_string(),
    }
}

pub(super) fn login_error(error: &LoginError) -> String {
    match error {
        LoginError::Call(inner) => self::error(inner),
        LoginError::Expired => chinese!("login-expired"),
        LoginError::MissingCookies { names } => {
            chinese!("login-missing-cookies", names = names.join("、"))
        }
        LoginError::UnusableCookies(error) => chinese!("login-unusable-cookies", error = *error),
        LoginError::NoRefreshToken => chinese!("login-no-refresh-token"),
        LoginError::OtherAccount { expected, actual } => {
            chinese!(
                "login-other-account",
                expected = *expected,
                actual = *actual
            )
        }
        LoginError::NotStored(reason) => chinese!("login-not-stored", reason = OneLine(reason)),
        LoginError::Over => chinese!("login-over"),
        other => other.to_string(),
    }
}

pub(super) fn credential_error(error: &CredentialError) -> String {
    match error {
        CredentialError::MissingSessdata => chinese!("credential-missing-sessdata"),
        CredentialError::BadCharacter(name) => chinese!("credential-bad-character", name = *name),
        CredentialError::BadUid => chinese!("credential-bad-uid"),
        CredentialError::UnknownForm(reason) => {
            chinese!("credential-unknown-form", reason = phrase(reason))
        }
        other => other.to_string(),
    }
}

pub(super) fn checkpoint_error(error: &CheckpointError) -> String {
    match error {
        CheckpointError::Damaged(reason) => {
            chinese!("checkpoint-damaged", reason = OneLine(reason))
        }
        CheckpointError::Foreign => chinese!("checkpoint-foreign"),
        CheckpointError::Newer { found } => chinese!("checkpoint-newer", found = *found),
        other => other.to_string(),
    }
}

pub(super) fn config_error(error: &ConfigError) -> String {
    match error {
        ConfigError::IntervalTooShort => chinese!("interval-too-short"),
        ConfigError::OutOfRange { name, rule } => {
            chinese!("out-of-range", name = *name, rule = phrase(rule))
        }
        ConfigError::ForeignCheckpoint {
            checkpoint,
            credential,
        } => {
            chinese!(
                "checkpoint-of-another",
                checkpoint = *checkpoint,
                credential = *credential
            )
        }
        other => other.to_string(),
    }
}

pub(super) fn not_a_setting(error: &NotASetting) -> String {
    match error {
        NotASetting::Name => chinese!("setting-name", names = SessionSettings::NAMES.join("、")),
        NotASetting::Number(name) => chinese!("setting-number", name = *name),
        other => other.to_string(),
    }
}

pub(super) fn environment_error(error: &EnvironmentError) -> String {
    match error {
        EnvironmentError::NotText(name) => chinese!("environment-not-text", name = *name),
        EnvironmentError::NotTheValue { variable, cookie } => chinese!(
            "environment-not-the-value",
            variable = *variable,
            cookie = *cookie,
        ),
        EnvironmentError::Credential(error) => chinese!("environment-credential", error = *error),
        other => other.to_string(),
    }
}

pub(super) fn conversation(id: &ConversationId) -> String {
    match *id {
        ConversationId::User(uid) => chinese!("user", number = uid),
        ConversationId::Group(group) => chinese!("group", number = group.0),
        ConversationId::Other {
            session_type,
            talker_id,
        } => {
            chinese!("conversation", number = talker_id, kind = session_type)
        }
    }
}

/// Says a reason as it follows what it is the reason of.
pub(super) fn of_reason(error: &Error) -> String {
    chinese!("of-reason", reason = *error)
}

pub(super) fn not_a_feed(error: &NotAFeed) -> String {
    chinese!("not-a-feed", name = format!("{:?}", error.0))
}

pub(super) fn status(status: Status) -> String {
    entry(&format!("status-{status}"), &[])
}

/// Says the common errors of files and sockets; of the others the system's words are enough.
pub(super) fn io_error(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => chinese!("io-not-found"),
        ErrorKind::PermissionDenied => chinese!("io-permission-denied"),
        ErrorKind::AlreadyExists => chinese!("io-already-exists"),
        ErrorKind::IsADirectory => chinese!("io-is-a-directory"),
        ErrorKind::NotADirectory => chinese!("io-not-a-directory"),
        ErrorKind::StorageFull => chinese!("io-storage-full"),
        ErrorKind::ReadOnlyFilesystem => chinese!("io-read-only-filesystem"),
        ErrorKind::AddrInUse => chinese!("io-addr-in-use"),
        ErrorKind::InvalidData => chinese!("io-invalid-data"),
        ErrorKind::BrokenPipe => chinese!("io-broken-pipe"),
        _ => error.to_string(),
    }
}
