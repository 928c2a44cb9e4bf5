//! What a call needs besides the login's cookies, as a type.

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

    /// What must be at hand to build such a request.
    type Proof<'a>: Copy;

    /// The proof, when nothing, or only the clock, is needed for it.
    fn without_identity() -> Option<Self::Proof<'static>>;

    /// The proof out of what nav said.
    fn with_identity(identity: &Identity, wts: UnixSeconds) -> Self::Proof<'_>;

    /// The query as it is sent.
    fn query(
        proof: Self::Proof<'_>,
        query: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)>;
}

/// The login's cookies are enough.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum Cookies {}

/// The account's own number stands in the request.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum OwnUid {}

/// The query is signed.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum Wbi {}

/// The query is signed only where the service asks for it: lists of conversations.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the name of a requirement, no value has this type"
)]
pub enum WbiOnDemand {}

/// What signs a query: keys, the time, and whose they are.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever builds requests by hand makes it"
)]
pub struct Signer<'a> {
    /// The account that signs.
    pub uid: Uid,
    /// The keys that nav gave.
    pub keys: &'a WbiKeys,
    /// The time that is signed along.
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
