//! Properties that must hold whatever comes in. Each is stated once, here: the fuzz targets
//! (`core/fuzz`), the property tests and the regression tests all call it.

pub mod checkpoint;
pub mod content;
pub mod credential;
pub mod decoders;
pub mod hosts_and_ids;
pub mod pagers;
pub mod poller;
#[cfg(feature = "push")]
pub mod push;

/// Nothing in it ends the line, steers a terminal or turns the direction of writing.
pub fn assert_one_line(text: &str) {
    let steering = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    assert!(!text.contains(steering), "not one line: {text:?}");
}
