//! What comes of a request.

use std::time::Duration;

use http::Response;

/// What comes of a request. The model says it, whoever carries the bytes does it.
#[derive(Debug)]
pub enum Answer {
    /// The response.
    Respond(Response<Vec<u8>>),
    /// The response, this much later. The request was carried out at once.
    Delayed(Duration, Response<Vec<u8>>),
    /// A part of this response, whose `content-length` promises all of it; then the connection ends.
    Truncated(Response<Vec<u8>>),
    /// No response: the connection is reset.
    Reset,
    /// No response, ever; the connection stays open.
    Hang,
}

impl Answer {
    /// The whole response, if it is one, late or not.
    pub fn into_response(self) -> Option<Response<Vec<u8>>> {
        match self {
            Self::Respond(response) | Self::Delayed(_, response) => Some(response),
            Self::Truncated(_) | Self::Reset | Self::Hang => None,
        }
    }
}
