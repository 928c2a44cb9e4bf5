//! Settings of an account, as the numbers that stand on the wire.

/// A setting: its name, its number at the beginning, and the numbers that it can have.
type Row = (&'static str, i64, &'static [i64]);

const SWITCH: &[i64] = &[0, 1];
const AUDIENCE: &[i64] = &[0, 1, 2];

const ROWS: [Row; 17] = [
    ("msg_notify", 1, &[1, 3]),
    ("show_unfollowed_msg", 1, SWITCH),
    ("set_like", 0, &[0, 5]),
    ("set_comment", 0, AUDIENCE),
    ("set_at", 0, AUDIENCE),
    ("is_group_fold", 1, SWITCH),
    ("should_receive_group", 1, SWITCH),
    ("receive_unfollow_msg", 1, SWITCH),
    ("followed_reply", 0, SWITCH),
    ("keys_reply", 0, SWITCH),
    ("recv_reply", 0, SWITCH),
    ("voyage_reply", 0, SWITCH),
    ("recommend_followed_reply", 0, SWITCH),
    ("ai_intercept", 0, SWITCH),
    ("set_recv_reply", 0, AUDIENCE),
    ("set_recv_like", 0, &[0, 2]),
    ("set_new_follow", 0, &[0, 2]),
];

/// Settings that the answer tells only when asked for.
pub(crate) const ON_DEMAND: [&str; 2] = ["msg_notify", "show_unfollowed_msg"];

/// Automatic replies, which accounts with less than 1,000 followers may not have.
pub(crate) const AUTOMATIC: [&str; 5] = [
    "followed_reply",
    "keys_reply",
    "recv_reply",
    "voyage_reply",
    "recommend_followed_reply",
];

/// Settings of an account.
#[derive(Clone, Debug)]
pub(crate) struct Settings([i64; ROWS.len()]);

impl Default for Settings {
    fn default() -> Self {
        Self(ROWS.map(|(_, number, _)| number))
    }
}

impl Settings {
    /// Returns names and numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, i64)> {
        ROWS.iter()
            .zip(self.0)
            .map(|((name, ..), number)| (*name, number))
    }

    /// Returns the names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|(name, ..)| *name)
    }

    /// Sets one; returns whether there is a setting of this name that can have this number.
    pub(crate) fn set(&mut self, name: &str, number: i64) -> bool {
        let mut places = ROWS.iter().zip(&mut self.0);
        let place =
            places.find(|((known, _, numbers), _)| *known == name && numbers.contains(&number));
        place.map(|(_, place)| *place = number).is_some()
    }
}
