//! The async-std runtime.
