//! Requirements of calls besides the login's cookies, as types.

use crate::identity::Identity;
use crate::ids::Uid;
use crate::time::UnixSeconds;
use crate::wbi::WbiKeys;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Cookies {}
    impl Sealed for super::OwnUid {}
    impl Sealed for super::Wbi {}
    impl Sealed for super::WbiOnDemand {}
}

/// Requirement of a call besides the login's cookies: [`Cookies`], [`OwnUid`], [`Wbi`] or
/// [`WbiOnDemand`].
pub trait Auth: sealed::Sealed {
    /// True where the service decides if it wants a signature.
    const ON_DEMAND: bool = false;

    /// Input that is needed to build such a request.
    type Proof<'a>: Copy;

    /// Returns the proof where no identity is needed for it.
    fn without_identity() -> Option<Self::Proof<'static>>;

    /// Returns the proof made from the identity that nav named.
    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Self::Proof<'_>;

    /// Returns the query as sent.
    fn query(
        proof: Self::Proof<'_>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)>;
}

/// Requirement of nothing but the login's cookies.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum Cookies {}

/// Requirement of the account's own number, which the request contains.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum OwnUid {}

/// Requirement of a signed query.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum Wbi {}

/// Requirement of a query that is signed only where the service asks for it: lists of
/// conversations.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum WbiOnDemand {}

/// Keys, account and time that sign a query.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever builds requests by hand makes it"
)]
pub struct Signer<'a> {
    /// Account that signs.
    pub uid: Uid,
    /// Keys that nav gave.
    pub keys: &'a WbiKeys,
    /// Time that is signed along.
    pub wts: UnixSeconds,
}

impl Auth for Cookies {
    type Proof<'a> = ();

    fn without_identity() -> Option<()> {
        Some(())
    }

    fn with_identity(_: &Identity, _: UnixSeconds) {}

    fn query((): (), query: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        query
    }
}

impl Auth for OwnUid {
    type Proof<'a> = Uid;

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

impl Auth for Wbi {
    type Proof<'a> = Signer<'a>;

    fn without_identity() -> Option<Signer<'static>> {
        None
    }

    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Signer<'_> {
        Signer {
            uid: identity.uid,
            keys: &identity.keys,
            wts,
        }
    }

    fn query(proof: Signer<'_>, query: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        proof.keys.sign(query, proof.wts)
    }
}

impl Auth for WbiOnDemand {
    type Proof<'a> = Option<Signer<'a>>;

    const ON_DEMAND: bool = true;

    fn without_identity() -> Option<Option<Signer<'static>>> {
        Some(None)
    }

    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Option<Signer<'_>> {
        Some(Wbi::with_identity(identity, wts))
    }

    fn query(
        proof: Option<Signer<'_>>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        match proof {
            Some(signer) => Wbi::query(signer, query),
            None => query,
        }
    }
}
