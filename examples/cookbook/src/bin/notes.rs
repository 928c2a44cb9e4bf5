//! A bot with a memory: `记 …` keeps a note, `列出` lists the notes of whoever asks.
//!
//! Notes and checkpoint change in one transaction of one SQLite file, so each message is taken once, whatever happens. A
//! reply is not repeated: where it fails, the user asks again.
//!
//! `BILI_COOKIES=cookies.txt cargo run -p bilibili-session-cookbook --bin notes FILE`
#![allow(clippy::print_stderr, reason = "a program says what is wrong")]

use std::error::Error;

use bilibili_session::Event;
use bilibili_session::poller::Checkpoint;
use bilibili_session_blocking::{Session, UreqTransport};
use bilibili_session_cookbook::account;
use rusqlite::{Connection, OptionalExtension, Transaction};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, uid INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY CHECK (id = 0), json TEXT NOT NULL);
";

/// Does what a message asks for, and returns the answer.
fn take(change: &Transaction<'_>, event: &Event) -> rusqlite::Result<Option<String>> {
    let uid = event.talker_id();
    let text = event.text().filter(|_| event.conversation.is_user());
    Ok(match text.unwrap_or_default() {
        "列出" => {
            let mut notes = change.prepare("SELECT text FROM notes WHERE uid = ? ORDER BY id")?;
            let notes = notes.query_map([uid], |row| row.get::<_, String>(0))?;
            let notes: Vec<String> = notes.collect::<Result<_, _>>()?;
            Some(notes.join("\n")).filter(|notes| !notes.is_empty())
        }
        text => match text.strip_prefix('记').map(str::trim) {
            Some(note) if !note.is_empty() => {
                change.execute("INSERT INTO notes (uid, text) VALUES (?, ?)", (uid, note))?;
                Some("记住了".to_owned())
            }
            _ => None,
        },
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("say in which file")?;
    let mut base = Connection::open(file)?;
    base.execute_batch(TABLES)?;
    let json = base.query_row("SELECT json FROM checkpoint", (), |row| row.get(0));
    let json: Option<String> = json.optional()?;
    let checkpoint = json.map(|json| Checkpoint::from_json(&json)).transpose()?;
    let (context, config) = account()?;
    let transport = UreqTransport::new();
    let session = Session::resume(context, transport, config, checkpoint.as_ref())?;
    for event in session.messages() {
        let change = base.transaction()?;
        let answer = take(&change, &event)?;
        if let Some(checkpoint) = session.checkpoint() {
            // It covers this message.
            let sql = "REPLACE INTO checkpoint (id, json) VALUES (0, ?)";
            change.execute(sql, [checkpoint.to_json()])?;
        }
        change.commit()?;
        if let Some(answer) = answer
            && let Err(error) = session.reply(&event, &answer)
        {
            eprintln!("no reply to {}: {error}", event.conversation);
        }
    }
    Ok(session.result().unwrap_or(Ok(()))?)
}
