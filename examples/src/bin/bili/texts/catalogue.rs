//! The catalogues, and a text of them.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::{Language, Said};

pub(super) const ENGLISH: &str = include_str!("en.ftl");
pub(super) const CHINESE: &str = include_str!("zh-CN.ftl");
pub(super) const LIBRARY_CHINESE: &str = include_str!("library.zh-CN.ftl");

type Bundle = FluentBundle<FluentResource>;

static OWN_ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(ENGLISH));
static OWN_CHINESE: LazyLock<Bundle> = LazyLock::new(|| bundle(CHINESE));
static OF_LIBRARY: LazyLock<Bundle> = LazyLock::new(|| bundle(LIBRARY_CHINESE));

/// Reads a catalogue, in whose texts no number or date depends on the language. What cannot be read of it is left out, which the tests find.
fn bundle(catalogue: &str) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(Vec::new());
    // Marks of direction around each value would stand in what people copy.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(catalogue.to_owned());
    bundle.add_resource_overriding(resource.unwrap_or_else(|(rest, _)| rest));
    bundle
}

/// Says a text of the command.
pub(super) fn own(language: Language, key: &str, args: &[(&'static str, &dyn Said)]) -> String {
    let bundle = match language {
        Language::English => &OWN_ENGLISH,
        Language::Chinese => &OWN_CHINESE,
    };
    find(bundle, language, key, args).unwrap_or_else(|| key.to_owned())
}

/// Says a text of the library in Chinese, if there is one of this key.
pub(super) fn of_library(key: &str, args: &[(&'static str, &dyn Said)]) -> Option<String> {
    find(&OF_LIBRARY, Language::Chinese, key, args)
}

fn find(
    bundle: &Bundle,
    language: Language,
    key: &str,
    args: &[(&'static str, &dyn Said)],
) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut values = FluentArgs::with_capacity(args.len());
    for (name, value) in args {
        values.set(*name, value.said(language));
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&values), &mut errors);
    debug_assert!(errors.is_empty(), "{key}: {errors:?}");
    Some(text.into_owned())
}
