//! Which handlers run on this thread.
//!
//! A handler that waits for what comes next in its own session waits for itself: what follows
//! in its conversation comes after it has returned, and so does the end. That is refused.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

thread_local! {
    /// The innermost last: a handler may drive another session.
    static HANDLERS: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

struct Running {
    session: usize,
    was_refused: bool,
}

/// Calls a handler of this session: the result, and whether [`refuses`] had to refuse it
/// something.
pub(crate) fn within<T>(session: usize, handler: impl FnOnce() -> T) -> (thread::Result<T>, bool) {
    let running = Running {
        session,
        was_refused: false,
    };
    // Fails while the thread ends: then it calls no handler either.
    let _ = HANDLERS.try_with(|handlers| handlers.borrow_mut().push(running));
    let result = catch_unwind(AssertUnwindSafe(handler));
    let running = HANDLERS.try_with(|handlers| handlers.borrow_mut().pop());
    let was_refused = matches!(running, Ok(Some(running)) if running.was_refused);
    (result, was_refused)
}

/// Refuses a wait for this session where it would never end: within one of its own handlers.
pub(crate) fn refuses(session: usize) -> bool {
    let is_own = HANDLERS.try_with(|handlers| {
        let mut handlers = handlers.borrow_mut();
        let mut own = handlers.iter_mut().rfind(|it| it.session == session);
        if let Some(running) = &mut own {
            running.was_refused = true;
        }
        own.is_some()
    });
    is_own == Ok(true)
}
