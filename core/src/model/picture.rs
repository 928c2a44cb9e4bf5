//! The content of a picture message.

use serde::{Deserialize, Serialize};

use crate::json::lenient::{flag, float, int, text};

/// A picture, or a custom sticker. Every field but `url` may be missing on the wire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PictureContent {
    /// Where it lies.
    #[serde(deserialize_with = "text")]
    pub url: String,
    /// In pixels; 0 if unknown.
    #[serde(default, deserialize_with = "int")]
    pub width: u32,
    /// In pixels; 0 if unknown.
    #[serde(default, deserialize_with = "int")]
    pub height: u32,
    /// `png`, `jpeg`, `gif` …; may be empty.
    #[serde(default, rename = "imageType", deserialize_with = "text")]
    pub image_type: String,
    /// Whether it is the original, not a smaller copy.
    #[serde(default, deserialize_with = "flag", serialize_with = "as_number")]
    pub original: bool,
    /// In kB.
    #[serde(default, deserialize_with = "float")]
    pub size: f64,
}

// By reference, because serde passes it so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_number<S: serde::Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*flag))
}
