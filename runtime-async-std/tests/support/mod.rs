//! The login of a simulator that is called, not connected to.

use std::sync::{Arc, Mutex};

use bilibili_session::{ClientConfig, Credential, Hosts};
use bilibili_session_simulator::Simulator;

pub(crate) type Shared = Arc<Mutex<Simulator>>;

pub(crate) fn context(simulator: &Shared) -> ClientConfig {
    let login = simulator.lock().unwrap().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    ClientConfig::new(credential).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
}
