//! Logs of the libraries that carry requests, taken down with everything switched on.

use std::fmt::Debug;
use std::sync::{Mutex, Once};
use std::time::Duration;

use super::calls::all_calls;
use super::sessions::{self, sessions_that_panic};
use super::shows_nothing;
use super::support::World;

/// The targets at which whole requests would be logged, at the level TRACE.
const WIRE: [&str; 1] = ["ureq_proto::util"];

static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn write_down(target: &str, text: String) {
    LOGGED.lock().unwrap().push((target.to_owned(), text));
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        write_down(record.target(), record.args().to_string());
    }

    fn flush(&self) {}
}

/// Takes down spans and events with all their fields.
struct Subscriber;

impl Subscriber {
    fn fields(target: &str, record: impl FnOnce(&mut Visitor)) {
        let mut visitor = Visitor(String::new());
        record(&mut visitor);
        write_down(target, visitor.0);
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        Self::fields(span.metadata().target(), |visitor| span.record(visitor));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        Self::fields("span", |visitor| values.record(visitor));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        Self::fields(event.metadata().target(), |visitor| event.record(visitor));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Visitor(String);

impl tracing::field::Visit for Visitor {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

/// Everything is logged from now on.
fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_boxed_logger(Box::new(Logger)).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        tracing::subscriber::set_global_default(Subscriber).unwrap();
        // Panics that are asked for need not be told of.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_asked_for = panic
                .location()
                .is_some_and(|it| it.file() == sessions::FILE);
            let thread = std::thread::current();
            let is_of_a_session = thread.name().is_some_and(|name| {
                ["bilibili-session", "async-std", "tokio"]
                    .iter()
                    .any(|start| name.starts_with(start))
            });
            match is_of_a_session {
                true if is_asked_for => {}
                true => write_down("panic", panic.to_string()),
                false => usual(panic),
            }
        }));
    });
}

#[test]
fn nothing_is_logged() {
    log_everything();
    let world = World::new();
    world.text(20001, "hi");
    all_calls(&world);
    sessions_that_panic(&world);
    std::thread::sleep(Duration::from_millis(100));

    let logged = std::mem::take(&mut *LOGGED.lock().unwrap());
    for (target, text) in &logged {
        // One of them writes rows of sixteen bytes, which show no whole cookie each.
        assert!(
            !WIRE.iter().any(|it| target.starts_with(it)),
            "{target} logs requests"
        );
        shows_nothing(target, text);
    }
    // surf and hyper log nothing as they are built here.
    for library in ["ureq", "reqwest"] {
        assert!(
            logged.iter().any(|(target, _)| target.starts_with(library)),
            "{library}"
        );
    }
}
