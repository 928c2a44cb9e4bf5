//! Calls in several steps: pages, and pictures up and down.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use bilibili_session::endpoints::{GetLikes, GetReplies};
use bilibili_session::error::BuildError;
use bilibili_session::pager::{FeedPager, History, SystemPager};
use bilibili_session::{
    Content, Context, Credential, Error, Event, Hosts, Picture, PictureContent, Seqno,
    TransportError, Uid,
};
use bilibili_session_blocking::{Client, now, read_picture};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};

/// A png of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdacd\xf8\x0f\0\x01\x05\x01\x01'\x18\xe3f\0\0\0\0IEND\xaeB`\x82";

fn client(mut simulator: Simulator) -> Client {
    for n in 0..450 {
        let text = NewMessage::text(20001, &n.to_string());
        simulator.receive(now().wall.0, text).unwrap();
    }
    let login = simulator.login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    let hosts = Hosts::origin("http://127.0.0.1:1").unwrap();
    let simulator = Mutex::new(simulator);
    Client::new(
        Context::new(credential).hosts(hosts),
        move |request: http::Request<Vec<u8>>| match simulator
            .lock()
            .unwrap()
            .handle(now().wall.0, &request)
        {
            Answer::Respond(response) => Ok(response),
            _ => Err(TransportError::timeout()),
        },
    )
}

#[test]
fn pagers_give_every_item_once() {
    let client = client(Simulator::default());
    let texts: Vec<String> = client
        .items(History::rising(Uid(20001), Seqno(0)))
        .map(|event| event.unwrap().text().unwrap().to_owned())
        .collect();
    let all: Vec<String> = (0..450).map(|n| n.to_string()).collect();
    assert_eq!(texts, all);
    assert_eq!(client.items(FeedPager::<GetReplies>::new()).count(), 45);
    assert_eq!(client.items(FeedPager::<GetLikes>::new()).count(), 60);
    assert_eq!(
        client.items(FeedPager::<GetLikes>::new().limit(7)).count(),
        7
    );
    let notices: Vec<i64> = client
        .items(SystemPager::new())
        .map(|notice| notice.unwrap().id)
        .collect();
    let once: std::collections::BTreeSet<i64> = notices.iter().copied().collect();
    assert_eq!((notices.len(), once.len()), (60, 60));
}

#[test]
fn an_error_is_the_last_item() {
    let mut simulator = Simulator::default();
    let uid = simulator.login().uid;
    simulator.log_out(uid).unwrap();
    let client = client(simulator);
    let items: Vec<_> = client.items(FeedPager::<GetReplies>::new()).collect();
    assert_eq!(items.len(), 1);
    assert!(items.iter().all(Result::is_err));
}

#[test]
fn a_picture_goes_up_and_comes_down_again() {
    let client = client(Simulator::default());
    let picture = Picture::from_bytes(PNG.to_vec()).unwrap();
    client.send_picture(Uid(20001), picture).unwrap();
    let newest = client.items(History::newest_first(Uid(20001)).limit(1));
    let events: Vec<Event> = newest.map(Result::unwrap).collect();
    let Some(Content::Picture(picture)) = events.first().map(|event| &event.content) else {
        unreachable!("{events:?}")
    };
    assert_eq!((picture.width, picture.height), (1, 1));
    assert_eq!(client.download_picture(picture).unwrap(), PNG);

    let path = std::env::temp_dir().join(format!("picture-{}.png", std::process::id()));
    client.save_picture(picture, &path).unwrap();
    assert_eq!(read_picture(&path).unwrap().bytes(), PNG);
    std::fs::write(&path, "no picture").unwrap();
    assert_eq!(
        read_picture(&path).unwrap_err().kind(),
        std::io::ErrorKind::InvalidData
    );
    std::fs::remove_file(path).unwrap();

    let elsewhere = PictureContent::new("https://example.test/a.png");
    assert!(matches!(
        client.download_picture(&elsewhere),
        Err(Error::Build(BuildError::ForeignPicture { .. }))
    ));
}
