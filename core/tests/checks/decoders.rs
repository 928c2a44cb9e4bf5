//! Every endpoint reads every answer: bytes, status and `Date` of any kind.

use std::fmt::Debug;

use bilibili_session::endpoints::{
    DownloadPicture, FetchSessionMsgs, GetAt, GetBlockWords, GetLikeDetail, GetLikes, GetReplies,
    GetSessionDetail, GetSessionSettings, GetSessions, GetSystemMessages, GetUnreadMessages,
    GetUserInfos, MyGroupUnread, Nav, NewSessions, RemoveSession, SendMsg, SingleUnread,
    UploadPicture,
};
use bilibili_session::model::Picture;
use bilibili_session::{Endpoint, Error, GroupId, MsgKey, Uid, UnixMicros, server_date};
use http::Response;
use serde::Serialize;

use super::assert_one_line;
use super::content::check_event;

/// Number of kinds of answers.
pub const KINDS: u8 = 21;

const STATUS: [u16; 8] = [200, 200, 200, 200, 412, 403, 502, 204];

/// Byte 0: which endpoint. Byte 1: the status; from 128 up, what follows is `data` in an
/// envelope of success. The rest: the body.
pub fn check(input: &[u8]) {
    let [kind, how, rest @ ..] = input else {
        return;
    };
    let status = STATUS[usize::from(how % 8)];
    let body = if *how >= 128 {
        [br#"{"code":0,"message":"0","data":"#, rest, b"}"].concat()
    } else {
        rest.to_vec()
    };
    let date = String::from_utf8_lossy(rest.get(..29).unwrap_or(rest)).into_owned();
    let mut response = Response::builder().status(status).body(body).unwrap();
    if let Ok(date) = date.parse() {
        response.headers_mut().insert("date", date);
    }
    let _ = server_date(&response);
    check_parse(*kind, &response);
}

fn check_parse(kind: u8, response: &Response<Vec<u8>>) {
    match kind % KINDS {
        0 => {
            if let Some(nav) = read_both_ways(&Nav, response) {
                let _ = nav.into_identity().map_err(|error| show(&error));
            }
        }
        kind @ (1 | 2) => {
            let page = match kind {
                1 => read_both_ways(&GetSessions::new(), response),
                _ => read_both_ways(&NewSessions::new(UnixMicros(0)), response),
            };
            for conversation in page.into_iter().flat_map(|page| page.session_list) {
                write(&conversation);
                let _ = conversation.newest_seqno();
                if let Some(event) = conversation.last_event() {
                    check_event(&event);
                }
            }
        }
        3 => {
            if let Some(conversation) = read(&GetSessionDetail::new(Uid(20001)), response) {
                write(&conversation);
            }
        }
        kind @ (4 | 5) => {
            let page = match kind {
                4 => read_both_ways(&FetchSessionMsgs::new(Uid(20001)), response),
                _ => read_both_ways(&FetchSessionMsgs::new(GroupId(221_300)), response),
            };
            if let Some(page) = page {
                page.messages.iter().for_each(check_event);
                for unreadable in page.unreadable {
                    assert_one_line(&unreadable.error.to_string());
                }
            }
        }
        6 => {
            let _ = read(&SendMsg::withdraw(Uid(20001), MsgKey(1)), response);
        }
        7 => {
            if let Some(counts) = read(&SingleUnread, response) {
                write(&counts);
            }
        }
        8 => {
            if let Some(count) = read(&MyGroupUnread, response) {
                write(&count);
            }
        }
        9 => {
            let _ = read(&RemoveSession::new(Uid(20001)), response);
        }
        10 => {
            if let Some(settings) = read(&GetSessionSettings, response) {
                write(&settings);
            }
        }
        11 => {
            if let Some(unread) = read(&GetUnreadMessages, response) {
                write(&unread);
            }
        }
        12 => {
            if let Some(page) = read(&GetReplies::new(), response) {
                page.items.iter().for_each(write);
            }
        }
        13 => {
            if let Some(page) = read(&GetAt::new(), response) {
                page.items.iter().for_each(write);
            }
        }
        14 => {
            if let Some(page) = read(&GetLikes::new(), response) {
                page.latest.iter().chain(&page.items).for_each(write);
            }
        }
        15 => {
            if let Some(page) = read(&GetSystemMessages::new(), response) {
                for notice in page.notices {
                    write(&notice);
                    write(&notice.body());
                    let _ = notice.time_at.unix();
                }
            }
        }
        16 => {
            let gif = b"GIF89a\x02\x00\x03\x00\x00\x00\x00;".to_vec();
            let call = UploadPicture::new(Picture::from_bytes(gif).unwrap());
            if let Some(uploaded) = read(&call, response) {
                write(&uploaded);
                write(&uploaded.content());
            }
        }
        18 => {
            if let Some(page) = read(&GetLikeDetail::new(1), response) {
                page.items.iter().for_each(write);
                write(&page.card);
            }
        }
        19 => {
            if let Some(words) = read(&GetBlockWords, response) {
                words.words.iter().for_each(write);
            }
        }
        20 => {
            for call in GetUserInfos::of([Uid(20001)]) {
                if let Some(infos) = read(&call, response) {
                    infos.users.iter().for_each(write);
                }
            }
        }
        _ => {
            let _ = read(&DownloadPicture::new(""), response);
            // What was downloaded is what a bot uploads.
            if let Ok(picture) = Picture::from_bytes(response.body().clone()) {
                assert!(picture.width() > 0 && picture.height() > 0);
                assert_eq!(picture.bytes(), response.body());
            }
        }
    }
}

fn read<E: Endpoint>(endpoint: &E, response: &Response<Vec<u8>>) -> Option<E::Output> {
    endpoint.parse(response).map_err(|error| show(&error)).ok()
}

/// Checks that reading directly from the bytes gives the same as reading by way of a value.
fn read_both_ways<E: Endpoint<Output: PartialEq + Debug>>(
    endpoint: &E,
    response: &Response<Vec<u8>>,
) -> Option<E::Output> {
    let direct = read(endpoint, response);
    let value = endpoint.decode_raw(response).ok();
    let by_value = value.and_then(|data| endpoint.decode(&data).ok());
    assert_eq!(direct, by_value);
    direct
}

fn show(error: &Error) {
    let _ = (error.class(), error.code(), error.http_status());
    assert_one_line(&error.to_string());
}

fn write(value: &impl Serialize) {
    serde_json::to_string(value).unwrap();
}
