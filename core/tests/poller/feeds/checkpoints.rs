//! Checkpoints of the feeds.

use super::*;

#[test]
fn a_checkpoint_covers_what_was_delivered() {
    let mut server = Server::new();
    server.reply(1, -10);
    server.put("like", like(1, 70, -500, 9, &[3, 2]));
    let kinds = [FeedKind::Replies, FeedKind::Likes];
    let mut scenario = begun(&server, &kinds);
    server.reply(2, 3);
    server.run(&mut scenario, 6 * MINUTE);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let text = checkpoint.to_json();
    let checkpoint = Checkpoint::from_json(&text).unwrap();

    server.reply(3, 370);
    server
        .feeds
        .insert("like", vec![like(2, 70, 380, 10, &[7, 3])]);
    let elapsed = scenario.elapsed + 10 * MINUTE;
    let resume = |config: PollerConfig| {
        let mut scenario = Scenario::resume(config, &checkpoint);
        scenario.elapsed = elapsed;
        scenario
    };
    let mut scenario = resume(config(&kinds));
    let log = server.run(&mut scenario, Duration::from_secs(2));
    assert_eq!(ids(&log), [3, 2]);

    // One that is not asked for now is kept, one that is asked for the first time begins now.
    let mut scenario = resume(config(&[FeedKind::At]));
    server.put("at", json!({"id": 1, "at_time": START + 5}));
    server.run(&mut scenario, 6 * MINUTE);
    let later = scenario.poller.checkpoint().unwrap();
    let mut scenario = Scenario::resume(config(&FeedKind::ALL), &later);
    scenario.elapsed = elapsed + 10 * MINUTE;
    let log = server.run(&mut scenario, Duration::from_secs(30));
    assert_eq!(ids(&log), [3, 2]);
}

#[test]
fn a_checkpoint_of_an_earlier_version_is_taken_and_its_feeds_begin_now() {
    let mut server = Server::new();
    let mut scenario = begun(&server, &[]);
    server.run(&mut scenario, MINUTE);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    server.reply(1, 30);
    let mut scenario = Scenario::resume(config(&FeedKind::ALL), &checkpoint);
    scenario.elapsed = Duration::from_secs(1100);
    let log = server.run(&mut scenario, Duration::from_secs(2));
    assert_eq!(log.statuses, [Status::Connected]);
    server.reply(2, 105);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [2]);
}

/// A session of a poller, and its journal as a file.
struct Session {
    machine: SessionMachine,
    journal: Journal,
    file: String,
}

impl Session {
    fn save(&mut self) {
        match self.machine.save(&mut self.journal) {
            Some(JournalEntry::Replace(text)) => self.file = text,
            Some(JournalEntry::Append(text)) => self.file.push_str(&text),
            None => {}
        }
    }
}

/// Events that are delivered and not handled come again after a resume, the others do not; from a
/// whole checkpoint and from a journal alike.
#[test]
fn a_session_covers_what_was_handled() {
    use bilibili_session::session::Output as Out;
    let mut server = Server::new();
    server.reply(1, -10);
    server.put("like", like(1, 70, -500, 9, &[3, 2]));
    let kinds = [FeedKind::Replies, FeedKind::Likes];
    let scenario = begun(&server, &kinds);
    let mut now = scenario.now();
    let mut session = Session {
        machine: SessionMachine::new(scenario.poller),
        journal: Journal::new(),
        file: String::new(),
    };
    session.machine.set_limits(usize::MAX, usize::MAX);
    session.save();
    for id in 2..=9 {
        server.reply(id, id * 40);
    }
    server
        .feeds
        .insert("like", vec![like(2, 70, 8, 10, &[7, 3])]);
    let (mut handled, mut held, mut waited) = (Vec::new(), Vec::new(), false);
    while held.is_empty() || !waited {
        match session.machine.poll_output(now) {
            Out::Send(outgoing) => {
                let body = server.serve(&parse(&outgoing)).to_string();
                let date = std::time::UNIX_EPOCH + Duration::from_micros(now.wall.0.unsigned_abs());
                let answer = http::Response::builder()
                    .header("date", httpdate::fmt_http_date(date))
                    .body(body.into_bytes())
                    .unwrap();
                session
                    .machine
                    .handle_response(now, outgoing.id, Ok(answer));
            }
            Out::Handle(dispatch) => match dispatch.update().feed_event().map(|it| it.id()) {
                // The third reply is at work for a long time, and so is the like.
                Some(4) => held.push(dispatch),
                Some(id) if dispatch.update().feed_event().unwrap().kind() == FeedKind::Likes => {
                    assert_eq!(id, 2);
                    held.push(dispatch);
                }
                Some(id) => {
                    handled.push(id);
                    session.machine.handle_done(dispatch, Vec::new());
                }
                None => session.machine.handle_done(dispatch, Vec::new()),
            },
            Out::Wait(until) => {
                waited = now.monotonic > Duration::from_secs(2500);
                now.wall.0 += i64::try_from((until - now.monotonic).as_micros()).unwrap();
                now.monotonic = until;
                session.save();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(handled, [2, 3]);
    assert_eq!(held.len(), 2);
    let whole = session.machine.checkpoint().unwrap();
    session.save();
    let journal = Checkpoint::from_json(&session.file).unwrap();
    for checkpoint in [whole, journal] {
        let config = config(&kinds).interval(INTERVAL);
        let mut scenario = Scenario {
            poller: Poller::resume(context(), config, &checkpoint).unwrap(),
            elapsed: now.monotonic,
            skew: 0,
        };
        let log = server.run(&mut scenario, MINUTE);
        assert_eq!(ids(&log), [4, 5, 6, 7, 8, 9, 2]);
        assert_eq!(
            likes(&Log {
                feeds: log.feeds[6..].to_vec(),
                ..Log::default()
            }),
            [(70, Some(9), 10, vec![7])]
        );
    }
}
