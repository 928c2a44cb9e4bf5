//! `login`

use std::sync::{Arc, Mutex, PoisonError};

use bilibili_session::endpoints::Nav;
use bilibili_session::login::{Login, QrCode, QrProgress};
use bilibili_session::{ClientConfig, Error, OneLine, Uid};
use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::logins::{Entry, Logins, Store, named, now_s};
use crate::output::{BOLD, DIM, Output, note, report};
use crate::qr;
use crate::runtime::call_once;
use crate::secrets::Secrets;
use crate::setup::Service;
use crate::texts::say;

#[derive(Serialize)]
struct QrLine<'a> {
    event: &'static str,
    url: &'a str,
    expires_s: u64,
}

#[derive(Serialize)]
struct StateLine<'a> {
    event: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

pub(crate) fn run(common: &Common, secrets: &Secrets, out: &mut Output) -> Result<(), Failure> {
    let account = named(common)?;
    let service = Service::new(common)?;
    let store = Store::open()?;
    let may_interrupt = on_interrupt(common.json)?;
    let logins = Logins::new(&service)?;

    let mut shown = Ok(());
    let login = logins.login_qr(|progress| {
        if shown.is_ok() {
            shown = show(&progress, out);
        }
    });
    shown?;
    let login = login?;
    secrets.add(login.secrets());

    // From here on it is stored, whatever is pressed.
    let _uninterrupted = may_interrupt.lock().unwrap_or_else(PoisonError::into_inner);
    let account = account.unwrap_or_else(|| login.uid().to_string());
    let mut entry = Entry::new(&account, service.origin.clone(), login, now_s());
    keep(&store, &entry)?;
    match name_of(&service, &entry.login) {
        Ok(name) => {
            entry.name = name;
            keep(&store, &entry)?;
        }
        Err(error) => note(&secrets.hidden_in(&say!("login-nameless", error = error))),
    }
    let line = StateLine {
        event: "login",
        state: "done",
        account: Some(&account),
        uid: Some(entry.login.uid()),
        name: Some(&entry.name),
    };
    out.print(&line, || {
        say!(
            "login-done",
            bold = BOLD,
            plain = BOLD.render_reset().to_string(),
            uid = entry.login.uid(),
            name = OneLine(&entry.name),
            account = account,
        )
    })?;
    out.flush()
}

fn show(progress: &QrProgress, out: &mut Output) -> Result<(), Failure> {
    match progress {
        QrProgress::Show(code) => show_code(code, out)?,
        QrProgress::Scanned => {
            let line = StateLine {
                event: "login",
                state: "scanned",
                account: None,
                uid: None,
                name: None,
            };
            out.print(&line, || format!("{DIM}{}{DIM:#}", say!("login-scanned")))?;
        }
    }
    out.flush()
}

fn show_code(code: &QrCode, out: &mut Output) -> Result<(), Failure> {
    let expires_s = code.expires_in().as_secs();
    let line = QrLine {
        event: "qr",
        url: code.url(),
        expires_s,
    };
    let drawn = qr::drawn(code.url());
    out.print(&line, || {
        format!("{drawn}{}", say!("login-scan", seconds = expires_s))
    })
}

/// Stores the login; the first one is the default.
fn keep(store: &Store, entry: &Entry) -> Result<(), Failure> {
    let lock = store.lock()?;
    store.put(&lock, entry)?;
    let default = store.default()?;
    if default.is_none() && store.entries()?.len() == 1 {
        store.set_default(&lock, &entry.account)?;
    }
    Ok(())
}

fn name_of(service: &Service, login: &Login) -> Result<String, Error> {
    let context = ClientConfig::new(login.credential().clone()).hosts(service.hosts.clone());
    let nav = call_once(service, context, Nav)?;
    Ok(nav.into_identity()?.name)
}

/// Ends the command on Ctrl-C, SIGTERM and SIGHUP, with nothing stored: unless somebody holds the
/// lock.
fn on_interrupt(json: bool) -> Result<Arc<Mutex<()>>, Failure> {
    let may_interrupt = Arc::new(Mutex::new(()));
    let lock = Arc::clone(&may_interrupt);
    ctrlc::set_handler(move || {
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = Failure::Interrupted;
        report(&failure, json, &Secrets::default());
        std::process::exit(i32::from(failure.exit_code()));
    })
    .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    Ok(may_interrupt)
}
