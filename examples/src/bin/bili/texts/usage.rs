//! Faults of a command line, in Chinese. In English clap says it.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Language;
use super::library::chinese;

/// Says what is wrong with a command line: in English with the words of clap.
pub(crate) fn usage_in_words(error: &clap::Error, words: &str) -> String {
    let said = match Language::current() {
        Language::English => None,
        Language::Chinese => chinese_of(error),
    };
    said.unwrap_or_else(|| words.to_owned())
}

/// Says the usual mistakes; of the others clap's words are enough.
pub(super) fn chinese_of(error: &clap::Error) -> Option<String> {
    let of = |kind| error.get(kind).and_then(in_words);
    let argument = || of(ContextKind::InvalidArg);
    let or_similar = |message: String, kind| match of(kind) {
        Some(similar) => chinese!("clap-similar", message = message, similar = similar),
        None => message,
    };
    Some(match error.kind() {
        ErrorKind::UnknownArgument => or_similar(
            chinese!("clap-unknown-argument", argument = argument()?),
            ContextKind::SuggestedArg,
        ),
        ErrorKind::InvalidSubcommand => {
            let name = of(ContextKind::InvalidSubcommand)?;
            or_similar(
                chinese!("clap-invalid-subcommand", argument = name),
                ContextKind::SuggestedSubcommand,
            )
        }
        ErrorKind::InvalidValue => {
            let (argument, value) = (argument()?, of(ContextKind::InvalidValue)?);
            let message = match value.as_str() {
                "" => chinese!("clap-value-missing", argument = argument),
                value => chinese!("clap-invalid-value", argument = argument, value = value),
            };
            match of(ContextKind::ValidValue).filter(|it| !it.is_empty()) {
                Some(values) => chinese!("clap-possible", message = message, values = values),
                None => message,
            }
        }
        ErrorKind::ValueValidation => {
            let (argument, value) = (argument()?, of(ContextKind::InvalidValue)?);
            match error.source() {
                Some(reason) => chinese!(
                    "clap-invalid-value-because",
                    argument = argument,
                    value = value,
                    reason = reason.to_string(),
                ),
                None => chinese!("clap-invalid-value", argument = argument, value = value),
            }
        }
        ErrorKind::MissingRequiredArgument => chinese!("clap-missing", argument = argument()?),
        ErrorKind::MissingSubcommand => chinese!("clap-missing-subcommand"),
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg)? {
            other if Some(&other) == argument().as_ref() => {
                chinese!("clap-too-many", argument = other)
            }
            other => chinese!("clap-conflict", argument = argument()?, other = other),
        },
        _ => return None,
    })
}

fn in_words(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join("、")),
        _ => None,
    }
}
