//! Parts of a request, and the request made from them.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, COOKIE, HeaderValue, ORIGIN, REFERER, USER_AGENT};
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::client_config::ClientConfig;
use crate::error::BuildError;
use crate::hosts::{Host, Hosts};
use crate::picture_url::PictureUrl;

/// Number of parameters that most calls have no more than, those of a signature included.
const PARAMETERS: usize = 12;

const SITE: &str = "https://www.bilibili.com";

/// Method, host, path and parameters of a call, before they are one request.
#[derive(Clone)]
#[must_use]
pub struct RequestParts {
    target: Target,
    /// Name and value, neither encoded.
    pub(super) query: Vec<(&'static str, String)>,
    body: Body,
}

/// Content type of a form without files.
const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Debug, Clone)]
enum Target {
    Call(Host, Cow<'static, str>),
    /// Asked without cookies: it is no call of the account.
    Picture(PictureUrl),
}

#[derive(Clone)]
enum Body {
    None,
    Form(Vec<(&'static str, String)>),
    Raw {
        content_type: String,
        bytes: Vec<u8>,
    },
}

impl Body {
    /// Returns the content type and the bytes of a POST; `None` for a GET.
    fn into_content(self) -> Option<(String, Vec<u8>)> {
        match self {
            Self::None => None,
            Self::Form(fields) => {
                let form = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields)
                    .finish();
                Some((FORM.to_owned(), form.into_bytes()))
            }
            Self::Raw {
                content_type,
                bytes,
            } => Some((content_type, bytes)),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The form holds the CSRF token.
        f.write_str(match self {
            Self::None => "None",
            Self::Form(_) => "Form(…)",
            Self::Raw { .. } => "Raw(…)",
        })
    }
}

/// Formats the query by its names alone: a value may be a token.
impl std::fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| *name).collect();
        f.debug_struct("RequestParts")
            .field("target", &self.target)
            .field("query", &names)
            .field("body", &self.body)
            .finish()
    }
}

impl RequestParts {
    /// Creates a GET.
    pub fn get(host: Host, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            target: Target::Call(host, path.into()),
            query: Vec::with_capacity(PARAMETERS),
            body: Body::None,
        }
    }

    /// Creates a GET of a picture, without cookies.
    pub(crate) fn picture(url: PictureUrl) -> Self {
        Self {
            target: Target::Picture(url),
            query: Vec::new(),
            body: Body::None,
        }
    }

    /// Creates a POST of a form.
    pub fn post(host: Host, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            target: Target::Call(host, path.into()),
            query: Vec::with_capacity(PARAMETERS),
            body: Body::Form(Vec::new()),
        }
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a parameter to the query, if there is a value.
    pub fn query_opt(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a field to the form. No effect on a GET.
    pub fn field(mut self, name: &'static str, value: impl ToString) -> Self {
        if let Body::Form(fields) = &mut self.body {
            fields.push((name, value.to_string()));
        }
        self
    }

    /// Adds the parameters of every call to the `vc` host: `build` and `mobi_app`,
    /// in the query of a GET, in the form of a POST.
    pub fn web(self) -> Self {
        match self.body {
            Body::Form(_) => self.field("build", 0).field("mobi_app", "web"),
            _ => self.query("build", 0).query("mobi_app", "web"),
        }
    }

    /// Adds the CSRF token to the form, under both its names.
    ///
    /// # Errors
    /// Fails when the credential has no `bili_jct`.
    pub fn csrf(self, context: &ClientConfig) -> Result<Self, BuildError> {
        let token = context
            .credential
            .csrf()
            .ok_or(BuildError::MissingBiliJct)?;
        Ok(self.field("csrf", token).field("csrf_token", token))
    }

    /// Adds the CSRF token to the query: for a GET that writes.
    ///
    /// # Errors
    /// Fails when the credential has no `bili_jct`.
    pub fn csrf_query(self, context: &ClientConfig) -> Result<Self, BuildError> {
        let token = context
            .credential
            .csrf()
            .ok_or(BuildError::MissingBiliJct)?;
        Ok(self.query("csrf", token))
    }

    /// Makes this a POST of these bytes.
    pub fn body(mut self, content_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.body = Body::Raw {
            content_type: content_type.into(),
            bytes,
        };
        self
    }

    /// Builds the request of an account, with the headers that every request has.
    pub(super) fn into_request(
        self,
        context: &ClientConfig,
    ) -> Result<Request<Vec<u8>>, BuildError> {
        let cookies = match self.target {
            Target::Call(..) => Some(
                context
                    .credential
                    .cookie_header()
                    .ok_or(BuildError::NotSendable("a cookie"))?,
            ),
            Target::Picture(_) => None,
        };
        self.build(&context.hosts, context.user_agent.as_ref(), cookies)
    }

    /// Builds a request of nobody, for who has no login yet.
    #[cfg(feature = "login")]
    pub(crate) fn into_anonymous_request(
        self,
        hosts: &Hosts,
        user_agent: Option<&HeaderValue>,
    ) -> Result<Request<Vec<u8>>, BuildError> {
        self.build(hosts, user_agent, None)
    }

    fn build(
        self,
        hosts: &Hosts,
        user_agent: Option<&HeaderValue>,
        cookies: Option<HeaderValue>,
    ) -> Result<Request<Vec<u8>>, BuildError> {
        let mut url = match &self.target {
            Target::Call(host, path) => hosts.url(*host, path),
            Target::Picture(url) => url.on(hosts),
        };
        push_query(&mut url, &self.query);
        let user_agent = user_agent.ok_or(BuildError::NotSendable("the user agent"))?;
        let mut request = Request::builder()
            .uri(url)
            .header(USER_AGENT, user_agent)
            .header(REFERER, HeaderValue::from_static(SITE));
        if let Some(cookies) = cookies {
            request = request.header(COOKIE, cookies);
        }
        match self.body.into_content() {
            None => request.method(Method::GET).body(Vec::new()),
            Some((content_type, bytes)) => request
                .method(Method::POST)
                .header(ORIGIN, HeaderValue::from_static(SITE))
                .header(CONTENT_TYPE, content_type)
                .body(bytes),
        }
        .map_err(|_| BuildError::NotSendable("the address"))
    }
}

/// The characters that are encoded in a query: so many that no URL library on the way sees a
/// reason to write one differently.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Adds a query to a URL that has none.
fn push_query(url: &mut String, pairs: &[(&'static str, String)]) {
    let mut separator = '?';
    for (name, value) in pairs {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, QUERY));
        separator = '&';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_as_a_form_but_for_what_libraries_write_differently() {
        let every: String = ('\0'..='\u{7f}').chain("é你😀".chars()).collect();
        let form: String = form_urlencoded::byte_serialize(every.as_bytes()).collect();
        let mut url = String::from("/");
        push_query(&mut url, &[("a", String::new()), ("b", every)]);
        assert_eq!(
            url,
            format!("/?a=&b={}", form.replace('+', "%20").replace('*', "%2A"))
        );
    }
}
