//! Settings and blocked words: read and written.

use serde_json::{Map, Value, json};

use super::{Outcome, RequestKind};
use crate::model::settings::{AUTOMATIC, ON_DEMAND, Settings};
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// Most characters of a blocked word.
const MAX_WORD: usize = 20;
/// Most blocked words of an account.
const MAX_WORDS: usize = 200;

pub(crate) fn get(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let mut fields = Map::new();
    for (name, number) in world.account(asked.uid)?.settings.iter() {
        let is_told = !ON_DEMAND.contains(&name) || asked.request.number::<i64>(name)? == Some(1);
        if is_told {
            fields.insert(name.to_owned(), number.into());
        }
    }
    fields.insert("anti_harassment".to_owned(), Value::Null);
    Ok(Value::Object(fields))
}

/// Writes all settings that are named, or none.
pub(crate) fn set(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let may_reply = !world.quirks.refuses_automatic_replies;
    let account = world.account_mut(asked.uid)?;
    let mut settings = account.settings.clone();
    let mut is_one = false;
    for name in Settings::names() {
        let Some(number) = asked.request.number::<i64>(name)? else {
            continue;
        };
        if number != 0 && AUTOMATIC.contains(&name) && !may_reply {
            return Err(Refusal::new(700_009));
        }
        if !settings.set(name, number) {
            return Err(Refusal::ILLEGAL_ARGUMENT);
        }
        is_one = true;
    }
    if !is_one {
        return Err(Refusal::ILLEGAL_ARGUMENT);
    }
    account.settings = settings;
    Ok(json!({}))
}

pub(crate) fn get_block_words(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let words = &world.account(asked.uid)?.block_words;
    let written = words
        .iter()
        .map(|(content, ctime)| json!({"content": content, "ctime": ctime}));
    let written: Vec<Value> = written.collect();
    Ok(json!({
        "words": if written.is_empty() { Value::Null } else { Value::Array(written) },
        "message": "", "max_word_length": MAX_WORD, "max_words_size": MAX_WORDS,
    }))
}

pub(crate) fn add_block_word(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let word = asked.request.text("content").ok_or(Refusal::BAD_REQUEST)?;
    let words = &mut world.account_mut(asked.uid)?.block_words;
    let refusal = if word.chars().count() > MAX_WORD {
        Some(1_900_004)
    } else if word.contains(char::is_whitespace) {
        Some(1_900_007)
    } else if words.iter().any(|(known, _)| known == word) {
        Some(1_900_006)
    } else if words.len() >= MAX_WORDS {
        Some(1_900_005)
    } else {
        None
    };
    match refusal {
        Some(code) => Err(Refusal::new(code)),
        None => {
            words.push((word.to_owned(), asked.now_us.div_euclid(1_000_000)));
            Ok(json!({}))
        }
    }
}

/// Deletes a word; that there is none is no failure.
pub(crate) fn del_block_word(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let word = asked.request.text("content").ok_or(Refusal::BAD_REQUEST)?;
    let words = &mut world.account_mut(asked.uid)?.block_words;
    words.retain(|(known, _)| known != word);
    Ok(json!({}))
}
