//! Page after page, item by item.

use std::collections::VecDeque;

use bilibili_session::{Error, Pager};
use futures_util::stream::{self, Stream};

use super::client::Client;
use crate::Runtime;

impl<R: Runtime> Client<R> {
    /// The items of a [pager](bilibili_session::pager), one after the other. The next page
    /// is asked for when the items of the last one are used up; an error is the last item.
    pub fn items<P: Pager>(&self, pager: P) -> impl Stream<Item = Result<P::Item, Error>> {
        let start = (self.clone(), pager, VecDeque::new());
        stream::try_unfold(start, |(client, mut pager, mut here)| async move {
            loop {
                if let Some(item) = here.pop_front() {
                    return Ok(Some((item, (client, pager, here))));
                }
                let Some(call) = pager.next_call() else {
                    return Ok(None);
                };
                let page = client.call(call).await?;
                here.extend(pager.handle_page(page)?);
            }
        })
    }
}
