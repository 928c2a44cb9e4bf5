//! `settings`

use bilibili_session::endpoints::GetSessionSettings;

use super::{Line, fields};
use crate::failure::Failure;
use crate::output::{Output, pairs};
use crate::runtime::Runtime;

pub(crate) fn run(runtime: &Runtime, out: &mut Output) -> Result<(), Failure> {
    let settings = runtime.call(GetSessionSettings)?;
    out.print(&Line::new("settings", &settings), || {
        pairs(&fields(&settings))
    })
}
