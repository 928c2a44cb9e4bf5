//! A credential that is made can be sent, and shows nothing of itself.

use bilibili_session::endpoints::Nav;
use bilibili_session::{ClientConfig, Credential, Endpoint};

/// The text of a credential, in any form or none.
pub fn check(input: &[u8]) {
    check_text(&String::from_utf8_lossy(input));
}

/// [`check`] for text.
pub fn check_text(text: &str) {
    let credential = match Credential::parse(text) {
        Ok(credential) => credential,
        Err(error) => return drop(error.to_string()),
    };
    check_debug(&credential);
    let header = cookie_header(&credential);
    assert!(header.starts_with("SESSDATA="), "{header}");
    assert_eq!(credential.can_write(), header.contains("; bili_jct="));

    // A header line is one of the forms. Quotes around a value are the form's, not the value's.
    if !header.contains('"') {
        let again = Credential::parse(&format!("Cookie: {header}")).unwrap();
        assert_eq!(cookie_header(&again), header);
    }
}

/// The `Cookie` header as it is sent.
pub fn cookie_header(credential: &Credential) -> String {
    let request = Nav
        .request(&ClientConfig::new(credential.clone()), ())
        .expect("what was checked can be sent");
    let header = request.headers().get("cookie").unwrap();
    assert!(header.is_sensitive());
    let line = header.to_str().unwrap().to_owned();
    assert!(!format!("{request:?}").contains(&line));
    line
}

/// Nothing but which fields there are, and the account's number.
fn check_debug(credential: &Credential) {
    let shown = format!("{credential:?}");
    let left = ["sessdata", "bili_jct", "buvid3", "buvid4"]
        .into_iter()
        .fold(shown.clone(), |left, name| {
            left.replacen(&format!("{name}: Some([redacted])"), "", 1)
                .replacen(&format!("{name}: [redacted]"), "", 1)
                .replacen(&format!("{name}: None"), "", 1)
        });
    let uid = format!("uid: {:?}", credential.uid());
    assert_eq!(
        left.replacen(&uid, "", 1),
        "Credential { , , , ,  }",
        "{shown}"
    );
}
