//! What the five programs share.
