//! A simulator with many accounts, each of which gets messages: `--example fleet_simulator -- ACCOUNTS MESSAGES_A_SECOND COOKIES`.
//!
//! Writes the `Cookie` header of each account to the file COOKIES, then prints where it listens.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Config, Login, NewMessage, Rng, Simulator};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "ACCOUNTS MESSAGES_A_SECOND COOKIES";
    let accounts: i64 = args.next().ok_or(usage)?.parse()?;
    let rate: f64 = args.next().ok_or(usage)?.parse()?;
    let cookies = args.next().ok_or(usage)?;

    let mut simulator = Simulator::new(Config {
        feeds: false,
        ..Config::default()
    });
    let mut lines = String::new();
    for place in 0..accounts {
        let login = Login::made_up(10_001 + place);
        writeln!(
            lines,
            "SESSDATA={}; bili_jct={}; DedeUserID={}",
            login.sessdata, login.bili_jct, login.uid
        )?;
        if place > 0 {
            simulator
                .add_account(login)
                .map_err(|error| error.to_string())?;
        }
    }
    std::fs::write(cookies, lines)?;
    let server = Server::start(simulator, 0)?;
    writeln!(std::io::stdout(), "{}", server.origin())?;

    let mut rng = Rng::new(1);
    for number in 1_u64.. {
        std::thread::sleep(Duration::from_secs_f64(1.0 / rate));
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let place = i64::try_from(rng.below(accounts.unsigned_abs()))?;
        let from = 20_001 + i64::try_from(rng.below(5))?;
        let message = NewMessage::text(from, &format!("message {number}"));
        let arrived = server.simulator().receive_for(
            10_001 + place,
            i64::try_from(now.as_micros())?,
            message,
        );
        arrived.map_err(|error| error.to_string())?;
    }
    Ok(())
}
