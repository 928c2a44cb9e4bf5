//! Envelope of every answer: `{"code", "message", "data"}`.

use http::Response;
use http::header::DATE;
use serde_json::Value;

use crate::error::{ApiError, DecodeError, Error, HttpError};
use crate::json;
use crate::time::UnixSeconds;

/// Returns `data` of a successful answer; null where there is none.
pub(super) fn data(response: &Response<Vec<u8>>) -> Result<Value, Error> {
    let status = response.status();
    let not_ours = || HttpError::new(status, response.body());
    let mut body = match json::parse(response.body()) {
        Ok(body) => body,
        Err(_) if !status.is_success() => return Err(not_ours().into()),
        Err(error) => return Err(error.into()),
    };
    let code = match body.get("code").map(json::lenient::int::<_, i64>) {
        Some(Ok(code)) => code,
        _ if !status.is_success() => return Err(not_ours().into()),
        Some(Err(error)) => return Err(DecodeError::new("code", &error).into()),
        None => return Err(DecodeError::new("", &"there is no code in it").into()),
    };
    if code != 0 {
        return Err(ApiError::new(code, message(&body)).into());
    }
    if !status.is_success() {
        return Err(not_ours().into());
    }
    let data = body.get_mut("data").map(Value::take).unwrap_or_default();
    match &data {
        Value::Object(object) if object.len() == 1 && object.contains_key("v_voucher") => {
            Err(ApiError::new(0, "v_voucher").into())
        }
        _ => Ok(data),
    }
}

/// Returns the service's words: `message`, in older answers `msg`.
fn message(body: &Value) -> String {
    ["message", "msg"]
        .into_iter()
        .filter_map(|name| body.get(name)?.as_str())
        .find(|text| !text.is_empty())
        .map(|text| text.chars().take(200).collect())
        .unwrap_or_default()
}

/// Returns the server's time: the `Date` header of an answer.
pub fn server_date<B>(response: &Response<B>) -> Option<UnixSeconds> {
    UnixSeconds::from_http_date(response.headers().get(DATE)?.to_str().ok()?)
}
