//! Answers each private text with the same text, until the text is "/close": `cargo run --bin echo_bot`.
//!
//! With the login of the environment (`BILI_SESSDATA`, `BILI_JCT`) it answers real messages,
//! without one those of the embedded simulator.

use std::io::{Write as _, stdout};

use bilibili_session_blocking::Session;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = bilibili_session_examples::connect()?;
    let session = Session::new(here.context, here.transport, here.config)?;
    session.on_any(|event, _| Ok(writeln!(stdout(), "{event}")?));
    session.on_warning(|warning, _| Ok(writeln!(stdout(), "{warning}")?));
    session.on_text(|text, event, session| {
        if !event.conversation.is_user() {
            return Ok(());
        }
        match text {
            "/close" => session.close(),
            "ping" => {
                session.reply(event, "pong")?;
            }
            text => {
                session.reply(event, text)?;
            }
        }
        Ok(())
    });
    Ok(session.start()?)
}
