//! An account of the simulator, and its examination in virtual time.

use std::collections::BTreeMap;

use bilibili_session::endpoints::{Nav, SetTop};
use bilibili_session::{
    Auth, ClientConfig, Credential, Endpoint, ErrorClass, Identity, Uid, UnixMicros,
};
use bilibili_session_simulator::{NewMessage, Quirks, Simulator};
use serde_json::Value;

use super::super::examination::Examination;
use super::super::findings::Finding;
use super::super::question::Probe;

/// Time far behind the last message: the account is at rest.
pub(super) const START_US: i64 = 1_700_000_000_000_000;
pub(super) const SECOND_US: i64 = 1_000_000;

/// Report of an examination, and number of its requests.
pub(super) struct Examined {
    pub(super) findings: BTreeMap<String, Value>,
    pub(super) all: Vec<Finding>,
    pub(super) requests: u32,
    pub(super) ended: Option<ErrorClass>,
}

pub(super) struct Account {
    pub(super) simulator: Simulator,
    pub(super) context: ClientConfig,
    pub(super) now_us: i64,
    /// Set if users write between any two requests.
    pub(super) is_lively: bool,
}

impl Account {
    pub(super) fn new(quirks: &Quirks) -> Self {
        let mut simulator = Simulator::default();
        *simulator.quirks_mut() = quirks.clone();
        let login = simulator.login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build()
            .unwrap();
        Self {
            simulator,
            context: ClientConfig::new(credential),
            now_us: START_US,
            is_lively: false,
        }
    }

    /// Creates so many conversations of each kind, of so many messages each, drawn anew for each.
    pub(super) fn any(quirks: &Quirks, mut below: impl FnMut(u64) -> u64) -> Self {
        let mut account = Self::new(quirks);
        for n in 0..below(12) {
            let uid = 20_001 + i64::try_from(n).unwrap();
            let peer = account.simulator.peer_mut(uid);
            peer.is_follow = below(2) == 0;
            peer.is_intercept = below(4) == 0;
            peer.system_msg_type = if below(4) == 0 { 5 } else { 0 };
            let is_group = below(4) == 0;
            for _ in 0..=below(9) {
                let message = NewMessage::text(uid, "你好");
                account.receive(match is_group {
                    true => message.in_group(200_000 + uid),
                    false => message,
                });
            }
            if below(5) == 0 && !is_group {
                account.call(&SetTop::pin(Uid(uid)));
            }
        }
        account.now_us += 3600 * SECOND_US;
        account
    }

    /// Conversations of each type side by side, the oldest first; that with 20001 is the
    /// newest and has 45 messages; a group has one; 20008 is pinned.
    pub(super) fn rich(quirks: &Quirks) -> Self {
        let mut account = Self::new(quirks);
        for n in (1..=8).rev() {
            account.receive(NewMessage::text(40_000 + n, "好").in_group(221_300 + n));
            for (first, is_follow, is_intercept, system) in [
                (30_000, false, false, 0),
                (50_000, false, true, 0),
                (60_000, true, false, 5),
                (20_010, true, false, 0),
                (20_000, true, false, 0),
            ] {
                let peer = account.simulator.peer_mut(first + n);
                peer.is_follow = is_follow;
                peer.is_intercept = is_intercept;
                peer.system_msg_type = system;
                let count = if first + n == 20_001 { 45 } else { 1 };
                for _ in 0..count {
                    account.receive(NewMessage::text(first + n, "你好"));
                }
            }
        }
        account.call(&SetTop::pin(Uid(20_003)));
        account.now_us += 3600 * SECOND_US;
        account
    }

    pub(super) fn receive(&mut self, message: NewMessage) {
        self.now_us += SECOND_US;
        self.simulator.receive(self.now_us, message).unwrap();
    }

    pub(super) fn call<E: Endpoint>(&mut self, endpoint: &E) -> E::Output {
        let proof = E::Auth::without_identity().unwrap();
        let request = endpoint.request(&self.context, proof).unwrap();
        let answer = self.simulator.handle(self.now_us, &request);
        endpoint.parse(&answer.into_response().unwrap()).unwrap()
    }

    pub(super) fn examine(&mut self) -> Examined {
        let identity: Identity = self.call(&Nav).into_identity().unwrap();
        let mut examination = Examination::new();
        while let Some(next) = examination.next() {
            if self.is_lively {
                self.receive(NewMessage::text(20_001, "还在吗"));
                self.receive(NewMessage::text(20_012, "在"));
            }
            self.now_us += 3 * SECOND_US;
            let now = UnixMicros(self.now_us);
            let probe = Probe {
                question: next.1,
                keys: &identity.keys,
                wts: examination.server_now(now),
            };
            let request = probe.request(&self.context, ()).unwrap();
            assert_eq!(request.method(), "GET", "{next:?}");
            let answer = self.simulator.handle(self.now_us, &request);
            let reply = probe.parse(&answer.into_response().unwrap());
            examination.learn(next, reply, now);
        }
        let all = examination.findings();
        Examined {
            findings: all
                .iter()
                .map(|it| (it.name.clone(), it.value.clone()))
                .collect(),
            all,
            requests: examination.asked(),
            ended: examination.ended().map(|error| error.class()),
        }
    }
}
