//! From bytes to what was asked, and from what is answered to bytes.

pub(crate) mod envelope;
pub(crate) mod incoming;
pub(crate) mod multipart;
pub(crate) mod shape;
