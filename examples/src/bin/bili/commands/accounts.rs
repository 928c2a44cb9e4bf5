//! `accounts`

use bilibili_session::{OneLine, Uid, UnixSeconds};
use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::local_time::local_time;
use crate::logins::Store;
use crate::output::{Output, note};
use crate::secrets::Secrets;
use crate::texts::{say, text};

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    account: &'a str,
    uid: Uid,
    name: &'a str,
    default: bool,
    logged_in_at: u64,
}

pub(crate) fn run(
    common: &Common,
    new_default: Option<&str>,
    secrets: &Secrets,
    out: &mut Output,
) -> Result<(), Failure> {
    let store = Store::open()?;
    if let Some(name) = new_default {
        let entry = store.get(name)?;
        if entry.is_none() {
            return Err(Failure::Usage(text!("login-unlisted", name = name)));
        }
        let lock = store.lock()?;
        store.set_default(&lock, name)?;
    }
    let entries = store.entries()?;
    for entry in &entries {
        secrets.add(entry.login.secrets());
    }
    if let Some(name) = &common.account
        && !entries.iter().any(|entry| entry.account == *name)
    {
        return Err(Failure::Usage(text!("login-unlisted", name = name)));
    }
    if entries.is_empty() {
        note(&say!("no-login"));
    }
    let default = store.default()?;
    // Of one alone it is clear which one is meant.
    let default = match (default, entries.as_slice()) {
        (None, [only]) => Some(only.account.clone()),
        (default, _) => default,
    };
    for entry in &entries {
        let is_default = default.as_ref() == Some(&entry.account);
        let line = Line {
            event: "account",
            account: &entry.account,
            uid: entry.login.uid(),
            name: &entry.name,
            default: is_default,
            logged_in_at: entry.logged_in_at,
        };
        out.print(&line, || {
            let mark = if is_default { "*" } else { " " };
            let at = UnixSeconds(i64::try_from(entry.logged_in_at).unwrap_or_default());
            say!(
                "account-line",
                mark = mark,
                account = entry.account,
                uid = entry.login.uid(),
                name = OneLine(&entry.name),
                time = local_time(at),
                origin = entry.origin,
            )
        })?;
    }
    out.flush()
}
