//! Names of users and groups for the lines of a command.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::endpoints::{GetSessionDetail, GetUserInfos, UserInfos};
use bilibili_session::model::FeedUser;
use bilibili_session::{
    ConversationId, Endpoint, Error, Event, Names, Now, TransportError, TransportErrorKind, Uid,
};

use crate::args::Common;

/// Number of names that are kept.
const MOST: usize = 10_000;
/// Time that a line waits for names. Without them it shows numbers.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two looks whether the end has come.
const GLANCE: Duration = Duration::from_millis(50);

/// Makes calls of one kind, from any thread.
pub(crate) type Asker<E = GetUserInfos> =
    Arc<dyn Fn(E) -> Result<<E as Endpoint>::Output, Error> + Send + Sync>;

/// The names that lines show. Those that are not known are asked for on a thread of its own, so
/// that no trouble on the way is trouble for a command.
pub(crate) struct NameBook {
    names: Names,
    json: bool,
    /// None where nobody wants to know more than the service tells by itself.
    asker: Option<Asker>,
    begun: Instant,
    /// The group whose name was asked for.
    group_asked: Option<ConversationId>,
    /// The request under way.
    under_way: Option<Receiver<Result<UserInfos, Error>>>,
}

impl NameBook {
    /// Creates a book for the lines of a command: those for people are to have names, those for
    /// scripts with `--names`.
    pub(crate) fn new(common: &Common, asker: Asker) -> Self {
        Self {
            names: Names::new(MOST),
            json: common.json,
            asker: (!common.json || common.names).then_some(asker),
            begun: Instant::now(),
            group_asked: None,
            under_way: None,
        }
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            monotonic: self.begun.elapsed(),
            wall: SystemTime::now().into(),
        }
    }

    /// Asks with this one from now on.
    pub(crate) fn ask_with(&mut self, asker: Asker) {
        if let Some(current) = &mut self.asker {
            *current = asker;
        }
    }

    /// Takes up what the service tells by itself.
    pub(crate) fn learn(&mut self, learn: impl FnOnce(Now, &mut Names)) {
        learn(self.now(), &mut self.names);
    }

    /// Asks for names that are needed and not known.
    pub(crate) fn look_up(&mut self, needed: &[Uid]) {
        self.look_up_until(needed, || Ok::<(), std::convert::Infallible>(()), || false)
            .unwrap_or_else(|never| match never {});
    }

    /// Asks for names that are needed and not known. Calls `before` if that may take a moment; ends
    /// early when `is_over`.
    pub(crate) fn look_up_until<E>(
        &mut self,
        needed: &[Uid],
        before: impl FnOnce() -> Result<(), E>,
        is_over: impl Fn() -> bool,
    ) -> Result<(), E> {
        let Some(asker) = self.asker.clone() else {
            return Ok(());
        };
        self.take_late_answer();
        // One that took too long is waited for by nobody.
        if self.under_way.is_some() || !self.ask(&asker, needed) {
            return Ok(());
        }
        before()?;
        let until = Instant::now() + PATIENCE;
        while self.wait(until, &is_over) && self.ask(&asker, needed) {}
        Ok(())
    }

    /// Asks for the name of the group that a command is about, once.
    pub(crate) fn look_up_group(&mut self, asker: &Asker<GetSessionDetail>, id: ConversationId) {
        let is_known = self.group_asked == Some(id) || self.names.get(id).is_some();
        if self.asker.is_none() || id.is_user() || is_known {
            return;
        }
        self.group_asked = Some(id);
        let told = on_a_thread(asker, GetSessionDetail::new(id));
        if let Ok(Ok(conversation)) = told.recv_timeout(PATIENCE) {
            self.learn(|now, names| names.learn_conversation(now, &conversation));
        }
    }

    /// Sends the next request, if there is one.
    fn ask(&mut self, asker: &Asker, needed: &[Uid]) -> bool {
        let now = self.now();
        let Some(call) = self.names.next_call(now, needed.iter().copied()) else {
            return false;
        };
        self.under_way = Some(on_a_thread(asker, call));
        true
    }

    /// Waits for the answer; `false` if it does not come in time.
    fn wait(&mut self, until: Instant, is_over: impl Fn() -> bool) -> bool {
        let Some(told) = &self.under_way else {
            return false;
        };
        let answer = loop {
            let left = until.saturating_duration_since(Instant::now());
            match told.recv_timeout(left.min(GLANCE)) {
                Ok(answer) => break answer,
                Err(RecvTimeoutError::Disconnected) => break Err(lost()),
                Err(RecvTimeoutError::Timeout) if left.is_zero() || is_over() => return false,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.handle(answer);
        true
    }

    fn take_late_answer(&mut self) {
        let answer = match self.under_way.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => return,
            Some(Err(TryRecvError::Disconnected)) => Err(lost()),
            Some(Ok(answer)) => answer,
        };
        self.handle(answer);
    }

    fn handle(&mut self, answer: Result<UserInfos, Error>) {
        self.under_way = None;
        self.names.handle_answer(self.now(), answer);
    }

    /// Returns the user whose name the line of a message shows: the other side of the conversation
    /// for people, the sender for scripts.
    pub(crate) fn user_of(&self, event: &Event) -> Option<Uid> {
        match self.json {
            true => Some(event.sender_uid()),
            false => event.shown_user(),
        }
    }

    /// Learns the names of users that a feed tells, and returns those whom it does not name.
    pub(crate) fn learn_users<'a>(
        &mut self,
        users: impl IntoIterator<Item = &'a FeedUser>,
    ) -> Vec<Uid> {
        let now = self.now();
        let mut nameless = Vec::new();
        for user in users {
            match user.nickname.is_empty() {
                true => nameless.push(user.mid),
                false => self.names.learn_user(now, user),
            }
        }
        nameless
    }
}

/// Makes a call on a thread of its own.
fn on_a_thread<E>(asker: &Asker<E>, call: E) -> Receiver<Result<E::Output, Error>>
where
    E: Endpoint<Output: Send> + Send + 'static,
{
    let (tell, told) = mpsc::channel();
    let asker = Arc::clone(asker);
    let thread = thread::Builder::new().name("names".to_owned());
    // Without a thread nobody tells, which is a failure like any other.
    let _ = thread.spawn(move || {
        // Fails when nobody waits any more.
        let _ = tell.send(asker(call));
    });
    told
}

fn lost() -> Error {
    TransportError::new(TransportErrorKind::Other, "the request for names panicked").into()
}
