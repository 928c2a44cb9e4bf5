//! Cookie values, so that no output shows them, whoever quotes them.
//!
//! What others wrote is looked through where it enters a line, text by text ([`json_line`]); a
//! number is never touched. Two kinds of text are told apart:
//!
//! - What errors quote of an answer ([`Secrets::hidden_in`]): it may be cut off anywhere, so
//!   the beginning of a value is hidden too, with what hangs on to it.
//! - What people wrote, as messages and names ([`Secrets::shown`]): who sends somebody his own
//!   cookie sees no more of it than others, but the rest of the text stays word for word. So
//!   whole values are hidden, and none that may be a word or a number of its own.
//!
//! [`json_line`]: crate::json_line::json_line

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bilibili_session::endpoints::Nav;
use bilibili_session::{ClientConfig, Endpoint};
use memchr::memmem::Finder;

/// Cookies, which no output may show. Clones share them, and those that are added later.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    all: Vec<String>,
    /// Those that nobody writes by chance.
    in_words: Vec<String>,
    /// The same as they stand in JSON.
    in_json: Vec<Finder<'static>>,
}

/// Shorter ones would be found in everything.
const SHORTEST: usize = 4;
/// Number of bytes of a longer value that are not there by chance, unless they are a number.
const TELLING: usize = 6;
/// Shorter ones may be words that somebody wrote; those of the service are far longer.
const SHORTEST_IN_WORDS: usize = 8;
const HIDDEN: &str = "[redacted]";

impl Secrets {
    /// Takes the values of the cookies that are sent.
    #[cfg(test)]
    pub(crate) fn of(context: &ClientConfig) -> Self {
        let secrets = Self::default();
        secrets.add_context(context);
        secrets
    }

    /// Adds the values of the cookies that are sent.
    pub(crate) fn add_context(&self, context: &ClientConfig) {
        let cookies = Nav.request(context, ()).ok().and_then(|request| {
            let line = request.headers().get("cookie")?.to_str().ok()?;
            Some(line.to_owned())
        });
        let pairs = cookies.iter().flat_map(|line| line.split("; "));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        self.add(
            pairs
                .filter(|(name, _)| *name != "DedeUserID")
                .map(|(_, value)| value),
        );
    }

    /// Adds values: cookies and tokens.
    pub(crate) fn add<'a>(&self, values: impl Iterator<Item = &'a str>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let values = values.filter(|value| value.len() >= SHORTEST);
        known
            .all
            .extend(values.flat_map(|value| [value.to_owned(), percent_decoded(value)]));
        // The longest first: one may stand in another.
        known
            .all
            .sort_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        known.all.dedup();
        let is_telling = |value: &&String| {
            value.len() >= SHORTEST_IN_WORDS && !value.bytes().all(|it| it.is_ascii_digit())
        };
        known.in_words = known.all.iter().filter(is_telling).cloned().collect();
        known.in_json = known.in_words.iter().map(|value| in_json(value)).collect();
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the cookies from the words of an error, also one that is cut off: errors quote
    /// the beginning of an answer.
    pub(crate) fn hidden_in<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.known();
        let mut hidden = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let found = known
                .all
                .iter()
                .filter_map(|value| found(before, rest, value));
            let behind = match found.max() {
                Some(length) => {
                    hidden.push_str(HIDDEN);
                    rest.get(length..)
                }
                None => {
                    hidden.push(first);
                    rest.get(first.len_utf8()..)
                }
            };
            before = Some(first);
            rest = behind.unwrap_or_default();
        }
        hidden.into()
    }

    /// Removes whole values from a text that somebody wrote.
    pub(crate) fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for value in &self.known().in_words {
            // Most texts are shorter than any cookie.
            if shown.len() >= value.len() && shown.contains(value) {
                shown = shown.replace(value, HIDDEN).into();
            }
        }
        shown
    }

    /// Returns whether a text in this line of JSON may be one that is not [shown](Self::shown) as it is.
    pub(crate) fn may_be_in(&self, line: &[u8]) -> bool {
        let known = self.known();
        known.in_json.iter().any(|value| value.find(line).is_some())
    }
}

/// Returns the form of a value in JSON: every character is escaped by itself, so a value in a text is its escaped form in the line.
fn in_json(value: &str) -> Finder<'static> {
    let quoted = serde_json::Value::from(value).to_string();
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or(&quoted);
    Finder::new(inner).into_owned()
}

/// Returns the length of the text to hide, if it begins with the value, or with enough of it to tell.
fn found(before: Option<char>, text: &str, value: &str) -> Option<usize> {
    let length = text
        .chars()
        .zip(value.chars())
        .take_while(|(one, other)| one == other)
        .map(|(character, _)| character.len_utf8())
        .sum();
    let (begun, rest) = text.split_at_checked(length)?;
    let is_whole = length == value.len();
    if begun.bytes().all(|it| it.is_ascii_digit()) {
        // Numbers are everywhere, and in others.
        let is_apart = |it: Option<char>| it.is_none_or(|it| !it.is_ascii_digit());
        return (is_whole && is_apart(before) && is_apart(rest.chars().next())).then_some(length);
    }
    if is_whole {
        return Some(length);
    }
    // Encoded in another way it goes on otherwise.
    let hangs_on = |it: &char| it.is_ascii_alphanumeric() || "%*_-+/=.~&#;".contains(*it);
    let more = rest.chars().take_while(hangs_on).count();
    (length >= TELLING).then_some(length + more)
}

fn percent_decoded(value: &str) -> String {
    let mut parts = value.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (code, part.get(2..)) {
            (Some(code), Some(rest)) => {
                decoded.push(code);
                decoded.extend(rest.bytes());
            }
            _ => {
                decoded.push(b'%');
                decoded.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_in_both_forms() {
        let context = ClientConfig::new(
            bilibili_session::Credential::builder()
                .sessdata("abcd,1*2")
                .bili_jct("feedbeef")
                .uid("10001")
                .build()
                .unwrap(),
        );
        let secrets = Secrets::of(&context);
        assert_eq!(
            secrets.hidden_in("a abcd,1*2 abcd%2C1%2A2 feedbeef 10001"),
            "a [redacted] [redacted] [redacted] 10001"
        );
        assert_eq!(
            secrets.hidden_in("cut off: 你好 abcd%2C1%, abcd,1, abcd,x feedbe"),
            "cut off: 你好 [redacted], [redacted], abcd,x [redacted]"
        );
    }
    fn of(sessdata: &str, buvid3: &str) -> Secrets {
        let credential = bilibili_session::Credential::builder()
            .sessdata(sessdata)
            .buvid3(buvid3)
            .build()
            .unwrap();
        Secrets::of(&ClientConfig::new(credential))
    }

    #[test]
    fn a_number_is_none() {
        let secrets = of("12345678", "00000000-1111-2222-infoc");
        for number in [
            "1000000020001017",
            "00000000",
            "123456789",
            "912345678",
            "-12345",
        ] {
            assert_eq!(secrets.hidden_in(number), number);
            assert_eq!(secrets.shown(number), number);
        }
        assert_eq!(
            secrets.hidden_in("c=12345678; b=00000000-1111-2222-infoc, 00000000-11"),
            "c=[redacted]; b=[redacted], [redacted]"
        );
    }

    #[test]
    fn encoded_twice_it_is_hidden_to_its_end() {
        let secrets = of("abcd%2C1%2A2", "");
        for text in [
            "abcd%252C1%252A2",
            "abcd%2c1%2a2",
            "abcd%2C1%2A",
            "abcd%2&#x43;1%2&#x41;2",
        ] {
            assert_eq!(secrets.hidden_in(&format!("a {text} b")), "a [redacted] b");
        }
    }

    #[test]
    fn what_people_write_stays_word_for_word() {
        let secrets = of("abcdefgh%2C1", "word");
        assert_eq!(
            secrets.shown("a word, abcdefgh, abcdefgh%2C1 and abcdefgh,1!"),
            "a word, abcdefgh, [redacted] and [redacted]!"
        );
    }

    /// A secret that is not found in a line as a whole is in none of its texts.
    #[test]
    fn a_line_is_looked_through_as_a_whole() {
        for value in [
            "abcdefgh%2C1",
            "ab%22cd%5Cefgh",
            "%E4%BD%A0%E5%A5%BD%01abcdef",
        ] {
            let secrets = of(value, "");
            assert!(!secrets.may_be_in(b"{\"text\":\"abcdefgh\"}"));
            for text in [value.to_owned(), percent_decoded(value)] {
                for text in [text.clone(), format!("\"\n你{text}\\好")] {
                    assert_ne!(secrets.shown(&text), text);
                    let line = serde_json::json!({"text": text}).to_string();
                    assert!(secrets.may_be_in(line.as_bytes()), "{line}");
                }
            }
        }
    }
}
