//! Printed output: JSON lines for scripts, or lines for people.

use std::borrow::Cow;
use std::io::{self, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use serde::Serialize;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

use crate::failure::Failure;
use crate::json_line::json_line;
use crate::secrets::Secrets;
use crate::texts::Language;

/// Times, labels: what stands around.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Style of the important part.
pub(crate) const BOLD: Style = Style::new().bold();
/// Style of errors.
pub(crate) const WARN: Style =
    Style::new().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Yellow)));
/// A text gets no fewer columns than this.
const NARROWEST: usize = 16;
const ERROR: Style = Style::new()
    .bold()
    .fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red)));

/// Prints results, to stdout as a rule.
pub(crate) struct Output<W = io::Stdout> {
    json: bool,
    has_colours: bool,
    /// Width of the terminal that people read it on.
    columns: Option<usize>,
    secrets: Secrets,
    /// Whole lines that were put and are not written yet.
    lines: Vec<u8>,
    out: W,
}

impl Output {
    /// Creates an output to stdout; in colour if that is a terminal that shows colours.
    pub(crate) fn stdout(json: bool, secrets: Secrets) -> Self {
        let out = io::stdout();
        Self {
            json,
            has_colours: AutoStream::choice(&out) != ColorChoice::Never,
            columns: terminal_size_of(&out).map(|(Width(columns), _)| columns.into()),
            secrets,
            lines: Vec::new(),
            out,
        }
    }
}

impl<W: Write> Output<W> {
    /// Creates the same output to a file.
    pub(crate) fn to<V: Write>(&self, out: V) -> Output<V> {
        Output {
            json: self.json,
            has_colours: false,
            columns: None,
            secrets: self.secrets.clone(),
            lines: Vec::new(),
            out,
        }
    }

    /// Creates the same output by another way to the same place.
    pub(crate) fn through<V: Write>(&self, out: V) -> Output<V> {
        Output {
            has_colours: self.has_colours,
            columns: self.columns,
            ..self.to(out)
        }
    }

    /// Returns what is hidden, to be added to.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    pub(crate) const fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Returns the width of the terminal, if that is where lines go.
    pub(crate) const fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// Returns the language of its lines: for scripts always English.
    pub(crate) fn language(&self) -> Language {
        match self.json {
            true => Language::English,
            false => Language::current(),
        }
    }

    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    /// Prints one object: as a JSON line, or in words of one or more lines.
    pub(crate) fn print(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.put(value, words)?;
        self.write()
    }

    /// Prints an object with an answer of the service in it, from which cookies are removed as from errors.
    pub(crate) fn print_guarded(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.put_as(value, words, Secrets::hidden_in)?;
        self.write()
    }

    /// The same as [`print`](Self::print), but the line waits for the next one that is printed,
    /// or for a flush.
    pub(crate) fn put(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let before = self.lines.len();
            let written = serde_json::to_writer(&mut self.lines, value);
            let line = self.lines.get(before..).unwrap_or_default();
            if written.is_ok() && !self.secrets.may_be_in(line) {
                self.lines.push(b'\n');
                return Ok(());
            }
            // Once more, text by text.
            self.lines.truncate(before);
        }
        self.put_as(value, words, Secrets::shown)
    }

    /// Returns the number of bytes that wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// Prints one line for people on stderr, with texts that others wrote.
    pub(crate) fn note(&self, words: &str) {
        note(&self.secrets.shown(words));
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.write()?;
        Ok(self.out.flush()?)
    }

    fn put_as(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
        shown: impl for<'a> Fn(&Secrets, &'a str) -> Cow<'a, str>,
    ) -> Result<(), Failure> {
        if self.json {
            json_line(&mut self.lines, value, |text| shown(&self.secrets, text))
                .map_err(|error| Failure::Output(error.into()))?;
        } else {
            let mut words = words();
            if !self.has_colours {
                words = strip_str(&words).to_string();
            }
            let words = shown(&self.secrets, &words);
            self.lines.extend(words.as_bytes());
        }
        self.lines.push(b'\n');
        Ok(())
    }

    /// Writes the lines in one piece, so that readers see whole lines. After a failure there is
    /// nothing more to write.
    fn write(&mut self) -> Result<(), Failure> {
        let written = self.out.write_all(&self.lines);
        self.lines.clear();
        Ok(written?)
    }
}

/// Prints one line for people on stderr. A line that cannot be written is no failure.
pub(crate) fn note(words: &str) {
    let _ = writeln!(anstream::stderr(), "{DIM}bili: {words}{DIM:#}");
}

/// Prints the last lines of a command that failed.
pub(crate) fn report(failure: &Failure, json: bool, secrets: &Secrets) {
    let words = failure.to_string();
    let words = secrets.hidden_in(&words);
    let words = bilibili_session::OneLine(&words);
    let _ = writeln!(anstream::stderr(), "{ERROR}bili:{ERROR:#} {words}");
    let line = failure.line().filter(|_| json);
    let mut text = Vec::new();
    let written = line.map(|line| json_line(&mut text, &line, |text| secrets.hidden_in(text)));
    if matches!(written, Some(Ok(()))) {
        text.push(b'\n');
        let mut stdout = io::stdout();
        let _ = stdout.write_all(&text).and_then(|()| stdout.flush());
    }
}

/// Fills a text up with spaces to so many columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// Shortens a text to so many columns; a longer one ends in an ellipsis.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if short.width() >= columns {
            short.pop();
            break;
        }
    }
    short.push('…');
    short
}

/// Breaks a text that stands behind so many columns, so that it goes on below its beginning; where
/// there is no terminal, or too narrow a one, it stays one line.
///
/// Cookies in it are hidden before: nobody finds one in two halves.
pub(crate) fn hanging(text: &str, behind: usize, columns: Option<usize>) -> String {
    let room = columns.unwrap_or_default().saturating_sub(behind);
    if room < NARROWEST {
        return text.to_owned();
    }
    let lines = textwrap::wrap(text, room);
    lines.join(&format!("\n{}", " ".repeat(behind)))
}

/// Names and values, one a line, the values aligned.
pub(crate) fn pairs(pairs: &[(String, String)]) -> String {
    let columns = pairs.iter().map(|(name, _)| name.width()).max();
    let lines: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}  {value}", padded(name, columns.unwrap_or_default())))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_as_a_terminal_does() {
        assert_eq!(padded("你好", 6), "你好  ");
        assert_eq!(shortened("你好你好", 5), "你好…");
        assert_eq!(shortened("hello", 5), "hello");
        assert_eq!(shortened("hello!", 5), "hell…");
    }

    #[test]
    fn a_long_text_goes_on_below_its_beginning() {
        let chinese = "今天也要加油呀，明天也是。";
        assert_eq!(
            hanging(chinese, 4, Some(20)),
            "今天也要加油呀，\n    明天也是。"
        );
        let link = "see https://example.com/0123456789";
        assert_eq!(
            hanging(link, 2, Some(20)),
            "see https://\n  example.com/012345\n  6789"
        );
        for columns in [None, Some(100), Some(19), Some(0)] {
            assert_eq!(hanging(chinese, 4, columns), chinese, "{columns:?}");
        }
    }
}
