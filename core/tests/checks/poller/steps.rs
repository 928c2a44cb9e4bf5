//! The steps of a script.

use std::time::Duration;

use bilibili_session::{TransportError, TransportErrorKind};
use http::Response;
use serde_json::{Value, json};

use super::life::Life;
use super::script::Step;
use super::server::TALKERS;

impl Life {
    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Serve { pick } => {
                if let Some(request) = self.take(*pick) {
                    let data = self.serve(&request);
                    self.success(&request, &data);
                }
            }
            Step::Arrive {
                talker,
                count,
                kind,
            } => self.arrive(talker % TALKERS, *count, *kind),
            Step::Wait => {
                if let Some(until) = self.wait {
                    self.pass_to(until);
                }
            }
            Step::Pass { millis } => {
                let to = self.elapsed + Duration::from_millis(u64::from(*millis));
                self.pass_to(to);
            }
            Step::Wall { micros } => self.skew = *micros,
            Step::Lose { pick, how } => {
                if let Some(request) = self.take(*pick) {
                    let kind = match how % 3 {
                        0 => TransportErrorKind::Connect,
                        1 => TransportErrorKind::Interrupted,
                        _ => TransportErrorKind::BodyTooLarge,
                    };
                    self.tell(&request, Err(TransportError::new(kind, "made\nup")));
                }
            }
            Step::Refuse { pick, code } => self.refuse(*pick, *code),
            Step::Http { pick, status, body } => {
                if let Some(request) = self.take(*pick) {
                    let status = [412, 403, 429, 500, 502, 404, 301, 418][usize::from(status % 8)];
                    self.respond(&request, status, body.clone());
                }
            }
            Step::Again { pick } => {
                if !self.answered.is_empty() {
                    let id = self.answered[usize::from(*pick) % self.answered.len()];
                    let answer = Ok(Response::new(b"{\"code\":-101}".to_vec()));
                    let now = self.now();
                    assert!(self.poller.handle_response(now, id, answer).is_err());
                }
            }
            Step::Resume { rewind } => self.resume(*rewind),
            Step::Close => self.close(),
            Step::List {
                pick,
                entries,
                has_more,
            } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    let list: Vec<Value> = entries.iter().map(|e| self.list_entry(e)).collect();
                    let data = json!({"session_list": list, "has_more": has_more});
                    self.fed += entries.len();
                    self.success(&request, &data);
                }
            }
            Step::Page {
                pick,
                messages,
                has_more,
                ends,
            } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    let page: Vec<Value> = messages.iter().map(|m| self.page_entry(m)).collect();
                    let mut data = json!({"messages": page, "has_more": has_more});
                    if let Some((low, high)) = ends {
                        data["min_seqno"] = json!(low.0);
                        data["max_seqno"] = json!(high.0);
                    }
                    self.fed += messages.len();
                    self.success(&request, &data);
                }
            }
            Step::Data { pick, data } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    self.fed += data.len();
                    let body = [b"{\"code\":0,\"data\":", data.as_slice(), b"}"].concat();
                    self.respond(&request, 200, body);
                }
            }
            Step::Date { seconds } => {
                self.honest = false;
                self.date = *seconds;
            }
            Step::Flood { pick, count, kind } => {
                if let Some(request) = self.take(*pick) {
                    self.honest = false;
                    self.crowded = true;
                    let data = self.flood(&request, usize::from(count % 256), *kind);
                    self.success(&request, &data);
                }
            }
        }
    }
}
