//! Logins: QR codes, renewals, ends, with every refusal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bilibili_session_simulator::{Answer, Simulator};
use http::{Request, Response};
use serde_json::{Value, json};

const WEB: &str = "/x/passport-login/web";

/// A simulator with a clock, asked without a signature.
struct World {
    simulator: Simulator,
    now_us: i64,
}

/// Cookies and token of a login.
#[derive(Clone, Debug, PartialEq)]
struct Login {
    sessdata: String,
    bili_jct: String,
    refresh_token: String,
}

impl Default for World {
    fn default() -> Self {
        Self {
            simulator: Simulator::default(),
            now_us: 1_700_000_000_000_000,
        }
    }
}

impl World {
    fn ask(
        &mut self,
        path: &str,
        login: Option<&Login>,
        form: Option<String>,
    ) -> Response<Vec<u8>> {
        let builder = match form {
            Some(_) => Request::post(path),
            None => Request::get(path),
        };
        let cookie = login.map(|login| format!("SESSDATA={}", login.sessdata));
        let request = builder
            .header("cookie", cookie.unwrap_or_default())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.unwrap_or_default().into_bytes())
            .unwrap();
        match self.simulator.handle(self.now_us, &request) {
            Answer::Respond(response) => response,
            other => panic!("{other:?}"),
        }
    }

    fn data(
        &mut self,
        path: &str,
        login: Option<&Login>,
        form: Option<String>,
    ) -> Result<Value, i64> {
        let answer = body(&self.ask(path, login, form));
        match answer["code"].as_i64().unwrap() {
            0 => Ok(answer["data"].clone()),
            code => Err(code),
        }
    }

    fn control(&mut self, action: &str, body: &Value) -> u16 {
        let path = format!("/_simulator/{action}");
        let status = self.ask(&path, None, Some(body.to_string())).status();
        status.as_u16()
    }

    fn code(&mut self) -> String {
        let data = self
            .data(&format!("{WEB}/qrcode/generate"), None, None)
            .unwrap();
        let key = data["qrcode_key"].as_str().unwrap().to_owned();
        assert!(data["url"].as_str().unwrap().contains(&key));
        assert_eq!(key.len(), 32);
        key
    }

    fn poll(&mut self, key: &str) -> (i64, Option<Login>) {
        let answer = self.ask(&format!("{WEB}/qrcode/poll?qrcode_key={key}"), None, None);
        let data = body(&answer)["data"].clone();
        let login = cookies(&answer, &data);
        (data["code"].as_i64().unwrap(), login)
    }

    fn log_in(&mut self) -> Login {
        let key = self.code();
        assert_eq!(self.control("scan", &json!({"confirm": true})), 200);
        self.poll(&key).1.unwrap()
    }

    fn is_good(&mut self, login: &Login) -> bool {
        self.data("/x/web-interface/nav", Some(login), None).is_ok()
    }

    fn page(&mut self, login: &Login) -> String {
        let path = format!("/correspond/1/{}", "0a".repeat(128));
        let page = self.ask(&path, Some(login), None);
        let text = String::from_utf8(page.into_body()).unwrap();
        let (_, rest) = text.split_once("<div id=\"1-name\">").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    }

    fn refresh(&mut self, login: &Login, page: &str) -> Result<Login, i64> {
        let form = format!(
            "csrf={}&refresh_csrf={page}&source=main_web&refresh_token={}",
            login.bili_jct, login.refresh_token
        );
        let answer = self.ask(&format!("{WEB}/cookie/refresh"), Some(login), Some(form));
        let answer_body = body(&answer);
        match answer_body["code"].as_i64().unwrap() {
            0 => Ok(cookies(&answer, &answer_body["data"]).unwrap()),
            code => Err(code),
        }
    }

    fn confirm(&mut self, new: &Login, old_token: &str) -> Result<Value, i64> {
        let form = format!("csrf={}&refresh_token={old_token}", new.bili_jct);
        self.data(&format!("{WEB}/confirm/refresh"), Some(new), Some(form))
    }
}

fn body(answer: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn cookies(answer: &Response<Vec<u8>>, data: &Value) -> Option<Login> {
    let lines: Vec<&str> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    let value = |name: &str| {
        let line = lines
            .iter()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))?;
        Some(line.split(';').next().unwrap().to_owned())
    };
    Some(Login {
        sessdata: value("SESSDATA")?,
        bili_jct: value("bili_jct")?,
        refresh_token: data["refresh_token"].as_str()?.to_owned(),
    })
}

#[test]
fn a_code_from_its_beginning_to_its_end() {
    let mut world = World::default();
    let key = world.code();
    assert_eq!(world.poll(&key).0, 86101);
    assert_eq!(world.control("scan", &json!({})), 200);
    assert_eq!(world.poll(&key).0, 86090);
    assert_eq!(
        world.control("scan", &json!({"confirm": true, "qrcode_key": key})),
        200
    );
    let (code, login) = world.poll(&key);
    assert_eq!(code, 0);
    assert!(world.is_good(&login.unwrap()));
    assert_eq!(world.poll(&key).0, 86038, "good once");
    assert_eq!(world.poll("unknown").0, 86038);
    let late = world.code();
    world.now_us += 181_000_000;
    assert_eq!(world.poll(&late).0, 86038);
    assert_eq!(world.control("scan", &json!({"confirm": true})), 400);
    let ended = world.code();
    assert_eq!(world.control("scan", &json!({"expire": true})), 200);
    assert_eq!(world.poll(&ended).0, 86038);
    assert_eq!(
        world.control("scan", &json!({"qrcode_key": "unknown"})),
        400
    );
}

#[test]
fn a_renewal_and_its_refusals() {
    let mut world = World::default();
    let old = world.log_in();
    let info = format!("{WEB}/cookie/info");
    assert_eq!(
        world.data(&info, Some(&old), None).unwrap()["refresh"],
        false
    );
    assert_eq!(world.control("age_logins", &json!({})), 200);
    assert_eq!(
        world.data(&info, Some(&old), None).unwrap()["refresh"],
        true
    );
    assert_eq!(world.data(&info, None, None), Err(-101));

    for path in [
        "/correspond/1/00".to_owned(),
        format!("/correspond/1/{}", "0A".repeat(128)),
    ] {
        assert_eq!(world.ask(&path, Some(&old), None).status(), 404);
    }
    assert_eq!(world.refresh(&old, "made-up"), Err(-111));
    let page = world.page(&old);
    let other = |change: fn(&mut Login)| {
        let mut login = old.clone();
        change(&mut login);
        login
    };
    let wrong_token = other(|it| it.refresh_token = "0".repeat(32));
    assert_eq!(world.refresh(&wrong_token, &page), Err(86095));
    let wrong_csrf = other(|it| it.bili_jct = "0".repeat(32));
    assert_eq!(world.refresh(&wrong_csrf, &page), Err(-111));
    let nobody = other(|it| it.sessdata = "0%2C".to_owned());
    assert_eq!(world.refresh(&nobody, &page), Err(-101));
    let new = world.refresh(&old, &page).unwrap();
    assert!(world.is_good(&old) && world.is_good(&new));
    assert_eq!(world.confirm(&new, &new.refresh_token), Err(86095));
    assert!(world.confirm(&new, &old.refresh_token).is_ok());
    assert!(!world.is_good(&old) && world.is_good(&new));
    assert!(world.confirm(&new, &old.refresh_token).is_ok(), "again");

    let page = world.page(&new);
    world.now_us += 61_000_000;
    assert_eq!(world.refresh(&new, &page), Err(-111), "too old");
}

#[test]
fn the_end_of_a_login() {
    let mut world = World::default();
    let login = world.log_in();
    let exit = "/login/exit/v2";
    assert_eq!(
        world.data(exit, Some(&login), Some("biliCSRF=0".to_owned())),
        Err(2202)
    );
    let form = format!("biliCSRF={}", login.bili_jct);
    assert!(world.data(exit, Some(&login), Some(form.clone())).is_ok());
    assert!(!world.is_good(&login));
    let page = world.ask(exit, Some(&login), Some(form));
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(
        world.simulator.good_logins(10001).len(),
        1,
        "the first one is another"
    );
}
