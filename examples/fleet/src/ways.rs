//! Ways out: addresses or proxies, each with its budget of requests.

use bilibili_session::Tunnel;

use crate::database::Database;
use crate::error::Error;
use crate::vault::Vault;

/// Least requests a second: one in 100 s. With less no account would ever be done with its round.
const LEAST: f64 = 0.01;
/// Name of the machine's own address.
pub const DIRECT: &str = "direct";

/// Returns what the address of a proxy is encrypted as.
pub(crate) fn sealed_as(name: &str) -> String {
    format!("proxy of {name}")
}

/// Adds a way out, or changes it: the requests a second of all workers together, and the address of a proxy (`None`
/// leaves it as it is): `http://HOST:PORT`, as requests and the push channel can both go through.
///
/// # Errors
/// Fails when the budget is below a hundredth, the proxy is of another kind or that of the machine's own address, or the database
/// cannot be asked.
pub async fn set(
    database: &Database,
    vault: &Vault,
    name: &str,
    budget: f64,
    proxy: Option<&str>,
) -> Result<(), Error> {
    if !(budget.is_finite() && budget >= LEAST) {
        let why = format!("a budget is at least {LEAST} requests a second");
        return Err(Error::usage(why));
    }
    if name == DIRECT && proxy.is_some() {
        return Err(Error::usage(
            "`direct` is the machine's own address: give the proxy a name of its own",
        ));
    }
    // Here, where somebody looks: workers could only leave its accounts unwatched.
    if let Some(Err(error)) = proxy.map(Tunnel::parse) {
        return Err(Error::usage(format!(
            "the proxy: {error}: http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT"
        )));
    }
    let proxy = proxy.map(|proxy| vault.seal(&sealed_as(name), proxy.as_bytes()));
    let proxy = proxy.transpose()?;
    let client = database.client().await?;
    let set = "INSERT INTO bili_fleet.ways (name, budget, proxy) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET budget = excluded.budget, proxy = coalesce(excluded.proxy, ways.proxy)";
    client.execute(set, &[&name, &budget, &proxy]).await?;
    Ok(())
}
