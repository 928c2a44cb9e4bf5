//! Two accounts of one simulator, whose users write to both.

use std::error::Error;

use bilibili_session::endpoints::{FetchSessionMsgs, GetSessions};
use bilibili_session::poller::Status;
use bilibili_session_blocking::{Session, UreqTransport};
use bilibili_session_embeddings::{context, now_us, often, simulator};
use bilibili_session_simulator::{Login, NewMessage};

use crate::open;

/// To whom, by whom, what. One user writes to both accounts.
const LINES: [(i64, i64, &str); 4] = [
    (10001, 20001, "你好"),
    (10001, 20003, "for the first"),
    (10002, 20002, "hello"),
    (10002, 20003, "for the second"),
];

/// Runs both until each has answered what is its own, and looks at what each then has.
pub(crate) fn run(transport: &UreqTransport) -> Result<(), Box<dyn Error>> {
    let server = simulator()?;
    let logins = [server.simulator().login(), Login::made_up(10002)];
    server.simulator().add_account(Login::made_up(10002))?;

    let mut sessions = Vec::new();
    for login in logins {
        let uid = login.uid;
        let context = context(&server, login)?;
        let session = open(&uid.to_string(), context, transport, often())?;
        let mut left = lines_of(uid).count();
        // This one comes after the handler that answers.
        session.on_any(move |_, session| {
            left -= 1;
            if left == 0 {
                session.close();
            }
        });
        let simulator = server.shared();
        session.on_status(move |change, _| {
            if change.status == Status::Connected {
                let mut simulator = simulator.lock().map_err(|error| error.to_string())?;
                for (from, text) in lines_of(uid) {
                    let message = NewMessage::text(from, text);
                    simulator.receive_for(uid, now_us(), message)?;
                }
            }
            Ok(())
        });
        sessions.push((uid, session.run()?, session));
    }
    for (uid, running, session) in sessions {
        running.join()?;
        check(uid, &session)?;
    }
    Ok(())
}

/// Returns the lines that are written to an account.
fn lines_of(account: i64) -> impl Iterator<Item = (i64, &'static str)> {
    LINES
        .into_iter()
        .filter(move |(to, ..)| *to == account)
        .map(|(_, from, text)| (from, text))
}

/// Checks that an account has its own conversations and no other, each with a line and its answer.
fn check(uid: i64, session: &Session) -> Result<(), Box<dyn Error>> {
    let client = session.client();
    let mut found = Vec::new();
    for conversation in client.call(GetSessions::new())?.session_list {
        let page = client.call(FetchSessionMsgs::new(conversation.id()))?;
        for message in page.messages.iter().rev() {
            let text = message.text().unwrap_or_default().to_owned();
            found.push((message.talker_id(), text));
        }
    }
    // Stable: the order within a conversation stays.
    found.sort_by_key(|(talker, _)| *talker);
    let wanted: Vec<_> = lines_of(uid)
        .flat_map(|(from, text)| [(from, text.to_owned()), (from, format!("收到：{text}"))])
        .collect();
    if found == wanted {
        return Ok(());
    }
    Err(format!("{uid} has {found:?}").into())
}
