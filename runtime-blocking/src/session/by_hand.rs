//! A session in virtual time.

use std::ops::{Deref, DerefMut};

use bilibili_session::Now;
use bilibili_session::session::{Driven, Output, SessionMachine, Sleep, Update};

use super::Session;

/// A session that is driven by hand, in a time that it is told: see [`Session::by_hand`].
#[derive(Debug)]
pub struct ByHand {
    session: Session,
}

impl ByHand {
    pub(super) const fn new(session: Session) -> Self {
        Self { session }
    }
}

impl Driven for ByHand {
    fn poll_output(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Output {
        let engine = self.session.engine();
        engine.set_time(now);
        loop {
            // A statement of its own: no lock is held while handlers run.
            let output = engine.machine().poll_output(now);
            let Output::Handle(dispatch) = output else {
                return output;
            };
            handled(dispatch.update());
            let failures = self.session.call_handlers(dispatch.update());
            engine.machine().handle_done(dispatch, failures);
        }
    }

    fn set_sleep(&mut self, sleep: Sleep) {
        self.session.engine().set_sleep(sleep);
    }

    fn machine(&self) -> impl Deref<Target = SessionMachine> {
        self.session.engine().machine()
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine> {
        self.session.engine().machine()
    }
}
