//! Identity of the login, and the keys to sign with.

use serde_json::json;

use super::{Outcome, RequestKind};
use crate::model::world::World;
use crate::wire::envelope::Refusal;

pub(crate) const PATH: &str = "/x/web-interface/nav";

/// Answers nav: logged out, with a refusal that holds the keys all the same.
pub(crate) fn nav(world: &World, uid: Option<i64>) -> Outcome {
    let wbi_img = json!({"img_url": world.keys.img_url(), "sub_url": world.keys.sub_url()});
    let Some(uid) = uid else {
        let data = json!({"isLogin": false, "wbi_img": wbi_img});
        return Err(Refusal {
            data: Some(data),
            ..Refusal::NOT_LOGGED_IN
        });
    };
    let login = &world.account(uid)?.login;
    Ok(json!({
        "isLogin": true,
        "mid": login.uid,
        "uname": login.name,
        "face": FACE,
        "email_verified": 1,
        "mobile_verified": 1,
        "money": 100,
        "level_info": {"current_level": 5, "current_min": 10_800, "current_exp": 12_000, "next_exp": 28_800},
        "wbi_img": wbi_img,
    }))
}

const FACE: &str = "https://i0.hdslb.com/bfs/face/member/noface.jpg";

pub(crate) fn myinfo(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let login = &world.account(asked.uid)?.login;
    Ok(json!({
        "mid": login.uid, "name": login.name, "sex": "保密", "face": FACE, "sign": "", "rank": 10_000, "level": 5,
        "silence": 0, "coins": 100, "following": 1, "follower": 1,
    }))
}
