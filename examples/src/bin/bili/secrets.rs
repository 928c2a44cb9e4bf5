//! Cookie values, so that no output shows them, whoever quotes them.

use bilibili_session::endpoints::Nav;
use bilibili_session::{Context, Endpoint};

/// What no output may show.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

/// Shorter ones would be found in everything.
const SHORTEST: usize = 4;
/// So many bytes of a longer one are not there by chance.
const TELLING: usize = 6;

impl Secrets {
    /// The values of the cookies that are sent.
    pub(crate) fn of(context: &Context) -> Self {
        let cookies = Nav.request(context, ()).ok().and_then(|request| {
            let line = request.headers().get("cookie")?.to_str().ok()?;
            Some(line.to_owned())
        });
        let mut values: Vec<String> = cookies
            .iter()
            .flat_map(|line| line.split("; "))
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, value)| *name != "DedeUserID" && value.len() >= SHORTEST)
            .flat_map(|(_, value)| [value.to_owned(), percent_decoded(value)])
            .collect();
        // The longest first: one may stand in another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self(values)
    }

    /// The text without them, also where one is cut off: errors quote the beginning of what
    /// the service said.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let begun = self.0.iter().filter_map(|value| begun(rest, value)).max();
            match begun.and_then(|length| rest.get(length..)) {
                Some(behind) => {
                    hidden.push_str("[redacted]");
                    rest = behind;
                }
                None => {
                    hidden.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                }
            }
        }
        hidden
    }
}

/// How much of the value the text begins with, if it is enough to tell.
fn begun(text: &str, value: &str) -> Option<usize> {
    let length = text
        .chars()
        .zip(value.chars())
        .take_while(|(one, other)| one == other)
        .map(|(character, _)| character.len_utf8())
        .sum();
    (length >= value.len().min(TELLING)).then_some(length)
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
        let context = Context::new(
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
}
