//! Values that can stand in a text: plain values, and what the library says.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use bilibili_session::endpoints::NotASetting;
use bilibili_session::error::BuildError;
use bilibili_session::feeds::NotAFeed;
use bilibili_session::login::LoginError;
use bilibili_session::poller::{CheckpointError, ConfigError, Warning};
use bilibili_session::{
    ConversationId, CredentialError, Error, MsgKey, OneLine, Seqno, TransportError, Uid,
};
use bilibili_session_examples::EnvironmentError;

use super::{Language, Text, library, warnings};

/// Part of a text that is said in each language.
pub(crate) trait Said {
    fn said(&self, language: Language) -> String;
}

impl<T: Said + ?Sized> Said for &T {
    fn said(&self, language: Language) -> String {
        T::said(self, language)
    }
}

/// The same in each language.
macro_rules! plain {
    ($($kind:ty),*) => {
        $(impl Said for $kind {
            fn said(&self, _: Language) -> String {
                self.to_string()
            }
        })*
    };
}

plain!(
    str,
    String,
    u16,
    u32,
    u64,
    i64,
    usize,
    Uid,
    Seqno,
    MsgKey,
    anstyle::Style,
    OneLine<'_>,
    std::path::Display<'_>,
    std::fmt::Arguments<'_>,
    serde_json::Error
);

/// Said in English by the library, and in Chinese here.
macro_rules! of_library {
    ($($kind:ty => $chinese:path),* $(,)?) => {
        $(impl Said for $kind {
            fn said(&self, language: Language) -> String {
                match language {
                    Language::English => self.to_string(),
                    Language::Chinese => $chinese(self),
                }
            }
        })*
    };
}

of_library! {
    Error => library::error,
    BuildError => library::build_error,
    TransportError => library::transport_error,
    LoginError => library::login_error,
    CredentialError => library::credential_error,
    CheckpointError => library::checkpoint_error,
    ConfigError => library::config_error,
    NotASetting => library::not_a_setting,
    EnvironmentError => library::environment_error,
    ConversationId => library::conversation,
    NotAFeed => library::not_a_feed,
    Warning => warnings::warning,
}

/// A text of this command in an error of the system is said as such.
impl Said for io::Error {
    fn said(&self, language: Language) -> String {
        let inner = self
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Text>());
        match (inner, language) {
            (Some(text), _) => text.said(language),
            (None, Language::English) => self.to_string(),
            (None, Language::Chinese) => library::io_error(self),
        }
    }
}

impl StdError for Text {}

/// Error of a kind that is not known here.
pub(crate) struct Other<T>(pub(crate) T);

impl<T: Display> Said for Other<T> {
    fn said(&self, _: Language) -> String {
        self.0.to_string()
    }
}
