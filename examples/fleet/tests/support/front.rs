//! A front of a simulator that notes which account was asked for, and when.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bilibili_session_simulator::{Answer, Simulator};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{FIRST, now_us};

pub struct Front {
    pub origin: String,
    /// Account and time of each request.
    pub asked: Arc<Mutex<Vec<(i64, i64)>>>,
    /// Bodies of the messages that the service has taken.
    pub taken: Arc<Mutex<Vec<String>>>,
    holding: Arc<Holding>,
}

/// Requests that wait until they are let go: those with this part in their path.
#[derive(Default)]
struct Holding {
    part: Mutex<Option<&'static str>>,
    count: AtomicUsize,
}

impl Front {
    pub async fn start(simulator: &Arc<Mutex<Simulator>>) -> Self {
        Self::of_many(vec![Arc::clone(simulator)], i64::MAX).await
    }

    /// Serves several simulators, each of so many accounts: one looks at all of its accounts for each request.
    pub async fn of_many(simulators: Vec<Arc<Mutex<Simulator>>>, accounts: i64) -> Self {
        let simulators = Arc::new(simulators);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<(i64, i64)>>> = Arc::default();
        let taken: Arc<Mutex<Vec<String>>> = Arc::default();
        let holding: Arc<Holding> = Arc::default();
        let front = Self {
            origin,
            asked: Arc::clone(&asked),
            taken: Arc::clone(&taken),
            holding: Arc::clone(&holding),
        };
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let (simulators, asked) = (Arc::clone(&simulators), Arc::clone(&asked));
                let (holding, taken) = (Arc::clone(&holding), Arc::clone(&taken));
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let path = request.uri().path().to_owned();
                        let answer = answer(
                            request,
                            Arc::clone(&simulators),
                            accounts,
                            Arc::clone(&asked),
                            Arc::clone(&taken),
                        );
                        hold(answer, path, Arc::clone(&holding))
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        front
    }

    /// Lets requests with this in their path wait from now on.
    pub fn hold(&self, part: &'static str) {
        *self.holding.part.lock().unwrap() = Some(part);
    }

    /// Returns how many have waited so far.
    pub fn held(&self) -> usize {
        self.holding.count.load(Ordering::SeqCst)
    }

    /// Lets all of them go on.
    pub fn release(&self) {
        *self.holding.part.lock().unwrap() = None;
    }
}

async fn hold<T>(answer: impl Future<Output = T>, path: String, holding: Arc<Holding>) -> T {
    let is_held = || {
        let part = *holding.part.lock().unwrap();
        part.is_some_and(|part| path.contains(part))
    };
    if is_held() {
        holding.count.fetch_add(1, Ordering::SeqCst);
        while is_held() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    answer.await
}

/// Returns the account of a `Cookie` header; 0 where there is none.
pub fn uid_of(text: &str) -> i64 {
    let digits = text.split("DedeUserID=").nth(1).unwrap_or_default();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}

async fn answer(
    request: Request<Incoming>,
    simulators: Arc<Vec<Arc<Mutex<Simulator>>>>,
    accounts: i64,
    asked: Arc<Mutex<Vec<(i64, i64)>>>,
    taken: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let now = now_us();
    let (head, body) = request.into_parts();
    let cookies = head
        .headers
        .get("cookie")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let uid = uid_of(cookies);
    asked.lock().unwrap().push((uid, now));
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes().to_vec())
        .unwrap_or_default();
    let place = usize::try_from((uid - FIRST) / accounts).unwrap_or_default();
    let request = Request::from_parts(head, body);
    let answer = simulators[place].lock().unwrap().handle(now, &request);
    if request.uri().path().ends_with("/send_msg")
        && let Answer::Respond(response) | Answer::Delayed(_, response) = &answer
        && response.body().starts_with(b"{\"code\":0,")
    {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        taken.lock().unwrap().push(body);
    }
    match answer {
        Answer::Respond(response) | Answer::Delayed(_, response) => {
            Ok(response.map(|body| Full::new(Bytes::from(body))))
        }
        _ => Ok(Response::builder()
            .status(500)
            .body(Full::default())
            .unwrap()),
    }
}
