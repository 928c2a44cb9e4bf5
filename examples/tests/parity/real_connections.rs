//! A session over the runtime's own HTTP, against a server that fails in every way.

use std::collections::HashMap;
use std::time::Duration;

use bilibili_session::poller::{PollerConfig, Status};
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_blocking::now;
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Simulator};
use http::StatusCode;

use super::runtime::{Session, on_every_runtime};

on_every_runtime! {
    everything_arrives_once_and_in_order_whatever_the_server_does,
}

fn everything_arrives_once_and_in_order_whatever_the_server_does<S: Session>() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let login = server.simulator().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build();
    let context =
        ClientConfig::new(credential.unwrap()).hosts(Hosts::origin(&server.origin()).unwrap());
    let config = PollerConfig::new()
        .interval(Duration::from_millis(30))
        .page_size(7);
    let transport = TransportConfig::new().timeout(Duration::from_secs(2));
    let session = S::over_http(context, &transport, config, None);

    let mut texts: HashMap<i64, Vec<String>> = HashMap::new();
    let mut retries = 0;
    for update in session.updates() {
        match update {
            Update::Status(change) if change.status == Status::Connected => {
                let mut simulator = server.simulator();
                for number in 0..20 {
                    for from in [20001, 20002] {
                        let message = NewMessage::text(from, &number.to_string());
                        simulator.receive(now().wall.0, message).unwrap();
                    }
                }
                simulator.rotate_keys();
                for kind in [
                    FaultKind::Reset,
                    FaultKind::Truncated,
                    FaultKind::Hang,
                    FaultKind::Http(StatusCode::BAD_GATEWAY),
                ] {
                    simulator.push_fault(Fault::once("fetch_session_msgs", kind));
                }
            }
            Update::Event(event) => {
                let talker = texts.entry(event.talker_id()).or_default();
                talker.push(event.text().unwrap().to_owned());
            }
            Update::Warning(warning) => {
                retries += usize::from(warning.kind() == "retry");
            }
            Update::Feed(_) | Update::Status(_) => {}
        }
        if texts.values().map(Vec::len).sum::<usize>() == 40 {
            session.close();
        }
    }
    let all: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(texts, HashMap::from([(20001, all.clone()), (20002, all)]));
    assert!(retries + S::HIDDEN_RETRIES >= 4, "{retries}");
}
