//! The other side's hands on the notification feeds.

use serde_json::{Map, Value};

use crate::{ControlError, FeedKind, NewNotification, Notified, Simulator};

impl Simulator {
    /// Notifies the first account of something that happens.
    ///
    /// # Errors
    /// Says why it cannot be: ids are positive.
    pub fn notify(&mut self, now_us: i64, new: NewNotification) -> Result<Notified, ControlError> {
        self.notify_for(self.login().uid, now_us, new)
    }

    /// Notifies this account of something that happens.
    ///
    /// # Errors
    /// Says why it cannot be.
    pub fn notify_for(
        &mut self,
        uid: i64,
        now_us: i64,
        new: NewNotification,
    ) -> Result<Notified, ControlError> {
        if [new.user, new.item].into_iter().flatten().any(|id| id <= 0) {
            return Err(ControlError("`user` and `item` are positive".to_owned()));
        }
        let notified = self.world.notify(now_us, uid, new);
        notified.map_err(|_| ControlError(format!("there is no account {uid}")))
    }

    /// Removes an item from a feed of an account, as its author does; its number is that of any of its likes.
    ///
    /// # Errors
    /// If there is no such item, or no such account.
    pub fn vanish(&mut self, uid: i64, kind: FeedKind, id: i64) -> Result<(), ControlError> {
        let feed = self.account_mut(uid)?.feeds.get_mut(kind);
        let known = feed.vanish(id);
        let unknown = || ControlError(format!("the feed `{}` has no item {id}", kind.as_str()));
        known.then_some(()).ok_or_else(unknown)
    }

    /// Looks at a feed of an account, or at all of them, as its owner does in a browser: their counters go to 0.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn look(
        &mut self,
        uid: i64,
        now_us: i64,
        kind: Option<FeedKind>,
    ) -> Result<(), ControlError> {
        let feeds = &mut self.account_mut(uid)?.feeds;
        for each in FeedKind::ALL {
            if kind.is_none_or(|kind| kind == each) {
                feeds.get_mut(each).look(now_us);
            }
        }
        Ok(())
    }

    /// Returns what a feed of the first account shows at this moment, newest first.
    pub fn feed(&self, now_us: i64, kind: FeedKind) -> Vec<Notified> {
        let Some(account) = self.first_account() else {
            return Vec::new();
        };
        let shown = account
            .feeds
            .get(kind)
            .shown(now_us, &self.world.quirks.feeds);
        shown.iter().map(|it| it.notified(now_us)).collect()
    }

    /// Returns the number of items of each feed of the first account, by name.
    pub(crate) fn feed_counts(&self) -> Map<String, Value> {
        let account = self.first_account().into_iter();
        account
            .flat_map(|account| {
                let count = |kind: FeedKind| account.feeds.get(kind).len().into();
                FeedKind::ALL.map(|kind| (kind.as_str().to_owned(), count(kind)))
            })
            .collect()
    }
}
