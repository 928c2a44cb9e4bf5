//! `mark-read UID`, `pin`, `mute`, `remove`

use bilibili_session::endpoints::{GetSessionDetail, RemoveSession, SetMsgDnd, SetTop, UpdateAck};
use bilibili_session::{ConversationId, Seqno};
use serde::Serialize;

use crate::args::Switch;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::Runtime;
use crate::texts::say;

#[derive(Serialize)]
struct Marked {
    event: &'static str,
    conversation: ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_seqno: Option<Seqno>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<bool>,
}

impl Marked {
    const fn new(event: &'static str, conversation: ConversationId) -> Self {
        Self {
            event,
            conversation,
            ack_seqno: None,
            pinned: None,
            muted: None,
        }
    }
}

pub(crate) fn read(runtime: &Runtime, id: ConversationId, out: &mut Output) -> Result<(), Failure> {
    runtime.check_can_write()?;
    let newest = runtime.call(GetSessionDetail::new(id))?.newest_seqno();
    runtime.call(UpdateAck::new(id, newest))?;
    print_read(id, newest, out)
}

/// Prints that a conversation is read.
pub(crate) fn print_read(
    id: ConversationId,
    newest: Seqno,
    out: &mut Output,
) -> Result<(), Failure> {
    let line = Marked {
        ack_seqno: Some(newest),
        ..Marked::new("mark-read", id)
    };
    out.print(&line, || {
        say!("conversation-read", conversation = id, seqno = newest)
    })
}

pub(crate) fn pin(runtime: &Runtime, switch: &Switch, out: &mut Output) -> Result<(), Failure> {
    let (id, on) = (switch.talker.id(), !switch.off);
    runtime.call(if on {
        SetTop::pin(id)
    } else {
        SetTop::unpin(id)
    })?;
    let line = Marked {
        pinned: Some(on),
        ..Marked::new("pin", id)
    };
    out.print(&line, || match on {
        true => say!("conversation-pinned", conversation = id),
        false => say!("conversation-unpinned", conversation = id),
    })
}

pub(crate) fn mute(runtime: &Runtime, switch: &Switch, out: &mut Output) -> Result<(), Failure> {
    let (id, on) = (switch.talker.id(), !switch.off);
    runtime.call(if on {
        SetMsgDnd::mute(id)
    } else {
        SetMsgDnd::unmute(id)
    })?;
    let line = Marked {
        muted: Some(on),
        ..Marked::new("mute", id)
    };
    out.print(&line, || match on {
        true => say!("conversation-muted", conversation = id),
        false => say!("conversation-unmuted", conversation = id),
    })
}

pub(crate) fn remove(
    runtime: &Runtime,
    id: ConversationId,
    out: &mut Output,
) -> Result<(), Failure> {
    runtime.call(RemoveSession::new(id))?;
    out.print(&Marked::new("remove", id), || {
        say!("conversation-removed", conversation = id)
    })
}
