//! Settings that no transport can be made of, and secrets in those that one can.

use std::fmt::Debug;

use bilibili_session::TransportConfig;

/// Password of a proxy, which shows up nowhere.
const PASSWORD: &str = "p4ssword";

/// Checks that settings are refused if they cannot be used, and that `Debug` and errors repeat no password of a proxy.
///
/// # Errors
/// Returns what is wrong with the constructor.
pub fn check_settings<T: Debug, E: Debug>(
    make: impl Fn(&TransportConfig) -> Result<T, E>,
) -> Result<(), String> {
    let proxy = |host: &str| TransportConfig::new().proxy(format!("http://user:{PASSWORD}@{host}"));
    let address = proxy("127.0.0.1:1");
    let no_address = proxy("[not an address]");
    let transport = make(&address).map_err(|error| format!("a proxy is refused: {error:?}"))?;
    let Err(error) = make(&no_address) else {
        return Err(String::from("a proxy without an address is taken"));
    };
    for text in [
        format!("{no_address:?}"),
        format!("{error:?}"),
        format!("{transport:?}"),
    ] {
        if text.contains(PASSWORD) {
            return Err(format!("the password is repeated: {text}"));
        }
    }
    for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA", "made up"] {
        if make(&TransportConfig::new().root_certificates(pem)).is_ok() {
            return Err(format!("no certificate: {pem:?} is taken"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Careless {
        _proxy: String,
    }

    #[test]
    fn a_careless_constructor_is_found_out() {
        assert!(check_settings(|_| Err::<(), _>("no")).is_err());
        assert!(check_settings(|_| Ok::<_, ()>(())).is_err());
        let tells = |settings: &TransportConfig| match settings.proxy.as_deref() {
            Some(proxy) if proxy.contains("not an address") => Err(()),
            proxy => Ok(Careless {
                _proxy: proxy.unwrap_or_default().to_owned(),
            }),
        };
        let error = check_settings(tells).unwrap_err();
        assert!(error.contains("repeated"), "{error}");
    }
}
