//! Reading JSON as this service writes it: mostly right.
//!
//! A text that fits is read [`direct`]ly from the text into its type. Where anything in it is not,
//! all of it is [`parse`]d once more, into a value, and [`salvage`] makes of that what can be
//! made. Both read with the same types, whose fields take what is meant in any of its dresses
//! ([`lenient`]), and what is read directly is the same as what is salvaged.

mod direct;
pub(crate) mod lenient;
mod read;
mod salvage;

pub(crate) use direct::{Items, Object, direct};
pub(crate) use read::{parse, parse_str, typed};
pub use salvage::Unreadable;
pub(crate) use salvage::{array, items, salvage};
