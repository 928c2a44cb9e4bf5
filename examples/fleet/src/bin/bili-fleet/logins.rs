//! Logins to add: from standard input, or from the store of `bili login`.

use std::fs;
use std::io::{Read as _, stdin};
use std::path::PathBuf;

use bilibili_session_fleet::Error;
use bilibili_session_fleet::accounts::read_cookies;
use bilibili_session_fleet::sessions::core::login::Login;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::args::AddArgs;
use crate::key::check_permissions;

/// Larger ones are no cookies.
const LARGEST: u64 = 64 << 20;

/// Part of a stored login that counts here.
#[derive(Deserialize)]
struct Entry {
    version: u64,
    login: Login,
}

pub(crate) fn read(args: &AddArgs) -> Result<Vec<Login>, Error> {
    if !args.account.is_empty() {
        return args.account.iter().map(|name| stored(name)).collect();
    }
    let text = from_stdin()?;
    if !args.each_line {
        return Ok(vec![read_cookies(&text)?]);
    }
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let logins = lines.map(|(line, place)| {
        read_cookies(line)
            .map_err(|error| Error::usage(format!("line {place}: {error}; nothing was added")))
    });
    let logins: Vec<Login> = logins.collect::<Result<_, _>>()?;
    match logins.is_empty() {
        true => Err(Error::usage(
            "standard input holds no cookies: a `Cookie` header for each account, one a line",
        )),
        false => Ok(logins),
    }
}

/// Reads all of standard input.
pub(crate) fn from_stdin() -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let read = stdin().take(LARGEST).read_to_string(&mut text);
    read.map_err(|error| Error::system("standard input", error))?;
    Ok(text)
}

fn stored(name: &str) -> Result<Login, Error> {
    let is_name = name
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"._-@".contains(&it));
    if !is_name || name.starts_with('.') {
        return Err(Error::usage(format!(
            "`{}` is no name of a login",
            name.escape_debug()
        )));
    }
    let folder = folder()
        .ok_or_else(|| Error::usage("there is no folder for logins: set BILI_HOME or HOME"))?;
    let path = folder.join(format!("login-{name}.json"));
    let refuse = |error| Error::system(format!("the stored login {}", path.display()), error);
    let file = fs::File::open(&path).map_err(refuse)?;
    check_permissions(&file, &path)?;
    let text = Zeroizing::new(std::io::read_to_string(file).map_err(refuse)?);
    // Its own words may quote what it cannot read.
    let entry = serde_json::from_str::<Entry>(&text)
        .ok()
        .filter(|entry| entry.version == 1);
    let entry = entry.ok_or_else(|| {
        Error::usage(format!(
            "the stored login {} cannot be read",
            path.display()
        ))
    })?;
    Ok(entry.login)
}

/// Returns the folder in which `bili` stores logins.
fn folder() -> Option<PathBuf> {
    let given = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    if let Some(home) = given("BILI_HOME") {
        return Some(home);
    }
    let config = if cfg!(windows) {
        given("APPDATA")
    } else if cfg!(target_os = "macos") {
        given("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        let xdg = given("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        xdg.or_else(|| given("HOME").map(|home| home.join(".config")))
    };
    config.map(|config| config.join("bili"))
}
