//! Words that keep messages away.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::json;
use crate::json::Unreadable;
use crate::json::lenient::{int, text};
use crate::time::UnixSeconds;

/// Most characters of a word that the service takes.
const MAX_WORD: usize = 20;

/// Asks for the blocked words: a message that contains one is not received.
///
/// `GET https://api.vc.bilibili.com/x/im/link_setting/get_block_words`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct GetBlockWords;

/// Blocked words of the account.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct BlockWords {
    /// Words, in the order of the service.
    pub words: Vec<BlockWord>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Most characters of a word, 20 as far as is known; 0 if the answer does not tell.
    pub max_word_length: i64,
    /// Most words, 200 as far as is known; 0 if the answer does not tell.
    pub max_words_size: i64,
}

/// A blocked word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BlockWord {
    /// The word.
    #[serde(deserialize_with = "text")]
    pub content: String,
    /// The time at which the word was added.
    #[serde(default)]
    pub ctime: UnixSeconds,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Limits {
    #[serde(deserialize_with = "int")]
    max_word_length: i64,
    #[serde(deserialize_with = "int")]
    max_words_size: i64,
}

impl Endpoint for GetBlockWords {
    type Auth = CookieAuth;
    type Output = BlockWords;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::get(Host::Vc, "/x/im/link_setting/get_block_words").web())
    }

    fn decode(&self, data: &Value) -> Result<BlockWords, DecodeError> {
        let (limits, _) = json::salvage::<Limits>(data)?;
        let (words, unreadable) = json::items(data.get("words"), "words")?;
        Ok(BlockWords {
            words,
            unreadable,
            max_word_length: limits.max_word_length,
            max_words_size: limits.max_words_size,
        })
    }
}

/// Adds a blocked word. Needs `bili_jct`.
///
/// The service takes 200 words, each once, without spaces.
///
/// `POST https://api.vc.bilibili.com/x/im/link_setting/add_block_word`
#[derive(Debug, Clone)]
#[must_use]
pub struct AddBlockWord {
    word: String,
}

impl AddBlockWord {
    /// Adds this word, of at most 20 characters.
    pub fn new(word: impl Into<String>) -> Self {
        Self { word: word.into() }
    }
}

impl Endpoint for AddBlockWord {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        match self.word.chars().count() {
            0 => Err(BuildError::EmptyText),
            1..=MAX_WORD => context.check_can_write(),
            _ => Err(BuildError::Parameter {
                name: "the blocked word",
                rule: "at most 20 characters long",
            }),
        }
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        named("/x/im/link_setting/add_block_word", &self.word, context)
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Deletes a blocked word. Needs `bili_jct`.
///
/// `POST https://api.vc.bilibili.com/x/im/link_setting/del_block_word`
#[derive(Debug, Clone)]
#[must_use]
pub struct DeleteBlockWord {
    word: String,
}

impl DeleteBlockWord {
    /// Deletes this word.
    pub fn new(word: impl Into<String>) -> Self {
        Self { word: word.into() }
    }
}

impl Endpoint for DeleteBlockWord {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        context.check_can_write()
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        named("/x/im/link_setting/del_block_word", &self.word, context)
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Creates a POST that names a word.
fn named(
    path: &'static str,
    word: &str,
    context: &ClientConfig,
) -> Result<RequestParts, BuildError> {
    RequestParts::post(Host::Vc, path)
        .field("content", word)
        .web()
        .csrf(context)
}
