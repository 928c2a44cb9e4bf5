//! Display of other people's text, on one line.

use std::fmt::{self, Write as _};

/// Shows text on one line: line breaks and other control characters, characters that turn
/// the direction of writing, and those that show nothing come out escaped. What somebody
/// wrote can so neither forge a line of output, nor steer a terminal, nor hide in it.
///
/// Joiners and variation selectors, which emoji and many scripts need, stay where they have
/// something to work on; a row of them is no writing.
///
/// ```
/// use bilibili_session::OneLine;
///
/// assert_eq!(OneLine("a\nb\u{1b}[2J").to_string(), r"a\nb\u{1b}[2J");
/// assert_eq!(OneLine("你好 👨‍👩‍👧").to_string(), "你好 👨‍👩‍👧");
/// assert_eq!(OneLine("soft\u{ad}hyphen").to_string(), r"soft\u{ad}hyphen");
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a text with a way to show it, nothing else"
)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands before it on the line, for what works on that.
        let mut before = Kind::Steering;
        for character in self.0.chars() {
            let mut kind = Kind::of(character);
            if !kind.may_follow(before) {
                kind = Kind::Steering;
            }
            match kind {
                Kind::Steering => {
                    for escaped in character.escape_default() {
                        f.write_char(escaped)?;
                    }
                }
                _ => f.write_char(character)?,
            }
            before = kind;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Visible,
    /// Chooses among the shapes of what it follows.
    Selector,
    /// Joins what it stands between, or keeps it apart.
    Joiner,
    /// Never shown as it is.
    Steering,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            '\u{200c}' | '\u{200d}' => Self::Joiner,
            '\u{180b}'..='\u{180d}'
            | '\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}' => Self::Selector,
            _ if character.is_control() || is_unseen(character) => Self::Steering,
            _ => Self::Visible,
        }
    }

    fn may_follow(self, before: Self) -> bool {
        match self {
            Self::Visible | Self::Steering => true,
            Self::Selector => before == Self::Visible,
            Self::Joiner => matches!(before, Self::Visible | Self::Selector),
        }
    }
}

/// Line and paragraph separators, marks of direction, annotations, tags, fillers: what Unicode
/// calls `Default_Ignorable_Code_Point`, unassigned ones included, and a few that it does not.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Default_Ignorable_Code_Point` of Unicode 16.
    const IGNORABLE: [(u32, u32); 17] = [
        (0x00ad, 0x00ad),
        (0x034f, 0x034f),
        (0x061c, 0x061c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe0fff),
    ];

    fn shown(text: &str) -> String {
        OneLine(text).to_string()
    }

    #[test]
    fn what_shows_nothing_shows() {
        for (first, last) in IGNORABLE {
            for character in (first..=last).filter_map(char::from_u32) {
                let escaped: String = character.escape_default().collect();
                // Where it has nothing to work on.
                assert_eq!(shown(&character.to_string()), escaped);
                let text = format!("a\u{ad}{character}");
                assert_eq!(shown(&text), format!(r"a\u{{ad}}{escaped}"));
                // In a row it is never writing.
                let row = format!("a{character}{character}b");
                assert!(shown(&row).contains(&escaped), "{escaped}");
            }
        }
        assert_eq!(
            shown("a\u{e0041}\u{e007f}b\u{2028}"),
            r"a\u{e0041}\u{e007f}b\u{2028}"
        );
        // A byte hidden in each selector, behind one emoji.
        assert_eq!(
            shown("😀\u{e0158}\u{e0155}\u{fe01}"),
            "😀\u{e0158}\\u{e0155}\\u{fe01}"
        );
        assert_eq!(shown("a\u{200d}\u{200c}"), "a\u{200d}\\u{200c}");
    }

    #[test]
    fn writing_stays() {
        for text in [
            "你好，世界！",
            "葛\u{e0100}城市",
            "👨‍👩‍👧 ❤️ ❤️‍🔥 🏳️‍🌈 👍🏽 1️⃣ 🇨🇳",
            "می‌خواهم",
            "ক্‍ষ",
            "ᠭᠠᠯ᠋",
            "한국어 ไทย हिन्दी עברית العربية",
            "e\u{301}\u{327} z\u{334}\u{315}",
            "\u{3000}(｡･ω･｡)\u{a0}\u{2003}",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}
