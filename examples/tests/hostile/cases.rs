//! The cases: what comes instead of the answer.

/// Bytes that come instead of the answer.
#[derive(Clone)]
pub(crate) enum Script {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// First these bytes, then these over and over, as fast as they are taken.
    Flood(Vec<u8>, Vec<u8>),
    /// First these bytes, then one each second, for ever.
    Drip(Vec<u8>, u8),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// Nothing more, for ever.
    Hang,
    /// The right answer with these headers in it.
    Headers(String),
}

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// A part of the path that is answered so.
    pub(crate) path: &'static str,
    pub(crate) script: Script,
    /// From before the session begins.
    pub(crate) at_start: bool,
    /// Set if the session may also be none the worse for it.
    pub(crate) may_pass: bool,
}

pub(crate) fn case(name: &'static str, script: Script) -> Case {
    Case {
        name,
        path: PAGES,
        script,
        at_start: false,
        may_pass: false,
    }
}

pub(crate) const PAGES: &str = "fetch_session_msgs";
pub(crate) const LISTS: &str = "_sessions";
pub(crate) const NAV: &str = "nav";

impl Case {
    fn on(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    fn may_pass(mut self) -> Self {
        self.may_pass = true;
        self
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn head(more: &str) -> Vec<u8> {
    format!("{OK}{more}\r\n").into_bytes()
}

fn whole(body: &[u8]) -> Script {
    let mut bytes = head(&format!("content-length: {}\r\n", body.len()));
    bytes.extend(body);
    Script::Bytes(bytes)
}

pub(crate) fn text(text: &str) -> Script {
    Script::Bytes(text.as_bytes().to_vec())
}

fn data(data: &str) -> Script {
    whole(format!(r#"{{"code":0,"message":"0","data":{data}}}"#).as_bytes())
}

/// As many of these, separated by commas, as fit into 15 MB, in an array.
fn array_of(item: &str) -> String {
    format!(
        "[{}{item}]",
        format!("{item},").repeat(15_000_000 / (item.len() + 1))
    )
}

/// 15 MB of gzip that are 2.4 GB of zeros.
fn bomb() -> Vec<u8> {
    // One zero, then copies of 258 bytes that lie one byte back: 13 bits each, so that the
    // bytes repeat after 13.
    let mut bits: Vec<u8> = vec![0, 1, 0];
    bits.extend([0, 0, 1, 1, 0, 0, 0, 0]);
    for _ in 0..64 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    let byte = |bits: &[u8]| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | bit);
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    bomb.extend(&bytes[..2]);
    bomb.extend(bytes[2..15].repeat(15_000_000 / 13));
    bomb
}

pub(crate) fn cases() -> Vec<Case> {
    let megabyte = vec![b' '; 1 << 20];
    let chunk = [b"100000\r\n".to_vec(), megabyte.clone(), b"\r\n".to_vec()].concat();
    let message = |fields: &str| {
        format!(
            r#"{{"sender_uid":20001,"receiver_type":1,"receiver_id":10001,"msg_type":1,"content":"{{}}","msg_seqno":1,"timestamp":1,"msg_key":1,"msg_status":0{fields}}}"#
        )
    };
    let page = |messages: &str, more: &str| {
        format!(r#"{{"messages":{messages},"has_more":0,"min_seqno":1,"max_seqno":2{more}}}"#)
    };
    let deep = "[".repeat(200_000);
    let bomb = bomb();
    let bomb_head = format!(
        "content-encoding: gzip\r\ncontent-length: {}\r\n",
        bomb.len()
    );
    let gbk = b"{\"code\":0,\"message\":\"\xc4\xe3\xba\xc3\",\"data\":{\"messages\":[{\"content\":\"\xc4\xe3\xba\xc3\"}]}}";
    let mut in_gbk = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=gbk\r\ncontent-length: {}\r\n\r\n",
        gbk.len()
    )
    .into_bytes();
    in_gbk.extend(gbk);
    let many_headers: String = (0..5000).map(|n| format!("x-{n}: made up\r\n")).collect();
    let cookies: String = (0..90)
        .map(|n| format!("set-cookie: SESSDATA=evil{n}; Path=/\r\n"))
        .collect();
    vec![
        // Of what is too large a smaller page is asked for, without a word.
        case(
            "body without end, in chunks",
            Script::Flood(head("transfer-encoding: chunked\r\n"), chunk.clone()),
        )
        .may_pass(),
        case(
            "body without end, of no length",
            Script::Flood(head(""), megabyte.clone()),
        )
        .may_pass(),
        case(
            "body without end, of a huge length",
            Script::Flood(
                head("content-length: 9000000000000000000\r\n"),
                megabyte.clone(),
            ),
        )
        .may_pass(),
        case(
            "a chunk of 2^64 - 1 bytes",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"ffffffffffffffff\r\n".to_vec(),
                ]
                .concat(),
                megabyte.clone(),
            ),
        )
        .may_pass(),
        case(
            "a chunk of more than 2^64 bytes",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"ffffffffffffffffffff\r\n".to_vec(),
                ]
                .concat(),
                megabyte.clone(),
            ),
        ),
        case(
            "a length that is no number",
            Script::Flood(head("content-length: -1\r\n"), megabyte.clone()),
        ),
        case(
            "a gzip bomb that nobody asked for",
            Script::Bytes([head(&bomb_head), bomb].concat()),
        ),
        case(
            "a byte a second, in the body",
            Script::Drip(head("content-length: 100000\r\n"), b' '),
        ),
        case(
            "a byte a second, in the headers",
            Script::Drip(OK.as_bytes().to_vec(), b'x'),
        ),
        case("no answer", Script::Hang),
        case(
            "a header without end",
            Script::Flood(format!("{OK}x-long: ").into_bytes(), vec![b'x'; 1 << 16]),
        )
        .may_pass(),
        case(
            "headers without end",
            Script::Flood(OK.as_bytes().to_vec(), b"x-more: made up\r\n".repeat(4096)),
        ),
        case("5,000 headers", Script::Headers(many_headers)).may_pass(),
        case(
            "interim answers without end",
            Script::Flood(
                Vec::new(),
                b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(1000),
            ),
        )
        .may_pass(),
        case(
            "a trailer without end",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"2\r\n{}\r\n0\r\n".to_vec(),
                ]
                .concat(),
                b"x-more: made up\r\n".repeat(4096),
            ),
        ),
        case("JSON of 200,000 levels", whole(deep.as_bytes())),
        case("JSON of 200,000 levels, as data", data(&deep)),
        case(
            "numbers out of range, in a page",
            data(&page(
                &format!("[{}]", message(r#","msg_seqno":1e400"#)),
                "",
            )),
        ),
        case(
            "a seqno of 10^300",
            data(&page(
                &format!(
                    "[{}]",
                    message("").replace(r#""msg_seqno":1"#, r#""msg_seqno":1e300"#)
                ),
                "",
            )),
        ),
        case(
            "a code out of range",
            whole(br#"{"code":99999999999999999999999999,"message":"0","data":{}}"#),
        ),
        case(
            "millions of items that are nothing",
            data(&page(&array_of("{}"), "")),
        ),
        case(
            "millions of items that are no messages",
            data(&page(&array_of("0"), "")),
        ),
        case(
            "a page of one message, 100,000 times",
            data(&page(&array_of(&message("")), "")),
        ),
        case(
            "as many values as are taken, each an object",
            data(&page(
                "[]",
                &format!(r#","more":[{}0]"#, r#"{"":0},"#.repeat(120_000)),
            )),
        )
        .may_pass(),
        case(
            "a million unknown fields",
            whole(
                format!(
                    r#"{{"code":0,"data":{{{}"z":0}}}}"#,
                    (0..900_000)
                        .map(|n| format!(r#""f{n}":{n},"#))
                        .collect::<String>()
                )
                .as_bytes(),
            ),
        ),
        case("another charset", Script::Bytes(in_gbk)),
        case("answers that set cookies", Script::Headers(cookies)).may_pass(),
        // The transport asks again by itself where a connection was used before.
        case("the connection is reset", Script::Reset(Vec::new())).may_pass(),
        case(
            "the connection is reset, in the body",
            Script::Reset([head("content-length: 100\r\n"), b"{\"code\":0,".to_vec()].concat()),
        ),
        case(
            "the body is cut off",
            text("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":0,"),
        ),
        case("no HTTP", text("SSH-2.0-made-up\r\n\r\n")),
        case("zeros", Script::Flood(Vec::new(), vec![0; 1 << 16])),
        case(
            "a status that is no number",
            text("HTTP/1.1 abc OK\r\n\r\n{}"),
        ),
        case(
            "a status of 99999",
            text("HTTP/1.1 99999 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ),
        case(
            "two lengths",
            text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 20\r\n\r\n{}"),
        ),
        case("an empty answer", whole(b"")),
        case(
            "body without end, of a list",
            Script::Flood(head(""), megabyte.clone()),
        )
        .on(LISTS),
        case("JSON of 200,000 levels, of a list", whole(deep.as_bytes())).on(LISTS),
        case(
            "millions of conversations that are nothing",
            data(&format!(
                r#"{{"session_list":{},"has_more":0}}"#,
                array_of("{}")
            )),
        )
        .on(LISTS),
        case(
            "body without end, of nav",
            Script::Flood(head(""), megabyte),
        )
        .on(NAV)
        .at_start(),
        case(
            "a byte a second, of the first list",
            Script::Drip(head("content-length: 100000\r\n"), b' '),
        )
        .on(LISTS)
        .at_start(),
    ]
}
