//! The folder of all stored files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bilibili_session::endpoints::Nav;
use bilibili_session::{ClientConfig, Endpoint as _};

/// Returns the folder of all stored files: `$BILI_HOME`, else the platform's folder for configuration.
pub(crate) fn folder() -> Option<PathBuf> {
    let given = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    if let Some(home) = given("BILI_HOME") {
        return Some(home);
    }
    let absolute = |path: &PathBuf| path.is_absolute();
    let config = if cfg!(windows) {
        given("APPDATA")
    } else if cfg!(target_os = "macos") {
        given("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        let xdg = given("XDG_CONFIG_HOME").filter(absolute);
        xdg.or_else(|| given("HOME").map(|home| home.join(".config")))
    };
    config.filter(absolute).map(|config| config.join("bili"))
}

/// Returns the origin of the context: the base of its addresses.
pub(crate) fn origin(context: &ClientConfig) -> Option<String> {
    const PATH: &str = "/x/web-interface/nav";
    let address = Nav.request(context, ()).ok()?.uri().to_string();
    Some(address.strip_suffix(PATH)?.to_owned())
}

/// Makes the folder, if it is not there, and lets nobody else look into it.
#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_base_of_the_addresses() {
        use bilibili_session::{Credential, Hosts};
        let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap());
        let official = origin(&context).unwrap();
        assert_eq!(official, "https://api.bilibili.com");
        let hosts = Hosts::origin("http://127.0.0.1:8080/base/").unwrap();
        let other = origin(&context.hosts(hosts)).unwrap();
        assert_eq!(other, "http://127.0.0.1:8080/base");
    }
}
