//! Objects as JSON lines whose texts are looked through for secrets.
//!
//! Only texts are: a number, a name of a field and what is our own in a line come out as they
//! are, so that a line is JSON, and says the same, whatever a cookie looks like.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// Fields that nobody else writes: words of the contract, and numbers that JavaScript cannot
/// hold.
const OWN: [&str; 6] = ["event", "kind", "type", "feed", "msg_key", "id"];

/// Appends an object on one line, with each text in it passed through `shown`. After an error
/// nothing was appended.
pub(crate) fn json_line(
    line: &mut Vec<u8>,
    value: &impl Serialize,
    shown: impl Fn(&str) -> Cow<'_, str>,
) -> serde_json::Result<()> {
    let formatter = TextByText {
        shown,
        is_name: false,
        is_own: false,
        text: String::new(),
        is_escaped: false,
    };
    let before = line.len();
    value
        .serialize(&mut Serializer::with_formatter(&mut *line, formatter))
        .inspect_err(|_| line.truncate(before))
}

/// Formatter that keeps each text back until it is whole.
struct TextByText<F> {
    shown: F,
    /// The text is the name of a field.
    is_name: bool,
    /// The text is in a field that is ours.
    is_own: bool,
    text: String,
    /// Something in the text is written in another way than it is.
    is_escaped: bool,
}

impl<F: Fn(&str) -> Cow<'_, str>> Formatter for TextByText<F> {
    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.is_name = true;
        CompactFormatter.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_name = false;
        self.is_own = !self.is_escaped && OWN.contains(&self.text.as_str());
        Ok(())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.text.clear();
        self.is_escaped = false;
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let text = match self.is_name || self.is_own {
            true => Cow::Borrowed(self.text.as_str()),
            false => (self.shown)(&self.text),
        };
        match text {
            Cow::Borrowed(text) if !self.is_escaped => {
                writer.write_all(b"\"")?;
                writer.write_all(text.as_bytes())?;
                writer.write_all(b"\"")
            }
            text => Ok(serde_json::to_writer(writer, &*text)?),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.text.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.is_escaped = true;
        self.text.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line_of(value: &impl Serialize, shown: impl Fn(&str) -> Cow<'_, str>) -> String {
        let mut line = b"the one before\n".to_vec();
        json_line(&mut line, value, shown).unwrap();
        let line = String::from_utf8(line).unwrap();
        line.strip_prefix("the one before\n").unwrap().to_owned()
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let value = json!({
            "a": "\u{0}\u{1}\t\n\r\u{8}\u{c}\"\\/ 你好 👨‍👩‍👧 \u{7f}", "\"\n": [1, -2.5, null, true, "x"],
            "nested": {"event": "", "list": [{"kind": "k"}, []]}, "": {},
        });
        let line = line_of(&value, |text| Cow::Borrowed(text));
        assert_eq!(line, value.to_string());
    }

    #[test]
    fn half_a_line_is_none() {
        let mut line = b"whole\n".to_vec();
        let value = std::collections::BTreeMap::from([((1, 2), "a key that is no text")]);
        assert!(json_line(&mut line, &value, |text| Cow::Borrowed(text)).is_err());
        assert_eq!(line, b"whole\n");
    }

    #[test]
    fn texts_are_shown_and_nothing_else() {
        #[derive(serde::Serialize)]
        struct Line {
            event: &'static str,
            msg_seqno: u64,
            msg_key: &'static str,
            text: &'static str,
            list: [&'static str; 2],
        }
        let line = Line {
            event: "12\n",
            msg_seqno: 1_211_112,
            msg_key: "12",
            text: "a 12\n",
            list: ["12", "\"12"],
        };
        assert_eq!(
            line_of(&line, |text| text.replace("12", "-").into()),
            r#"{"event":"12\n","msg_seqno":1211112,"msg_key":"12","text":"a -\n","list":["-","\"-"]}"#
        );
    }
}
