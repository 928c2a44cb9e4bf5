//! `system`

use std::collections::BTreeSet;

use bilibili_session::OneLine;
use bilibili_session::endpoints::GetSystemMessages;
use bilibili_session::model::SystemNotice;
use bilibili_session::pager::SystemPager;

use super::{Line, each_page, report_unreadable};
use crate::args::FeedArgs;
use crate::failure::Failure;
use crate::local_time::local_time;
use crate::output::{BOLD, DIM, Output};
use crate::runtime::Runtime;

pub(crate) fn run(runtime: &Runtime, args: &FeedArgs, out: &mut Output) -> Result<(), Failure> {
    if !args.all && args.max.is_none() {
        return print_all(&newest(runtime)?, out);
    }
    let mut pager = SystemPager::new().limit(args.max.unwrap_or(usize::MAX));
    each_page(runtime, &mut pager, |page| print_all(&page, out))
}

/// Lists the newest notices of both sources, which overlap.
fn newest(runtime: &Runtime) -> Result<Vec<SystemNotice>, Failure> {
    let mut notices = Vec::new();
    let mut seen = BTreeSet::new();
    for call in [GetSystemMessages::new(), GetSystemMessages::unified()] {
        let page = runtime.call(call)?;
        report_unreadable(page.unreadable.len());
        notices.extend(
            page.notices
                .into_iter()
                .filter(|it| seen.insert(number(it))),
        );
    }
    notices.sort_by_key(|it| std::cmp::Reverse((it.cursor, it.id)));
    Ok(notices)
}

/// Returns the number that identifies a notice over both sources.
const fn number(notice: &SystemNotice) -> i64 {
    match notice.cursor {
        0 => notice.id,
        cursor => cursor,
    }
}

fn print_all(notices: &[SystemNotice], out: &mut Output) -> Result<(), Failure> {
    for notice in notices {
        out.print(&Line::new("system", notice), || {
            format!(
                "{DIM}{}{DIM:#}  {BOLD}{}{BOLD:#}: {}",
                local_time(notice.time_at.unix().unwrap_or_default()),
                OneLine(&notice.title),
                OneLine(&notice.body().text)
            )
        })?;
    }
    out.flush()
}
