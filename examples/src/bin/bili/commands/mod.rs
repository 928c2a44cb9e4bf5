//! One file for each command or family of commands.

pub(crate) mod accounts;
pub(crate) mod feeds;
pub(crate) mod history;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mark_all;
pub(crate) mod marks;
pub(crate) mod refresh;
pub(crate) mod send;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod simulate;
pub(crate) mod system;
pub(crate) mod unread;
pub(crate) mod whoami;

use std::io::IsTerminal as _;
use std::time::Duration;

use bilibili_session::pager::Pager;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::note;
use crate::runtime::Runtime;
use crate::texts::say;

/// The service itself is not asked for page after page without a breath.
const BETWEEN_PAGES: Duration = Duration::from_secs(1);

/// A line: the command's name, and what came.
#[derive(Serialize)]
struct Line<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T> Line<'a, T> {
    const fn new(event: &'static str, body: &'a T) -> Self {
        Self { event, body }
    }
}

/// Hands out what comes page by page.
fn each_page<P: Pager>(
    runtime: &Runtime,
    pager: &mut P,
    mut page: impl FnMut(Vec<P::Item>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut is_first = true;
    while let Some(call) = pager.next_call() {
        if !is_first {
            breathe(runtime);
        }
        is_first = false;
        let answer = runtime.call(call)?;
        let items = pager
            .handle_page(answer)
            .map_err(bilibili_session::Error::from)?;
        report_unreadable(pager.take_unreadable().len());
        page(items)?;
    }
    Ok(())
}

/// Waits between two requests of many, if the service itself is asked.
fn breathe(runtime: &Runtime) {
    if runtime.context().is_official() {
        std::thread::sleep(BETWEEN_PAGES);
    }
}

/// Creates the bar of progress, which shows on a terminal only: of so many, or of nobody knows how many.
fn progress(template: &str, length: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Reports on stderr that items could not be read; the others are printed all the same.
fn report_unreadable(items: usize) {
    if items > 0 {
        note(&say!("items-unreadable", count = items));
    }
}

/// Returns the fields of an object in words.
fn fields(value: &impl Serialize) -> Vec<(String, String)> {
    let value = serde_json::to_value(value).unwrap_or_default();
    let object = value.as_object().cloned().unwrap_or_default();
    object
        .into_iter()
        .map(|(name, value)| match value {
            Value::Null => (name, "-".to_owned()),
            Value::Bool(true) => (name, say!("yes")),
            Value::Bool(false) => (name, say!("no")),
            value => (name, value.to_string()),
        })
        .collect()
}
