//! Page after page, item by item.

use std::collections::VecDeque;

use bilibili_session::{Error, Pager};

use super::client::Client;

impl Client {
    /// The items of a [pager](bilibili_session::pager), one after the other. The next page
    /// is asked for when the items of the last one are used up; an error is the last item.
    pub fn items<P: Pager>(&self, mut pager: P) -> impl Iterator<Item = Result<P::Item, Error>> {
        let client = self.clone();
        let mut here = VecDeque::new();
        let mut failed = false;
        std::iter::from_fn(move || {
            loop {
                if let Some(item) = here.pop_front() {
                    return Some(Ok(item));
                }
                let call = pager.next_call().filter(|_| !failed)?;
                let page = client.call(call);
                match page.and_then(|page| pager.handle_page(page).map_err(Error::from)) {
                    Ok(items) => here.extend(items),
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                }
            }
        })
    }
}
