//! QR codes in a terminal.

use std::fmt::Write as _;

use anstyle::{Ansi256Color, Color, Style};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Black on white by number, whatever the terminal takes for its own colours: a phone reads a
/// dark code on a light ground, with the light margin around it.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi256(Ansi256Color(16))))
    .bg_color(Some(Color::Ansi256(Ansi256Color(231))));

/// Draws a text in half blocks, one line for two rows, each ended by a line break. Where it is no
/// terminal, or one without colours, the blocks are the dark modules.
pub(crate) fn drawn(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else {
        // Longer than any code can be: people can open it on the phone.
        return format!("{text}\n");
    };
    let blocks = code.render::<Dense1x2>().quiet_zone(true).build();
    let mut drawn = String::with_capacity(blocks.len() * 2);
    for line in blocks.lines() {
        // Writing to a text does not fail.
        let _ = writeln!(drawn, "{INK}{line}{INK:#}");
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_blocks_in_colours_of_their_own_with_a_margin() {
        let drawn = drawn("https://account.bilibili.com/h5/account-h5/auth/scan-web?qrcode_key=00");
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines.len() > 15, "{drawn}");
        for line in &lines {
            assert!(
                line.starts_with("\u{1b}[38;5;16m\u{1b}[48;5;231m"),
                "{line:?}"
            );
            assert!(line.ends_with("\u{1b}[0m"), "{line:?}");
        }
        let inner = |line: &str| anstream::adapter::strip_str(line).to_string();
        let width = inner(lines[0]).chars().count();
        assert!(
            lines
                .iter()
                .all(|line| inner(line).chars().count() == width)
        );
        assert_eq!(inner(lines[0]).trim(), "", "the margin is light");
        assert!(inner(lines[5]).contains(['█', '▀', '▄']));
    }

    #[test]
    fn what_is_too_long_is_shown_as_it_is() {
        let long = "x".repeat(4000);
        assert_eq!(drawn(&long), format!("{long}\n"));
    }
}
