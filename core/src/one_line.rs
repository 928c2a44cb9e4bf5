//! Text of others, shown so that it stays on its line.

use std::fmt::{self, Write as _};

/// Shows text on one line: line breaks and other control characters, and characters
/// that turn the direction of writing, come out escaped. What somebody wrote can so
/// neither forge a line of output nor steer a terminal.
///
/// ```
/// use bilibili_session::OneLine;
///
/// assert_eq!(OneLine("a\nb\u{1b}[2J").to_string(), r"a\nb\u{1b}[2J");
/// assert_eq!(OneLine("你好 👨‍👩‍👧").to_string(), "你好 👨‍👩‍👧");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_steering(character) {
                for escaped in character.escape_default() {
                    f.write_char(escaped)?;
                }
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Control characters, line and paragraph separators, marks of direction, tags.
/// The joiners that emoji and some scripts need are none of them.
fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}
