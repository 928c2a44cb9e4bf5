//! Printed output: JSON lines for scripts, or lines for people.

use std::io::{self, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::failure::Failure;
use crate::json_line::json_line;
use crate::secrets::Secrets;

/// Times, labels: what stands around.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Style of the important part.
pub(crate) const BOLD: Style = Style::new().bold();
/// Style of errors.
pub(crate) const WARN: Style =
    Style::new().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Yellow)));
const ERROR: Style = Style::new()
    .bold()
    .fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red)));

/// Prints results, to stdout as a rule.
pub(crate) struct Output<W = io::Stdout> {
    json: bool,
    has_colours: bool,
    secrets: Secrets,
    out: W,
}

impl Output {
    /// Creates an output to stdout; in colour if that is a terminal that shows colours.
    pub(crate) fn stdout(json: bool, secrets: Secrets) -> Self {
        let out = io::stdout();
        Self {
            json,
            has_colours: AutoStream::choice(&out) != ColorChoice::Never,
            secrets,
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
            secrets: self.secrets.clone(),
            out,
        }
    }

    /// Creates the same output by another way to the same place.
    pub(crate) fn through<V: Write>(&self, out: V) -> Output<V> {
        Output {
            has_colours: self.has_colours,
            ..self.to(out)
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
        let shown = |text: &str| self.secrets.shown(text);
        let text = self.text(value, words, shown)?;
        self.write(text)
    }

    /// Prints an object with an answer of the service in it, from which cookies are removed as from errors.
    pub(crate) fn print_guarded(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let shown = |text: &str| self.secrets.hidden_in(text);
        let text = self.text(value, words, shown)?;
        self.write(text)
    }

    /// Prints one line for people on stderr, with texts that others wrote.
    pub(crate) fn note(&self, words: &str) {
        note(&self.secrets.shown(words));
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    fn text(
        &self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
        shown: impl Fn(&str) -> String,
    ) -> Result<String, Failure> {
        if self.json {
            json_line(value, shown).map_err(|error| Failure::Output(error.into()))
        } else if self.has_colours {
            Ok(shown(&words()))
        } else {
            Ok(shown(&strip_str(&words()).to_string()))
        }
    }

    /// Writes a line in one piece, so that readers see whole lines.
    fn write(&mut self, mut line: String) -> Result<(), Failure> {
        line.push('\n');
        Ok(self.out.write_all(line.as_bytes())?)
    }
}

/// Prints one line for people on stderr. A line that cannot be written is no failure.
pub(crate) fn note(words: &str) {
    let _ = writeln!(anstream::stderr(), "{DIM}bili: {words}{DIM:#}");
}

/// Prints the last lines of a command that failed.
pub(crate) fn report(failure: &Failure, json: bool, secrets: &Secrets) {
    let words = secrets.hidden_in(&failure.to_string());
    let words = bilibili_session::OneLine(&words);
    let _ = writeln!(anstream::stderr(), "{ERROR}bili:{ERROR:#} {words}");
    let line = failure.line().filter(|_| json);
    if let Some(Ok(line)) = line.map(|line| json_line(&line, |text| secrets.hidden_in(text))) {
        let mut stdout = io::stdout();
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
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
}
