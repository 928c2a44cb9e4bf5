//! Pages to their end, against servers that do it this way or that.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod feeds;
mod history;
mod lists;
#[path = "../support/mod.rs"]
mod support;

use std::ops::ControlFlow;

use bilibili_session::endpoints::{FetchSessionMsgs, GetSystemMessages};
use bilibili_session::error::{Error, PageError};
use bilibili_session::pager::{History, Pager, SystemPager};
use bilibili_session::{Endpoint, Seqno, Uid};
use serde_json::{Value, json};
use support::{request, take_apart};

/// Drives a pager against a server that answers queries with `data`.
fn drive<P: Pager>(
    pager: &mut P,
    mut server: impl FnMut(&dyn Fn(&str) -> Option<i128>, &str) -> Value,
) -> Result<Vec<P::Item>, PageError> {
    let mut items = Vec::new();
    for turn in 0..10_000 {
        let Some(call) = pager.next_call() else {
            assert!(pager.next_call().is_none());
            return Ok(items);
        };
        let taken = take_apart(&request(&call));
        if turn < 3 {
            let again = take_apart(&request(&pager.next_call().unwrap()));
            assert_eq!(taken, again, "a call that failed can be made again");
        }
        let number = |name: &str| {
            let (_, value) = taken.query.iter().find(|(key, _)| key == name)?;
            Some(value.parse().unwrap())
        };
        let page = call.decode(&server(&number, &taken.url)).unwrap();
        items.extend(pager.handle_page(page)?);
    }
    panic!("it does not end");
}

/// That it can be driven as a runtime does: generically, in a few lines.
#[test]
fn any_pager_is_driven_the_same_way() {
    fn first<P: Pager>(
        mut pager: P,
        mut call: impl FnMut(P::Endpoint) -> Result<<P::Endpoint as Endpoint>::Output, Error>,
    ) -> Result<Option<P::Item>, Error> {
        while let Some(endpoint) = pager.next_call() {
            let flow = match pager.handle_page(call(endpoint)?)?.into_iter().next() {
                Some(item) => ControlFlow::Break(item),
                None => ControlFlow::Continue(()),
            };
            if let ControlFlow::Break(item) = flow {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
    let notice = first(SystemPager::new(), |call: GetSystemMessages| {
        Ok(call.decode(&json!([{"id": 1, "cursor": 2}]))?)
    });
    assert_eq!(notice.unwrap().unwrap().cursor, 2);
    let message = first(History::newest_first(Uid(1)), |call: FetchSessionMsgs| {
        Ok(call.decode(&json!({"messages": [{"msg_seqno": 3}]}))?)
    });
    assert_eq!(message.unwrap().unwrap().msg_seqno(), Seqno(3));
}
