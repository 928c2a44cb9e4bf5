//! Saves the pictures that people send, and says so.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin save_pictures FOLDER`
#![allow(clippy::print_stderr, reason = "a program says what is wrong")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use bilibili_session::{Content, Event, EventType};
use bilibili_session_cookbook::account;
use bilibili_session_tokio::{HandlerResult, ReqwestTransport, Session};

/// A picture has the name of its message, so one that comes twice is one file.
async fn save(folder: PathBuf, event: Arc<Event>, session: Session) -> HandlerResult {
    let Content::Picture(picture) = &event.content else {
        return Ok(());
    };
    // What comes from outside is no name of a file.
    let kind = match &*picture.image_type {
        kind @ ("png" | "gif" | "webp") => kind,
        _ => "jpg",
    };
    let (sender, number) = (event.sender_uid(), event.msg_seqno());
    let path = folder.join(format!("{sender}-{number}.{kind}"));
    session.client().save_picture(picture, path).await?;
    session.reply(&event, "收到图片，谢谢").await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("say into which folder")?;
    let folder = PathBuf::from(folder);
    let (context, config) = account()?;
    let session = Session::new(context, ReqwestTransport::new()?, config)?;
    session.on(EventType::Picture, move |event, session| {
        save(folder.clone(), event, session)
    });
    // A picture that could not be saved is one of these.
    session.on_warning(async |warning, _| eprintln!("{warning}"));
    Ok(session.start().await?)
}
