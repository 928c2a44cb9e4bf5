//! Sessions and clients on tokio, by the names that they have here.

use crate::Tokio;

/// One login and the messages that arrive for it, on tokio: see [`bilibili_session_async::Session`] for what it does.
///
/// Streams and futures are waited for within a tokio runtime that has timers, on one thread or several. When
/// that one is gone, the session can be gone on with in another. In a test that
/// [pauses] tokio's clock hours pass at once.
///
/// [pauses]: https://docs.rs/tokio/latest/tokio/time/fn.pause.html
///
/// ```no_run
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{ClientConfig, Credential};
/// use bilibili_session_tokio::{ReqwestTransport, Session};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
/// let session = Session::new(context, ReqwestTransport::new()?, PollerConfig::new())?;
/// session.on_text(async |text, event, session| {
///     if text == "ping" {
///         session.reply(&event, "pong").await?;
///     }
///     Ok(())
/// });
/// session.on_warning(async |warning, _| eprintln!("{warning}"));
/// session.start().await?;
/// # Ok(())
/// # }
/// ```
pub type Session = bilibili_session_async::Session<Tokio>;

/// Calls the service, on tokio: see [`bilibili_session_async::Client`] for what it does.
///
/// ```no_run
/// use bilibili_session::{ClientConfig, Credential, endpoints::GetSessions};
/// use bilibili_session_tokio::{Client, ReqwestTransport};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::parse("SESSDATA=…; bili_jct=…")?;
/// let client = Client::new(ClientConfig::new(credential), ReqwestTransport::new()?);
/// for conversation in client.call(GetSessions::new()).await?.session_list {
///     println!("{conversation:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub type Client = bilibili_session_async::Client<Tokio>;

/// Logs in, renews logins and ends them, on tokio: see [`bilibili_session_async::LoginClient`] for what it does.
///
/// ```no_run
/// use bilibili_session::login::{LoginConfig, QrProgress};
/// use bilibili_session_tokio::{LoginClient, ReqwestTransport};
///
/// # fn store(_: &bilibili_session::login::Login) -> std::io::Result<()> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let logins = LoginClient::new(LoginConfig::new(), ReqwestTransport::new()?);
/// let login = logins.login_qr(|progress| match progress {
///     QrProgress::Show(code) => println!("scan this: {}", code.url()),
///     QrProgress::Scanned => println!("now confirm it on the phone"),
/// });
/// store(&login.await?)?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "login")]
pub type LoginClient = bilibili_session_async::LoginClient<Tokio>;

/// Stream of messages, warnings and status changes of a session: see [`Session::updates`].
pub type Updates = bilibili_session_async::Updates<Tokio>;

/// A handler that was given to a session. Dropping this handle changes nothing.
pub type Handler = bilibili_session_async::Handler<Tokio>;

/// A session that is driven by hand, in a time that it is told: see [`Session::by_hand`].
pub type ByHand = bilibili_session_async::ByHand<Tokio>;
