//! Each program runs against a simulator, and does what it says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::endpoints::UploadPicture;
use bilibili_session::{ClientConfig, Credential, Event, FeedEvent, Hosts, Picture, UnixMicros};
use bilibili_session_blocking::{Client, UreqTransport};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Login, NewMessage, NewNotification, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";

/// A service, and a folder with the cookies of its account.
struct World {
    server: Server,
    folder: TempDir,
}

/// A program that is ended with this.
struct Running(Child);

impl Running {
    /// The lines that it prints, each of which comes soon.
    fn lines(&mut self) -> impl Iterator<Item = String> {
        let said = BufReader::new(self.0.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || said.lines().try_for_each(|line| tell.send(line.unwrap())));
        iter::repeat_with(move || told.recv_timeout(SOON).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn now() -> i64 {
    UnixMicros::from(SystemTime::now()).0
}

#[track_caller]
fn until(mut fits: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !fits() {
        assert!(begun.elapsed() < SOON, "it did not come to that");
        thread::sleep(Duration::from_millis(5));
    }
}

impl World {
    fn new() -> Self {
        let server = Server::start(Simulator::default(), 0).unwrap();
        let login = server.simulator().login();
        let folder = tempfile::tempdir().unwrap();
        let world = Self { server, folder };
        world.keep("cookies.txt", &login);
        world
    }

    fn keep(&self, file: &str, login: &Login) {
        let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
        fs::write(self.path(file), cookies).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, path: &str) -> Command {
        let mut command = Command::new(path);
        command
            .env("BILI_COOKIES", self.path("cookies.txt"))
            .env("BILI_ORIGIN", self.server.origin())
            .stdout(Stdio::piped());
        command
    }

    /// Starts a program, and waits until what is written comes out.
    fn start(&self, command: &mut Command) -> Running {
        let running = Running(command.spawn().unwrap());
        self.rounds(2);
        running
    }

    /// Waits until the program has looked so often.
    fn rounds(&self, number: u64) {
        let polls = || self.server.simulator().requests_matching("new_sessions");
        let before = polls();
        until(|| polls() >= before + number);
    }

    fn receive(&self, message: NewMessage) {
        self.server.simulator().receive(now(), message).unwrap();
    }

    /// Texts that were sent, by their receiver.
    fn sent(&self) -> BTreeMap<i64, Vec<String>> {
        let mut sent = BTreeMap::<_, Vec<_>>::new();
        for message in self.server.simulator().sent() {
            let content: Value = serde_json::from_str(&message.content).unwrap();
            let text = content["content"].as_str().unwrap_or_default().to_owned();
            sent.entry(message.receiver_id).or_default().push(text);
        }
        sent
    }

    fn client(&self) -> Client {
        let cookies = fs::read_to_string(self.path("cookies.txt")).unwrap();
        let context = ClientConfig::new(Credential::parse(&cookies).unwrap());
        let context = context.hosts(Hosts::origin(&self.server.origin()).unwrap());
        Client::new(context, UreqTransport::new())
    }
}

#[test]
fn keywords_are_answered_at_a_pace() {
    let world = World::new();
    let mut program = world.program(env!("CARGO_BIN_EXE_keyword_answers"));
    let _running = world.start(&mut program);
    for text in ["hello", "hello?", "nothing"] {
        world.receive(NewMessage::text(20001, text));
    }
    world.receive(NewMessage::text(20002, "几点营业"));
    world.receive(NewMessage::text(20003, "hello").in_group(5));
    until(|| world.sent().len() == 2);
    world.rounds(3);
    let sent = world.sent();
    assert_eq!(sent[&20001], ["你好！"]);
    assert_eq!(sent[&20002], ["每天 10:00–22:00"]);
    assert_eq!(sent.len(), 2);
}

#[test]
fn pictures_are_saved() {
    let world = World::new();
    let mut program = world.program(env!("CARGO_BIN_EXE_save_pictures"));
    let _running = world.start(program.arg(world.folder.path()));
    let picture = Picture::from_bytes(GIF.to_vec()).unwrap();
    let there = world.client().call(UploadPicture::new(picture)).unwrap();
    let content = serde_json::to_value(there.content()).unwrap();
    world.receive(NewMessage::new(20001, 2, &content));
    until(|| world.sent().contains_key(&20001));
    let mut files = fs::read_dir(world.folder.path()).unwrap();
    let file = files.find_map(|file| {
        let file = file.unwrap().path();
        file.extension()
            .is_some_and(|it| it == "gif")
            .then_some(file)
    });
    assert_eq!(fs::read(file.unwrap()).unwrap(), GIF);
}

#[test]
fn a_conversation_is_exported() {
    let world = World::new();
    let texts = ["one", "<script>two</script>", "三"];
    for text in texts {
        world.receive(NewMessage::text(20001, text));
    }
    let content = json!({"url": "javascript:alert(1)"});
    world.receive(NewMessage::new(20001, 2, &content));
    let mut program = world.program(env!("CARGO_BIN_EXE_export"));
    let ended = program.arg("20001").arg(world.path("talk")).status();
    assert!(ended.unwrap().success());
    let lines = fs::read_to_string(world.path("talk.jsonl")).unwrap();
    let events: Vec<Event> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let written: Vec<&str> = events.iter().filter_map(Event::text).collect();
    assert_eq!(written, texts);
    let page = fs::read_to_string(world.path("talk.html")).unwrap();
    assert!(page.contains("&lt;script>two"), "{page}");
    assert!(
        !page.contains("<script") && !page.contains("href"),
        "{page}"
    );
}

/// A webhook that refuses the first call; what it was told, and with which key.
fn webhook() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let mut client = BufReader::new(client.unwrap());
            let (mut length, mut key) = (0, String::new());
            loop {
                let mut line = String::new();
                client.read_line(&mut line).unwrap();
                match line.trim_end().split_once(": ") {
                    Some(("content-length", value)) => length = value.parse().unwrap(),
                    Some(("idempotency-key", value)) => key = value.to_owned(),
                    None if line == "\r\n" => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            client.read_exact(&mut body).unwrap();
            tell.send((key, serde_json::from_slice(&body).unwrap()))
                .unwrap();
            let status = if number == 0 { 503 } else { 204 };
            let answer = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n");
            client.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, told)
}

#[test]
fn a_webhook_gets_all_also_after_a_crash() {
    let world = World::new();
    let (url, told) = webhook();
    let mut program = world.program(env!("CARGO_BIN_EXE_webhook"));
    program.arg(url).arg(world.path("checkpoint"));
    let running = world.start(&mut program);
    world.receive(NewMessage::text(20001, "one"));
    let next = || told.recv_timeout(SOON).unwrap();
    let (refused, again) = (next(), next());
    assert_eq!(refused, again);
    let event: Event = serde_json::from_value(again.1).unwrap();
    assert_eq!(event.text(), Some("one"));
    let mut simulator = world.server.simulator();
    simulator
        .notify(now(), NewNotification::reply(20002, "two"))
        .unwrap();
    drop(simulator);
    let feed: FeedEvent = serde_json::from_value(next().1).unwrap();
    assert!(feed.to_string().contains("two"), "{feed}");
    until(|| world.path("checkpoint").exists());
    drop(running);
    world.receive(NewMessage::text(20001, "three"));
    let _running = Running(program.spawn().unwrap());
    // The last one may come twice.
    loop {
        if let Ok(event) = serde_json::from_value::<Event>(next().1)
            && event.text() != Some("one")
        {
            assert_eq!(event.text(), Some("three"));
            break;
        }
    }
}

#[test]
fn notifications_come_together() {
    let world = World::new();
    let mut program = world.program(env!("CARGO_BIN_EXE_digest"));
    let mut running = world.start(program.arg("1"));
    // The base line of the feeds is taken with the first look at them.
    let feeds = || world.server.simulator().requests_matching("msgfeed/like");
    until(|| feeds() > 0);
    world.rounds(2);
    let mut simulator = world.server.simulator();
    for notification in [
        NewNotification::reply(20001, "first"),
        NewNotification::like(20002, 7),
        NewNotification::like(20003, 7),
    ] {
        simulator.notify(now(), notification).unwrap();
    }
    drop(simulator);
    let mut lines = running.lines();
    // They may fall into two turns.
    let mut likes = 0;
    let mut replies = 0;
    while likes < 2 || replies < 1 {
        let line = lines.next().unwrap();
        replies += usize::from(line.contains("first"));
        if let Some((number, _)) = line.trim_start_matches("- ").split_once(" likes of") {
            likes += number.parse::<usize>().unwrap();
        }
    }
    assert_eq!((likes, replies), (2, 1));
}

#[test]
fn notes_outlive_the_process() {
    let world = World::new();
    let mut program = world.program(env!("CARGO_BIN_EXE_notes"));
    program.arg(world.path("notes.db"));
    let running = world.start(&mut program);
    world.receive(NewMessage::text(20001, "记 milk"));
    world.receive(NewMessage::text(20002, "记 tea"));
    until(|| world.sent().len() == 2);
    drop(running);
    for text in ["记 bread", "列出"] {
        world.receive(NewMessage::text(20001, text));
    }
    let _running = world.start(&mut program);
    until(|| world.sent()[&20001].len() == 3);
    assert_eq!(world.sent()[&20001], ["记住了", "记住了", "milk\nbread"]);
}

#[test]
fn accounts_see_what_is_theirs() {
    let world = World::new();
    let (first, second) = (world.server.simulator().login(), Login::made_up(10002));
    world
        .server
        .simulator()
        .add_account(second.clone())
        .unwrap();
    world.keep("second.txt", &second);
    let mut program = world.program(env!("CARGO_BIN_EXE_several_accounts"));
    program.args(["cookies.txt", "second.txt"].map(|file| world.path(file)));
    let mut running = world.start(&mut program);
    // Each has its base line.
    until(|| world.server.simulator().requests_matching("get_sessions") >= 2);
    for (account, text) in [(&first, "one"), (&second, "two")] {
        let message = NewMessage::text(20001, text);
        let mut simulator = world.server.simulator();
        simulator.receive_for(account.uid, now(), message).unwrap();
    }
    let mut lines: Vec<String> = running.lines().take(2).collect();
    lines.sort_unstable();
    assert!(
        lines[0].ends_with("cookies.txt] user 20001: one"),
        "{lines:?}"
    );
    assert!(
        lines[1].ends_with("second.txt] user 20001: two"),
        "{lines:?}"
    );
    until(|| world.sent().contains_key(&20001));
}
