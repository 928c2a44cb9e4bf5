//! Contents that point at something: shares, pushes, cards, mini programs.

use serde::{Deserialize, Serialize};

use super::VideoId;
use super::int_enum::int_enum;
use crate::json::lenient::{int, list, or_default, text};
use crate::time::UnixSeconds;

int_enum! {
    /// The kind of thing that was shared (`source`).
    ShareSource:
    /// A short clip; no longer used by the service.
    Clip = 1,
    /// An album.
    Album = 2,
    /// Plain text.
    PlainText = 3,
    /// A live room.
    Live = 4,
    /// A video.
    Video = 5,
    /// An article.
    Article = 6,
    /// A season of a series; `id` is the season.
    Season = 7,
    /// Music.
    Music = 8,
    /// A domestic animation; `id` is a video number.
    Animation = 9,
    /// A picture.
    Picture = 10,
    /// A dynamic.
    Dynamic = 11,
    /// An episode of a series; `id` is the episode.
    Episode = 16,
    /// A series.
    Series = 17,
}

/// Something of the site that was shared (7): a video, an article, a live room …
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Share {
    /// The number of the thing that was shared.
    #[serde(deserialize_with = "int")]
    pub id: i64,
    /// The kind of the thing; 0 where the message does not say.
    pub source: ShareSource,
    /// The title of the thing.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The address of the thing's cover.
    #[serde(deserialize_with = "text")]
    pub thumb: String,
    /// The author of the thing.
    #[serde(deserialize_with = "text")]
    pub author: String,
    /// The headline above the title.
    #[serde(deserialize_with = "text")]
    pub headline: String,
    /// The address of the thing.
    #[serde(deserialize_with = "text")]
    pub url: String,
    /// The `BV…` id, for a video.
    #[serde(deserialize_with = "text")]
    pub bvid: String,
    /// The kind of the thing, in words.
    #[serde(deserialize_with = "text")]
    pub source_desc: String,
}

impl Share {
    /// Returns the video that was shared, if it is one: by its `bvid`, else by its number.
    pub fn video(&self) -> Option<VideoId> {
        match self.source {
            ShareSource::Video | ShareSource::Animation | ShareSource::Unknown(0) => {
                VideoId::of_fields(&self.bvid, self.id)
            }
            _ => VideoId::from_bvid(&self.bvid),
        }
    }

    /// Fills in each of a video's two names from the other.
    pub(super) fn completed(mut self) -> Result<Self, String> {
        match self.video() {
            Some(video) => {
                if self.id == 0 {
                    self.id = video.aid();
                }
                if VideoId::from_bvid(&self.bvid).is_none() {
                    self.bvid = video.bvid();
                }
            }
            None if self.id == 0 && self.url.is_empty() => {
                return Err("it names nothing: no id, no bvid, no url".to_owned());
            }
            None => {}
        }
        Ok(self)
    }
}

/// A creator's words along with a push.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AttachMsg {
    /// The number of the words.
    #[serde(deserialize_with = "int")]
    pub id: i64,
    /// The words.
    #[serde(deserialize_with = "text")]
    pub content: String,
}

/// A video that a creator pushed to followers (11). Sometimes only its number comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PushedVideo {
    /// The video's number.
    #[serde(deserialize_with = "int")]
    pub rid: i64,
    /// The same number, as some messages name it.
    #[serde(deserialize_with = "int", skip_serializing)]
    aid: i64,
    /// The same number, as some messages name it.
    #[serde(deserialize_with = "int", skip_serializing)]
    id: i64,
    /// The video's `BV…` id.
    #[serde(deserialize_with = "text")]
    pub bvid: String,
    /// The title of the video.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The length of the video in seconds.
    #[serde(deserialize_with = "int")]
    pub times: i64,
    /// The address of the video's cover.
    #[serde(deserialize_with = "text")]
    pub cover: String,
    /// The description of the video.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The number of views.
    #[serde(deserialize_with = "int")]
    pub view: i64,
    /// The number of flying comments.
    #[serde(deserialize_with = "int")]
    pub danmaku: i64,
    /// The time of publication.
    pub pub_date: UnixSeconds,
    /// The creator's words along with the video.
    pub attach_msg: Option<AttachMsg>,
}

impl PushedVideo {
    /// Returns the video.
    pub fn video(&self) -> Option<VideoId> {
        VideoId::of_fields(&self.bvid, self.rid)
    }

    /// Fills in each of the video's two names from the other; fails without either.
    pub(super) fn completed(mut self) -> Result<Self, String> {
        self.rid = [self.rid, self.aid, self.id]
            .into_iter()
            .find(|number| *number > 0)
            .unwrap_or_default();
        (self.aid, self.id) = (0, 0);
        let video = self
            .video()
            .ok_or("it names no video: neither a bvid nor a number above 0")?;
        if self.rid == 0 {
            self.rid = video.aid();
        }
        self.bvid = video.bvid();
        Ok(self)
    }
}

/// An article that a creator pushed to followers (12).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PushedArticle {
    /// The article's number.
    #[serde(deserialize_with = "int")]
    pub rid: i64,
    /// The title of the article.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The beginning of the article.
    #[serde(deserialize_with = "text")]
    pub summary: String,
    /// The author of the article.
    #[serde(deserialize_with = "text")]
    pub author: String,
    /// The number of views.
    #[serde(deserialize_with = "int")]
    pub view: i64,
    /// The number of likes.
    #[serde(deserialize_with = "int")]
    pub like: i64,
    /// The number of comments.
    #[serde(deserialize_with = "int")]
    pub reply: i64,
    /// The addresses of the article's pictures.
    #[serde(deserialize_with = "list")]
    pub image_urls: Vec<String>,
    /// The time of publication.
    pub pub_date: UnixSeconds,
    /// The creator's words along with the article.
    pub attach_msg: Option<AttachMsg>,
}

/// A picture with a link (13).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PictureCard {
    /// The picture's address.
    #[serde(deserialize_with = "text")]
    pub pic_url: String,
    /// The address that the card leads to.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
    /// The text of the card.
    #[serde(deserialize_with = "text")]
    pub title: String,
}

/// Something else that was shared (14), often a live room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ShareOther {
    /// The title of the thing.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The description of the thing.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The address of the thing's cover.
    #[serde(deserialize_with = "text")]
    pub cover: String,
    /// The author of the thing.
    #[serde(deserialize_with = "text")]
    pub author: String,
    /// The kind of the thing, in words.
    #[serde(deserialize_with = "text")]
    pub source: String,
    /// The address of the thing.
    #[serde(deserialize_with = "text")]
    pub url: String,
}

/// A creator's works, sent after a follow (16).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WorksCard {
    /// The title above the works.
    #[serde(deserialize_with = "text")]
    pub main_title: String,
    /// The text of the automatic reply.
    #[serde(deserialize_with = "text")]
    pub reply_content: String,
    /// The works.
    #[serde(deserialize_with = "or_default")]
    pub sub_cards: Vec<SubCard>,
}

/// One of the works on a [`WorksCard`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SubCard {
    /// The number of the work.
    #[serde(deserialize_with = "int")]
    pub card_id: i64,
    /// The kind of work.
    #[serde(deserialize_with = "int")]
    pub card_type: i64,
    /// The address that the card leads to.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
    /// The address of the work's cover.
    #[serde(deserialize_with = "text")]
    pub cover_url: String,
    /// The title of the work.
    #[serde(deserialize_with = "text")]
    pub field1: String,
    /// The time of publication, as text.
    #[serde(deserialize_with = "text")]
    pub field2: String,
    /// A count, as text.
    #[serde(deserialize_with = "text")]
    pub field3: String,
    /// The meaning of `field3`: 1 views, 3 flying comments, 5 favourites.
    #[serde(deserialize_with = "int")]
    pub icon3: i64,
    /// Another count, as text.
    #[serde(deserialize_with = "text")]
    pub field4: String,
    /// The meaning of `field4`.
    #[serde(deserialize_with = "int")]
    pub icon4: i64,
}

/// A mini program (9).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MiniProgram {
    /// The id of the mini program, which is text.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The title of the mini program.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The name of the mini program.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The address of the mini program's icon.
    #[serde(deserialize_with = "text")]
    pub avatar: String,
    /// The address of the mini program's cover.
    #[serde(deserialize_with = "text")]
    pub cover: String,
    /// The address that the mini program leads to.
    #[serde(deserialize_with = "text")]
    pub jump_uri: String,
    /// The kind of the mini program, in words.
    #[serde(deserialize_with = "text")]
    pub label_name: String,
    /// The address of the icon beside these words.
    #[serde(deserialize_with = "text")]
    pub label_cover: String,
}
