//! System notices, and the two sources they come from.

use serde_json::{Value, json};

/// The system notices of an account, newest first, as they stand on the wire.
///
/// The newest come from the unified source, those from the sixth on from the user's: five stand in both.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// All notices. Pages go by `cursor`.
    pub all: Vec<Value>,
}

impl Notices {
    /// Number of the newest notices that the unified source has.
    pub(crate) const UNIFIED: usize = 10;
    /// Place of the first notice that the user's source has.
    pub(crate) const USER_FROM: usize = 5;

    /// Makes up 60 notices, of each way to write content and time.
    pub fn made_up() -> Self {
        Self {
            all: (0..60).map(notice).collect(),
        }
    }

    pub(crate) fn cursor(notice: &Value) -> i64 {
        notice.get("cursor").and_then(Value::as_i64).unwrap_or(0)
    }
}

fn notice(n: i64) -> Value {
    let content = match n % 3 {
        0 => format!("第 {n} 号通知：模拟器运行正常。"),
        1 => json!({"web": format!("第 {n} 号通知：网页可见。")}).to_string(),
        _ => format!("第 {n} 号通知，#{{点击查看}}{{\"https://www.bilibili.com/\"}}"),
    };
    let time_at = if n % 4 == 3 {
        json!(1_700_000_000 - n * 3600)
    } else {
        json!(format!("2023-11-{:02} 08:{:02}:00", 14 - n / 6, n % 60))
    };
    json!({
        "id": 5_000_060 - n,
        "cursor": 1_699_999_999_999_999_960_i64 - n,
        "publisher": if n % 2 == 0 { json!({"name": "系统通知", "mid": 0, "face": ""}) } else { Value::Null },
        "type": 1 + n % 2,
        "title": format!("通知 {n}"),
        "content": content,
        "source": {"name": "系统", "logo": ""},
        "time_at": time_at,
        "card_type": 0, "card_brief": "", "card_cover": "", "card_link": "", "mc": "1_0_0", "is_station": 0, "is_send": 1,
    })
}
