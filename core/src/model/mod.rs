//! What the server sends, as types: one file for each thing.

mod content;
mod conversation;
mod message;
mod picture;

pub use content::Content;
pub use conversation::{AccountInfo, Conversation, SystemTalkers};
pub use message::{EventType, Message, MsgStatus};
pub use picture::PictureContent;
