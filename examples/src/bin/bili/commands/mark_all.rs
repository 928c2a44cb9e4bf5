//! `mark-read --all`

use bilibili_session::endpoints::UpdateAck;
use bilibili_session::error::ErrorClass;
use bilibili_session::model::Conversation;
use bilibili_session::{ConversationId, Error};
use indicatif::ProgressBar;

use super::{breathe, marks, progress, sessions};
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::Runtime;
use crate::texts::say;

/// Marks every conversation as read, up to the newest message that the list shows. One that the
/// service refuses does not keep the others from it: it is told of, and the command fails at its
/// end.
pub(crate) fn run(runtime: &Runtime, out: &mut Output) -> Result<(), Failure> {
    runtime.check_can_write()?;
    let conversations = sessions::whole(runtime)?;
    let length = u64::try_from(conversations.len()).ok();
    let template = say!(
        "progress-conversations",
        bar = "{bar:30}",
        done = "{pos}",
        all = "{len}",
        elapsed = "{elapsed}",
    );
    let bar = progress(&template, length);
    let result = each(runtime, &conversations, &bar, out);
    bar.finish_and_clear();
    result
}

fn each(
    runtime: &Runtime,
    conversations: &[Conversation],
    bar: &ProgressBar,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut refused = None;
    for conversation in conversations {
        let id = conversation.id();
        if let ConversationId::Other { .. } = id {
            let words = say!("conversation-of-unknown-type", conversation = id);
            bar.suspend(|| out.note(&words));
            continue;
        }
        match mark(runtime, conversation) {
            Ok(()) => bar.suspend(|| {
                marks::print_read(id, conversation.newest_seqno(), out)?;
                out.flush()
            })?,
            Err(error) if concerns_one(&error) => {
                bar.suspend(|| {
                    out.note(&say!(
                        "conversation-not-marked",
                        conversation = id,
                        error = error
                    ))
                });
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
        bar.inc(1);
    }
    refused.map_or(Ok(()), |error| Err(error.into()))
}

/// Makes the call, if something is unread: the service is not asked for what is so already.
fn mark(runtime: &Runtime, conversation: &Conversation) -> Result<(), Error> {
    let newest = conversation.newest_seqno();
    let unread = [conversation.unread_count, conversation.biz_msg_unread_count];
    if conversation.ack_seqno >= newest && unread == [0, 0] {
        return Ok(());
    }
    breathe(runtime);
    runtime.call(UpdateAck::new(conversation.id(), newest))
}

/// Returns whether another conversation may fare better.
fn concerns_one(error: &Error) -> bool {
    let class = error.class();
    matches!(error, Error::Api(_))
        && matches!(
            class,
            ErrorClass::ConversationGone | ErrorClass::Refused | ErrorClass::CallerMistake
        )
}
