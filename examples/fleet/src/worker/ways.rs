//! The ways out that a worker knows, as the database has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bilibili_session::{TransportError, Tunnel};
use bilibili_session_tokio::{ReqwestTransport, TransportConfig};

use super::gate::Way;
use crate::database::Database;
use crate::error::Error;
use crate::vault::Vault;
use crate::ways;

/// The ways out, each with the requests of a round of this worker's accounts on it, and of all that are watched. Feeds cost
/// half a request more: their counters in each fifth round, and each of them every five minutes.
const READ: &str = "
SELECT w.name, w.proxy, w.budget, w.slowed_until > clock_timestamp(),
    coalesce(sum(a.requests) FILTER (WHERE l.owner = $1), 0),
    coalesce(sum(a.requests) FILTER (WHERE l.until > clock_timestamp()), 0)
FROM bili_fleet.ways w
LEFT JOIN (
    SELECT uid, way, CASE feeds WHEN '{}' THEN 1.0 ELSE 1.5 END::double precision AS requests FROM bili_fleet.accounts) a
    ON a.way = w.name
LEFT JOIN bili_fleet.leases l USING (uid) GROUP BY w.name";

/// A way out as it was read.
struct Known {
    /// Address of its proxy, encrypted: where it is another one, the way is opened anew.
    proxy: Option<Vec<u8>>,
    /// None where it cannot be opened: its accounts wait until it is changed.
    way: Option<Arc<Way>>,
}

/// The ways out that a worker knows.
#[derive(Default)]
pub(super) struct Ways(BTreeMap<String, Known>);

impl Ways {
    /// Reads the ways out, and this worker's part of each budget: that of its accounts on it.
    pub(super) async fn refresh(
        &mut self,
        database: &Database,
        vault: &Vault,
        owner: &str,
    ) -> Result<(), Error> {
        let client = database.client().await?;
        let statement = client.prepare_cached(READ).await?;
        let mut there = BTreeSet::new();
        for row in client.query(&statement, &[&owner]).await? {
            let name: String = row.try_get(0)?;
            let proxy: Option<Vec<u8>> = row.try_get(1)?;
            let budget: f64 = row.try_get(2)?;
            let is_slowed: bool = row.try_get(3)?;
            let (own, all): (f64, f64) = (row.try_get(4)?, row.try_get(5)?);
            if self.0.get(&name).is_none_or(|it| it.proxy != proxy) {
                let way = open(vault, &name, proxy.as_deref(), budget);
                // The others are not to wait for this one.
                if let Err(why) = &way {
                    tracing::error!(
                        "the way out `{name}` cannot be opened, its accounts wait: {why}"
                    );
                }
                let way = way.ok().map(Arc::new);
                self.0.insert(name.clone(), Known { proxy, way });
            }
            if let Some(way) = self.get(&name) {
                let part = own.max(1.0) / all.max(own).max(1.0);
                way.share_out(budget, part, all, is_slowed);
            }
            there.insert(name);
        }
        self.0.retain(|name, _| there.contains(name));
        Ok(())
    }

    /// Returns the way out of this name, if there is one that could be opened.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Way>> {
        self.0.get(name)?.way.as_ref()
    }

    /// Returns whether this is still the way out of its name.
    pub(super) fn is_current(&self, way: &Arc<Way>) -> bool {
        self.get(&way.name).is_some_and(|it| Arc::ptr_eq(it, way))
    }

    /// Returns those that cannot be opened: their accounts are of no use here.
    pub(super) fn closed(&self) -> Vec<&str> {
        let closed = self.0.iter().filter(|(_, known)| known.way.is_none());
        closed.map(|(name, _)| name.as_str()).collect()
    }
}

fn open(vault: &Vault, name: &str, proxy: Option<&[u8]>, budget: f64) -> Result<Way, Error> {
    let mut config = TransportConfig::new();
    let refused = |error: TransportError| Error::usage(error.to_string());
    if let Some(sealed) = proxy {
        let proxy = vault.open(&ways::sealed_as(name), sealed)?;
        let proxy = String::from_utf8_lossy(&proxy);
        // With a scheme that the HTTP client does not know it would go out without the proxy.
        Tunnel::parse(&proxy).map_err(refused)?;
        config = config.proxy(proxy.into_owned());
    }
    let transport = ReqwestTransport::with_config(&config).map_err(refused)?;
    Ok(Way::new(name.to_owned(), config, transport, budget))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_left_out() {
        let vault = Vault::new(&crate::new_key().unwrap()).unwrap();
        let opens = |proxy: &str| {
            let sealed = vault.seal(&ways::sealed_as("it"), proxy.as_bytes());
            open(&vault, "it", Some(&sealed.unwrap()), 1.0).is_ok()
        };
        assert!(opens("http://127.0.0.1:8080"));
        // The HTTP client would take the first two, and go out directly.
        for proxy in ["sock5://127.0.0.1:1080", "htp://127.0.0.1:8080", ""] {
            assert!(!opens(proxy), "{proxy}");
        }
    }
}
