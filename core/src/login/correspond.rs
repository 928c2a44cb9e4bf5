//! Path of the page that a login is renewed with.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::sha2::Sha256;

use crate::error::{BuildError, Error};

/// Public key of the site, 1024 bits: PKCS#8 in Base64.
const KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDLgd2OAkcGVtoE3ThUREbio0EgUc/prcajMKXvkCKFCWhJYJcLkcM2DKKcSeFpD/j6Boy538YXnR6VhcuUJOhH2x71nzPjfdTcqMz7djHum0qSZA0AyCBDABUqCrfNgCiJ00Ra7GmRj+YCK1NJEuewlb40JNrRuoEUXpabUzGB8QIDAQAB";

/// Returns the path for a time that the service named, in milliseconds.
pub(super) fn path(timestamp_ms: i64, seed: [u8; 32]) -> Result<String, Error> {
    let unusable = || Error::from(BuildError::NotSendable("the key of the site"));
    let der = BASE64.decode(KEY.as_bytes()).map_err(|_| unusable())?;
    let key = PublicKey::from_public_key_der(&der).map_err(|_| unusable())?;
    encrypted(&key, timestamp_ms, seed).ok_or_else(unusable)
}

/// Encrypts by RSA-OAEP with SHA-256, also in its MGF1; in lower-case hex.
fn encrypted(key: &PublicKey, timestamp_ms: i64, seed: [u8; 32]) -> Option<String> {
    let text = format!("refresh_{timestamp_ms}");
    let encrypted = key.oaep_encrypt_with_rng::<Sha256, _>(&mut Given(Some(seed)), text.as_bytes());
    Some(HEXLOWER.encode(&encrypted.ok()?))
}

/// The randomness that was given: OAEP draws its seed once. The core draws none.
struct Given(Option<[u8; 32]>);

impl TryRng for Given {
    type Error = fmt::Error;

    fn try_next_u32(&mut self) -> Result<u32, fmt::Error> {
        Err(fmt::Error)
    }

    fn try_next_u64(&mut self) -> Result<u64, fmt::Error> {
        Err(fmt::Error)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), fmt::Error> {
        match self.0.take() {
            Some(given) if given.len() == bytes.len() => {
                bytes.copy_from_slice(&given);
                Ok(())
            }
            _ => Err(fmt::Error),
        }
    }
}

impl TryCryptoRng for Given {}

#[cfg(test)]
mod tests {
    use rsa::PrivateKey;
    use rsa::pkcs8::DecodePrivateKey as _;

    use super::*;

    /// Made up for this test, with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024`.
    const PRIVATE: &str = include_str!("test_key.pem");

    #[test]
    fn who_has_the_private_key_reads_it() {
        let private = PrivateKey::from_pkcs8_pem(PRIVATE).unwrap();
        let hex = encrypted(private.as_public_key(), 1_700_000_000_123, [7; 32]).unwrap();
        let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
        let text = private.oaep_decrypt::<Sha256>(&bytes).unwrap();
        assert_eq!(text, b"refresh_1700000000123");
    }

    #[test]
    fn the_path_is_the_seed_s_alone() {
        let one = path(1_700_000_000_123, [1; 32]).unwrap();
        assert_eq!(one.len(), 256);
        assert!(one.bytes().all(|it| b"0123456789abcdef".contains(&it)));
        assert_eq!(path(1_700_000_000_123, [1; 32]).unwrap(), one);
        assert_ne!(path(1_700_000_000_123, [2; 32]).unwrap(), one);
        assert_ne!(path(1_700_000_000_124, [1; 32]).unwrap(), one);
    }
}
