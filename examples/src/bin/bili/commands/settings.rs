//! `settings`

use bilibili_session::endpoints::{GetSessionSettings, SessionSettings, SetSessionSettings};

use super::{Line, fields};
use crate::args::SettingsArgs;
use crate::failure::Failure;
use crate::output::{Output, pairs};
use crate::runtime::Runtime;
use crate::texts::text;

pub(crate) fn run(runtime: &Runtime, args: &SettingsArgs, out: &mut Output) -> Result<(), Failure> {
    if !args.changes.is_empty() {
        let mut changes = SessionSettings::default();
        for (name, number) in &args.changes {
            let set = changes.set(name, *number);
            set.map_err(|error| {
                Failure::Usage(text!(
                    "setting-refused",
                    name = *name,
                    number = *number,
                    error = error
                ))
            })?;
        }
        runtime.call(SetSessionSettings::new(changes))?;
    }
    // What the service says is shown, not what was asked for.
    let settings = runtime.call(GetSessionSettings)?;
    out.print(&Line::new("settings", &settings), || {
        pairs(&fields(&settings))
    })
}
