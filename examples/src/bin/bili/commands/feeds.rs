//! `replies`, `at`, `likes`

use bilibili_session::endpoints::{GetAt, GetLikes, GetReplies};
use bilibili_session::model::{At, FeedUser, Like, Reply};
use bilibili_session::pager::{Feed, FeedPager, Pager};
use bilibili_session::{OneLine, UnixSeconds};
use serde::Serialize;

use super::{Line, each_page};
use crate::args::FeedArgs;
use crate::failure::Failure;
use crate::local_time::local_time;
use crate::output::{BOLD, DIM, Output};
use crate::runtime::Runtime;

pub(crate) fn replies(runtime: &Runtime, args: &FeedArgs, out: &mut Output) -> Result<(), Failure> {
    run::<GetReplies>(runtime, args, out, "reply", |reply: &Reply| {
        let item = &reply.item;
        in_words(
            reply.reply_time,
            &who(&reply.user),
            &item.source_content,
            &item.title,
        )
    })
}

pub(crate) fn at(runtime: &Runtime, args: &FeedArgs, out: &mut Output) -> Result<(), Failure> {
    run::<GetAt>(runtime, args, out, "at", |at: &At| {
        let item = &at.item;
        in_words(
            at.at_time,
            &who(&at.user),
            &item.source_content,
            &item.title,
        )
    })
}

pub(crate) fn likes(runtime: &Runtime, args: &FeedArgs, out: &mut Output) -> Result<(), Failure> {
    run::<GetLikes>(runtime, args, out, "like", |like: &Like| {
        let first = like.users.first().map(who).unwrap_or_default();
        let others = like.counts.saturating_sub(1);
        let who = match others {
            ..=0 => first,
            others => format!("{first} and {others} more"),
        };
        in_words(like.like_time, &who, "", &like.item.title)
    })
}

fn run<F>(
    runtime: &Runtime,
    args: &FeedArgs,
    out: &mut Output,
    event: &'static str,
    words: impl Fn(&F::Item) -> String,
) -> Result<(), Failure>
where
    F: Feed,
    F::Item: Serialize,
    FeedPager<F>: Pager<Endpoint = F, Item = F::Item>,
{
    let pages = match (args.all, args.max) {
        (false, None) => 1,
        _ => usize::MAX,
    };
    let mut pager = FirstPages {
        pager: FeedPager::<F>::new().limit(args.max.unwrap_or(usize::MAX)),
        left: pages,
    };
    each_page(runtime, &mut pager, |page| {
        for item in &page {
            out.print(&Line::new(event, item), || words(item))?;
        }
        out.flush()
    })
}

/// Pager that ends after so many pages.
struct FirstPages<P> {
    pager: P,
    left: usize,
}

impl<P: Pager> Pager for FirstPages<P> {
    type Endpoint = P::Endpoint;
    type Item = P::Item;

    fn next_call(&self) -> Option<P::Endpoint> {
        match self.left {
            0 => None,
            _ => self.pager.next_call(),
        }
    }

    fn handle_page(
        &mut self,
        page: <P::Endpoint as bilibili_session::Endpoint>::Output,
    ) -> Result<Vec<P::Item>, bilibili_session::error::PageError> {
        self.left = self.left.saturating_sub(1);
        self.pager.handle_page(page)
    }

    fn take_unreadable(&mut self) -> Vec<bilibili_session::Unreadable> {
        self.pager.take_unreadable()
    }
}

fn who(user: &FeedUser) -> String {
    format!("{} ({})", OneLine(&user.nickname), user.mid)
}

/// Returns the line of an item: `2026-01-31 08:15:00  somebody (20001): what was said  - on what`.
fn in_words(time: UnixSeconds, who: &str, said: &str, title: &str) -> String {
    let colon = if said.is_empty() { "" } else { ": " };
    format!(
        "{DIM}{}{DIM:#}  {BOLD}{who}{BOLD:#}{colon}{}  {DIM}- {}{DIM:#}",
        local_time(time),
        OneLine(said),
        OneLine(title)
    )
}
