//! Possible troubles of a run.

use std::fmt;

macro_rules! troubles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Possible trouble of a run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Trouble { $($(#[$doc])* $name,)* }

        impl Trouble {
            /// All troubles.
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
    /// The poller is closed, at any moment.
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
    /// `has_more` lies for a whole run, not anew for each request.
    LastingLies,
    /// The list of all types disregards `end_ts`: its second page is its first. Rarely the
    /// lists of single types do so too.
    EndIgnored,
    /// Lists want a signature: without one comes -403, or -352.
    SignedLists,
    /// `has_more` of messages says whether the conversation has older ones, whatever was asked for.
    MoreOfAll,
    /// Empty pages say that there is more.
    EmptyMore,
    /// `Date` is off by minutes to hours, stands still, or is missing.
    DateOff,
    /// Times of messages are off by minutes to hours: the clock of a conversation, or of a sender.
    TimesOff,
    /// `session_ts` lies in the future: of one conversation, or of all.
    FutureTs,
    /// `session_ts` stands still when a message arrives.
    StillTs,
    /// Conversations begin anew, with lower numbers.
    Restarts,
    /// Messages and lists with extreme numbers (0, `i64::MAX`, above) beside ordinary ones.
    Extremes,
    /// Conversations of types beyond 1 and 2, whose messages cannot be asked for.
    OtherTypes,
    /// Conversations change their type (followed, intercepted) while lists are read.
    TypeChanges,
    /// Signatures are refused for minutes, whatever the keys: all, or those for one conversation.
    Refused,
    /// Pages of messages above a size are longer than a body may be.
    BigPages,
    /// All conversations change at once: more than a page has, or than are remembered.
    ManyChanged,
    /// Replies are sent meanwhile, and refused.
    Replies,
    /// A conversation is over while a gap in it is read: for good, or it goes on later.
    Over,
}

impl Trouble {
    /// Troubles that were added later: each has a share of its own, and is also met alone.
    pub const HABITS: &[Self] = &[
        Self::LastingLies,
        Self::EndIgnored,
        Self::SignedLists,
        Self::MoreOfAll,
        Self::EmptyMore,
        Self::DateOff,
        Self::TimesOff,
        Self::FutureTs,
        Self::StillTs,
        Self::Restarts,
        Self::Extremes,
        Self::OtherTypes,
        Self::TypeChanges,
        Self::Refused,
        Self::BigPages,
        Self::ManyChanged,
        Self::Replies,
        Self::Over,
    ];

    /// Returns the trouble of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|trouble| format!("{trouble:?}") == name)
    }

    const fn is_habit(self) -> bool {
        self as u8 >= Self::LastingLies as u8
    }
}

/// A set of [`Trouble`]s.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Troubles(u64);

impl Troubles {
    /// The empty set: all goes well.
    pub const NONE: Self = Self(0);

    /// Returns all troubles at once.
    pub fn all() -> Self {
        Trouble::ALL
            .iter()
            .fold(Self::NONE, |set, trouble| set.with(*trouble))
    }

    /// Returns whether the set has this trouble.
    pub const fn has(self, trouble: Trouble) -> bool {
        self.0 & (1 << trouble as u64) != 0
    }

    /// Adds a trouble.
    #[must_use]
    pub const fn with(self, trouble: Trouble) -> Self {
        Self(self.0 | 1 << trouble as u64)
    }

    /// Removes a trouble.
    #[must_use]
    pub const fn without(self, trouble: Trouble) -> Self {
        Self(self.0 & !(1 << trouble as u64))
    }

    /// Removes those of [`Trouble::HABITS`].
    #[must_use]
    pub fn without_habits(self) -> Self {
        self.iter()
            .filter(|trouble| trouble.is_habit())
            .fold(self, Self::without)
    }

    /// Returns the troubles one by one.
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
