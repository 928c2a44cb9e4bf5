//! Logins: those that are good, those that are on their way.

use crate::Login;
use crate::wbi::md5_hex;

/// Time that a QR code is good for (microseconds).
const CODE_LIFETIME_US: i64 = 180_000_000;
/// Time that the token of the page of a renewal is good for (microseconds).
const PAGE_LIFETIME_US: i64 = 60_000_000;
/// More QR codes than this are not kept.
const KEPT_CODES: usize = 100;

/// One login of an account: a browser's, or that of a program.
#[derive(Clone, Debug)]
pub(crate) struct WebLogin {
    pub(crate) sessdata: String,
    pub(crate) bili_jct: String,
    pub(crate) refresh_token: String,
    pub(crate) is_good: bool,
    /// The service wants it to be renewed.
    pub(crate) is_old: bool,
    /// The token of the page of a renewal, and since when.
    page: Option<(String, i64)>,
    /// The refresh token was exchanged before.
    pub(crate) is_exchanged: bool,
    /// Refresh token of the login that this one replaces, until that is confirmed.
    pub(crate) replaces: Option<String>,
}

impl WebLogin {
    /// Returns the login that an account is made with.
    pub(crate) fn first(login: &Login) -> Self {
        Self {
            sessdata: login.sessdata.clone(),
            bili_jct: login.bili_jct.clone(),
            refresh_token: md5_hex(format!("refresh token of {}", login.sessdata)),
            is_good: true,
            is_old: false,
            page: None,
            is_exchanged: false,
            replaces: None,
        }
    }

    /// Makes up the `number`th login of an account; no two are alike.
    pub(crate) fn made_up(uid: i64, number: u64) -> Self {
        let digits = |what: &str| md5_hex(format!("{what} {number} of {uid}"));
        let (sessdata, check) = (digits("SESSDATA"), digits("check"));
        let part = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        Self {
            sessdata: format!(
                "{}%2C1999999999%2C{}%2A11",
                part(&sessdata, 8),
                part(&check, 5)
            ),
            bili_jct: digits("bili_jct"),
            refresh_token: digits("refresh token"),
            is_good: true,
            is_old: false,
            page: None,
            is_exchanged: false,
            replaces: None,
        }
    }

    /// Gives out the token of the page of a renewal.
    pub(crate) fn open_page(&mut self, now_us: i64) -> String {
        let token = md5_hex(format!("page {now_us} {}", self.sessdata));
        self.page = Some((token.clone(), now_us));
        token
    }

    /// Returns whether this is the token of the page, still good.
    pub(crate) fn is_page_token(&self, token: &str, now_us: i64) -> bool {
        self.page.as_ref().is_some_and(|(known, since)| {
            known == token && now_us.saturating_sub(*since) <= PAGE_LIFETIME_US
        })
    }
}

/// Action on a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    None,
    Scanned,
    Confirmed,
    /// Expired before its time, or used up.
    Gone,
}

/// A QR code.
#[derive(Clone, Debug)]
pub(crate) struct QrCode {
    pub(crate) key: String,
    since_us: i64,
    pub(crate) scan: Scan,
    /// The account that scans it.
    pub(crate) uid: i64,
}

impl QrCode {
    /// Returns the state at this moment.
    pub(crate) fn scan_at(&self, now_us: i64) -> Scan {
        match now_us.saturating_sub(self.since_us) > CODE_LIFETIME_US {
            true => Scan::Gone,
            false => self.scan,
        }
    }
}

/// QR codes, and the count of logins that were given out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passport {
    codes: Vec<QrCode>,
    given_out: u64,
}

impl Passport {
    /// Makes a new QR code, which this account scans unless told otherwise, and returns its key.
    pub(crate) fn new_code(&mut self, now_us: i64, uid: i64) -> String {
        self.given_out += 1;
        if self.codes.len() >= KEPT_CODES {
            self.codes.remove(0);
        }
        let key = md5_hex(format!("QR code {} of {now_us}", self.given_out));
        self.codes.push(QrCode {
            key: key.clone(),
            since_us: now_us,
            scan: Scan::None,
            uid,
        });
        key
    }

    /// Returns the code of this key, or the newest.
    pub(crate) fn code_mut(&mut self, key: Option<&str>) -> Option<&mut QrCode> {
        match key {
            Some(key) => self.codes.iter_mut().find(|code| code.key == key),
            None => self.codes.last_mut(),
        }
    }

    /// Makes up one more login of an account.
    pub(crate) fn new_login(&mut self, uid: i64) -> WebLogin {
        self.given_out += 1;
        WebLogin::made_up(uid, self.given_out)
    }
}
