//! Outcome of a request.

use std::time::Duration;

use http::Response;

/// Outcome of a request: the model decides, and the carrier of the bytes does it.
#[derive(Debug)]
pub enum Answer {
    /// The response.
    Respond(Response<Vec<u8>>),
    /// The response, this much later. The request was carried out at once.
    Delayed(Duration, Response<Vec<u8>>),
    /// The beginning of this response, with the `content-length` of the whole; then the connection ends.
    Truncated(Response<Vec<u8>>),
    /// A reset of the connection instead of a response.
    Reset,
    /// Silence for ever; the connection stays open.
    Hang,
}

impl Answer {
    /// Returns the whole response, late or not, if there is one.
    pub fn into_response(self) -> Option<Response<Vec<u8>>> {
        match self {
            Self::Respond(response) | Self::Delayed(_, response) => Some(response),
            Self::Truncated(_) | Self::Reset | Self::Hang => None,
        }
    }
}
