//! `multipart/form-data`, as far as an upload needs it.
//!
//! Own code because the kept crates for this (multer and its kin) read an async stream, and this is a byte slice.

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) body: &'a [u8],
}

/// Splits a body of this content type into its parts; none if it is no such form, or a broken one.
pub(crate) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary =
        parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))?;
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();

    // The first delimiter may stand at the very beginning, without its line break.
    let mut rest = match body.strip_prefix(delimiter.get(2..)?) {
        Some(rest) => rest,
        None => split(body, &delimiter)?.1,
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let (padding, after) = split(rest, b"\r\n")?;
        if !padding.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let (whole, next) = split(after, &delimiter)?;
        // A part without headers begins with the empty line itself.
        let (head, body) = match whole.strip_prefix(b"\r\n") {
            Some(body) => (&[][..], body),
            None => split(whole, b"\r\n\r\n")?,
        };
        parts.push(part(head, body)?);
        rest = next;
    }
}

fn part<'a>(head: &[u8], body: &'a [u8]) -> Option<Part<'a>> {
    let head = String::from_utf8_lossy(head);
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let (kind, parameters) = disposition.split_once(';')?;
    kind.trim()
        .eq_ignore_ascii_case("form-data")
        .then_some(())?;
    Some(Part {
        name: parameter(parameters, "name")?,
        filename: parameter(parameters, "filename"),
        body,
    })
}

/// Returns the value of `name=value` or `name="value"` in a list of such, separated by semicolons.
fn parameter(list: &str, wanted: &str) -> Option<String> {
    let mut rest = list;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        if name
            .trim()
            .trim_start_matches(';')
            .trim()
            .eq_ignore_ascii_case(wanted)
        {
            return Some(value);
        }
        rest = next;
    }
}

/// Splits a text after its closing quote.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            // Browsers write `\"` and nothing else so: a backslash before anything else is a backslash.
            '\\' if text.get(at + 1..)?.starts_with('"') => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let position = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..position)?, bytes.get(position + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"xyz\"";

    #[test]
    fn reads_fields_and_files_whatever_they_contain() {
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--xyz\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name=\"file_up\"; filename=\"a \\\"b\\\";.png\"\r\n\r\n\x89PNG\r\n--xy\r\n\r\n\r\n--xyz--\r\n";
        let parts = parts(TYPE, body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].name.as_str(), parts[0].body),
            ("csrf", &b"abc"[..])
        );
        assert_eq!(parts[1].filename.as_deref(), Some("a \"b\";.png"));
        assert_eq!(parts[1].body, b"\x89PNG\r\n--xy\r\n\r\n");
    }

    #[test]
    fn an_empty_form_has_no_parts_and_a_broken_one_is_refused() {
        assert_eq!(parts(TYPE, b"--xyz--").unwrap(), []);
        for broken in [
            &b""[..],
            b"--xyz",
            b"--xyz\r\n",
            b"--xyz\r\nContent-Disposition: form-data\r\n\r\n\r\n--xyz--",
            b"--xyzz--",
        ] {
            assert_eq!(
                parts(TYPE, broken),
                None,
                "{}",
                String::from_utf8_lossy(broken)
            );
        }
        assert_eq!(parts("multipart/form-data", b"--xyz--"), None);
        assert_eq!(parts("text/plain; boundary=xyz", b"--xyz--"), None);
    }
}
