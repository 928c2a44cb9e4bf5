//! Handlers, and who is called when.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bilibili_session::poller::{Notice, Status, StatusChange};
use bilibili_session::session::{Outcome, Update, handler_panicked};
use bilibili_session::{ConversationId, Event, EventType};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use crate::session::Session;
use crate::updates::Updates;

pub(crate) type Handler<T> =
    Arc<Mutex<dyn FnMut(Arc<T>, Session) -> BoxFuture<'static, Result<(), String>> + Send>>;

pub(crate) struct Handlers {
    pub(crate) event: Vec<(Option<EventType>, Handler<Event>)>,
    pub(crate) notice: Vec<Handler<Notice>>,
    pub(crate) status: Vec<Handler<StatusChange>>,
    pub(crate) side_by_side: usize,
    pub(crate) waiting: usize,
}

impl Default for Handlers {
    fn default() -> Self {
        Self {
            event: Vec::new(),
            notice: Vec::new(),
            status: Vec::new(),
            side_by_side: 16,
            waiting: 256,
        }
    }
}

pub(crate) fn boxed<T: 'static, F, R>(mut handler: F) -> Handler<T>
where
    F: FnMut(Arc<T>, Session) -> R + Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    Arc::new(Mutex::new(move |item, session| {
        handler(item, session).map(Outcome::into_result).boxed()
    }))
}

/// Calls the handlers for everything that the session tells, until it is over.
pub(crate) async fn dispatch(session: &Session) {
    let mut updates = Updates::new(session.clone(), true);
    let mut desk = Desk::new(session.clone());
    let mut is_over = false;
    let turn = |cx: &mut Context<'_>| {
        loop {
            desk.begin();
            if let Poll::Ready(Some(done)) = desk.running.poll_next_unpin(cx) {
                desk.finish(done);
                continue;
            }
            if !is_over && desk.has_room() {
                match updates.poll_next_unpin(cx) {
                    Poll::Ready(Some(update)) => desk.put(update.into()),
                    Poll::Ready(None) => is_over = true,
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            }
            return match is_over && desk.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            };
        }
    };
    poll_fn(turn).await;
}

/// What is to be handled in order: a conversation's messages, or (`None`) all the rest.
type Lane = Option<ConversationId>;

#[derive(Clone)]
enum Item {
    Event(Arc<Event>),
    Notice(Arc<Notice>),
    Status(Arc<StatusChange>),
}

impl From<Update> for Item {
    fn from(update: Update) -> Self {
        match update {
            Update::Event(event) => Self::Event(Arc::new(event)),
            Update::Notice(notice) => Self::Notice(Arc::new(notice)),
            Update::Status(change) => Self::Status(Arc::new(change)),
        }
    }
}

impl Item {
    fn lane(&self) -> Lane {
        match self {
            Self::Event(event) => Some(event.conversation),
            Self::Notice(_) | Self::Status(_) => None,
        }
    }
}

/// An item whose handlers have all returned, and what those said that failed.
struct Done {
    item: Item,
    failures: Vec<String>,
}

struct Desk {
    session: Session,
    /// The lanes that have an item at work or ready, and what waits behind it.
    lanes: HashMap<Lane, VecDeque<Item>>,
    /// Items that are the first of their lanes.
    ready: VecDeque<Item>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    /// How many items wait, in lanes or ready.
    waiting: usize,
}

impl Desk {
    /// Begins with what an earlier one was not done with.
    fn new(session: Session) -> Self {
        let mut desk = Self {
            session,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            running: FuturesUnordered::new(),
            waiting: 0,
        };
        for event in desk.session.unhandled() {
            desk.put(Item::Event(event));
        }
        desk
    }

    fn has_room(&self) -> bool {
        self.waiting < self.session.handlers().waiting
    }

    fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting == 0
    }

    fn put(&mut self, item: Item) {
        self.waiting += 1;
        match self.lanes.get_mut(&item.lane()) {
            Some(lane) => lane.push_back(item),
            None => {
                self.lanes.insert(item.lane(), VecDeque::new());
                self.ready.push_back(item);
            }
        }
    }

    /// Begins with what is ready, up to the limit.
    fn begin(&mut self) {
        let is_closed = matches!(self.session.status(), Status::Closing | Status::Closed);
        let limit = self.session.handlers().side_by_side;
        while self.running.len() < limit
            && let Some(item) = self.ready.pop_front()
        {
            self.waiting -= 1;
            if is_closed && matches!(item, Item::Event(_)) {
                // Not handled: the checkpoint does not cover it.
                self.next_of(item.lane());
            } else {
                let work = handle(self.session.clone(), item);
                self.running.push(work.boxed());
            }
        }
    }

    fn finish(&mut self, done: Done) {
        let lane = done.item.lane();
        if let Item::Event(event) = &done.item {
            self.session.handled(event);
            for reason in done.failures {
                self.put(Item::Notice(Arc::new(Notice::HandlerFailed {
                    conversation: event.conversation,
                    reason,
                })));
            }
        }
        self.next_of(lane);
    }

    /// The next item of a lane is ready, if there is one.
    fn next_of(&mut self, lane: Lane) {
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(item) => self.ready.push_back(item),
            None => drop(self.lanes.remove(&lane)),
        }
    }
}

async fn handle(session: Session, item: Item) -> Done {
    let failures = match &item {
        Item::Event(event) => {
            let fits = |wanted: Option<EventType>| {
                wanted.is_none_or(|wanted| wanted == event.event_type())
            };
            let handlers = session
                .handlers()
                .event
                .iter()
                .filter(|(wanted, _)| fits(*wanted))
                .map(|(_, handler)| Arc::clone(handler))
                .collect();
            call(handlers, event, &session).await
        }
        Item::Notice(notice) => {
            let handlers = session.handlers().notice.clone();
            call(handlers, notice, &session).await
        }
        Item::Status(change) => {
            let handlers = session.handlers().status.clone();
            call(handlers, change, &session).await
        }
    };
    Done { item, failures }
}

/// Calls one after the other, and says how those failed that did.
async fn call<T>(handlers: Vec<Handler<T>>, item: &Arc<T>, session: &Session) -> Vec<String> {
    let mut failures = Vec::new();
    for handler in handlers {
        let work = async {
            let begin = || {
                let mut handler = handler.lock().unwrap_or_else(PoisonError::into_inner);
                handler(Arc::clone(item), session.clone())
            };
            begin().await
        };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => failures.push(reason),
            Err(payload) => failures.push(handler_panicked(&*payload)),
        }
    }
    failures
}
