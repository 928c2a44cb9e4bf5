//! Sends: their order and distance, their outcome, and replies that are made once.

mod order;
mod outcome;
mod replies;
mod service;
