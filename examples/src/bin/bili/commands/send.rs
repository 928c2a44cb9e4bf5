//! `send`

use std::path::Path;

use bilibili_session::endpoints::{SendMsg, UploadPicture};
use bilibili_session::error::BuildError;
use bilibili_session::model::Picture;
use bilibili_session::{ConversationId, MsgKey};
use serde::Serialize;

use crate::args::SendArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::Runtime;
use crate::texts::{Said, say, text};

/// More than the service takes by far.
const LARGEST_PICTURE: u64 = 64 << 20;

#[derive(Serialize)]
struct Sent {
    event: &'static str,
    msg_key: String,
    /// True if the conversation shows the message, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

pub(crate) fn run(runtime: &Runtime, args: &SendArgs, out: &mut Output) -> Result<(), Failure> {
    let to = args.talker.id();
    let call = match (&args.text, &args.picture, args.withdraw) {
        (Some(text), _, _) => SendMsg::text(to, text),
        (_, Some(path), _) => picture(runtime, to, path)?,
        (_, _, Some(key)) => SendMsg::withdraw(to, MsgKey(key)),
        _ => return Err(Failure::Usage(text!("nothing-to-send"))),
    };
    let report = runtime.send_confirmed(call, args.verify)?;
    let sent = report.message;
    if let Some(toast) = sent.key_hit_infos.map(|it| it.toast)
        && !toast.is_empty()
    {
        out.note(&bilibili_session::OneLine(&toast).to_string());
    }
    let line = Sent {
        event: "sent",
        msg_key: sent.msg_key.to_string(),
        verified: args.verify.then_some(report.arrived == Some(true)),
    };
    out.print(&line, || match (args.withdraw, report.arrived) {
        (Some(key), _) => say!("taken-back", key = key),
        (None, Some(true)) => say!("sent-and-arrived", key = sent.msg_key),
        _ => say!("sent", key = sent.msg_key),
    })?;
    match (args.verify, report.arrived) {
        (false, _) | (true, Some(true)) => Ok(()),
        (true, Some(false)) => Err(Failure::NotArrived),
        (true, None) => Err(Failure::NotVerified),
    }
}

/// Uploads a picture, once it is clear that it can be sent.
fn picture(runtime: &Runtime, to: ConversationId, path: &Path) -> Result<SendMsg, Failure> {
    runtime.check_can_write()?;
    let refuse =
        |why: &dyn Said| Failure::Usage(text!("about-file", path = path.display(), why = why));
    let about = std::fs::metadata(path).map_err(|error| refuse(&error))?;
    if !about.is_file() || about.len() > LARGEST_PICTURE {
        return Err(refuse(&text!("not-of-a-picture")));
    }
    let bytes = std::fs::read(path).map_err(|error| refuse(&error))?;
    let picture = Picture::from_bytes(bytes).map_err(|error| refuse(&error))?;
    if to == runtime.login()?.uid.into() {
        return Err(Failure::Call(BuildError::ToOneself.into()));
    }
    let uploaded = runtime.call(UploadPicture::new(picture))?;
    Ok(SendMsg::picture(to, &uploaded.content()))
}
