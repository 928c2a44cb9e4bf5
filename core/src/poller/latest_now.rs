//! The latest time that it can be, against lists that lie ahead.

use crate::list_walk::Newest;
use crate::time::{UnixMicros, UnixSeconds};

/// The server's clock at the latest, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct LatestNow {
    /// The server's clock, as answers have shown it.
    pub(super) server: Option<UnixSeconds>,
    /// The local clock, which may be wrong by any amount.
    pub(super) local: UnixSeconds,
}

impl LatestNow {
    /// The newest change of a list, unless it lies in the future: that would hide what arrives
    /// until then. It does where the server's clock says so, which may be behind, and the local
    /// clock or the second conversation do not both contradict. Without a clock of the server,
    /// either of those two will do.
    pub(super) fn bound(self, newest: Newest) -> UnixMicros {
        let (local, second) = (self.local.to_micros(), newest.second);
        let latest = match self.server {
            Some(server) => server.to_micros().max(local.min(second)),
            None => local.max(second),
        };
        newest.first.min(latest)
    }

    pub(super) fn to_micros(self) -> UnixMicros {
        self.server
            .max(Some(self.local))
            .unwrap_or_default()
            .to_micros()
    }
}
