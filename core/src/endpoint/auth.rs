//! Requirements of calls besides the login's cookies, as types.

use crate::identity::Identity;
use crate::ids::Uid;
use crate::time::UnixSeconds;
use crate::wbi::WbiKeys;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::CookieAuth {}
    impl Sealed for super::UidAuth {}
    impl Sealed for super::WbiAuth {}
    impl Sealed for super::OptionalWbiAuth {}
}

/// Requirement of a call besides the login's cookies: [`CookieAuth`], [`UidAuth`], [`WbiAuth`] or
/// [`OptionalWbiAuth`].
pub trait Auth: sealed::Sealed {
    /// True where the service decides if it wants a signature.
    const ON_DEMAND: bool = false;

    /// Input that is needed to build such a request.
    type Input<'a>: Copy;

    /// Returns the proof where no identity is needed for it.
    fn without_identity() -> Option<Self::Input<'static>>;

    /// Returns the proof made from the identity that nav named.
    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Self::Input<'_>;

    /// Returns the query as sent.
    fn query(
        proof: Self::Input<'_>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)>;
}

/// Requirement of nothing but the login's cookies.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum CookieAuth {}

/// Requirement of the account's own number, which the request contains.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum UidAuth {}

/// Requirement of a signed query.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum WbiAuth {}

/// Requirement of a query that is signed only where the service asks for it: lists of
/// conversations.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum OptionalWbiAuth {}

/// Keys, account and time that sign a query.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever builds requests by hand makes it"
)]
pub struct WbiSigner<'a> {
    /// Account that signs.
    pub uid: Uid,
    /// Keys that nav gave.
    pub keys: &'a WbiKeys,
    /// Time that is signed along.
    pub wts: UnixSeconds,
}

impl Auth for CookieAuth {
    type Input<'a> = ();

    fn without_identity() -> Option<()> {
        Some(())
    }

    fn with_identity(_: &Identity, _: UnixSeconds) {}

    fn query((): (), query: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        query
    }
}

impl Auth for UidAuth {
    type Input<'a> = Uid;

    fn without_identity() -> Option<Uid> {
        None
    }

    fn with_identity(identity: &Identity, _: UnixSeconds) -> Uid {
        identity.uid
    }

    fn query(_: Uid, query: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        query
    }
}

impl Auth for WbiAuth {
    type Input<'a> = WbiSigner<'a>;

    fn without_identity() -> Option<WbiSigner<'static>> {
        None
    }

    fn with_identity(identity: &Identity, wts: UnixSeconds) -> WbiSigner<'_> {
        WbiSigner {
            uid: identity.uid,
            keys: &identity.keys,
            wts,
        }
    }

    fn query(
        proof: WbiSigner<'_>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        proof.keys.sign(query, proof.wts)
    }
}

impl Auth for OptionalWbiAuth {
    type Input<'a> = Option<WbiSigner<'a>>;

    const ON_DEMAND: bool = true;

    fn without_identity() -> Option<Option<WbiSigner<'static>>> {
        Some(None)
    }

    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Option<WbiSigner<'_>> {
        Some(WbiAuth::with_identity(identity, wts))
    }

    fn query(
        proof: Option<WbiSigner<'_>>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        match proof {
            Some(signer) => WbiAuth::query(signer, query),
            None => query,
        }
    }
}
