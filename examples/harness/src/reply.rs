//! Replies beside the poller: sent now and then, and refused.

use std::collections::BTreeMap;

use bilibili_session::TransportError;
use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{SendMsg, SentMsg};
use http::{Request, Response};

use crate::adversary::Meaning;
use crate::happening::Happening;
use crate::request_kind::RequestKind;
use crate::run::Run;
use crate::violation::Breach;

/// Replies that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    next: u64,
    open: BTreeMap<u64, Call<SendMsg>>,
    /// Those that wait for the keys that another asked for.
    waiting: Vec<u64>,
}

/// Identity of a reply of a life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplyId {
    life: u64,
    number: u64,
}

impl Run<'_> {
    /// Sends a reply.
    pub(crate) fn reply(&mut self) -> Result<(), Breach> {
        let to = self.population.any(&mut self.rng);
        let (at_us, time) = (self.at_us, self.time());
        let is_connected = self.delivery_log.base().is_some();
        let Some(life) = self.life.as_mut().filter(|it| is_connected && !it.closing) else {
            return Ok(());
        };
        let mut call = Call::new(SendMsg::text(to, "a reply"));
        let now = life.now(at_us);
        let output = life.poller.poll_call(now, &mut call);
        let id = ReplyId {
            life: life.number,
            number: life.replies.next,
        };
        life.replies.next += 1;
        life.replies.open.insert(id.number, call);
        let refused = matches!(&output, Output::Done(Err(_)));
        self.trace
            .add(time, || format!("   a reply to {to}, refused: {refused}"));
        if let Output::Done(Err(error)) = &output
            && let Some(life) = &self.life
        {
            life.politeness.refuses(time, error)?;
        }
        self.follow(id, output)
    }

    /// Replies that waited for keys go on, if they have come.
    pub(super) fn replies_go_on(&mut self) -> Result<(), Breach> {
        let Some(life) = self.life.as_mut().filter(|it| !it.closing) else {
            return Ok(());
        };
        let life_number = life.number;
        for number in std::mem::take(&mut life.replies.waiting) {
            self.go_on(ReplyId {
                life: life_number,
                number,
            })?;
        }
        Ok(())
    }

    fn go_on(&mut self, id: ReplyId) -> Result<(), Breach> {
        let at_us = self.at_us;
        let Some(life) = self.life.as_mut().filter(|it| it.number == id.life) else {
            return Ok(());
        };
        let now = life.now(at_us);
        let Some(call) = life.replies.open.get_mut(&id.number) else {
            return Ok(());
        };
        let output = life.poller.poll_call(now, call);
        self.follow(id, output)
    }

    /// Lets a request of a reply reach the server.
    pub(crate) fn reply_reaches(&mut self, id: ReplyId, request: &Request<Vec<u8>>) {
        let mut deliveries = self.ask_adversary(request);
        let (after_us, answer, meaning) = match deliveries.is_empty() {
            false => {
                let first = deliveries.swap_remove(0);
                (first.after_us, first.answer, first.meaning)
            }
            true => {
                let timeout = self.scenario.request_timeout.as_micros();
                let after_us = u64::try_from(timeout).unwrap_or_default();
                (after_us, Err(TransportError::timeout()), Meaning::Fault)
            }
        };
        let asked = RequestKind::of(request);
        let happening = Happening::ReplyAnswer {
            id,
            asked,
            answer,
            meaning,
        };
        self.agenda.put(self.at_us + after_us, happening);
    }

    /// Notes the answer to a request of a reply.
    pub(crate) fn reply_answered(
        &mut self,
        id: ReplyId,
        asked: RequestKind,
        answer: Result<Response<Vec<u8>>, TransportError>,
        meaning: Meaning,
    ) -> Result<(), Breach> {
        let (at_us, time) = (self.at_us, self.time());
        self.trace.add(time, || {
            format!("<- reply {} {asked} {meaning:?}", id.number)
        });
        let Some(life) = self.life.as_mut().filter(|it| it.number == id.life) else {
            return Ok(());
        };
        let now = life.now(at_us);
        let Some(call) = life.replies.open.get_mut(&id.number) else {
            return Ok(());
        };
        life.politeness.answered_beside(time, asked, meaning);
        life.login_lost |= meaning == Meaning::LoginLost;
        life.poller.handle_call_response(now, call, answer);
        self.go_on(id)
    }

    fn follow(&mut self, id: ReplyId, output: Output<SentMsg>) -> Result<(), Breach> {
        let time = self.time();
        match output {
            Output::Send(request) => {
                let asked = RequestKind::of(&request);
                self.trace
                    .add(time, || format!("-> reply {} {asked}", id.number));
                if let Some(life) = &mut self.life {
                    life.politeness.asks_beside(time, asked)?;
                }
                let way = self.rng.between(5_000, 100_000);
                let request = Box::new(request);
                let reach = Happening::ReplyReach { id, request };
                self.agenda.put(self.at_us + way, reach);
            }
            Output::Wait(_) => {
                if let Some(life) = &mut self.life {
                    life.replies.waiting.push(id.number);
                }
                return Ok(());
            }
            Output::Done(_) => {
                if let Some(life) = &mut self.life {
                    life.replies.open.remove(&id.number);
                }
            }
        }
        self.drain()
    }
}
