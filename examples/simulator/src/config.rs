//! Initial state of a simulator.

use crate::{Quirks, Script};

/// Initial state of a [`Simulator`](crate::Simulator). All values have made-up defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The first account, the one that control requests mean unless they name another.
    pub login: Login,
    /// The first half of the signing key (32 characters).
    pub img_key: String,
    /// The second half of the signing key (32 characters).
    pub sub_key: String,
    /// Behaviour where the real server is odd, or unknown.
    pub quirks: Quirks,
    /// A conversation that plays itself, from the first list of conversations on.
    pub script: Option<Script>,
    /// Gives the account replies, mentions, likes and system notices from the beginning (see [`Feeds`](crate::Feeds)).
    pub feeds: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            login: Login::default(),
            img_key: "5a1e0b6c9d2f43788e7c6b5a49382716".to_owned(),
            sub_key: "c0d1e2f3a4b5968778695a4b3c2d1e0f".to_owned(),
            quirks: Quirks::default(),
            script: None,
            feeds: true,
        }
    }
}

/// Identity and login of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user id.
    pub uid: i64,
    /// The name shown to others.
    pub name: String,
    /// Login cookie as a browser keeps it: percent-encoded.
    pub sessdata: String,
    /// The CSRF token.
    pub bili_jct: String,
}

impl Login {
    /// Makes up an account with distinct cookies for this uid.
    pub fn made_up(uid: i64) -> Self {
        Self {
            uid,
            name: format!("用户{uid}"),
            sessdata: format!("{:08x}%2C1999999999%2C5eed0%2Ab1", uid & 0xffff_ffff),
            bili_jct: format!("{:032x}", 0x00aa_bbcc_dd00_0000_i64 + (uid & 0x00ff_ffff)),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            name: "模拟用户".to_owned(),
            ..Self::made_up(10001)
        }
    }
}
