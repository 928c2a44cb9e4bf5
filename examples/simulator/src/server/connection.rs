//! Connections: what the model says, done to a socket.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::body::Body;
use super::{Shared, lock, push};
use crate::Answer;
use crate::service::push::Listener;

/// The largest request body: more than the largest picture.
const LARGEST: usize = 32 << 20;

/// Takes connections, for ever.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, shared.clone()));
            }
            // The client is gone already, or the system is out of files for the moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Shared) {
    // Without it small answers may wait; if the system refuses, they do.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    // Set when the connection goes on as one of the push channel.
    let listener = Arc::new(OnceLock::new());
    let service = {
        let (shared, reset, listener) = (shared.clone(), Arc::clone(&reset), Arc::clone(&listener));
        service_fn(move |request| {
            let (shared, reset) = (shared.clone(), Arc::clone(&reset));
            let listener = Arc::clone(&listener);
            Box::pin(async move {
                answer(shared, request)
                    .await
                    .inspect(|answer| note_listener(answer, &listener))
                    .inspect_err(|_: &Reset| reset.store(true, Ordering::Relaxed))
            })
        })
    };
    // It never closes by itself: it fails when a fault says so, and else not.
    let mut connection = http1::Builder::new()
        .half_close(false)
        // Whether there is a date is the model's to say.
        .auto_date_header(false)
        .header_read_timeout(None::<Duration>)
        .serve_connection(TokioIo::new(stream), service);
    // How it ended is the client's affair, or what a fault asked for.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let parts = connection.into_parts();
    let stream = parts.io.into_inner();
    if let Some(Listener(uid)) = listener.get() {
        return push::serve(stream, parts.read_buf.to_vec(), *uid, shared).await;
    }
    if reset.load(Ordering::Relaxed) {
        // Closing then sends a reset, and throws away what was not sent yet. If the system refuses, it just closes.
        let _ = stream.set_zero_linger();
    }
}

/// Notes the account that listens from this answer on.
fn note_listener(answer: &Response<Body>, listener: &OnceLock<Listener>) {
    if let Some(is_one) = answer.extensions().get::<Listener>() {
        // There is one such answer on a connection.
        let _ = listener.set(*is_one);
    }
}

async fn answer(shared: Shared, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let (head, body) = request.into_parts();
    // A client that goes away in the middle of its request, or never ends it, gets nothing.
    let body = Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(|_| Reset)?
        .to_bytes();
    let request = Request::from_parts(head, body.to_vec());
    let mut answer = {
        let now_us = (shared.clock)();
        lock(&shared.simulator).handle(now_us, &request)
    };
    if let Answer::Respond(response) | Answer::Delayed(_, response) = &mut answer
        && response.extensions().get::<Listener>().is_some()
        && let Some(key) = push::accept_key(request.headers())
    {
        let headers = response.headers_mut();
        headers.insert(http::header::SEC_WEBSOCKET_ACCEPT, key);
    }
    match answer {
        Answer::Respond(response) => Ok(response.map(Body::whole)),
        Answer::Delayed(delay, response) => {
            tokio::time::sleep(delay).await;
            Ok(response.map(Body::whole))
        }
        Answer::Truncated(response) => Ok(response.map(Body::cut)),
        Answer::Reset => Err(Reset),
        Answer::Hang => {
            let never: Infallible = pending().await;
            match never {}
        }
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is reset, as was asked for")
    }
}

impl std::error::Error for Reset {}
