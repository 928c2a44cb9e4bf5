//! Handlers: their registration at a session, and their removal.

mod work;

pub(crate) use work::{Work, call_handlers};

use std::future::Future;
use std::sync::{Arc, Mutex, Weak};

use bilibili_session::feeds::NewLikes;
use bilibili_session::model::{At, Reply, SystemNotice};
use bilibili_session::poller::{StatusChange, Warning};
use bilibili_session::session::{HandlerId, HandlerResult, IntoHandlerResult, Update};
use bilibili_session::{Event, EventType, FeedEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::Session;
use crate::engine::lock;
use crate::session::Shared;

/// Begins to handle an update, if it is of the kind that the handler was given for.
pub(crate) type HandlerFn = Arc<Mutex<dyn FnMut(&Update, &Session) -> Option<Handling> + Send>>;

type Handling = BoxFuture<'static, HandlerResult>;

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
    /// All handlers that fit an update are called, in the order in which they were given, one
    /// after the other; messages of different conversations are handled side by side. One that
    /// returns an error or panics is reported to [`on_warning`](Self::on_warning) and stops no
    /// other. A handler returns nothing, or a `Result` that takes any error, so it can use `?` and
    /// end with `Ok(())`. A handler that keeps a clone of the session keeps it alive for ever;
    /// take the one that comes as an argument.
    ///
    /// The handler stays when the returned handle is dropped: [`Handler::remove`] removes it.
    pub fn on_text<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(String, Arc<Event>, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            let text = event.text()?.to_owned();
            Some(handler(text, event.clone(), session.clone()))
        })
    }

    /// Calls this for every message of one type, like [`on_text`](Self::on_text).
    pub fn on<F, R>(&self, event_type: EventType, mut handler: F) -> Handler
    where
        F: FnMut(Arc<Event>, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            (event.event_type() == event_type).then(|| handler(event.clone(), session.clone()))
        })
    }

    /// Calls this for every message, like [`on_text`](Self::on_text).
    pub fn on_any<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(Arc<Event>, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.event()?.clone(), session.clone()))
        })
    }

    /// Calls this for every reply to something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_reply<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(Reply, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::Reply(reply) => Some(handler(reply.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for every mention of this account, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_at<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(At, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::At(at) => Some(handler(at.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for new likes of something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_like<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(NewLikes, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::Like(likes) => Some(handler(likes.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for every notice of the system, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_system<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(SystemNotice, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::System(notice) => Some(handler(notice.clone(), session)),
            _ => None,
        })
    }

    fn on_feed<R: Future<Output: IntoHandlerResult> + Send + 'static>(
        &self,
        mut handler: impl FnMut(&FeedEvent, Session) -> Option<R> + Send + 'static,
    ) -> Handler {
        self.add_handler(move |update, session| handler(update.feed_event()?, session.clone()))
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_warning<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(Arc<Warning>, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.warning()?.clone(), session.clone()))
        })
    }

    /// Calls this for every change of the state.
    pub fn on_status<F, R>(&self, mut handler: F) -> Handler
    where
        F: FnMut(Arc<StatusChange>, Session) -> R + Send + 'static,
        R: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.status()?.clone(), session.clone()))
        })
    }

    fn add_handler<R: Future<Output: IntoHandlerResult> + Send + 'static>(
        &self,
        mut handler: impl FnMut(&Update, &Session) -> Option<R> + Send + 'static,
    ) -> Handler {
        let handler = move |update: &Update, session: &Session| {
            handler(update, session)
                .map(|work| work.map(IntoHandlerResult::into_handler_result).boxed())
        };
        let id = lock(&self.shared.handlers).add(Arc::new(Mutex::new(handler)));
        let session = Arc::downgrade(&self.shared);
        Handler { session, id }
    }
}
