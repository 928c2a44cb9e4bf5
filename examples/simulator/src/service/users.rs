//! Names and pictures of users.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// Number of users that one request may ask for.
const MOST: usize = 50;

/// Answers with the users there are; the others are left out.
pub(crate) fn user_infos(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let uids = asked.request.text("uids").ok_or(Refusal::BAD_REQUEST)?;
    let uids: Vec<i64> = uids
        .split(',')
        .map(|uid| uid.trim().parse().map_err(|_| Refusal::BAD_REQUEST))
        .collect::<Result<_, _>>()?;
    if uids.len() > MOST {
        return Err(Refusal::BAD_REQUEST);
    }
    let is_known = |uid: &i64| world.peers.contains_key(uid) || world.accounts.contains_key(uid);
    let users = uids.into_iter().filter(is_known).map(|uid| {
        json!({
            "mid": uid, "name": world.peer(uid).name, "face": FACE, "sign": "",
            "vip": {"type": 0, "status": 0}, "official": {"role": 0, "title": "", "desc": "", "type": -1},
        })
    });
    Ok(users.collect::<Vec<Value>>().into())
}

const FACE: &str = "https://i0.hdslb.com/bfs/face/member/noface.jpg";
