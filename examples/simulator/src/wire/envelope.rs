//! Answers: the envelope around data, and the few that are not JSON.

use std::time::{Duration, UNIX_EPOCH};

use http::{Response, StatusCode, header};
use serde_json::{Value, json};

/// A request that the service refuses: the code, its words, and sometimes data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) status: StatusCode,
    pub(crate) data: Option<Value>,
}

impl Refusal {
    pub(crate) const NOT_LOGGED_IN: Self = Self::new(-101);
    pub(crate) const WRONG_CSRF: Self = Self::new(-111);
    pub(crate) const BAD_REQUEST: Self = Self::new(-400);
    pub(crate) const UNSIGNED: Self = Self::new(-403);
    pub(crate) const ILLEGAL_ARGUMENT: Self = Self::new(2);

    pub(crate) const fn new(code: i64) -> Self {
        Self {
            code,
            status: StatusCode::OK,
            data: None,
        }
    }

    pub(crate) const fn http(status: StatusCode, code: i64) -> Self {
        Self {
            code,
            status,
            data: None,
        }
    }
}

/// Returns the message of a code.
pub(crate) fn words(code: i64) -> &'static str {
    match code {
        -3 => "签名错误",
        -101 => "账号未登录",
        -111 => "csrf 校验失败",
        -352 => "风控校验失败",
        -400 => "请求错误",
        -403 => "访问权限不足",
        -404 => "啥都木有",
        -405 => "不支持该方法",
        -412 => "请求被拦截",
        -500 => "服务器错误",
        -503 => "过载保护,服务暂不可用",
        -509 | -799 => "请求过于频繁，请稍后再试",
        2 => "illegal argument",
        2202 => "csrf 校验失败",
        10005 => "msgkey不存在",
        21007 => "消息过长，无法发送",
        21015 => "请先绑定手机号",
        21020 => "你发消息频率太高啦，休息一下吧",
        21026 => "不能给自己发送消息哦~",
        21028 => "系统升级中，暂时无法发送",
        21035 => "该类消息暂时无法发送",
        21037 => "图片格式不合法",
        21041 => "消息已超过撤回时限",
        21042 => "消息已经撤回了",
        21046 => "你发消息频率太高啦，24小时后再试",
        21047 => "对方主动回复或关注你前，最多发送1条消息",
        25003 => "因对方隐私设置，暂无法给他发送消息",
        25005 => "已将对方拉黑，无法发送消息",
        86038 => "二维码已失效",
        86090 => "二维码已扫码未确认",
        86095 => "refresh_token 不匹配",
        86101 => "未扫码",
        700009 => "没有权限",
        700013 => "应援团已解散",
        700014 => "你已不在应援团中",
        1000004 => "没有找到会话",
        1900004 => "屏蔽词最多20个字",
        1900005 => "最多添加200个屏蔽词",
        1900006 => "屏蔽词重复",
        1900007 => "屏蔽词不支持空格",
        _ => "请求失败",
    }
}

/// Answers with the envelope around data.
pub(crate) fn success(now_us: i64, data: Value) -> Response<Vec<u8>> {
    let mut body = json!({"code": 0, "message": "0", "msg": "0", "ttl": 1});
    put(&mut body, "data", data);
    json(now_us, StatusCode::OK, &body)
}

/// Adds a field to an object; `json!` would copy the value.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Answers with the envelope of a refusal.
pub(crate) fn refusal(now_us: i64, refusal: &Refusal) -> Response<Vec<u8>> {
    let words = words(refusal.code);
    let mut body = json!({"code": refusal.code, "message": words, "msg": words, "ttl": 1});
    if let Some(data) = &refusal.data {
        put(&mut body, "data", data.clone());
    }
    json(now_us, refusal.status, &body)
}

/// Answers with a JSON value as it is.
pub(crate) fn json(now_us: i64, status: StatusCode, body: &Value) -> Response<Vec<u8>> {
    json_bytes(now_us, status, body.to_string().into_bytes())
}

/// Answers with a body of the content type JSON.
pub(crate) fn json_bytes(now_us: i64, status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    bytes(now_us, status, "application/json; charset=utf-8", body)
}

/// Answers with a page for people.
pub(crate) fn page(now_us: i64, status: StatusCode, body: &str) -> Response<Vec<u8>> {
    let html = format!("<!DOCTYPE html>\n<html><body>{body}</body></html>");
    bytes(
        now_us,
        status,
        "text/html; charset=utf-8",
        html.into_bytes(),
    )
}

/// Answers as a proxy in front of the service does.
pub(crate) fn html(now_us: i64, status: StatusCode) -> Response<Vec<u8>> {
    let body = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body>由于触发哔哩哔哩安全风控策略，该次访问请求被拒绝。</body></html>"
    );
    bytes(
        now_us,
        status,
        "text/html; charset=utf-8",
        body.into_bytes(),
    )
}

/// Answers with a body, its type, its length and the server's time.
pub(crate) fn bytes(
    now_us: i64,
    status: StatusCode,
    content_type: &str,
    body: Vec<u8>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let length = response.body().len();
    let headers = response.headers_mut();
    if let Some(value) = date(now_us.div_euclid(1_000_000)) {
        headers.insert(header::DATE, value);
    }
    if let Ok(value) = http::HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CONTENT_LENGTH, length.into());
    response
}

/// Returns the `Date` of this second since the epoch.
pub(crate) fn date(seconds: i64) -> Option<http::HeaderValue> {
    let seconds = u64::try_from(seconds).unwrap_or(0).min(MAX_DATE_S);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    http::HeaderValue::from_str(&date).ok()
}

/// The last second of the year 9999: a date header can say no more.
const MAX_DATE_S: u64 = 253_402_300_799;
