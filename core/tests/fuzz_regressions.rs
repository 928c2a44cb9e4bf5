//! Inputs that the fuzz targets found, or were made to look at: kept here, so that each is
//! tried on every build.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod checks;

use std::time::Duration;

use bilibili_session::error::{ApiError, TransportError, TransportErrorKind};
use bilibili_session::poller::{Checkpoint, Warning};
use bilibili_session::{ConversationId, Error};
use checks::assert_one_line;
use checks::poller::check_script;
use checks::poller::script::{Script, Settings, Step};

/// The service's words went through into errors as they came: a line break in them forged a
/// line of output, an escape sequence steered the terminal.
#[test]
fn the_words_of_others_stay_on_their_line() {
    let words = "made\nup\u{1b}[2J\u{202e}";
    checks::decoders::check(b"\x00\x00{\"code\":12345,\"message\":\"made\\nup\\u001b[2J\"}");
    checks::decoders::check(b"\x00\x04<html>\x1b[2J\x7f</html>");
    checks::decoders::check(b"\x10\x00{\"code\":-3,\"message\":\"made\\nup\"}");
    checks::decoders::check(
        b"\x01\x80{\"system_msg\":{\"a\\nb\":\"x\\u001b\"},\"session_list\":7}",
    );
    checks::decoders::check(b"\x0c\x04\x9c\x9c\x04\x80{\"v_voucher\":\"x\"}");

    let error = Error::from(ApiError::new(12_345, words));
    let transport = TransportError::new(TransportErrorKind::Other, words);
    let conversation = ConversationId::new(1, 20001);
    for text in [
        error.to_string(),
        transport.to_string(),
        Warning::ReplyFailed {
            conversation,
            error,
        }
        .to_string(),
        Warning::HandlerFailed {
            conversation,
            reason: words.to_owned(),
        }
        .to_string(),
        Warning::Undecodable {
            conversation: None,
            raw: words.to_owned(),
            reason: words.to_owned(),
        }
        .to_string(),
    ] {
        assert_one_line(&text);
        assert!(text.contains(r"made\nup\u{1b}[2J\u{202e}"), "{text}");
    }
    let foreign = "{\"format\":\"bilibili-session checkpoint\",\"version\":1,\"check\":\"\",\
        \"body\":{\"made\\nup\":1}}";
    assert_one_line(&Checkpoint::from_json(foreign).unwrap_err().to_string());
}

#[test]
fn a_script_of_failures_runs_to_its_end() {
    let serve = Step::Serve { pick: 0 };
    let script = Script {
        settings: Settings::default(),
        steps: vec![
            serve.clone(),
            serve.clone(),
            Step::Arrive {
                talker: 0,
                count: 9,
                kind: 0,
            },
            Step::Wait,
            serve.clone(),
            Step::Lose { pick: 0, how: 0 },
            Step::Wait,
            serve.clone(),
            Step::Refuse { pick: 0, code: 0 },
            serve,
            Step::Refuse { pick: 0, code: 2 },
        ],
    };
    check_script(&script, None);
}

/// Every bad element of a list was dropped by a reading of its own of the whole item: an
/// answer of some hundred kilobytes took minutes.
#[test]
fn many_bad_elements_cost_one_reading_not_one_each() {
    let good = "1,".repeat(20_000);
    let bad = "\"x\",".repeat(20_000);
    let message = format!("{{\"msg_seqno\":7,\"content\":\"kept\",\"at_uids\":[{good}{bad}1]}}");
    let page = format!("{{\"messages\":[{message}]}}");
    checks::decoders::check(&[b"\x04\x80", page.as_bytes()].concat());

    let talkers: String = (0..40_000)
        .map(|nth| format!("\"{nth:06}\":{},", if nth < 20_000 { "1" } else { "\"x\"" }))
        .collect();
    let list = format!("{{\"session_list\":[],\"system_msg\":{{{talkers}\"z\":1}}}}");
    checks::decoders::check(&[b"\x01\x80", list.as_bytes()].concat());
}

/// For every link that was begun the end was looked for in all the rest of the text.
#[test]
fn links_without_an_end_cost_one_look_not_one_each() {
    for content in ["#{".repeat(400_000), "#{".repeat(400_000) + "}{"] {
        let data = format!("[{{\"id\":1,\"content\":\"{content}\"}}]");
        checks::decoders::check(&[b"\x0f\x80", data.as_bytes()].concat());
    }
}

/// Every item of a list that cannot be read was compared with every one of the list before.
#[test]
fn unreadable_items_are_told_of_once_without_comparing_all_with_all() {
    let steps = vec![
        Step::Serve { pick: 0 },
        list_of_numbers(0..120_000),
        Step::Wait,
        list_of_numbers(20_000..40_000),
    ];
    let script = Script {
        settings: Settings::default(),
        steps,
    };
    check_script(&script, None);
}

/// A list of what is no conversation.
fn list_of_numbers(numbers: std::ops::Range<u32>) -> Step {
    let items: Vec<String> = numbers.map(|number| number.to_string()).collect();
    Step::Data {
        pick: 0,
        data: format!("{{\"session_list\":[{}]}}", items.join(",")).into_bytes(),
    }
}

/// A resume added to an interval that is as long as can be.
#[test]
fn the_longest_interval_is_resumed() {
    use bilibili_session::poller::{Output, Poller, PollerConfig};
    use bilibili_session::{ClientConfig, Credential, Hosts, Now, UnixMicros};

    let body = checks::checkpoint::Body {
        uid: 10001,
        base_ts: i64::MAX,
        new_since: i64::MIN,
        polled_at: i64::MAX,
        conversations: Vec::new(),
    };
    let checkpoint = Checkpoint::from_json(&body.to_json()).unwrap();
    let credential = Credential::parse("SESSDATA=made%2Cup").unwrap();
    let context = ClientConfig::new(credential).hosts(Hosts::origin("http://127.0.0.1:1").unwrap());
    let config = PollerConfig::new()
        .interval(Duration::MAX)
        .request_timeout(Duration::MAX);
    let mut poller = Poller::resume(context, config, &checkpoint).unwrap();
    let now = Now {
        monotonic: Duration::ZERO,
        wall: UnixMicros(i64::MIN),
    };
    let Output::Send(nav) = poller.poll_output(now) else {
        panic!("it asks who is logged in");
    };
    let answer = "{\"code\":0,\"data\":{\"isLogin\":true,\"mid\":10001,\"wbi_img\":{\
        \"img_url\":\"https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png\",\
        \"sub_url\":\"https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png\"}}}";
    let answer = http::Response::new(answer.as_bytes().to_vec());
    poller.handle_response(now, nav.id, Ok(answer)).unwrap();
    assert!(matches!(poller.poll_output(now), Output::Status(_)));
    let Output::Wait(until) = poller.poll_output(now) else {
        panic!("it waits");
    };
    assert!(until > Duration::from_secs(1 << 40), "{until:?}");
}

/// For every boundary that stands in a picture the whole picture was looked through again.
#[test]
fn a_picture_full_of_boundaries_costs_one_look() {
    use bilibili_session::endpoints::UploadPicture;
    use bilibili_session::model::Picture;
    use bilibili_session::{ClientConfig, Credential, Endpoint};

    let mut file = b"GIF89a\x02\x00\x03\x00\x00\x00\x00;".to_vec();
    for number in 0..30_000 {
        file.extend_from_slice(format!("--bilibili-session-{number:016x}\r\n").as_bytes());
    }
    let credential = Credential::parse("SESSDATA=made%2Cup; bili_jct=0011").unwrap();
    let call = UploadPicture::new(Picture::from_bytes(file).unwrap());
    let request = call.request(&ClientConfig::new(credential), ()).unwrap();
    let content_type = request.headers()["content-type"].to_str().unwrap();
    assert!(content_type.ends_with(&format!("-{:016x}", 30_000)));
}
