//! Objects as JSON lines whose texts are looked through for secrets.
//!
//! Only texts are: a number, a name of a field and what is our own in a line come out as they
//! are, so that a line is JSON, and says the same, whatever a cookie looks like.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// Fields that nobody else writes: words of the contract, and numbers that JavaScript cannot
/// hold.
const OWN: [&str; 6] = ["event", "kind", "type", "feed", "msg_key", "id"];

/// Writes an object on one line, and each text in it through `shown`.
pub(crate) fn json_line(
    value: &impl Serialize,
    shown: impl Fn(&str) -> String,
) -> serde_json::Result<String> {
    let formatter = TextByText {
        shown,
        is_name: false,
        is_own: false,
        text: String::new(),
    };
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, formatter))?;
    // What serde_json writes is UTF-8.
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Formatter that keeps each text back until it is whole.
struct TextByText<F> {
    shown: F,
    /// The text is the name of a field.
    is_name: bool,
    /// The text is in a field that is ours.
    is_own: bool,
    text: String,
}

impl<F: Fn(&str) -> String> Formatter for TextByText<F> {
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
        Ok(())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.text.clear();
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let text = if self.is_name {
            self.is_own = OWN.contains(&self.text.as_str());
            serde_json::to_string(&self.text)
        } else if self.is_own {
            serde_json::to_string(&self.text)
        } else {
            serde_json::to_string(&(self.shown)(&self.text))
        }?;
        writer.write_all(text.as_bytes())
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

    #[test]
    fn it_is_what_serde_json_writes() {
        let value = json!({
            "a": "\u{0}\u{1}\t\n\r\u{8}\u{c}\"\\/ 你好 👨‍👩‍👧 \u{7f}", "\"\n": [1, -2.5, null, true, "x"],
            "nested": {"event": "", "list": [{"kind": "k"}, []]}, "": {},
        });
        let line = json_line(&value, str::to_owned).unwrap();
        assert_eq!(line, value.to_string());
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
            json_line(&line, |text| text.replace("12", "-")).unwrap(),
            r#"{"event":"12\n","msg_seqno":1211112,"msg_key":"12","text":"a -\n","list":["-","\"-"]}"#
        );
    }
}
