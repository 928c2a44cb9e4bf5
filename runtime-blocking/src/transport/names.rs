//! Names of hosts, looked up without a thread for each.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use http::Uri;
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::engine::lock;

/// Time for which an answer is used: as long as curl does.
const KEPT: Duration = Duration::from_secs(60);
/// As many as ureq has room for.
const MOST_ADDRESSES: usize = 16;

/// Resolver that looks names up on one thread, which is started for the first name and kept.
///
/// The system's look-up can be neither ended nor limited, so a request waits for that thread no
/// longer than its own timeout. While a look-up hangs, those behind it wait as well, each until
/// its time is over; only names that were found within a minute, and addresses in the place of
/// names, need none.
#[derive(Debug)]
pub(super) struct Names {
    look_up: LookUp,
    found: Arc<Found>,
    questions: Mutex<Option<Sender<Question>>>,
}

/// Name and port.
type Host = (String, u16);
type LookUp = fn(&Host) -> io::Result<Vec<SocketAddr>>;
type Found = Mutex<HashMap<Host, (Instant, Vec<SocketAddr>)>>;

#[derive(Debug)]
struct Question {
    host: Host,
    asked: Instant,
    timeout: Duration,
    answer: SyncSender<io::Result<Vec<SocketAddr>>>,
}

impl Names {
    /// Creates a resolver that asks the system.
    pub(super) fn new() -> Self {
        Self::with(|(name, port)| Ok((name.as_str(), *port).to_socket_addrs()?.collect()))
    }

    fn with(look_up: LookUp) -> Self {
        Self {
            look_up,
            found: Arc::default(),
            questions: Mutex::default(),
        }
    }

    fn find(&self, host: Host, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        if let Some(addresses) = recent(&self.found, &host) {
            return Ok(addresses);
        }
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask(Question {
            host,
            asked: Instant::now(),
            timeout: *timeout.after,
            answer,
        })?;
        match answered.recv_timeout(*timeout.after) {
            Ok(addresses) => Ok(addresses?),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout.reason)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
        }
    }

    fn ask(&self, question: Question) -> io::Result<()> {
        let mut questions = lock(&self.questions);
        if questions.is_none() {
            let (sender, receiver) = mpsc::channel();
            let (look_up, found) = (self.look_up, Arc::clone(&self.found));
            thread::Builder::new()
                .name(String::from("bilibili-session-names"))
                .spawn(move || answer(&receiver, look_up, &found))?;
            *questions = Some(sender);
        }
        // The thread is there as long as this sender: the question reaches it.
        if let Some(sender) = &*questions {
            let _ = sender.send(question);
        }
        Ok(())
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let name = uri.host().ok_or(Error::HostNotFound)?;
        let default = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = match address(name) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => self.find((name.to_owned(), port), timeout)?,
        };
        let mut result = self.empty();
        let family = config.ip_family();
        let wanted = family.keep_wanted(addresses.into_iter());
        wanted.take(MOST_ADDRESSES).for_each(|it| result.push(it));
        match result.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(result),
        }
    }
}

/// Returns the address that stands in the place of a name, if one does.
fn address(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

fn recent(found: &Found, host: &Host) -> Option<Vec<SocketAddr>> {
    let found = lock(found);
    let (when, addresses) = found.get(host)?;
    (when.elapsed() < KEPT).then(|| addresses.clone())
}

/// Answers one question after the other, as long as there can be any.
fn answer(questions: &Receiver<Question>, look_up: LookUp, found: &Found) {
    for question in questions {
        // Nobody waits any more, or the one before asked the same.
        if question.asked.elapsed() >= question.timeout {
            continue;
        }
        let answer = match recent(found, &question.host) {
            Some(addresses) => Ok(addresses),
            None => look_up(&question.host),
        };
        if let Ok(addresses) = &answer {
            let mut found = lock(found);
            found.retain(|_, (when, _)| when.elapsed() < KEPT);
            let entry = found.entry(question.host);
            entry.or_insert_with(|| (Instant::now(), addresses.clone()));
        }
        // Fails when nobody waits any more.
        let _ = question.answer.send(answer);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ureq::Timeout;
    use ureq::unversioned::transport::time;

    use super::*;

    fn resolve(names: &Names, uri: &'static str, timeout: Duration) -> Result<Vec<String>, Error> {
        let timeout = NextTimeout {
            after: time::Duration::Exact(timeout),
            reason: Timeout::Resolve,
            ..NextTimeout::default()
        };
        let found = names.resolve(&Uri::from_static(uri), &Config::default(), timeout)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn addresses_need_no_look_up() {
        let names = Names::with(|_| Err(io::ErrorKind::Other.into()));
        let of = |uri| resolve(&names, uri, LONG).unwrap();
        assert_eq!(of("http://127.0.0.1:81/a"), ["127.0.0.1:81"]);
        assert_eq!(of("http://127.0.0.1/a"), ["127.0.0.1:80"]);
        assert_eq!(of("https://[::1]/a"), ["[::1]:443"]);
        assert!(lock(&names.questions).is_none(), "no thread");
        assert!(resolve(&names, "http://name/", LONG).is_err());
    }

    #[test]
    fn a_name_is_looked_up_once_in_a_while() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let names = Names::with(|(_, port)| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Ok(vec![
                ([10, 0, 0, 1], *port).into(),
                ([10, 0, 0, 2], *port).into(),
            ])
        });
        for _ in 0..3 {
            let found = resolve(&names, "https://name/", LONG).unwrap();
            assert_eq!(found, ["10.0.0.1:443", "10.0.0.2:443"]);
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_found_gets_old() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let names = Names::with(|_| {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            Ok(vec![([10, 0, 0, u8::try_from(asked).unwrap()], 443).into()])
        });
        assert_eq!(
            resolve(&names, "https://name/", LONG).unwrap(),
            ["10.0.0.0:443"]
        );
        for (when, _) in lock(&names.found).values_mut() {
            *when = when.checked_sub(KEPT).unwrap();
        }
        assert_eq!(
            resolve(&names, "https://name/", LONG).unwrap(),
            ["10.0.0.1:443"]
        );
    }

    /// A look-up that hangs takes nobody's time but its own, and what waited behind it in vain is
    /// not looked up afterwards.
    #[test]
    fn a_look_up_that_hangs() {
        static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        static HANGS: Mutex<()> = Mutex::new(());
        let names = Names::with(|(name, _)| {
            lock(&ASKED).push(name.clone());
            let _until_released = lock(&HANGS);
            Ok(vec![([10, 0, 0, 1], 443).into()])
        });
        let hangs = lock(&HANGS);
        for uri in ["https://first/", "https://second/", "https://first/"] {
            let ended = resolve(&names, uri, Duration::from_millis(20));
            assert!(
                matches!(ended, Err(Error::Timeout(Timeout::Resolve))),
                "{ended:?}"
            );
        }
        resolve(&names, "https://10.0.0.3/", LONG).unwrap();
        drop(hangs);
        resolve(&names, "https://third/", LONG).unwrap();
        // The first one was found after all.
        resolve(&names, "https://first/", LONG).unwrap();
        assert_eq!(*lock(&ASKED), ["first", "third"]);
    }
}
