//! Calls in several steps: pages, and pictures up and down.

use std::collections::BTreeSet;
use std::{fs, io};

use bilibili_session::endpoints::{GetLikes, GetReplies};
use bilibili_session::error::BuildError;
use bilibili_session::pager::{FeedPager, History, SystemPager};
use bilibili_session::{Content, Error, Event, Picture, PictureContent, Seqno, Uid};

use super::runtime::{Client, Session, on_every_runtime};
use super::world::World;

on_every_runtime! {
    pagers_give_every_item_once,
    an_error_is_the_last_item,
    a_picture_goes_up_and_comes_down_again,
}

/// A png of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdacd\xf8\x0f\0\x01\x05\x01\x01'\x18\xe3f\0\0\0\0IEND\xaeB`\x82";

fn client<S: Session>(world: &World) -> S::Client {
    for number in 0..450 {
        world.receive(20001, &number.to_string());
    }
    S::Client::new(world.context(), world.transport())
}

fn pagers_give_every_item_once<S: Session>() {
    let client = client::<S>(&World::default());
    let items = client.items(History::rising(Uid(20001), Seqno(0)));
    let texts = items
        .into_iter()
        .map(|event| event.unwrap().text().unwrap().to_owned());
    let all: Vec<String> = (0..450).map(|n| n.to_string()).collect();
    assert_eq!(texts.collect::<Vec<_>>(), all);
    let count = client.items(FeedPager::<GetReplies>::new()).len();
    assert_eq!(count, 45);
    let count = client.items(FeedPager::<GetLikes>::new()).len();
    assert_eq!(count, 60);
    let count = client.items(FeedPager::<GetLikes>::new().limit(7)).len();
    assert_eq!(count, 7);
    let notices = client.items(SystemPager::new());
    let notices: Vec<i64> = notices
        .into_iter()
        .map(|notice| notice.unwrap().id)
        .collect();
    let once: BTreeSet<i64> = notices.iter().copied().collect();
    assert_eq!((notices.len(), once.len()), (60, 60));
}

fn an_error_is_the_last_item<S: Session>() {
    let world = World::default();
    world.log_out();
    let items = client::<S>(&world).items(FeedPager::<GetReplies>::new());
    assert_eq!(items.len(), 1);
    assert!(items.iter().all(Result::is_err));
}

fn a_picture_goes_up_and_comes_down_again<S: Session>() {
    let client = client::<S>(&World::default());
    let picture = Picture::from_bytes(PNG.to_vec()).unwrap();
    client.send_picture(Uid(20001), picture).unwrap();
    let newest = client.items(History::newest_first(Uid(20001)).limit(1));
    let events: Vec<Event> = newest.into_iter().map(Result::unwrap).collect();
    let Some(Content::Picture(picture)) = events.first().map(|event| &event.content) else {
        unreachable!("{events:?}")
    };
    assert_eq!((picture.width, picture.height), (1, 1));
    assert_eq!(client.download_picture(picture).unwrap(), PNG);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    client.save_picture(picture, &path).unwrap();
    assert_eq!(S::Client::read_picture(&path).unwrap().bytes(), PNG);
    fs::write(&path, "no picture").unwrap();
    let error = S::Client::read_picture(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);

    let elsewhere = PictureContent::new("https://example.test/a.png");
    assert!(matches!(
        client.download_picture(&elsewhere),
        Err(Error::Build(BuildError::ForeignPicture { .. }))
    ));
}
