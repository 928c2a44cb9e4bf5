//! Pictures: the content of a message, and a file before it is sent.

use std::fmt;

use imagesize::{ImageSize, ImageType};
use serde::{Deserialize, Serialize};

use crate::error::BuildError;
use crate::json::lenient::{flag, float, int, required, text};

/// A picture, or a custom sticker. Every field but `url` may be missing on the wire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PictureContent {
    /// The address of the picture.
    #[serde(deserialize_with = "required")]
    pub url: String,
    /// The width in pixels; 0 if unknown.
    #[serde(default, deserialize_with = "int")]
    pub width: u32,
    /// The height in pixels; 0 if unknown.
    #[serde(default, deserialize_with = "int")]
    pub height: u32,
    /// The format: `png`, `jpeg`, `gif` …; may be empty.
    #[serde(default, rename = "imageType", deserialize_with = "text")]
    pub image_type: String,
    /// Set if the picture is the original, not a smaller copy.
    #[serde(default, deserialize_with = "flag", serialize_with = "as_number")]
    pub original: bool,
    /// The size of the file in kB.
    #[serde(default, deserialize_with = "float")]
    pub size: f64,
}

impl PictureContent {
    /// Creates the content of a picture that lies at this address, with nothing else known.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }
}

// By reference, because serde passes it so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_number<S: serde::Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*flag))
}

/// A picture to be uploaded: a whole png, jpeg, gif or webp file.
///
/// ```
/// use bilibili_session::model::{Picture, PictureFormat};
///
/// let gif = b"GIF89a\x02\x00\x03\x00\x00\x00\x00;".to_vec();
/// let picture = Picture::from_bytes(gif)?;
/// assert_eq!(picture.format(), PictureFormat::Gif);
/// assert_eq!((picture.width(), picture.height()), (2, 3));
/// assert!(Picture::from_bytes(b"%PDF-1.7".to_vec()).is_err());
/// # Ok::<(), bilibili_session::error::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    bytes: Vec<u8>,
    format: PictureFormat,
    width: u32,
    height: u32,
}

/// A format of pictures that the service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl PictureFormat {
    /// Returns the name of the format as in `imageType`: `png`, `jpeg`, `gif`, `webp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    pub(crate) const fn file_name(self) -> &'static str {
        match self {
            Self::Png => "picture.png",
            Self::Jpeg => "picture.jpg",
            Self::Gif => "picture.gif",
            Self::Webp => "picture.webp",
        }
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Picture {
    /// Reads format and size from the head of the file; nothing is decoded.
    ///
    /// # Errors
    /// Fails when the file has none of the formats that the service takes, or ends before its
    /// size is said.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BuildError> {
        let refuse = |reason: &str| BuildError::NotAPicture {
            reason: reason.to_owned(),
        };
        let format = match imagesize::image_type(&bytes) {
            Ok(ImageType::Png) => PictureFormat::Png,
            Ok(ImageType::Jpeg) => PictureFormat::Jpeg,
            Ok(ImageType::Gif) => PictureFormat::Gif,
            Ok(ImageType::Webp) => PictureFormat::Webp,
            _ if bytes.is_empty() => return Err(refuse("the file is empty")),
            _ => return Err(refuse("its first bytes are of none of these")),
        };
        let ImageSize { width, height } =
            imagesize::blob_size(&bytes).map_err(|_| refuse("its head is cut off or damaged"))?;
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) => Ok(Self {
                bytes,
                format,
                width,
                height,
            }),
            _ => Err(refuse("its head gives it no size")),
        }
    }

    /// Returns the format.
    pub const fn format(&self) -> PictureFormat {
        self.format
    }

    /// Returns the width in pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Returns the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the file's length in kB, as `size` counts it.
    pub fn kilobytes(&self) -> f64 {
        // Three digits are what the service writes; a file is far below 2^52 bytes.
        #[allow(clippy::cast_precision_loss)]
        let bytes = self.bytes.len() as f64;
        (bytes / 1024.0 * 1000.0).round() / 1000.0
    }
}

/// Formats the picture without the file itself.
impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("format", &self.format)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
