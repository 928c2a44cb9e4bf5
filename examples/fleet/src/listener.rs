//! `LISTEN`: a hint to look at once. Nothing depends on one coming.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::AsyncMessage;

use crate::database::Database;

/// Wait before a lost connection is opened again.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection that listens, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Listener {
    heard: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(crate) fn new(database: &Database, channel: &'static str) -> Self {
        let heard = Arc::new(Notify::new());
        let task = {
            let (database, heard) = (database.clone(), Arc::clone(&heard));
            tokio::spawn(async move {
                loop {
                    if let Err(error) = listen(&database, channel, &heard).await {
                        tracing::debug!(%error, channel, "the connection that listens is lost");
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            })
        };
        Self { heard, task }
    }

    /// Waits until there may be something, or for so long.
    pub(crate) async fn wait(&self, longest: Duration) {
        // Either way it is time to look.
        let _ = tokio::time::timeout(longest, self.heard.notified()).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    database: &Database,
    channel: &str,
    heard: &Notify,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = database.connect().await?;
    let listen = format!("LISTEN {channel}");
    let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
    let begun = client.batch_execute(&listen);
    tokio::pin!(begun);
    let mut has_begun = false;
    loop {
        tokio::select! {
            result = &mut begun, if !has_begun => {
                result?;
                has_begun = true;
                // What came before is not told of.
                heard.notify_one();
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => heard.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
