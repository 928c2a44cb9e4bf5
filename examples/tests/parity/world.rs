//! A service that is called, not connected to.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::poller::{PollerConfig, Status};
use bilibili_session::session::Update;
use bilibili_session::{
    ClientConfig, Credential, Event, Hosts, TransportError, TransportErrorKind,
};
use bilibili_session_blocking::now;
use bilibili_session_simulator::{Answer, Fault, NewMessage, Simulator};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};

use super::runtime::{Running, Session};

/// Far more than any machine is late, far less than what must not be waited for.
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const NEVER: Duration = Duration::from_secs(600);
/// Several rounds.
pub(crate) const A_WHILE: Duration = Duration::from_millis(300);

type Answered = BoxFuture<'static, Result<Response<Vec<u8>>, TransportError>>;

/// A closure that is a transport on every async runtime.
pub(crate) trait Carry: Fn(Request<Vec<u8>>) -> Answered + Send + Sync {}

impl<F: Fn(Request<Vec<u8>>) -> Answered + Send + Sync> Carry for F {}

/// A service. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct World(pub(crate) Arc<Mutex<Simulator>>);

impl World {
    pub(crate) async fn answer(
        self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let answer = self.0.lock().unwrap().handle(now().wall.0, &request);
        match answer {
            Answer::Respond(response) => Ok(response),
            Answer::Delayed(delay, response) => {
                sleep(delay).await;
                Ok(response)
            }
            Answer::Hang => pending().await,
            Answer::Truncated(_) | Answer::Reset => Err(TransportError::new(
                TransportErrorKind::Interrupted,
                "cut off",
            )),
        }
    }

    pub(crate) fn transport(&self) -> impl Carry + use<> {
        let world = self.clone();
        move |request| world.clone().answer(request).boxed()
    }

    pub(crate) fn context(&self) -> ClientConfig {
        let login = self.0.lock().unwrap().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build();
        ClientConfig::new(credential.unwrap()).hosts(Hosts::origin("http://127.0.0.1:1").unwrap())
    }

    pub(crate) fn session<S: Session>(&self) -> S {
        S::new(self.context(), self.transport(), often())
    }

    pub(crate) fn receive(&self, from: i64, text: &str) {
        let mut simulator = self.0.lock().unwrap();
        let message = NewMessage::text(from, text);
        simulator.receive(now().wall.0, message).unwrap();
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.0.lock().unwrap().push_fault(fault);
    }

    /// The login is dead from now on.
    pub(crate) fn log_out(&self) {
        let mut simulator = self.0.lock().unwrap();
        let uid = simulator.login().uid;
        simulator.log_out(uid).unwrap();
    }

    /// Returns the number of requests that came to paths with this part.
    pub(crate) fn requests(&self, part: &str) -> u64 {
        let state = self.0.lock().unwrap().state();
        let requests = state.get("requests").unwrap().as_object().unwrap();
        let fitting = requests.iter().filter(|(path, _)| path.contains(part));
        fitting.map(|(_, count)| count.as_u64().unwrap()).sum()
    }

    pub(crate) fn receivers(&self) -> Vec<i64> {
        let simulator = self.0.lock().unwrap();
        simulator.sent().map(|sent| sent.receiver_id).collect()
    }
}

pub(crate) fn often() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(20))
}

/// Calls this when the baseline is taken: what it sends comes out.
pub(crate) fn when_connected<S: Session>(session: &S, mut act: impl FnMut() + Send + 'static) {
    session.on_status(move |change, _| {
        if change.status == Status::Connected {
            act();
        }
    });
}

pub(crate) fn text(event: &Event) -> String {
    event.text().unwrap().to_owned()
}

pub(crate) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// A session that does nothing after its baseline, which is taken.
pub(crate) fn idle<S: Session>(world: &World) -> (S, Running) {
    let config = PollerConfig::new().interval(NEVER);
    let session = S::new(world.context(), world.transport(), config);
    let (connected, is_connected) = mpsc::channel();
    when_connected(&session, move || connected.send(()).unwrap());
    let running = session.run();
    is_connected.recv_timeout(SOON).unwrap();
    (session, running)
}

pub(crate) fn is_connected(update: &Update) -> bool {
    matches!(update, Update::Status(change) if change.status == Status::Connected)
}
