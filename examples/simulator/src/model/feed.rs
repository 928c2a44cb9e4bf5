//! The feeds of notifications: what is in them, in which order, and what was looked at.

use serde_json::{Map, Value, json};

use super::made_up;
use super::notification::{FeedKind, NewNotification, NoticeSource, Notified};
use crate::{Counters, FeedQuirks, Rng};

/// The notifications of an account: replies, mentions, likes and system notices.
#[derive(Clone, Debug)]
pub struct Feeds {
    reply: Feed,
    at: Feed,
    like: Feed,
    system: Feed,
}

impl Default for Feeds {
    /// Creates feeds that are empty.
    fn default() -> Self {
        Self {
            reply: Feed::new(FeedKind::Reply),
            at: Feed::new(FeedKind::At),
            like: Feed::new(FeedKind::Like),
            system: Feed::new(FeedKind::System),
        }
    }
}

impl Feeds {
    /// Makes up 45 replies, 35 mentions, 60 likes and 60 system notices, which nobody has looked at.
    pub fn made_up() -> Self {
        let mut feeds = Self::default();
        feeds.reply.items = (0..45).map(made_up::old_reply).collect();
        feeds.at.items = (0..35).map(made_up::old_mention).collect();
        feeds.like.items = (0..60).map(made_up::old_like).collect();
        feeds.system.items = (0..60).map(made_up::old_notice).collect();
        feeds
    }

    pub(crate) fn get(&self, kind: FeedKind) -> &Feed {
        match kind {
            FeedKind::Reply => &self.reply,
            FeedKind::At => &self.at,
            FeedKind::Like => &self.like,
            FeedKind::System => &self.system,
        }
    }

    pub(crate) fn get_mut(&mut self, kind: FeedKind) -> &mut Feed {
        match kind {
            FeedKind::Reply => &mut self.reply,
            FeedKind::At => &mut self.at,
            FeedKind::Like => &mut self.like,
            FeedKind::System => &mut self.system,
        }
    }
}

/// One feed.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) kind: FeedKind,
    items: Vec<Item>,
    last_id: i64,
    /// Number of happenings so far, besides those made up at the beginning.
    posted: i64,
    /// Time of the last look (seconds).
    pub(crate) last_view_at: i64,
    /// The newest cursor that was given out, and the number of items up to it.
    pub(crate) given_out: Option<(Position, usize)>,
}

/// Number and time of an item, as a cursor names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) id: i64,
    pub(crate) time: i64,
}

/// One item: a reply, a mention, a notice, or all likes of one thing.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The fields that stay as they are.
    pub(crate) fields: Map<String, Value>,
    pub(crate) raw: Map<String, Value>,
    /// The liked thing.
    pub(crate) thing: i64,
    /// Number of likes before those that are told one by one.
    pub(crate) earlier: i64,
    /// Events that made the item, in the order of happening: of likes each one, else one alone.
    pub(crate) happenings: Vec<Happening>,
    pub(crate) source: NoticeSource,
}

#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) position: Position,
    pub(crate) user: i64,
    pub(crate) shown_from_us: i64,
    /// The counters know of it.
    pub(crate) counted: bool,
    pub(crate) seen: bool,
}

/// An item as it is at some moment.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) position: Position,
    pub(crate) item: &'a Item,
}

impl Feed {
    fn new(kind: FeedKind) -> Self {
        Self {
            kind,
            items: Vec::new(),
            last_id: made_up::newest_id(kind),
            posted: 0,
            last_view_at: made_up::LAST_VIEW,
            given_out: None,
        }
    }

    /// Returns the number of items, also of those that do not show up yet.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns what shows at this moment, newest first.
    pub(crate) fn shown(&self, now_us: i64, quirks: &FeedQuirks) -> Vec<Shown<'_>> {
        let items = self.items.iter();
        let mut shown: Vec<Shown<'_>> = items
            .filter_map(|item| {
                let position = item.newest(now_us)?.position;
                Some(Shown { position, item })
            })
            .collect();
        shown.sort_by_key(|it| std::cmp::Reverse(self.rank(quirks, it.position)));
        shown
    }

    /// Returns what the feed is ordered by, the newest having most.
    pub(crate) fn rank(&self, quirks: &FeedQuirks, at: Position) -> (i64, u64, i64) {
        let by_id = match self.kind {
            FeedKind::System => true,
            // A like moves its item up, whatever its number.
            FeedKind::Like => false,
            FeedKind::Reply | FeedKind::At => quirks.by_id,
        };
        let any = quirks.seconds_in_any_order && !by_id;
        let chance = if any {
            Rng::new(at.id.unsigned_abs()).next_u64()
        } else {
            0
        };
        (if by_id { 0 } else { at.time }, chance, at.id)
    }

    /// Takes up something that happens; the answer is where it then stands, also if it shows up only later.
    pub(crate) fn post(
        &mut self,
        now_us: i64,
        quirks: &FeedQuirks,
        new: NewNotification,
    ) -> Notified {
        self.posted += 1;
        let thing = made_up::thing(&new, self.posted);
        let known = match self.kind {
            // A thing that nobody names is a new one.
            FeedKind::Like if new.item.is_some() => {
                self.items.iter().position(|item| item.thing == thing)
            }
            _ => None,
        };
        let kept = known
            .filter(|_| !quirks.likes_get_new_ids)
            .and_then(|place| self.items.get(place)?.happenings.last())
            .map(|newest| newest.position.id);
        let happening = self.happening(now_us, quirks, &new, kept);
        let position = happening.position;
        let counts = match known.and_then(|place| self.items.get_mut(place)) {
            Some(item) => {
                item.raw.extend(new.raw);
                item.happenings.push(happening);
                item.counts(i64::MAX)
            }
            None => {
                let mut item = made_up::item(new, self.posted, happening);
                let every = i64::from(quirks.unreadable_every);
                if every > 0 && self.posted % every == 0 {
                    item.raw
                        .extend(NewNotification::new(self.kind).unreadable().raw);
                }
                let counts = item.counts(i64::MAX);
                self.items.push(item);
                counts
            }
        };
        let Position { id, time } = position;
        Notified { id, time, counts }
    }

    fn happening(
        &mut self,
        now_us: i64,
        quirks: &FeedQuirks,
        new: &NewNotification,
        kept_id: Option<i64>,
    ) -> Happening {
        let every = |nth: i64, value: i64| if self.posted % nth == 1 { value } else { 0 };
        let now = now_us.div_euclid(1_000_000);
        let time = new
            .timestamp
            .unwrap_or_else(|| now.saturating_add(every(3, quirks.ahead_s)));
        let late_s = new.late_s.unwrap_or_else(|| every(2, quirks.late_s));
        let id = kept_id.unwrap_or_else(|| {
            let next = self.last_id.saturating_add(1);
            match self.kind {
                // As the ones made up, the cursors of notices are moments.
                FeedKind::System => next.max(now_us.saturating_mul(1000)),
                FeedKind::Reply | FeedKind::At | FeedKind::Like => next,
            }
        });
        self.last_id = self.last_id.max(id);
        Happening {
            position: Position { id, time },
            user: new
                .user
                .unwrap_or(made_up::NEW_USERS.saturating_add(self.posted)),
            shown_from_us: now_us.saturating_add(late_s.saturating_mul(1_000_000)),
            counted: quirks.counters != Counters::Stuck,
            seen: false,
        }
    }

    /// Removes the item of this number, as its author does; returns whether there was one.
    pub(crate) fn vanish(&mut self, id: i64) -> bool {
        let place = self.items.iter().position(|item| item.has(id));
        place.map(|place| self.items.remove(place)).is_some()
    }

    /// Returns the item of this number, which is that of any of its likes.
    pub(crate) fn item(&self, id: i64) -> Option<&Item> {
        self.items.iter().find(|item| item.has(id))
    }

    /// Mutes what happens to the thing of this item, or unmutes it; returns whether there is such an item.
    pub(crate) fn mute(&mut self, id: i64, state: i64) -> bool {
        let item = self.items.iter_mut().find(|item| item.has(id));
        let fields = item.map(|item| &mut item.fields);
        fields
            .map(|fields| fields.insert("notice_state".to_owned(), state.into()))
            .is_some()
    }

    /// Marks what shows at this moment as seen, up to the item of this number.
    pub(crate) fn look_up_to(&mut self, now_us: i64, id: i64) {
        for happening in self.items.iter_mut().flat_map(|item| &mut item.happenings) {
            let is_there = happening.shown_from_us <= now_us;
            happening.seen |= is_there && happening.position.id <= id;
        }
    }

    /// Marks what shows at this moment as seen.
    pub(crate) fn look(&mut self, now_us: i64) {
        for item in &mut self.items {
            for happening in &mut item.happenings {
                happening.seen |= happening.shown_from_us <= now_us;
            }
        }
        self.last_view_at = now_us.div_euclid(1_000_000);
    }

    /// Returns the counter of what nobody has looked at.
    pub(crate) fn unread(&self, now_us: i64, quirks: &FeedQuirks) -> usize {
        let late_us = match quirks.counters {
            Counters::Late(seconds) => seconds.saturating_mul(1_000_000),
            Counters::Truthful | Counters::Stuck => 0,
        };
        let since_us = now_us.saturating_sub(late_us);
        let happenings = self.items.iter().flat_map(|item| &item.happenings);
        let unread = happenings.filter(|it| it.counted && !it.seen && it.shown_from_us <= since_us);
        unread.count()
    }
}

impl Item {
    /// Number of users of a like who are named.
    const NAMED: usize = 2;

    /// Returns whether this is the number of the item, or of one of its likes.
    fn has(&self, id: i64) -> bool {
        self.happenings.iter().any(|it| it.position.id == id)
    }

    /// Returns the users who liked the thing, newest first: those who are told one by one, and those before them.
    pub(crate) fn likes(&self, now_us: i64) -> Vec<Value> {
        let like = |user: i64, time: i64| json!({"user": made_up::user(user), "like_time": time});
        let shown = self.shown(now_us);
        let oldest = shown.last().map_or(0, |it| it.position.time);
        let told = shown.iter().map(|it| like(it.user, it.position.time));
        let earlier = (1..=self.earlier).map(|n| {
            let user = made_up::EARLIER_USERS.saturating_add(self.thing.saturating_mul(100) + n);
            like(user, oldest.saturating_sub(n))
        });
        told.chain(earlier).collect()
    }

    /// Returns the happenings that show at this moment, newest first.
    fn shown(&self, now_us: i64) -> Vec<&Happening> {
        let happenings = self.happenings.iter().rev();
        let mut shown: Vec<&Happening> =
            happenings.filter(|it| it.shown_from_us <= now_us).collect();
        shown.sort_by_key(|it| std::cmp::Reverse(it.position.time));
        shown
    }

    fn newest(&self, now_us: i64) -> Option<&Happening> {
        let shown = self
            .happenings
            .iter()
            .filter(|it| it.shown_from_us <= now_us);
        shown.max_by_key(|it| it.position.time)
    }

    /// Returns the number of likes that show at this moment; 1 for all else.
    fn counts(&self, now_us: i64) -> i64 {
        let shown = self
            .happenings
            .iter()
            .filter(|it| it.shown_from_us <= now_us);
        let shown = i64::try_from(shown.count()).unwrap_or(i64::MAX);
        self.earlier.saturating_add(shown)
    }
}

impl Shown<'_> {
    /// Returns where the item stands.
    pub(crate) fn notified(&self, now_us: i64) -> Notified {
        let Position { id, time } = self.position;
        let counts = self.item.counts(now_us);
        Notified { id, time, counts }
    }

    /// Returns the item as it stands on the wire.
    pub(crate) fn to_json(self, kind: FeedKind, now_us: i64) -> Value {
        let Position { id, time } = self.position;
        let mut fields = self.item.fields.clone();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        let happenings = self.item.shown(now_us);
        let mut users = happenings.iter().map(|it| made_up::user(it.user));
        match kind {
            FeedKind::System => {
                put("cursor", id.into());
                put("time_at", made_up::time_at(time).into());
            }
            FeedKind::Reply | FeedKind::At => {
                let name = if kind == FeedKind::At {
                    "at_time"
                } else {
                    "reply_time"
                };
                put("id", id.into());
                put("user", users.next().unwrap_or_default());
                put(name, time.into());
            }
            FeedKind::Like => {
                put("id", id.into());
                put("users", users.take(Item::NAMED).collect());
                put("counts", self.item.counts(now_us).into());
                put("like_time", time.into());
            }
        }
        for (name, value) in &self.item.raw {
            match value {
                Value::Null => fields.remove(name),
                other => fields.insert(name.clone(), other.clone()),
            };
        }
        Value::Object(fields)
    }
}
