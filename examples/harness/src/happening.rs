//! Things that will happen in a run.

use bilibili_session::TransportError;
use bilibili_session::poller::RequestId;
use http::{Request, Response};

use crate::adversary::Meaning;
use crate::reply::ReplyId;
use crate::request_kind::RequestKind;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The process starts.
    Start,
    /// A request reaches the server.
    Reach {
        life: u64,
        id: RequestId,
        request: Box<Request<Vec<u8>>>,
    },
    /// An answer comes back.
    Answer {
        life: u64,
        id: RequestId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
        /// What the server had when it answered.
        serial: u64,
    },
    /// Somebody writes.
    Act,
    /// Somebody is answered.
    Reply,
    /// A request of a reply reaches the server.
    ReplyReach {
        id: ReplyId,
        request: Box<Request<Vec<u8>>>,
    },
    /// An answer to a reply comes back.
    ReplyAnswer {
        id: ReplyId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
    },
    /// 4,500 messages at once.
    Flood,
    /// All conversations change at once.
    Many,
    /// The process dies, is asked to close, or the wall clock jumps.
    Disturb,
    /// The troubles are over.
    Quiet,
    /// Somebody writes a last time.
    LastWord(usize),
    /// Has all come out?
    Look,
}
