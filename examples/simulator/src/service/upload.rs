//! Pictures: taken in here, read back at their address.

use imagesize::ImageType;
use serde_json::json;

use super::{Outcome, RequestKind};
use crate::model::world::{Picture, World};
use crate::wbi::md5_hex;
use crate::wire::envelope::Refusal;
use crate::wire::multipart::parts;

pub(crate) const PATH: &str = "/x/dynamic/feed/draw/upload_bfs";

/// The largest file.
const LARGEST: usize = 20 << 20;

pub(crate) fn upload_bfs(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let parts =
        parts(asked.request.content_type, asked.request.body).ok_or(Refusal::BAD_REQUEST)?;
    let field = |name: &str| {
        parts
            .iter()
            .find(|part| part.name == name)
            .map(|part| part.body)
    };
    let text = |name: &str| field(name).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if text("csrf") != Some(asked.bili_jct) {
        return Err(Refusal::WRONG_CSRF);
    }
    let folder = match text("biz") {
        Some("im") => "im_new",
        Some("new_dyn") => "new_dyn",
        _ => return Err(Refusal::BAD_REQUEST),
    };
    let file = parts
        .iter()
        .find(|part| part.name == "file_up" && part.filename.is_some())
        .ok_or(Refusal::new(-1))?
        .body;
    if file.is_empty() {
        return Err(Refusal::new(-2));
    }
    if file.len() > LARGEST {
        return Err(Refusal::new(-4));
    }
    let (ending, content_type) = match imagesize::image_type(file) {
        Ok(ImageType::Png) => ("png", "image/png"),
        Ok(ImageType::Jpeg) => ("jpg", "image/jpeg"),
        Ok(ImageType::Gif) => ("gif", "image/gif"),
        Ok(ImageType::Webp) => ("webp", "image/webp"),
        _ => return Err(Refusal::new(-3)),
    };
    let size = imagesize::blob_size(file).map_err(|_| Refusal::new(-5))?;

    let name = format!("{folder}/{}{}.{ending}", md5_hex(file), asked.uid);
    let image_url = format!("http://i0.hdslb.com/bfs/{name}");
    world.pictures.insert(
        name,
        Picture {
            content_type,
            bytes: file.to_vec(),
        },
    );
    let kilobytes = f64::from(u32::try_from(file.len()).unwrap_or(u32::MAX)) / 1024.0;
    Ok(
        json!({"image_url": image_url, "image_width": size.width, "image_height": size.height, "img_size": kilobytes}),
    )
}
