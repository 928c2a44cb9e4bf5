//! Transports in all their forms. (The suite that every runtime passes is in `examples/tests/parity`.)

use std::sync::Arc;

use bilibili_session_blocking::Transport;
use http::{Request, Response};

#[test]
fn transports_can_be_shared_and_boxed() {
    fn takes(_: impl Transport) {}
    let closure = |_: Request<Vec<u8>>| Ok(Response::new(Vec::new()));
    takes(closure);
    let borrowed = &closure;
    takes(borrowed);
    takes(Box::new(closure));
    takes(Arc::new(closure));
    let dynamic: Arc<dyn Transport> = Arc::new(closure);
    takes(dynamic.clone());
    takes(&*dynamic);
    let boxed: Box<dyn Transport> = Box::new(closure);
    takes(boxed);
}
