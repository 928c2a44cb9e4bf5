//! A session on each runtime whose handlers and transport panic with the cookie in their words.

use std::sync::{Arc, Mutex};

use async_std::task::block_on;
use bilibili_session_simulator::FaultKind;
use futures_util::future::lazy;

use super::support::World;
use super::{config, context, on_tokio, shows_nothing, wait_for};

/// The file whose panics are asked for.
pub(crate) const FILE: &str = file!();

/// A session of an async runtime, and how its futures are waited for.
macro_rules! in_tasks {
    ($world:ident, $shown:ident, $runtime:ident, $http:ident, $wait:path) => {
        $world.fault("new_sessions", FaultKind::Garbage, 1);
        {
            let transport = $runtime::$http::new().unwrap();
            let turn = Arc::new(Mutex::new(0));
            let carry = move |request: http::Request<Vec<u8>>| {
                let (transport, turn) = (transport.clone(), Arc::clone(&turn));
                async move {
                    use $runtime::Transport as _;
                    let is_third = {
                        let mut turn = turn.lock().unwrap();
                        *turn += 1;
                        *turn == 3
                    };
                    assert!(
                        !is_third,
                        "{:?} {:?}",
                        request,
                        request.headers()["cookie"].as_bytes()
                    );
                    transport.send(request).await
                }
            };
            let session =
                $runtime::Session::new(context(&$world.server.origin()), carry, config()).unwrap();
            let (warnings, events) = (Arc::clone(&$shown), Arc::clone(&$shown));
            session.on_any(move |event, session| {
                events.lock().unwrap().push(format!("{event:?}"));
                session.close();
                async move { assert!(event.text().is_none(), "{event:?} {session:?}") }
            });
            session.on_warning(move |warning, session| {
                let text = format!("{warning} {warning:?} {session:?}");
                warnings.lock().unwrap().push(text);
                std::future::ready(())
            });
            let running = $wait(lazy(|_| session.run()));
            wait_for(|| session.checkpoint().is_some());
            $world.text(20001, "hi");
            $wait(running).unwrap();
            let checkpoint = session.checkpoint().unwrap();
            $shown
                .lock()
                .unwrap()
                .push(format!("{checkpoint:?} {}", checkpoint.to_json()));
        }
    };
}

/// A session on each runtime whose handlers panic, and whose transport does.
pub(crate) fn sessions_that_panic(world: &World) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let origin = world.server.origin();
    world.fault("new_sessions", FaultKind::Garbage, 1);
    {
        use bilibili_session_blocking::{Session, UreqTransport};
        let transport = UreqTransport::new();
        let carry = {
            use bilibili_session_blocking::Transport as _;
            let turn = Mutex::new(0);
            move |request: http::Request<Vec<u8>>| {
                let mut turn = turn
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *turn += 1;
                assert!(
                    *turn != 3,
                    "{:?} {:?}",
                    request,
                    request.headers()["cookie"].as_bytes()
                );
                transport.send(request)
            }
        };
        let session = Session::new(context(&origin), carry, config()).unwrap();
        let (warnings, events) = (Arc::clone(&shown), Arc::clone(&shown));
        session.on_any(move |event, session| {
            events.lock().unwrap().push(format!("{event:?}"));
            session.close();
            assert!(event.text().is_none(), "{event:?} {session:?}");
        });
        session.on_warning(move |warning, session| {
            let text = format!("{warning} {warning:?} {session:?}");
            warnings.lock().unwrap().push(text);
        });
        let running = session.run().unwrap();
        wait_for(|| session.checkpoint().is_some());
        world.text(20001, "hi");
        running.join().unwrap();
        let checkpoint = session.checkpoint().unwrap();
        shown
            .lock()
            .unwrap()
            .push(format!("{checkpoint:?} {}", checkpoint.to_json()));
    }
    in_tasks!(
        world,
        shown,
        bilibili_session_async_std,
        SurfTransport,
        block_on
    );
    in_tasks!(
        world,
        shown,
        bilibili_session_tokio,
        ReqwestTransport,
        on_tokio
    );
    let shown = shown.lock().unwrap();
    for words in ["the transport panicked", "it panicked", "unreadable answer"] {
        let times = shown.iter().filter(|text| text.contains(words)).count();
        assert!(times >= 3, "{words}: {shown:?}");
    }
    for text in shown.iter() {
        shows_nothing("a session", text);
    }
}
