//! Ways out: addresses or proxies, each with its budget of requests.

use crate::database::Database;
use crate::error::Error;
use crate::vault::Vault;

/// Name of the machine's own address.
pub const DIRECT: &str = "direct";

/// Returns what the address of a proxy is encrypted as.
pub(crate) fn sealed_as(name: &str) -> String {
    format!("proxy of {name}")
}

/// Adds a way out, or changes it: the requests a second of all workers together, and the address of a proxy (`None`
/// leaves it as it is).
///
/// # Errors
/// Fails when the budget is not above 0, the proxy is that of the machine's own address, or the database cannot be asked.
pub async fn set(
    database: &Database,
    vault: &Vault,
    name: &str,
    budget: f64,
    proxy: Option<&str>,
) -> Result<(), Error> {
    if !(budget.is_finite() && budget > 0.0) {
        return Err(Error::usage("a budget is more than 0 requests a second"));
    }
    if name == DIRECT && proxy.is_some() {
        return Err(Error::usage(
            "`direct` is the machine's own address: give the proxy a name of its own",
        ));
    }
    let proxy = proxy.map(|proxy| vault.seal(&sealed_as(name), proxy.as_bytes()));
    let proxy = proxy.transpose()?;
    let client = database.client().await?;
    let set = "INSERT INTO bili_fleet.ways (name, budget, proxy) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET budget = excluded.budget, proxy = coalesce(excluded.proxy, ways.proxy)";
    client.execute(set, &[&name, &budget, &proxy]).await?;
    Ok(())
}
