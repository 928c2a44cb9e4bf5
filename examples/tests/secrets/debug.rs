//! `Debug` and errors of what holds a credential.

use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::*;
use bilibili_session::poller::{Output, Poller};
use bilibili_session::{AuthState, Credential, Now, Picture, Uid, UnixMicros};

use super::calls::{GIF, every_call};
use super::support::{BILI_JCT, BUVID3, SESSDATA};
use super::{config, context, credential, shows_nothing};

/// `Debug` of what holds a credential or a request.
#[test]
fn nothing_stands_in_debug() {
    let context = context("http://127.0.0.1:1");
    let credential = credential();
    let builder = Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3);
    let account = AuthState::new(context.clone());
    shows_nothing(
        "what holds the credential",
        &format!("{credential:?} {credential:#?} {builder:?} {context:?} {account:?}"),
    );
    let now = Now {
        monotonic: Duration::ZERO,
        wall: UnixMicros(1_700_000_000_000_000),
    };
    macro_rules! step {
        ($endpoint:expr) => {
            let mut account = AuthState::new(context.clone());
            let mut call = Call::new($endpoint);
            let output = call.poll_output(&mut account, now);
            shows_nothing("an output", &format!("{output:?} {output:#?} {call:?}"));
            if let call::Output::Send(request) = output {
                shows_nothing("headers", &format!("{:?}", request.headers()));
            }
        };
    }
    every_call!(step);
    let mut poller = Poller::new(context, config()).unwrap();
    let output = poller.poll_output(now);
    assert!(matches!(output, Output::Send(_)));
    shows_nothing("the poller", &format!("{output:?} {poller:?}"));
}

/// Refused for what it is, with no value in the words.
#[test]
fn credentials_that_are_none() {
    for (sessdata, bili_jct) in [
        (format!("{SESSDATA} x"), BILI_JCT.to_owned()),
        (format!("{SESSDATA}\n"), BILI_JCT.to_owned()),
        (format!("{SESSDATA};x"), BILI_JCT.to_owned()),
        (SESSDATA.to_owned(), format!("{BILI_JCT}\"")),
        (String::new(), BILI_JCT.to_owned()),
        (SESSDATA.to_owned(), format!("{BILI_JCT}é")),
    ] {
        let built = Credential::builder()
            .sessdata(&sessdata)
            .bili_jct(&bili_jct)
            .build();
        if let Err(error) = built {
            shows_nothing("an error", &format!("{error} {error:?}"));
        }
        let line = format!("Cookie: SESSDATA={sessdata}; bili_jct={bili_jct}");
        if let Err(error) = Credential::parse(&line) {
            shows_nothing("an error", &format!("{error} {error:?}"));
        }
    }
    for text in [
        format!("[{{\"name\":\"SESSDATA\",\"value\":\"{SESSDATA}\""),
        format!("{SESSDATA} {BILI_JCT}"),
        format!("SESSDATA:{SESSDATA}"),
    ] {
        let error = Credential::parse(&text).unwrap_err();
        shows_nothing("an error", &format!("{error} {error:?}"));
    }
}
