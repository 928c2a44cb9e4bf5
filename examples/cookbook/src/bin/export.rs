//! Writes a conversation to two files: JSON lines, from which it can be read again, and a page for people.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin export UID NAME` writes `NAME.jsonl` and `NAME.html`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use bilibili_session::pager::History;
use bilibili_session::{Content, Event, Seqno, Uid};
use bilibili_session_blocking::{Client, UreqTransport};
use bilibili_session_cookbook::account;

const HEAD: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<style>
p { max-width: 40em; white-space: pre-wrap } time { color: gray } .own { margin-left: 8em }\n</style>\n";

/// Escapes the words of a user, which are text whatever they look like.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}

fn line(event: &Event, with: Uid) -> String {
    let side = match event.sender_uid() == with {
        true => "theirs",
        false => "own",
    };
    let said = match &event.content {
        Content::Picture(picture) => {
            let url = escape(&picture.url);
            match url.starts_with("https://") || url.starts_with("http://") {
                true => format!("<a href=\"{url}\">图片</a>"),
                false => url,
            }
        }
        _ => escape(event.text().unwrap_or(&event.to_string())),
    };
    let time = event.timestamp();
    format!("<p class=\"{side}\"><time>{time}</time> {said}</p>")
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(uid), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("say whose conversation, and the name of the files".into());
    };
    let uid: Uid = uid.parse()?;
    let client = Client::new(account()?.0, UreqTransport::new());
    let mut lines = BufWriter::new(File::create(format!("{name}.jsonl"))?);
    let mut page = BufWriter::new(File::create(format!("{name}.html"))?);
    page.write_all(HEAD.as_bytes())?;
    // One page of messages is in memory at a time, however long the conversation is.
    for event in client.items(History::rising(uid, Seqno(0))) {
        let event = event?;
        writeln!(lines, "{}", serde_json::to_string(&event)?)?;
        writeln!(page, "{}", line(&event, uid))?;
    }
    lines.flush()?;
    Ok(page.flush()?)
}
