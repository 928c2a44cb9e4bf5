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

use crate::engine::lock;
use crate::session::Shared;
use crate::{Runtime, Session};

/// Begins to handle an update, if it is of the kind that the handler was given for.
pub(crate) type HandlerFn<R> =
    Arc<Mutex<dyn FnMut(&Update, &Session<R>) -> Option<Handling> + Send>>;

type Handling = BoxFuture<'static, HandlerResult>;

/// A handler that was given to a session. Dropping this handle changes nothing.
#[derive(Debug)]
pub struct Handler<R> {
    session: Weak<Shared<R>>,
    id: HandlerId,
}

impl<R: Runtime> Handler<R> {
    /// Removes the handler: it is not called again. A call that has begun goes on.
    pub fn remove(self) {
        if let Some(session) = self.session.upgrade() {
            // What the handler holds is dropped without the lock.
            let _removed = { lock(&session.handlers).remove(self.id) };
        }
    }
}

impl<R: Runtime> Session<R> {
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
    pub fn on_text<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(String, Arc<Event>, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            let text = event.text()?.to_owned();
            Some(handler(text, event.clone(), session.clone()))
        })
    }

    /// Calls this for every message of one type, like [`on_text`](Self::on_text).
    pub fn on<F, Fut>(&self, event_type: EventType, mut handler: F) -> Handler<R>
    where
        F: FnMut(Arc<Event>, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            (event.event_type() == event_type).then(|| handler(event.clone(), session.clone()))
        })
    }

    /// Calls this for every message, like [`on_text`](Self::on_text).
    pub fn on_any<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(Arc<Event>, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.event()?.clone(), session.clone()))
        })
    }

    /// Calls this for every reply to something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_reply<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(Reply, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::Reply(reply) => Some(handler(reply.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for every mention of this account, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_at<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(At, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::At(at) => Some(handler(at.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for new likes of something of this account, if that
    /// [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_like<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(NewLikes, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::Like(likes) => Some(handler(likes.clone(), session)),
            _ => None,
        })
    }

    /// Calls this for every notice of the system, if that [feed](bilibili_session::poller::PollerConfig::feeds) is read.
    pub fn on_system<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(SystemNotice, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.on_feed(move |event, session| match event {
            FeedEvent::System(notice) => Some(handler(notice.clone(), session)),
            _ => None,
        })
    }

    fn on_feed<Fut: Future<Output: IntoHandlerResult> + Send + 'static>(
        &self,
        mut handler: impl FnMut(&FeedEvent, Session<R>) -> Option<Fut> + Send + 'static,
    ) -> Handler<R> {
        self.add_handler(move |update, session| handler(update.feed_event()?, session.clone()))
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_warning<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(Arc<Warning>, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.warning()?.clone(), session.clone()))
        })
    }

    /// Calls this for every change of the state.
    pub fn on_status<F, Fut>(&self, mut handler: F) -> Handler<R>
    where
        F: FnMut(Arc<StatusChange>, Session<R>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.add_handler(move |update, session| {
            Some(handler(update.status()?.clone(), session.clone()))
        })
    }

    fn add_handler<Fut: Future<Output: IntoHandlerResult> + Send + 'static>(
        &self,
        mut handler: impl FnMut(&Update, &Session<R>) -> Option<Fut> + Send + 'static,
    ) -> Handler<R> {
        let handler = move |update: &Update, session: &Session<R>| {
            handler(update, session)
                .map(|work| work.map(IntoHandlerResult::into_handler_result).boxed())
        };
        let id = lock(&self.shared.handlers).add(Arc::new(Mutex::new(handler)));
        let session = Arc::downgrade(&self.shared);
        Handler { session, id }
    }
}
