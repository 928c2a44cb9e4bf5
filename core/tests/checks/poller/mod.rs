//! A poller between a network that does anything and a driver that does as it is told.
//!
//! A script says what the server, the network, the clocks and the user do. After every step
//! the driver drains the poller, and looks at every output.

pub mod life;
pub mod script;
mod server;
mod steps;

use arbitrary::{Arbitrary, Unstructured};

use life::Life;
use script::Script;

/// Runs a script that is written in these bytes.
pub fn check(input: &[u8]) {
    if let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(input)) {
        check_script(&script, None);
    }
}

/// Runs a script. Where `live` tells how many bytes are allocated, what the poller holds at
/// the end is bounded.
pub fn check_script(script: &Script, live: Option<&dyn Fn() -> usize>) {
    let mut life = Life::new(&script.settings);
    life.run(script);
    if let Some(live) = live {
        // Those that have something to fetch are not forgotten.
        let conversations = life.poller.remembered_conversations();
        let held = life.settings.held_at_most() + conversations * 2048;
        let before = live();
        drop(life.poller);
        let freed = before.saturating_sub(live());
        assert!(freed <= held, "it held {freed} bytes, more than {held}");
    }
}
