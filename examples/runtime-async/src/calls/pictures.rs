//! Pictures: to a conversation, from a message, to a file.

use std::io;
use std::path::Path;

use bilibili_session::endpoints::{DownloadPicture, SendMsg, SentMsg, UploadPicture};
use bilibili_session::send::ConfirmedSend;
use bilibili_session::{ConversationId, Error, Event, Picture, PictureContent};

use super::client::Client;
use crate::Runtime;
use crate::session::Session;

impl<R: Runtime> Client<R> {
    /// Uploads a picture and sends it to this user or group.
    ///
    /// # Errors
    /// Fails like [`send`](Self::send), and when the service refuses the file.
    pub async fn send_picture(
        &self,
        to: impl Into<ConversationId>,
        picture: Picture,
    ) -> Result<SentMsg, Error> {
        let uploaded = self.call(UploadPicture::new(picture)).await?;
        let message = SendMsg::picture(to, &uploaded.content());
        Ok(self.send(message).await?.message)
    }

    /// Downloads the picture of a message, from the service's own picture hosts only and
    /// without cookies. The transport's limit for bodies holds.
    ///
    /// # Errors
    /// Fails like [`call`](Self::call), and when the picture lies somewhere else.
    pub async fn download_picture(&self, picture: &PictureContent) -> Result<Vec<u8>, Error> {
        self.call(DownloadPicture::of(picture)).await
    }

    /// Downloads the picture of a message to a file.
    ///
    /// # Errors
    /// Fails like [`download_picture`](Self::download_picture), as an [`io::Error`] around
    /// the reason, and when the file cannot be written.
    pub async fn save_picture(
        &self,
        picture: &PictureContent,
        path: impl AsRef<Path>,
    ) -> io::Result<()> {
        let bytes = self.download_picture(picture).await;
        R::write_file(path.as_ref().into(), bytes.map_err(io::Error::other)?).await
    }
}

impl<R: Runtime> Session<R> {
    /// Uploads a picture and sends it to the conversation that the message came from, once: see
    /// [`reply`](Self::reply).
    ///
    /// # Errors
    /// Fails like [`Client::send_picture`].
    pub async fn reply_picture(&self, event: &Event, picture: Picture) -> Result<SentMsg, Error> {
        let uploaded = self.client().call(UploadPicture::new(picture)).await?;
        let message = SendMsg::picture(event.conversation, &uploaded.content());
        let reply = ConfirmedSend::reply(event, message);
        Ok(self.client().send(reply).await?.message)
    }
}
