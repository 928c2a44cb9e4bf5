//! `multipart/form-data`, as far as an upload needs it.
//!
//! Own code because the kept crates for this draw their boundary at random or write into
//! an async stream; here the same form has to give the same bytes, and it is forty lines.

use std::collections::BTreeSet;

/// A boundary is this and a number.
const PREFIX: &str = "bilibili-session-";

/// Number of digits of that number.
const NUMBER: usize = 16;

/// Collects the parts of a form.
#[derive(Default)]
pub(super) struct Multipart<'a> {
    parts: Vec<(String, &'a [u8])>,
}

impl<'a> Multipart<'a> {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A field. The name is this crate's own and needs no escaping.
    pub(super) fn field(mut self, name: &'static str, value: &'a str) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        self.parts.push((head, value.as_bytes()));
        self
    }

    /// A file. The names are this crate's own and need no escaping.
    pub(super) fn file(
        mut self,
        name: &'static str,
        file_name: &'static str,
        media_type: &'static str,
        bytes: &'a [u8],
    ) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        self.parts.push((head, bytes));
        self
    }

    /// The content type, and the body.
    pub(super) fn finish(self) -> (String, Vec<u8>) {
        let boundary = self.boundary();
        let length: usize = self.parts.iter().map(|(_, bytes)| bytes.len() + 256).sum();
        let mut body = Vec::with_capacity(length);
        for (head, bytes) in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}").as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// The first of a fixed row of boundaries that occurs in no part. There is one:
    /// the row is endless, and what is finite holds only finitely many of it.
    fn boundary(&self) -> String {
        let taken: BTreeSet<&[u8]> = self
            .parts
            .iter()
            .flat_map(|(_, bytes)| numbers(bytes))
            .collect();
        (0_u64..)
            .map(|number| format!("{number:0NUMBER$x}"))
            .find(|number| !taken.contains(number.as_bytes()))
            .map(|number| format!("{PREFIX}{number}"))
            .unwrap_or_default()
    }
}

/// Returns the digits behind the prefix, wherever that occurs: one look at the bytes, however
/// many boundaries somebody put into them.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .windows(PREFIX.len() + NUMBER)
        .filter_map(|window| window.strip_prefix(PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_form() {
        let (content_type, body) = Multipart::new()
            .field("biz", "im")
            .file("file_up", "picture.png", "image/png", b"\r\n--")
            .finish();
        let boundary = "bilibili-session-0000000000000000";
        assert_eq!(
            content_type,
            format!("multipart/form-data; boundary={boundary}")
        );
        assert_eq!(
            String::from_utf8(body).unwrap(),
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"biz\"\r\n\r\nim\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"file_up\"; \
                 filename=\"picture.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--\r\n\
                 --{boundary}--\r\n"
            )
        );
    }

    #[test]
    fn a_boundary_never_occurs_in_the_content() {
        let hostile: Vec<u8> = (0..40)
            .flat_map(|number| format!("\r\n--bilibili-session-{number:016x}").into_bytes())
            .collect();
        let (content_type, _) = Multipart::new()
            .file("f", "f", "image/png", &hostile)
            .finish();
        let boundary = content_type.split_once('=').unwrap().1;
        assert_eq!(boundary, "bilibili-session-0000000000000028");
        let occurs = |window: &[u8]| window == boundary.as_bytes();
        assert!(!hostile.windows(boundary.len()).any(occurs));
    }
}
