//! Hints of a push channel.

/// A hint that something may have changed: a reason to look sooner, never a delivery.
///
/// Hints come from a push channel, which the runtimes open with their feature `push`, or from
/// anywhere else. See [`Poller::handle_hint`](super::Poller::handle_hint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// A private message may have arrived.
    Messages,
    /// Somebody may have replied.
    Replies,
    /// Somebody may have mentioned the account.
    At,
    /// Somebody may have liked something.
    Likes,
    /// Something may have changed; the channel does not tell what.
    Other,
    /// The channel has just been connected: changes until now were not told of.
    Connected,
}
