//! Types for everything that the server sends: one file for each thing.

mod content;
mod conversation;
mod feed;
mod int_enum;
mod message;
mod notice;
mod picture;
mod share;
mod system_notice;
mod video;

pub use content::Content;
pub use conversation::{AccountInfo, Conversation, SystemTalkers};
pub use feed::{
    At, FeedCursor, FeedItem, FeedPage, FeedUser, Like, LikeDetail, LikeDetailPage, LikeItem, Reply,
};
pub(crate) use int_enum::int_enum;
pub use message::{EventType, Message, MsgStatus};
pub use notice::{
    Ai, Button, GroupNotice, JumpUriConfig, Notice, NoticeModule, Notifier, SystemContent, Tip,
    TipPart,
};
pub use picture::{Picture, PictureContent, PictureFormat};
pub use share::{
    AttachMsg, MiniProgram, PictureCard, PushedArticle, PushedVideo, Share, ShareOther,
    ShareSource, SubCard, WorksCard,
};
pub use system_notice::{
    NoticeBody, NoticeLink, NoticeSource, NoticeTime, Publisher, SystemNotice,
};
pub use video::{NotAVideoId, VideoId};
