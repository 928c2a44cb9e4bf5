//! Pictures: sent, uploaded, read back.

use super::*;

fn png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0".to_vec();
    png.extend_from_slice(&[0; 2048]);
    png
}

#[test]
fn pictures_are_sent_from_the_services_own_hosts() {
    let picture = |url: &str| {
        let mut picture = PictureContent::new(url);
        (picture.width, picture.height) = (640, 480);
        picture.image_type = "png".to_owned();
        picture.original = true;
        picture.size = 12.5;
        picture
    };
    let sent = request(&SendMsg::picture(
        Uid(20001),
        &picture("http://i0.hdslb.com/bfs/im_new/a.png"),
    ));
    let form = take_apart(&sent).form;
    let content = form
        .iter()
        .find(|(name, _)| name == "msg[content]")
        .unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&content.1).unwrap(),
        json!({"url": "https://i0.hdslb.com/bfs/im_new/a.png", "width": 640, "height": 480,
            "imageType": "png", "original": 1, "size": 12.5})
    );
    assert!(form.contains(&("msg[msg_type]".to_owned(), "2".to_owned())));
    for url in [
        "https://example.test/a.png",
        "",
        "https://i0.hdslb.com.example.test/a.png",
    ] {
        let error =
            request_with(&context(), &SendMsg::picture(Uid(20001), &picture(url))).unwrap_err();
        assert!(matches!(error, BuildError::ForeignPicture { .. }), "{url}");
    }
}

#[test]
fn an_upload_is_a_form_of_three_fields() {
    let picture = Picture::from_bytes(png()).unwrap();
    assert_eq!(
        (picture.format(), picture.width(), picture.height()),
        (PictureFormat::Png, 640, 480)
    );
    let upload = UploadPicture::new(picture);
    let request = request(&upload);
    let again = self::request(&upload);
    assert_eq!(
        (request.headers(), request.body()),
        (again.headers(), again.body())
    );
    let content_type = request.headers()["content-type"].to_str().unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let body = String::from_utf8_lossy(request.body());
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 5, "{body}");
    assert!(parts[1].contains("name=\"biz\"\r\n\r\nim\r\n"));
    assert!(parts[2].contains(&format!("name=\"csrf\"\r\n\r\n{}\r\n", support::BILI_JCT)));
    assert!(
        parts[3].contains(
            "name=\"file_up\"; filename=\"picture.png\"\r\nContent-Type: image/png\r\n\r\n"
        )
    );
    assert_eq!(parts[4], "--\r\n");
    assert!(
        request
            .body()
            .windows(png().len())
            .any(|window| window == png())
    );
    let read_only = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap());
    assert_eq!(
        request_with(&read_only, &upload).unwrap_err(),
        BuildError::MissingBiliJct
    );

    let uploaded = upload
        .parse(&answer(&json!({"image_url": "http://i0.hdslb.com/bfs/im_new/a.png", "image_width": "640", "image_height": 480, "img_size": 2.031})))
        .unwrap();
    let content = uploaded.content();
    assert_eq!(
        (content.width, content.height, content.image_type.as_str()),
        (640, 480, "png")
    );
    let bare = upload
        .parse(&answer(
            &json!({"image_url": "http://i0.hdslb.com/bfs/a.png"}),
        ))
        .unwrap();
    assert_eq!((bare.image_width, bare.image_height), (640, 480));
    assert!(bare.img_size > 2.0);

    for (code, class) in [
        (-3, ErrorClass::CallerMistake),
        (-101, ErrorClass::LoginLost),
        (-500, ErrorClass::Server),
    ] {
        let body = json!({"code": code, "message": "no"})
            .to_string()
            .into_bytes();
        let error = upload.parse(&http::Response::new(body)).unwrap_err();
        assert_eq!((error.class(), error.code()), (class, Some(code)));
    }
}

#[test]
fn only_pictures_are_pictures() {
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x01\x80\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    assert_eq!(
        Picture::from_bytes(webp).unwrap().format(),
        PictureFormat::Webp
    );
    let jpeg =
        b"\xff\xd8\xff\xc0\0\x11\x08\0\x03\0\x02\x03\x01\x11\0\x02\x11\x01\x03\x11\x01".to_vec();
    let jpeg = Picture::from_bytes(jpeg).unwrap();
    assert_eq!(
        (jpeg.format(), jpeg.width(), jpeg.height()),
        (PictureFormat::Jpeg, 2, 3)
    );
    for bytes in [
        Vec::new(),
        b"BM".to_vec(),
        b"%PDF-1.7".to_vec(),
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
        png()[..10].to_vec(),
        b"GIF89a\0\0\0\0\0\0\0".to_vec(),
        b"II*\0\x08\0\0\0".to_vec(),
    ] {
        let error = Picture::from_bytes(bytes).unwrap_err();
        assert!(matches!(error, BuildError::NotAPicture { .. }));
    }
}

#[test]
fn a_picture_is_read_back_without_cookies() {
    let call = DownloadPicture::new("http://i0.hdslb.com/bfs/im_new/a.png?x=1");
    let official = request(&call);
    assert_eq!(official.uri(), "https://i0.hdslb.com/bfs/im_new/a.png?x=1");
    let origin = context().hosts(Hosts::origin("http://127.0.0.1:8080/base").unwrap());
    let replaced = request_with(&origin, &call).unwrap();
    assert_eq!(
        replaced.uri(),
        "http://127.0.0.1:8080/base/bfs/im_new/a.png?x=1"
    );
    for request in [official, replaced] {
        assert_eq!(request.method(), "GET");
        assert!(!request.headers().contains_key("cookie"));
    }
    let foreign = DownloadPicture::new("https://example.test/a.png");
    assert!(matches!(
        request_with(&context(), &foreign),
        Err(BuildError::ForeignPicture { .. })
    ));

    assert_eq!(call.parse(&http::Response::new(png())).unwrap(), png());
    let mut gone = http::Response::new(b"<html>".to_vec());
    *gone.status_mut() = http::StatusCode::NOT_FOUND;
    assert_eq!(
        call.parse(&gone).unwrap_err().http_status(),
        Some(http::StatusCode::NOT_FOUND)
    );
}
