//! Requirements of a transport, as tests that anybody can run on their own.
//!
//! A transport is one function from a request to its answer. Wrap yours in a closure and give
//! the suite a way to make one:
//!
//! ```no_run
//! use bilibili_session_simulator::conformance::Suite;
//! # use bilibili_session::{TransportConfig, TransportError};
//! # struct Mine;
//! # impl Mine {
//! #     fn new(_: &TransportConfig) -> Self { Self }
//! #     fn send(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, TransportError> {
//! #         Err(TransportError::timeout())
//! #     }
//! # }
//!
//! let report = Suite::new(|settings| {
//!     let transport = Mine::new(settings);
//!     move |request| transport.send(request)
//! })
//! .run();
//! assert!(report.is_ok(), "{report}");
//! ```
//!
//! A proxy is used when the settings name one, and none otherwise, whatever the environment says:
//! [`repeat_in_other_environments`] runs the suite again where variables name proxies.
//!
//! Each case talks to a server of its own on 127.0.0.1, which answers bytes, not HTTP: so it sees
//! exactly what was sent, and can answer what no library would. Every error is looked through for
//! the cookie and the query that the request had.

mod answers;
mod cases;
mod environment;
mod peer;
mod requests;
mod settings;
mod tls;
mod trouble;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bilibili_session::{TransportConfig, TransportError};
use http::{Request, Response};

use cases::{CASES, Case};

pub use environment::repeat_in_other_environments;
pub use settings::check_settings;

/// Result of a request.
pub type Answer = Result<Response<Vec<u8>>, TransportError>;

/// Returns the settings of the transport of most cases.
fn usual() -> TransportConfig {
    TransportConfig::new().body_limit(1 << 20)
}

/// The transport of a case.
type Exchange<'a> = dyn FnMut(Request<Vec<u8>>) -> Answer + 'a;

/// Makes the transport of a case.
type Make<'a> = dyn Fn(&TransportConfig) -> Box<Exchange<'a>> + 'a;

/// Suite of all cases, for one kind of transport.
#[must_use]
pub struct Suite<'a> {
    make: Box<Make<'a>>,
    skipped: Vec<&'static str>,
}

impl<'a> Suite<'a> {
    /// Creates a suite for the transports that `make` makes.
    pub fn new<T>(make: impl Fn(&TransportConfig) -> T + 'a) -> Self
    where
        T: FnMut(Request<Vec<u8>>) -> Answer + 'a,
    {
        Self {
            make: Box::new(move |settings| Box::new(make(settings))),
            skipped: Vec::new(),
        }
    }

    /// Returns the names of all cases.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CASES.iter().map(|case| case.name)
    }

    /// Leaves a case out, for instance `through_a_proxy` where none can be set.
    pub fn skip(mut self, name: &'static str) -> Self {
        self.skipped.push(name);
        self
    }

    /// Runs all cases, one after the other.
    pub fn run(self) -> Report {
        let unknown = self
            .skipped
            .iter()
            .filter(|name| !Self::names().any(|known| known == **name))
            .map(|name| Failure {
                case: name,
                reason: String::from("there is no case of this name to skip"),
            });
        let mut report = Report {
            passed: Vec::new(),
            failures: unknown.collect(),
        };
        for case in CASES
            .iter()
            .filter(|case| !self.skipped.contains(&case.name))
        {
            match self.run_case(case) {
                Ok(()) => report.passed.push(case.name),
                Err(reason) => report.failures.push(Failure {
                    case: case.name,
                    reason,
                }),
            }
        }
        report
    }

    fn run_case(&self, case: &Case) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| (case.run)(&*self.make)))
            .unwrap_or_else(|_| Err(String::from("the transport panicked")))
    }
}

impl fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// Result of a suite.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct Report {
    /// The cases that passed.
    pub passed: Vec<&'static str>,
    /// Cases that failed.
    pub failures: Vec<Failure>,
}

/// A case that did not pass.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// Name of the case.
    pub case: &'static str,
    /// Reason of the failure.
    pub reason: String,
}

impl Report {
    /// Returns whether every case passed.
    pub const fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failures.len());
        writeln!(f, "{passed} passed, {failed} failed")?;
        for failure in &self.failures {
            writeln!(f, "- {}: {}", failure.case, failure.reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bilibili_session::TransportErrorKind;

    use super::*;

    fn passed<T: FnMut(Request<Vec<u8>>) -> Answer>(
        make: impl Fn(&TransportConfig) -> T,
    ) -> Vec<&'static str> {
        let report = Suite::new(make).run();
        assert_eq!(report.passed.len() + report.failures.len(), CASES.len());
        report.passed
    }

    #[test]
    fn a_transport_that_sends_nothing_passes_nothing() {
        assert_eq!(passed(|_| |_| Ok(Response::default())), [""; 0]);
        assert_eq!(
            passed(|_| |_| Err(TransportError::timeout())),
            ["name_that_does_not_exist"]
        );
        let other = || TransportError::new(TransportErrorKind::Other, "no");
        assert_eq!(
            passed(|_| |_| Err(other())),
            ["no_http", "no_tls_where_it_is_expected"]
        );
        let telling = |request: &Request<Vec<u8>>| format!("{:?}", request.headers());
        let telling = |request| TransportError::new(TransportErrorKind::Other, telling(&request));
        assert_eq!(passed(|_| |request| Err(telling(request))), [""; 0]);
        assert_eq!(
            passed(|_| |_| std::panic::resume_unwind(Box::new(()))),
            [""; 0]
        );
    }

    #[test]
    fn cases_can_be_left_out() {
        let suite = Suite::names().fold(Suite::new(|_| |_| Ok(Response::default())), Suite::skip);
        let report = suite.run();
        assert!(report.is_ok() && report.passed.is_empty(), "{report}");
        let suite = Suite::names().fold(Suite::new(|_| |_| Ok(Response::default())), Suite::skip);
        assert!(!suite.skip("misspelt").run().is_ok());
    }
}
