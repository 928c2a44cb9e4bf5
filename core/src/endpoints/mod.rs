//! Calls of the service, one short file for each family.

mod block_words;
mod conversation_actions;
mod feed;
mod feed_actions;
mod like_detail;
mod messages;
mod multipart;
mod nav;
mod pictures;
mod send_msg;
mod sessions;
mod set_settings;
mod settings;
mod system;
mod unread;
mod users;

pub use block_words::{AddBlockWord, BlockWord, BlockWords, DeleteBlockWord, GetBlockWords};
pub use conversation_actions::{RemoveSession, SetMsgDnd, SetTop, UpdateAck};
pub use feed::{GetAt, GetLikes, GetReplies};
pub use feed_actions::{DeleteFeedItem, SetFeedNotice, UpdateSystemCursor};
pub use like_detail::GetLikeDetail;
pub use messages::{Emote, FetchSessionMsgs, MessagePage};
pub use nav::{Nav, NavInfo};
pub use pictures::{DownloadPicture, UploadPicture, UploadedPicture};
pub use send_msg::{KeyHitInfos, SendMsg, SentMsg};
pub use sessions::{GetSessionDetail, GetSessions, NewSessions, SessionFilter, SessionPage};
pub use set_settings::{NotASetting, SetSessionSettings};
pub use settings::{
    Audience, GetSessionSettings, LikeSetting, NotifySetting, RecvLikeSetting, SessionSettings,
};
pub use system::{GetSystemMessages, SystemPage};
pub use unread::{
    GetUnreadMessages, GroupUnreadCount, MyGroupUnread, SingleUnread, SingleUnreadCounts,
    UnreadMessages,
};
pub use users::{GetUserInfos, UserInfo, UserInfos};
