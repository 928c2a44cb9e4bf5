//! `refresh`

use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::logins::Logins;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::setup::Service;
use crate::texts::say;

#[derive(Serialize)]
struct Line {
    event: &'static str,
    refreshed: bool,
}

pub(crate) fn run(
    common: &Common,
    force: bool,
    secrets: &Secrets,
    out: &mut Output,
) -> Result<(), Failure> {
    let service = Service::new(common)?;
    let mut account = service.account(common)?;
    secrets.add(account.entry.login.secrets());
    let logins = Logins::new(&service)?;
    let refreshed = account.refresh(&logins, force, |login| secrets.add(login.secrets()))?;
    let line = Line {
        event: "refresh",
        refreshed,
    };
    let name = &account.entry.account;
    out.print(&line, || match refreshed {
        true => say!("login-renewed", account = *name),
        false => say!("login-not-due", account = *name),
    })?;
    out.flush()
}
