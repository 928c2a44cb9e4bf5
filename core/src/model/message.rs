//! Messages as they come, before their content is read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::int_enum::int_enum;
use crate::ids::{ConversationId, MsgKey, Seqno, Uid};
use crate::json::lenient::{flag, int, list, required, text};
use crate::time::UnixSeconds;

/// A message as the service sends it; fields that it lacks are 0 or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The sender; 0 is the system, in groups.
    #[serde(default)]
    pub sender_uid: Uid,
    /// The kind of receiver: 1 user, 2 group.
    #[serde(default, deserialize_with = "int")]
    pub receiver_type: i64,
    /// The user or the group that the message was sent to.
    #[serde(default, deserialize_with = "int")]
    pub receiver_id: i64,
    /// The type of `content`.
    #[serde(default)]
    pub msg_type: EventType,
    /// The content: JSON as a string; may be empty, or no JSON.
    #[serde(default, deserialize_with = "text")]
    pub content: String,
    /// The place of the message in its conversation.
    #[serde(deserialize_with = "required")]
    pub msg_seqno: Seqno,
    /// The time of sending.
    #[serde(default)]
    pub timestamp: UnixSeconds,
    /// The users that the message mentions; the service's `[0]` for nobody is left as it is.
    #[serde(default, deserialize_with = "list")]
    pub at_uids: Vec<Uid>,
    /// The key of the message.
    #[serde(default)]
    pub msg_key: MsgKey,
    /// The state of the message: standing, taken back, or without its picture.
    #[serde(default)]
    pub msg_status: MsgStatus,
    /// Set if the system took the message back.
    #[serde(default, deserialize_with = "flag")]
    pub sys_cancel: bool,
    /// A code of unknown meaning.
    #[serde(default, deserialize_with = "text")]
    pub notify_code: String,
    /// The version of emoticons: 1 where the new ones are meant.
    #[serde(default, deserialize_with = "int")]
    pub new_face_version: i64,
    /// The source of the message: 1 iOS, 2 Android, 4 PC, 5 and 6 official push, 7 web, 8 to 11
    /// automatic replies, 12 creator's words, 13 group tip, 16 system, 17 mutual follow, 18 tip,
    /// 19 AI.
    #[serde(default, deserialize_with = "int")]
    pub msg_source: i64,
}

impl Message {
    /// Returns the conversation of the message, seen from `own`: the group, or the other user.
    ///
    /// `None` where neither side is `own`, or the receiver is of an unknown type.
    pub fn conversation(&self, own: Uid) -> Option<ConversationId> {
        let receiver = ConversationId::new(self.receiver_type, self.receiver_id);
        match receiver {
            ConversationId::Group(_) => Some(receiver),
            ConversationId::User(uid) if uid == own => Some(self.sender_uid.into()),
            ConversationId::User(_) if self.sender_uid == own => Some(receiver),
            ConversationId::User(_) | ConversationId::Other { .. } => None,
        }
    }
}

int_enum! {
    /// The kind of a message (`msg_type`).
    EventType:
    /// Text.
    Text = 1,
    /// A picture.
    Picture = 2,
    /// A voice message. Its content is kept as it came.
    Audio = 3,
    /// Something of the site was shared, as in earlier times. Its content is kept as it came.
    OldShare = 4,
    /// An earlier message was taken back.
    Withdraw = 5,
    /// A custom sticker; in groups also a picture.
    GroupsPicture = 6,
    /// Something of the site was shared: a video, an article, a live room …
    ShareVideo = 7,
    /// The system took a message back. Its content is kept as it came.
    SystemCancel = 8,
    /// A mini program.
    MiniProgram = 9,
    /// A notice of the service, with buttons.
    Notice = 10,
    /// A video that a creator pushed to followers.
    PushedVideo = 11,
    /// An article that a creator pushed to followers.
    PushedArticle = 12,
    /// A picture with a link.
    PictureCard = 13,
    /// Something from elsewhere was shared.
    ShareOther = 14,
    /// A text was shared. Its content is kept as it came.
    TextShare = 15,
    /// A creator's works, sent after a follow.
    WorksCard = 16,
    /// A grey line of the service.
    Tip = 18,
    /// An answer of an AI.
    Ai = 19,
    /// A mini program, of another kind. Its content is kept as it came.
    MiniProgramCard = 21,
    /// An article. Its content is kept as it came.
    ArticleCard = 22,
    /// A live room. Its content is kept as it came.
    LiveCard = 27,
    /// A message of a business of the service. Its content is kept as it came.
    Business = 50,
    /// A message of the system.
    System = 51,
    /// A message of an AI, of another kind. Its content is kept as it came.
    AiMessage = 52,
    /// Somebody joined the group.
    GroupJoined = 301,
    /// Somebody left the group.
    GroupLeft = 302,
    /// The group was frozen.
    GroupFrozen = 303,
    /// The group was dissolved.
    GroupDissolved = 304,
    /// The group was opened.
    GroupOpened = 305,
    /// The group welcomes a new member.
    Welcome = 306,
}

int_enum! {
    /// The state of a message (`msg_status`): standing, taken back, or without its picture.
    MsgStatus:
    /// The message stands.
    Normal = 0,
    /// The sender took the message back.
    Withdrawn = 1,
    /// The system took the message back.
    RemovedBySystem = 2,
    /// The picture of the message is gone.
    PictureGone = 50,
}

impl EventType {
    /// Returns the name of the type: `text`, `share_video`, … `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Picture => "picture",
            Self::Audio => "audio",
            Self::OldShare => "old_share",
            Self::Withdraw => "withdraw",
            Self::GroupsPicture => "groups_picture",
            Self::ShareVideo => "share_video",
            Self::SystemCancel => "system_cancel",
            Self::MiniProgram => "mini_program",
            Self::Notice => "notice",
            Self::PushedVideo => "pushed_video",
            Self::PushedArticle => "pushed_article",
            Self::PictureCard => "picture_card",
            Self::ShareOther => "share_other",
            Self::TextShare => "text_share",
            Self::WorksCard => "works_card",
            Self::Tip => "tip",
            Self::Ai => "ai",
            Self::MiniProgramCard => "mini_program_card",
            Self::ArticleCard => "article_card",
            Self::LiveCard => "live_card",
            Self::Business => "business",
            Self::System => "system",
            Self::AiMessage => "ai_message",
            Self::GroupJoined => "group_joined",
            Self::GroupLeft => "group_left",
            Self::GroupFrozen => "group_frozen",
            Self::GroupDissolved => "group_dissolved",
            Self::GroupOpened => "group_opened",
            Self::Welcome => "welcome",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Formats the name; of an unknown type with its number.
impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(number) => write!(f, "unknown ({number})"),
            known => f.write_str(known.as_str()),
        }
    }
}
