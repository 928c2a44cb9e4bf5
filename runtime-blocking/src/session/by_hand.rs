//! A session in virtual time.

use std::ops::{Deref, DerefMut};

use bilibili_session::Now;
use bilibili_session::session::{Driven, Machine, Turn, Update};

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
    fn turn(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Turn {
        let engine = self.session.engine();
        engine.set_time(now);
        loop {
            // A statement of its own: no lock is held while handlers run.
            let turn = engine.machine().poll(now);
            let Turn::Handle(task) = turn else {
                return turn;
            };
            handled(task.update());
            let failures = self.session.call_handlers(task.update());
            engine.machine().handle_done(task, failures);
        }
    }

    fn machine(&self) -> impl Deref<Target = Machine> {
        self.session.engine().machine()
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = Machine> {
        self.session.engine().machine()
    }
}
