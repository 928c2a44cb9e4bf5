//! Logins, encrypted under a key that is not in the database.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::database::Database;
use crate::error::Error;

/// Length of a nonce, which stands before what it was used for.
const NONCE: usize = 24;
const CHECK: &str = "key check";

/// Encrypts and decrypts logins with XChaCha20-Poly1305.
///
/// What a text belongs to is authenticated with it, so that the login of one account cannot be put in the place of
/// another's.
pub struct Vault(XChaCha20Poly1305);

/// Makes a key, as text.
///
/// # Errors
/// Fails when the system gives no randomness.
pub fn new_key() -> Result<Zeroizing<String>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|_| Error::Key("the system gives no randomness"))?;
    Ok(Zeroizing::new(HEXLOWER.encode(&*key)))
}

impl Vault {
    /// Reads a key: 64 hexadecimal digits.
    ///
    /// # Errors
    /// Fails when it is none.
    pub fn new(key: &str) -> Result<Self, Error> {
        let refused = Error::Key("it is not 64 hexadecimal digits");
        let key = HEXLOWER_PERMISSIVE.decode(key.trim().as_bytes());
        let key = Zeroizing::new(key.map_err(|_| Error::Key("it is not hexadecimal digits"))?);
        let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| refused)?;
        Ok(Self(cipher))
    }

    /// Encrypts a text that belongs to `what`.
    pub(crate) fn seal(&self, what: &str, text: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Error::Key("the system gives no randomness"))?;
        let payload = Payload {
            msg: text,
            aad: what.as_bytes(),
        };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::Key("the text is too long to be encrypted"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts a text that belongs to `what`.
    pub(crate) fn open(&self, what: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let refused = Error::Key("what is stored was encrypted under another one, or is damaged");
        let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE>() else {
            return Err(refused);
        };
        let payload = Payload {
            msg: sealed,
            aad: what.as_bytes(),
        };
        match self.0.decrypt(&XNonce::from(*nonce), payload) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(_) => Err(refused),
        }
    }

    /// Checks that this is the key of this database; the first one that comes is.
    ///
    /// # Errors
    /// Fails when it is another one, or the database cannot be asked.
    pub async fn check(&self, database: &Database) -> Result<(), Error> {
        let client = database.client().await?;
        let sealed = self.seal(CHECK, CHECK.as_bytes())?;
        client
            .execute(
                "INSERT INTO bili_fleet.key_check (sealed) VALUES ($1) ON CONFLICT DO NOTHING",
                &[&sealed],
            )
            .await?;
        let row = client.query_one("SELECT sealed FROM bili_fleet.key_check", &[]);
        let sealed: Vec<u8> = row.await?.try_get(0)?;
        self.open(CHECK, &sealed).map(drop)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_for_what_it_belongs_to_alone() {
        let vault = Vault::new(&new_key().unwrap()).unwrap();
        let sealed = vault.seal("login 1", b"made up").unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"made up"));
        assert_eq!(&**vault.open("login 1", &sealed).unwrap(), b"made up");
        assert!(vault.open("login 2", &sealed).is_err());
        let other = Vault::new(&new_key().unwrap()).unwrap();
        assert!(other.open("login 1", &sealed).is_err());
        assert!(vault.open("login 1", &sealed[..20]).is_err());
        assert_ne!(sealed, vault.seal("login 1", b"made up").unwrap());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "abc", "zz", &"0".repeat(62)] {
            assert!(Vault::new(text).is_err(), "{text}");
        }
        assert!(Vault::new(&format!("{}\n", "0a".repeat(32))).is_ok());
    }
}
