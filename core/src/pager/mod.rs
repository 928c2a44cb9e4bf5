//! Page after page: what asks for the next one, and knows where it ends.
//!
//! A [`Pager`] sends nothing itself. Whatever sends calls drives it:
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
//! A list of conversations that is over may still hide some:
//! [`SessionsPager::is_incomplete`] tells.

mod feed;
mod history;
mod sessions;
mod system;

pub use feed::{Feed, FeedPager};
pub use history::History;
pub use sessions::SessionsPager;
pub use system::SystemPager;

use crate::endpoint::Endpoint;
use crate::error::PageError;
use crate::json::Unreadable;

/// What asks for one page after another. See the [module](self) for how to drive it.
pub trait Pager {
    /// The call that brings a page.
    type Endpoint: Endpoint;
    /// What a page is made of.
    type Item;

    /// The call to make next; `None` at the end. The same call comes again until its
    /// page was handed in, so one that failed can simply be made again.
    fn next_call(&self) -> Option<Self::Endpoint>;

    /// Takes the page of the call that [`next_call`](Self::next_call) gave, and gives what
    /// is new and in order. That may be nothing, with more to come.
    ///
    /// # Errors
    /// Fails when the pages lead nowhere; the pager is over then.
    fn handle_page(
        &mut self,
        page: <Self::Endpoint as Endpoint>::Output,
    ) -> Result<Vec<Self::Item>, PageError>;

    /// Items that could not be read, taken out; the last hundred are kept.
    fn take_unreadable(&mut self) -> Vec<Unreadable>;
}

/// How many unreadable items are kept until they are taken.
const KEPT_UNREADABLE: usize = 100;

/// What pagers have in common: how many items are still wanted, and what was unreadable.
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

    /// No more than are still wanted.
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
