//! `logout`

use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::logins::Logins;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::setup::Service;
use crate::texts::say;

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    account: &'a str,
}

pub(crate) fn run(common: &Common, secrets: &Secrets, out: &mut Output) -> Result<(), Failure> {
    let service = Service::new(common)?;
    let mut account = service.account(common)?;
    secrets.add(account.entry.login.secrets());
    let logins = Logins::new(&service)?;
    account.logout(&logins)?;
    let line = Line {
        event: "logout",
        account: &account.entry.account,
    };
    out.print(&line, || say!("logged-out", account = line.account))?;
    out.flush()
}
