//! Pagers: each asks for one page after another, and knows where they end.
//!
//! A [`Pager`] sends nothing itself. The code that sends calls drives it:
//!
//! ```
//! use bilibili_session::error::Error;
//! use bilibili_session::pager::Pager;
//! use bilibili_session::Endpoint;
//!
//! fn all<P: Pager>(
//!     mut pager: P,
//!     mut call: impl FnMut(P::Endpoint) -> Result<<P::Endpoint as Endpoint>::Output, Error>,
//! ) -> Result<Vec<P::Item>, Error> {
//!     let mut items = Vec::new();
//!     while let Some(endpoint) = pager.next_call() {
//!         items.extend(pager.handle_page(call(endpoint)?)?);
//!     }
//!     Ok(items)
//! }
//! ```
//!
//! A list of conversations that is over may still hide some: [`SessionsPager::is_incomplete`]
//! tells.

mod feed;
mod history;
mod like_detail;
mod sessions;
mod system;

pub use feed::{Feed, FeedPager};
pub use history::History;
pub use like_detail::LikeDetailPager;
pub use sessions::SessionsPager;
pub use system::SystemPager;

use crate::endpoint::Endpoint;
use crate::error::PageError;
use crate::json::Unreadable;

/// A source of calls for one page after another. See the [module](self) for the loop around it.
pub trait Pager {
    /// The call that brings a page.
    type Endpoint: Endpoint;
    /// The type of an item of a page.
    type Item;

    /// Returns the call to make next; `None` at the end. The same call comes again until its page
    /// was taken, so one that failed can simply be made again.
    fn next_call(&self) -> Option<Self::Endpoint>;

    /// Takes the page of the call that [`next_call`](Self::next_call) returned, and returns the
    /// items that are new and in order. There may be none, with more to come.
    ///
    /// # Errors
    /// Fails when the pages lead nowhere; the pager is over then.
    fn handle_page(
        &mut self,
        page: <Self::Endpoint as Endpoint>::Output,
    ) -> Result<Vec<Self::Item>, PageError>;

    /// Takes out the items that could not be read; the last hundred are kept.
    fn take_unreadable(&mut self) -> Vec<Unreadable>;
}

/// Number of unreadable items that are kept until they are taken.
const KEPT_UNREADABLE: usize = 100;

/// State that all pagers have: the number of items still wanted, and the unreadable items.
#[derive(Debug, Clone)]
struct Tally {
    left: usize,
    unreadable: Vec<Unreadable>,
}

impl Tally {
    const fn new() -> Self {
        Self {
            left: usize::MAX,
            unreadable: Vec::new(),
        }
    }

    /// Returns the items that are still wanted, and counts them.
    fn take<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        items.truncate(self.left);
        self.left -= items.len();
        items
    }

    const fn is_full(&self) -> bool {
        self.left == 0
    }

    fn note(&mut self, unreadable: Vec<Unreadable>) {
        self.unreadable.extend(unreadable);
        let over = self.unreadable.len().saturating_sub(KEPT_UNREADABLE);
        self.unreadable.drain(..over);
    }
}
