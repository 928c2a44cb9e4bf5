//! What may go wrong in a run.

use std::fmt;

macro_rules! troubles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Something that may go wrong in a run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Trouble { $($(#[$doc])* $name,)* }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

troubles! {
    /// Answers are slow, overtake each other, and come after their deadline.
    Delay,
    /// Answers are lost: the connection is reset, or ends in their middle.
    Loss,
    /// Requests hang until their deadline.
    Hang,
    /// Answers come twice.
    Double,
    /// Answers are cut short, HTML, no JSON, `data: null`, or of the wrong shape.
    Garbage,
    /// HTTP 5xx and other statuses with an HTML body.
    Http,
    /// Codes of the service: -3, -500, -503, -400, -403 for no reason, unknown ones.
    Codes,
    /// -509, -799, HTTP 429.
    Throttle,
    /// -352, -412, HTTP 412 and 403, a bare `v_voucher`.
    RiskControl,
    /// -101: the login is dead.
    LoginLost,
    /// A conversation is said to be over, and is not.
    Gone,
    /// Pages of messages come empty although the list knows of some.
    EmptyPage,
    /// The newest messages of a page are missing although the list knows of them.
    LaggingPage,
    /// The process dies, at any output, and goes on from its last checkpoint.
    Crash,
    /// It is asked to close, at any moment.
    Close,
    /// The local wall clock is wrong, and jumps by hours.
    WallClock,
    /// Answers carry no `Date`, but for lists without a conversation.
    NoDate,
    /// The signing keys change.
    RotateKeys,
    /// Pages are small, of either end, repeat themselves, and lie about `has_more`.
    Paging,
    /// Pinned conversations come first.
    Pinned,
    /// Messages with broken content, broken fields, or without `msg_seqno`.
    Unreadable,
    /// Numbers as strings, flags as booleans, null for empty arrays.
    Shapes,
    /// Messages are taken back.
    Withdraw,
    /// Messages are taken down by the system: the list counts them, no page has them.
    TakeDown,
    /// The account writes from another device.
    OwnMessages,
    /// Conversations that were never seen before, with old history.
    NewConversations,
    /// Groups are dissolved.
    Dissolve,
    /// 45 messages at once.
    Burst,
    /// 4,500 messages at once.
    Flood,
    /// Conversations are committed a moment late, with an earlier time.
    CommitLag,
    /// List entries without `max_seqno` or `last_msg`.
    VagueList,
    /// Two conversations change in the same microsecond.
    Ties,
    /// Messages arrive just before and just after the request for them.
    Race,
}

/// A set of [`Trouble`]s.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Troubles(u64);

impl Troubles {
    /// None: all goes well.
    pub const NONE: Self = Self(0);

    /// All of them at once.
    pub fn all() -> Self {
        Trouble::ALL
            .iter()
            .fold(Self::NONE, |set, trouble| set.with(*trouble))
    }

    /// Whether it is among them.
    pub const fn has(self, trouble: Trouble) -> bool {
        self.0 & (1 << trouble as u64) != 0
    }

    /// These and another.
    #[must_use]
    pub const fn with(self, trouble: Trouble) -> Self {
        Self(self.0 | 1 << trouble as u64)
    }

    /// These but one.
    #[must_use]
    pub const fn without(self, trouble: Trouble) -> Self {
        Self(self.0 & !(1 << trouble as u64))
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Trouble> {
        Trouble::ALL
            .iter()
            .copied()
            .filter(move |trouble| self.has(*trouble))
    }
}

impl fmt::Debug for Troubles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
