//! Cookie values, so that no output shows them, whoever quotes them.

use bilibili_session::endpoints::Nav;
use bilibili_session::{Context, Endpoint};

/// What no output may show.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

/// Shorter ones would be found in everything.
const SHORTEST: usize = 4;

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

    /// The text without them.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| {
            if text.contains(value) {
                text.replace(value, "[redacted]")
            } else {
                text
            }
        })
    }
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
    }
}
