//! `replies`, `at`, `likes`

use bilibili_session::endpoints::{GetAt, GetLikes, GetReplies};
use bilibili_session::model::{At, FeedUser, Like, Reply};
use bilibili_session::pager::{Feed, FeedPager, Pager};
use bilibili_session::{Names, OneLine, UnixSeconds};
use serde::Serialize;

use super::{Line, each_page};
use crate::args::FeedArgs;
use crate::failure::Failure;
use crate::lines::name_of;
use crate::local_time::local_time;
use crate::names::NameBook;
use crate::output::{BOLD, DIM, Output};
use crate::runtime::Runtime;
use crate::texts::{named, say};

pub(crate) fn replies(
    runtime: &Runtime,
    args: &FeedArgs,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let users = |reply: &Reply| vec![reply.user.clone()];
    let words = |reply: &Reply, who: &str| {
        let item = &reply.item;
        in_words(reply.reply_time, who, &item.source_content, &item.title)
    };
    run::<GetReplies>(runtime, args, (names, out), "reply", users, words)
}

pub(crate) fn at(
    runtime: &Runtime,
    args: &FeedArgs,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let users = |at: &At| vec![at.user.clone()];
    let words = |at: &At, who: &str| {
        let item = &at.item;
        in_words(at.at_time, who, &item.source_content, &item.title)
    };
    run::<GetAt>(runtime, args, (names, out), "at", users, words)
}

pub(crate) fn likes(
    runtime: &Runtime,
    args: &FeedArgs,
    names: &mut NameBook,
    out: &mut Output,
) -> Result<(), Failure> {
    let users = |like: &Like| like.users.clone();
    let words = |like: &Like, first: &str| {
        let who = match like.counts.saturating_sub(1) {
            ..=0 => first.to_owned(),
            others => say!("likes-and-more", first = first, others = others),
        };
        in_words(like.like_time, &who, "", &like.item.title)
    };
    run::<GetLikes>(runtime, args, (names, out), "like", users, words)
}

/// Item of a feed, with the name of who did it.
#[derive(Serialize)]
struct NamedLine<'a, T> {
    #[serde(flatten)]
    line: Line<'a, T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

fn run<F>(
    runtime: &Runtime,
    args: &FeedArgs,
    (names, out): (&mut NameBook, &mut Output),
    event: &'static str,
    users: impl Fn(&F::Item) -> Vec<FeedUser>,
    words: impl Fn(&F::Item, &str) -> String,
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
        let users: Vec<Vec<FeedUser>> = page.iter().map(&users).collect();
        // The first of each stands in the line.
        let shown = users.iter().filter_map(|users| users.first());
        let nameless = names.learn_users(shown);
        names.look_up(&nameless);
        for (item, users) in page.iter().zip(&users) {
            let line = NamedLine {
                line: Line::new(event, item),
                name: name_of(users, names.names()),
            };
            let who = users.first().map(|user| who(user, names.names()));
            out.print(&line, || words(item, &who.unwrap_or_default()))?;
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

fn who(user: &FeedUser, names: &Names) -> String {
    match user.nickname.as_str() {
        "" => named(user.mid, names),
        name => format!("{} ({})", OneLine(name), user.mid),
    }
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
