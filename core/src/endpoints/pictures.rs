//! Upload and download of pictures.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::multipart::Multipart;
use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{ApiError, BuildError, DecodeError, Error, HttpError};
use crate::hosts::Host;
use crate::json;
use crate::json::lenient::{float, int, required};
use crate::model::{Picture, PictureContent};
use crate::picture_url::PictureUrl;

/// Uploads a picture, to be sent in a message. Needs `bili_jct`.
///
/// `POST https://api.bilibili.com/x/dynamic/feed/draw/upload_bfs`
#[derive(Debug, Clone)]
#[must_use]
pub struct UploadPicture {
    picture: Picture,
}

impl UploadPicture {
    /// Uploads this picture.
    pub const fn new(picture: Picture) -> Self {
        Self { picture }
    }
}

impl Endpoint for UploadPicture {
    type Auth = CookieAuth;
    type Output = UploadedPicture;

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        match context.credential().can_write() {
            true => Ok(()),
            false => Err(BuildError::MissingBiliJct),
        }
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let csrf = context
            .credential()
            .csrf()
            .ok_or(BuildError::MissingBiliJct)?;
        let format = self.picture.format();
        let (content_type, body) = Multipart::new()
            .field("biz", "im")
            .field("csrf", csrf)
            .file(
                "file_up",
                format.file_name(),
                format.media_type(),
                self.picture.bytes(),
            )
            .finish();
        Ok(
            RequestParts::post(Host::Api, "/x/dynamic/feed/draw/upload_bfs")
                .body(content_type, body),
        )
    }

    fn decode(&self, data: &Value) -> Result<UploadedPicture, DecodeError> {
        let (mut uploaded, _) = json::salvage::<UploadedPicture>(data)?;
        if uploaded.image_width == 0 || uploaded.image_height == 0 {
            uploaded.image_width = self.picture.width();
            uploaded.image_height = self.picture.height();
        }
        if uploaded.img_size <= 0.0 {
            uploaded.img_size = self.picture.kilobytes();
        }
        uploaded.image_type = self.picture.format().as_str().to_owned();
        Ok(uploaded)
    }

    /// Here the codes -1 to -7 refuse the file; elsewhere some of them mean something else.
    fn parse(&self, response: &http::Response<Vec<u8>>) -> Result<UploadedPicture, Error> {
        match self.decode_raw(response) {
            Ok(data) => Ok(self.decode(&data).map_err(|error| error.within("data"))?),
            Err(Error::Api(ApiError { code, message, .. })) if (-7..=-1).contains(&code) => {
                Err(Error::PictureRefused { code, message })
            }
            Err(error) => Err(error),
        }
    }
}

/// Picture that was uploaded to the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadedPicture {
    /// Address, as the service gives it: may begin with `http://`.
    #[serde(deserialize_with = "required")]
    pub image_url: String,
    /// Width in pixels.
    #[serde(default, deserialize_with = "int")]
    pub image_width: u32,
    /// Height in pixels.
    #[serde(default, deserialize_with = "int")]
    pub image_height: u32,
    /// Size in kB.
    #[serde(default, deserialize_with = "float")]
    pub img_size: f64,
    /// `png`, `jpeg`, `gif` or `webp`: of the picture that was uploaded.
    #[serde(skip)]
    pub image_type: String,
}

impl UploadedPicture {
    /// Returns the content of a message that shows the picture.
    pub fn content(&self) -> PictureContent {
        PictureContent {
            url: self.image_url.clone(),
            width: self.image_width,
            height: self.image_height,
            image_type: self.image_type.clone(),
            original: true,
            size: self.img_size,
        }
    }
}

/// Downloads a picture from its address, without the login's cookies.
///
/// `GET https://i0.hdslb.com/bfs/…`, or another of the service's picture hosts; where
/// the context has an origin, the same path there.
#[derive(Debug, Clone)]
#[must_use]
pub struct DownloadPicture {
    url: String,
}

impl DownloadPicture {
    /// Downloads the picture at this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// Downloads the picture of a message.
    pub fn of(picture: &PictureContent) -> Self {
        Self::new(&picture.url)
    }
}

impl Endpoint for DownloadPicture {
    type Auth = CookieAuth;
    type Output = Vec<u8>;

    fn check(&self, _: &ClientConfig) -> Result<(), BuildError> {
        PictureUrl::read(&self.url).map(|_| ())
    }

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::picture(PictureUrl::read(&self.url)?))
    }

    /// There is no JSON around a picture.
    fn decode(&self, _: &Value) -> Result<Vec<u8>, DecodeError> {
        Err(DecodeError::new("", &"a picture is no JSON"))
    }

    fn parse(&self, response: &http::Response<Vec<u8>>) -> Result<Vec<u8>, Error> {
        if response.status().is_success() {
            Ok(response.body().clone())
        } else {
            Err(HttpError::new(response.status(), response.body()).into())
        }
    }
}
