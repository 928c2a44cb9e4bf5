//! What the server sends, as types: one file for each thing.

mod coded;
mod content;
mod conversation;
mod message;
mod notice;
mod picture;
mod share;
mod video;

pub use content::Content;
pub use conversation::{AccountInfo, Conversation, SystemTalkers};
pub use message::{EventType, Message, MsgStatus};
pub use notice::{
    Ai, Button, GroupNotice, JumpUriConfig, Notice, NoticeModule, Notifier, SystemContent, Tip,
    TipPart,
};
pub use picture::PictureContent;
pub use share::{
    AttachMsg, MiniProgram, PictureCard, PushedArticle, PushedVideo, Share, ShareOther,
    ShareSource, SubCard, WorksCard,
};
pub use video::{NotAVideoId, VideoId};
