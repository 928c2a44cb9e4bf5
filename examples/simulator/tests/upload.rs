//! Pictures: up, and back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use serde_json::Value;
use support::Client;

const PATH: &str = "/x/dynamic/feed/draw/upload_bfs";

/// A whole picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdacd\xf8\x0f\0\x01\x05\x01\x01\x18\xe3f6\0\0\0\0IEND\xaeB`\x82";
const GIF: &[u8] = b"GIF89a\x02\0\x03\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn upload(client: &mut Client, parts: &[(&str, &[u8])]) -> Value {
    let mut body = Vec::new();
    for (head, bytes) in parts {
        body.extend(format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    let response = client.response("POST", PATH, "multipart/form-data; boundary=XX", &body);
    serde_json::from_slice(response.body()).unwrap()
}

const FILE: &str = "name=\"file_up\"; filename=\"a.png\"";

#[test]
fn a_picture_can_be_read_back_at_its_address() {
    let mut client = Client::default();
    let csrf = client.csrf.clone();
    for (file, ending, size) in [(PNG, "png", (1, 1)), (GIF, "gif", (2, 3))] {
        let body = upload(
            &mut client,
            &[
                (FILE, file),
                ("name=\"biz\"", b"im"),
                ("name=\"csrf\"", csrf.as_bytes()),
            ],
        );
        let data = &body["data"];
        assert_eq!(body["code"], 0, "{body}");
        assert_eq!(
            (data["image_width"].as_u64(), data["image_height"].as_u64()),
            (Some(size.0), Some(size.1))
        );
        let url = data["image_url"].as_str().unwrap();
        let path = url.strip_prefix("http://i0.hdslb.com").unwrap();
        assert!(
            path.starts_with("/bfs/im_new/") && path.ends_with(ending),
            "{url}"
        );
        client.cookie = String::new();
        let response = client.response("GET", path, "", b"");
        assert_eq!(
            (response.status().as_u16(), response.body().as_slice()),
            (200, file)
        );
        client = Client::default();
    }
    assert_eq!(
        client
            .response("GET", "/bfs/im_new/none.png", "", b"")
            .status(),
        404
    );
}

#[test]
fn what_is_no_picture_of_ours_is_refused() {
    let mut client = Client::default();
    let csrf = client.csrf.clone();
    let (biz, token) = (
        ("name=\"biz\"", &b"im"[..]),
        ("name=\"csrf\"", csrf.as_bytes()),
    );
    for (parts, code) in [
        (vec![(FILE, PNG), biz], -111),
        (vec![(FILE, PNG), biz, ("name=\"csrf\"", b"x")], -111),
        (vec![(FILE, PNG), token], -400),
        (vec![(FILE, PNG), token, ("name=\"biz\"", b"other")], -400),
        (vec![token, biz], -1),
        (vec![token, biz, ("name=\"file_up\"", PNG)], -1),
        (vec![token, biz, (FILE, b"")], -2),
        (vec![token, biz, (FILE, b"BM not one of the four")], -3),
        (vec![token, biz, (FILE, &PNG[..14])], -5),
        (vec![token, ("name=\"biz\"", b"new_dyn"), (FILE, PNG)], 0),
    ] {
        assert_eq!(upload(&mut client, &parts)["code"], code, "{parts:?}");
    }
    let largest = vec![0; (20 << 20) + 1];
    assert_eq!(
        upload(&mut client, &[token, biz, (FILE, &largest)])["code"],
        -4
    );
    assert_eq!(client.post(PATH, &[])["code"], -400);
    client.cookie = String::new();
    assert_eq!(
        upload(&mut client, &[token, biz, (FILE, PNG)])["code"],
        -101
    );
}
