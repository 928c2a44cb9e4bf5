//! A request, taken apart.

use http::{HeaderMap, Method, Request, header};

use super::envelope::Refusal;

/// A request, taken apart: names and values decoded.
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) headers: &'a HeaderMap,
    cookies: Vec<(&'a str, &'a str)>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(request: &'a Request<Vec<u8>>) -> Self {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let is_form = content_type
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded");
        Self {
            method: request.method(),
            path: request.uri().path(),
            query: pairs(request.uri().query().unwrap_or_default().as_bytes()),
            form: if is_form {
                pairs(request.body())
            } else {
                Vec::new()
            },
            content_type,
            body: request.body(),
            headers: request.headers(),
            cookies: request
                .headers()
                .get_all(header::COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|line| line.split(';'))
                .filter_map(|cookie| cookie.trim().split_once('='))
                .collect(),
        }
    }

    /// Returns a cookie as it was sent.
    pub(crate) fn cookie(&self, name: &str) -> Option<&'a str> {
        self.cookies
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"'))
    }

    /// Returns a parameter: of the query, or of the form of a POST. An empty one is none.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let pairs = if self.method == Method::POST {
            &self.form
        } else {
            &self.query
        };
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns a parameter of the query, also of a POST.
    pub(crate) fn query_text(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns a number that may be missing, and must be one if it is there.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| text.parse().map_err(|_| Refusal::BAD_REQUEST))
            .transpose()
    }

    /// Returns a number that must be there.
    pub(crate) fn required<T: std::str::FromStr>(&self, name: &str) -> Result<T, Refusal> {
        self.number(name)?.ok_or(Refusal::BAD_REQUEST)
    }
}

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}
