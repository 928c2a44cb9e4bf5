//! Everything that is said to people, in their language: Chinese where the locale is, else English.
//!
//! What the command says stands in `en.ftl` and `zh-CN.ftl`, under the same keys. What the library
//! says is English, in the library; `library.zh-CN.ftl` has its Chinese, and [`library`] finds the
//! way there. Lines of JSON are for scripts, and English.

mod catalogue;
mod library;
mod lines;
mod said;
#[cfg(test)]
mod tests;
mod usage;
mod warnings;

pub(crate) use lines::{feed_in_words, message_in_words, named};
pub(crate) use said::{Other, Said};
pub(crate) use usage::usage_in_words;

use std::fmt;
use std::sync::LazyLock;

use bilibili_session::poller::StatusChange;

/// Languages of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// That of scripts, and of whoever has no other.
    English,
    Chinese,
}

impl Language {
    /// Returns the language that the locale names: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    pub(crate) fn current() -> Self {
        static CURRENT: LazyLock<Language> = LazyLock::new(|| {
            let mut values = ["LC_ALL", "LC_MESSAGES", "LANG"]
                .map(std::env::var_os)
                .into_iter();
            let named = values.find_map(|value| value.filter(|it| !it.is_empty()));
            Language::of(&named.unwrap_or_default().to_string_lossy())
        });
        match cfg!(test) {
            // Whatever the locale of who runs the tests.
            true => Self::English,
            false => *CURRENT,
        }
    }

    /// Returns the language of a locale, `zh_CN.UTF-8`.
    fn of(locale: &str) -> Self {
        match locale.split(['_', '-', '.', '@']).next() {
            Some(language) if language.eq_ignore_ascii_case("zh") => Self::Chinese,
            _ => Self::English,
        }
    }
}

/// Text in the language of scripts and in that of the person who reads it.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    english: String,
    shown: Option<String>,
}

impl Text {
    /// Says the text of this key; see [`text!`].
    pub(crate) fn new(key: &'static str, args: &[(&'static str, &dyn Said)]) -> Self {
        Self::of(&Entry { key, args })
    }

    /// Says something that is there already.
    pub(crate) fn of(said: &(impl Said + ?Sized)) -> Self {
        let shown = match Language::current() {
            Language::English => None,
            language => Some(said.said(language)),
        };
        Self {
            english: said.said(Language::English),
            shown,
        }
    }
}

impl Said for Text {
    fn said(&self, language: Language) -> String {
        match (&self.shown, language) {
            (Some(shown), Language::Chinese) => shown.clone(),
            _ => self.english.clone(),
        }
    }
}

/// Writes it in the language of the person who reads it.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown.as_ref().unwrap_or(&self.english))
    }
}

/// Says the text of this key in the current language; see [`say!`].
pub(crate) fn say_entry(key: &'static str, args: &[(&'static str, &dyn Said)]) -> String {
    Entry { key, args }.said(Language::current())
}

/// Says a status, and the reason of one that has one, as it follows it.
pub(crate) fn status_in_words(change: &StatusChange) -> (String, String) {
    let reason = change.reason.as_ref();
    match Language::current() {
        Language::English => (
            change.status.to_string(),
            reason.map(|it| format!(": {it}")).unwrap_or_default(),
        ),
        Language::Chinese => (
            library::status(change.status),
            reason.map(library::of_reason).unwrap_or_default(),
        ),
    }
}

/// Entry of the catalogues, with what its placeholders stand for.
struct Entry<'a> {
    key: &'static str,
    args: &'a [(&'static str, &'a dyn Said)],
}

impl Said for Entry<'_> {
    fn said(&self, language: Language) -> String {
        catalogue::own(language, self.key, self.args)
    }
}

/// `text!("key", name = value)`: the [`Text`] of a key of the catalogues, whose placeholders are the
/// names.
macro_rules! text {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::texts::Text::new($key, &[$((stringify!($name), &$value)),*])
    };
}

/// `say!("key", name = value)`: the same as a `String`, in the current language alone.
macro_rules! say {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::texts::say_entry($key, &[$((stringify!($name), &$value)),*])
    };
}

pub(crate) use {say, text};
