//! Reading JSON as this service writes it: mostly right.

pub(crate) mod lenient;
pub(crate) mod nested;
mod read;
mod salvage;

pub(crate) use read::{parse, parse_str, typed};
pub use salvage::Unreadable;
pub(crate) use salvage::{array, items, salvage};
