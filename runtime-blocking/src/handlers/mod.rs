//! Handlers: their registration at a session, their calls, and their removal.

use std::sync::{Arc, Mutex, Weak};

use bilibili_session::feeds::NewLikes;
use bilibili_session::model::{At, Reply, SystemNotice};
use bilibili_session::poller::{StatusChange, Warning};
use bilibili_session::session::{HandlerId, HandlerResult, IntoHandlerResult, Update};
use bilibili_session::{Event, EventType, FeedEvent};

use crate::Session;
use crate::engine::lock;
use crate::session::Shared;

/// Handles an update, if it is of the kind that the handler was given for.
pub(crate) type HandlerFn = Arc<Mutex<dyn FnMut(&Update, &Session) -> HandlerResult + Send>>;

/// A handler that was given to a session. Dropping this handle changes nothing.
#[derive(Debug)]
pub struct Handler {
    session: Weak<Shared>,
    id: HandlerId,
}

impl Handler {
    /// Removes the handler: it is not called again. A call that has begun goes on.
    pub fn remove(self) {
        if let Some(session) = self.session.upgrade() {
            // What the handler holds is dropped without the lock.
            let _removed = { lock(&session.handlers).remove(self.id) };
        }
    }
}

impl Session {
    /// Calls this for every text message, with its text.
    ///
    /// All handlers that fit an update are called, in the order in which they were given. One
    /// that returns an error or panics is reported to [`on_warning`](Self::on_warning) and stops
    /// no other. A handler returns nothing, or a `Result` that takes any error, so it can use `?`
    /// and end with `Ok(())`. A handler that keeps a clone of the session keeps it alive for
    /// ever; take the one that comes as an argument.
    ///
    /// The handler stays when the returned handle is dropped: [`Handler::remove`] removes it.
    pub fn on_text<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&str, &Event, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            Some(handler(event.text()?, event, session))
        })
    }

    /// Calls this for every message of one type, like [`on_text`](Self::on_text).
    pub fn on<R: IntoHandlerResult>(
        &self,
        event_type: EventType,
        mut handler: impl FnMut(&Event, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            (event.event_type() == event_type).then(|| handler(event, session))
        })
    }

    /// Calls this for every message, like [`on_text`](Self::on_text).
    pub fn on_any<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Event, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| Some(handler(update.event()?, session)))
    }

    /// Calls this for every reply to something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_reply<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Reply, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.on_feed(move |event, session| match event {
            FeedEvent::Reply(reply) => Some(handler(reply, session)),
            _ => None,
        })
    }

    /// Calls this for every mention of this account, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_at<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&At, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.on_feed(move |event, session| match event {
            FeedEvent::At(at) => Some(handler(at, session)),
            _ => None,
        })
    }

    /// Calls this for new likes of something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_like<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&NewLikes, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.on_feed(move |event, session| match event {
            FeedEvent::Like(likes) => Some(handler(likes, session)),
            _ => None,
        })
    }

    /// Calls this for every notice of the system, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_system<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&SystemNotice, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.on_feed(move |event, session| match event {
            FeedEvent::System(notice) => Some(handler(notice, session)),
            _ => None,
        })
    }

    fn on_feed<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&FeedEvent, &Session) -> Option<R> + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| handler(update.feed_event()?, session))
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_warning<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Warning, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| Some(handler(update.warning()?, session)))
    }

    /// Calls this for every change of the state.
    pub fn on_status<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&StatusChange, &Session) -> R + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| Some(handler(update.status()?, session)))
    }

    fn add_handler<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Update, &Session) -> Option<R> + Send + 'static,
    ) -> Handler {
        let handler = move |update: &Update, session: &Session| {
            handler(update, session).map_or(Ok(()), R::into_handler_result)
        };
        let id = lock(&self.shared.handlers).add(Arc::new(Mutex::new(handler)));
        let session = Arc::downgrade(&self.shared);
        Handler { session, id }
    }

    /// Calls each handler; returns the failures of those that failed.
    pub(crate) fn call_handlers(&self, update: &Update) -> Vec<String> {
        let handlers = &self.shared.handlers;
        let ids = lock(handlers).ids();
        let call = |id| {
            let handler = lock(handlers).get(id).cloned()?;
            self.engine().failure_of(|| lock(&handler)(update, self))
        };
        ids.into_iter().filter_map(call).collect()
    }
}
