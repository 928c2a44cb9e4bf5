//! Sessions and clients on async-std, by the names that they have here.

use crate::AsyncStd;

/// One login and the messages that arrive for it, on async-std: see [`bilibili_session_async::Session`] for what it does.
///
/// ```no_run
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{ClientConfig, Credential};
/// use bilibili_session_async_std::{Session, SurfTransport};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
/// let session = Session::new(context, SurfTransport::new()?, PollerConfig::new())?;
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
pub type Session = bilibili_session_async::Session<AsyncStd>;

/// Calls the service, on async-std: see [`bilibili_session_async::Client`] for what it does.
///
/// ```no_run
/// use bilibili_session::{ClientConfig, Credential, endpoints::GetSessions};
/// use bilibili_session_async_std::{Client, SurfTransport};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::parse("SESSDATA=…; bili_jct=…")?;
/// let client = Client::new(ClientConfig::new(credential), SurfTransport::new()?);
/// for conversation in client.call(GetSessions::new()).await?.session_list {
///     println!("{conversation:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub type Client = bilibili_session_async::Client<AsyncStd>;

/// Logs in, renews logins and ends them, on async-std: see [`bilibili_session_async::LoginClient`] for what it does.
///
/// ```no_run
/// use bilibili_session::login::{LoginConfig, QrProgress};
/// use bilibili_session_async_std::{LoginClient, SurfTransport};
///
/// # fn store(_: &bilibili_session::login::Login) -> std::io::Result<()> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let logins = LoginClient::new(LoginConfig::new(), SurfTransport::new()?);
/// let login = logins.login_qr(|progress| match progress {
///     QrProgress::Show(code) => println!("scan this: {}", code.url()),
///     QrProgress::Scanned => println!("now confirm it on the phone"),
/// });
/// store(&login.await?)?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "login")]
pub type LoginClient = bilibili_session_async::LoginClient<AsyncStd>;

/// Stream of messages, warnings and status changes of a session: see [`Session::updates`].
pub type Updates = bilibili_session_async::Updates<AsyncStd>;

/// A handler that was given to a session. Dropping this handle changes nothing.
pub type Handler = bilibili_session_async::Handler<AsyncStd>;

/// A session that is driven by hand, in a time that it is told: see [`Session::by_hand`].
pub type ByHand = bilibili_session_async::ByHand<AsyncStd>;
