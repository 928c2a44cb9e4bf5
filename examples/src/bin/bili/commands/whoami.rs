//! `whoami`

use bilibili_session::{OneLine, Uid};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::Runtime;

#[derive(Serialize)]
struct Whoami<'a> {
    event: &'static str,
    uid: Uid,
    name: &'a str,
}

pub(crate) fn run(runtime: &Runtime, out: &mut Output) -> Result<(), Failure> {
    let identity = runtime.login()?;
    let line = Whoami {
        event: "whoami",
        uid: identity.uid,
        name: &identity.name,
    };
    out.print(&line, || {
        format!("{}  {}", identity.uid, OneLine(&identity.name))
    })
}
