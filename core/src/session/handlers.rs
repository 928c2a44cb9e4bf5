//! Handlers: their list, their results and their failures.

use std::any::Any;
use std::error::Error as StdError;

use crate::error::Error;

/// Result of a handler. Any error becomes one with `?`, and so does a text with `.into()`.
pub type HandlerResult = Result<(), Box<dyn StdError + Send + Sync>>;

/// Types that a handler may return: `()`, or a [`HandlerResult`], whose error is reported as a
/// warning.
///
/// There is one kind of `Result` here and no more, so that a handler that ends with `Ok(())`
/// needs no type annotation.
#[diagnostic::on_unimplemented(
    message = "a handler returns `()` or a `HandlerResult`, not `{Self}`",
    note = "end the handler with `Ok(())`, and put `?` behind what may fail"
)]
pub trait IntoHandlerResult {
    /// Converts the value that the handler returned.
    ///
    /// # Errors
    /// Fails when the handler did.
    fn into_handler_result(self) -> HandlerResult;
}

impl IntoHandlerResult for () {
    fn into_handler_result(self) -> HandlerResult {
        Ok(())
    }
}

impl IntoHandlerResult for HandlerResult {
    fn into_handler_result(self) -> HandlerResult {
        self
    }
}

/// Returns the failure of a handler in words, if it failed: it returned an error, it panicked
/// (`Err` of the outer result), or it waited for its own session, which was refused.
pub fn handler_failure(
    result: Result<HandlerResult, Box<dyn Any + Send>>,
    was_refused: bool,
) -> Option<String> {
    match result {
        Ok(Ok(())) => was_refused.then(|| Error::WithinHandler.to_string()),
        Ok(Err(error)) => Some(error.to_string()),
        Err(payload) => {
            let words = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("a panic without words");
            Some(format!("it panicked: {words}"))
        }
    }
}

/// The handlers of a session, in the order in which they are called.
#[derive(Debug)]
pub struct HandlerList<H> {
    handlers: Vec<(HandlerId, H)>,
    next_id: u64,
}

/// Identity of a handler within its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId(u64);

impl<H> HandlerList<H> {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self {
            handlers: Vec::new(),
            next_id: 0,
        }
    }

    /// Adds a handler, to be called after all others.
    pub fn add(&mut self, handler: H) -> HandlerId {
        let id = HandlerId(self.next_id);
        self.next_id += 1;
        self.handlers.push((id, handler));
        id
    }

    /// Removes a handler and returns it; `None` if it was removed before.
    pub fn remove(&mut self, id: HandlerId) -> Option<H> {
        let position = self.position(id)?;
        Some(self.handlers.remove(position).1)
    }

    /// Returns a handler, unless it was removed.
    pub fn get(&self, id: HandlerId) -> Option<&H> {
        self.handlers.get(self.position(id)?).map(|(_, it)| it)
    }

    /// Returns the handlers of this moment.
    ///
    /// Each is looked up again when its turn comes: a handler that was removed meanwhile is not
    /// called, one that was added is called from the next update on.
    pub fn ids(&self) -> Vec<HandlerId> {
        self.handlers.iter().map(|(id, _)| *id).collect()
    }

    fn position(&self, id: HandlerId) -> Option<usize> {
        self.handlers.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}

impl<H> Default for HandlerList<H> {
    fn default() -> Self {
        Self::new()
    }
}
