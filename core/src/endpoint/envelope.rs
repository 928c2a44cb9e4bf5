//! Envelope of every answer: `{"code", "message", "data"}`.

use std::fmt;
use std::marker::PhantomData;

use http::Response;
use http::header::DATE;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Endpoint;
use crate::error::{ApiError, DecodeError, Error, HttpError};
use crate::json::lenient::int;
use crate::json::{self, Object};
use crate::time::UnixSeconds;

/// Reads a whole answer: directly as `W` where all of it fits, and `of` takes it; else as
/// [`Endpoint::decode`] reads its value.
pub(crate) fn read<E: Endpoint, W: DeserializeOwned>(
    endpoint: &E,
    response: &Response<Vec<u8>>,
    of: impl FnOnce(W) -> Option<E::Output>,
) -> Result<E::Output, Error> {
    if let Some(output) = direct_data(response).and_then(of) {
        return Ok(output);
    }
    let data = data(response)?;
    let output = endpoint.decode(&data);
    Ok(output.map_err(|error| error.within("data"))?)
}

/// Returns `data` of a successful answer, if it is an object that is a `W`.
fn direct_data<W: DeserializeOwned>(response: &Response<Vec<u8>>) -> Option<W> {
    #[derive(Deserialize)]
    #[serde(bound = "W: DeserializeOwned")]
    struct Answer<W> {
        #[serde(deserialize_with = "int")]
        code: i64,
        data: Data<W>,
    }
    let text = std::str::from_utf8(response.body()).ok()?;
    let Object(answer): Object<Answer<W>> = json::direct(text)?;
    let is_success = response.status().is_success() && answer.code == 0;
    is_success.then_some(answer.data.0)
}

/// `data`, unless it begins with the service's demand for a captcha.
struct Data<W>(W);

impl<'de, W: Deserialize<'de>> Deserialize<'de> for Data<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DataVisitor(PhantomData))
    }
}

struct DataVisitor<W>(PhantomData<W>);

impl<'de, W: Deserialize<'de>> Visitor<'de> for DataVisitor<W> {
    type Value = Data<W>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Data<W>, A::Error> {
        let first_key = object.next_key::<&str>()?;
        if first_key == Some(CAPTCHA) {
            return Err(A::Error::custom("a demand for a captcha"));
        }
        W::deserialize(MapAccessDeserializer::new(Begun { first_key, object })).map(Data)
    }
}

/// An object of which the first key was looked at.
struct Begun<'de, A> {
    first_key: Option<&'de str>,
    object: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Begun<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first_key.take() {
            Some(key) => seed
                .deserialize(BorrowedStrDeserializer::new(key))
                .map(Some),
            None => self.object.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.object.next_value_seed(seed)
    }
}

/// The one field of `data` where the service wants a captcha solved first.
const CAPTCHA: &str = "v_voucher";

/// Returns `data` of a successful answer; null where there is none.
pub(crate) fn data(response: &Response<Vec<u8>>) -> Result<Value, Error> {
    let status = response.status();
    let not_ours = || HttpError::new(status, response.body());
    let mut body = match json::parse(response.body()) {
        Ok(body) => body,
        Err(_) if !status.is_success() => return Err(not_ours().into()),
        Err(error) => return Err(error.into()),
    };
    let code = match body.get("code").map(int::<_, i64>) {
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
        Value::Object(object) if object.len() == 1 && object.contains_key(CAPTCHA) => {
            Err(ApiError::new(0, CAPTCHA).into())
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
