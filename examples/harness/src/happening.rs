//! Things that will happen in a run.

use bilibili_session::TransportError;
use bilibili_session::poller::{Hint, RequestId};
use http::{Request, Response};

use crate::adversary::Meaning;
use crate::reply::ReplyId;
use crate::request_kind::RequestKind;

/// Future event of a run.
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
        /// State of the server when it answered: number of messages.
        serial: u64,
        /// Time at which it answered (µs of the run).
        made_us: u64,
    },
    /// Something happens that is notified of.
    Notify,
    /// A user writes.
    Act,
    /// A hint of the push channel arrives.
    Hint(Hint),
    /// The push channel hints at nothing.
    Noise,
    /// The account replies to a message.
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
    /// All conversations change at the same time.
    Many,
    /// The process dies, is asked to close, or the wall clock jumps.
    Disturb,
    /// The troubles are over.
    Quiet,
    /// The user at this place writes a last time.
    LastWord(usize),
    /// Has all come out?
    Look,
}
