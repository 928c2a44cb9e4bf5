//! Interface of a call: building its request, reading its answer.
//!
//! The calls themselves are in [`endpoints`](crate::endpoints). Each says in its
//! type what it needs besides the login's cookies ([`Auth`]), so a signed request
//! cannot be built without keys.

mod auth;
mod envelope;
mod parts;

pub use auth::{Auth, CookieAuth, OptionalWbiAuth, UidAuth, WbiAuth, WbiSigner};
#[cfg(feature = "login")]
pub(crate) use envelope::data;
pub(crate) use envelope::read;
pub use envelope::server_date;
pub use parts::RequestParts;

use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::error::{BuildError, DecodeError, Error};
use crate::ids::{ConversationId, MsgKey};

/// Call of the service.
///
/// Build the request, send it with whatever there is, give the answer back:
///
/// ```
/// use bilibili_session::endpoints::GetSessions;
/// use bilibili_session::{ClientConfig, Credential, Endpoint};
///
/// let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let call = GetSessions::new();
/// let request = call.request(&context, None)?;
/// assert_eq!(request.uri().host(), Some("api.vc.bilibili.com"));
/// # let body = br#"{"code":0,"data":{"session_list":null,"has_more":0}}"#.to_vec();
/// # let send = |_| http::Response::new(body);
/// let page = call.parse(&send(request))?;
/// assert!(page.session_list.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Endpoint {
    /// Requirement of the call besides cookies.
    type Auth: Auth;
    /// Result of a successful answer.
    type Output;
    /// True for a call that nothing depends on, such as one for names: a session keeps its pauses
    /// for it as for others, but trouble that it meets is no pause for the session, and no end.
    const DISPENSABLE: bool = false;

    /// Returns the conversation that the call sends a message to, if it sends one. The service
    /// limits these by themselves; those of one login go out at a distance, and those to one
    /// conversation one after the other.
    fn receiver(&self) -> Option<ConversationId> {
        None
    }

    /// Returns the key of the message that the call sent.
    fn sent_key(output: &Self::Output) -> Option<MsgKey> {
        let _ = output;
        None
    }

    /// Checks the call before anything is sent.
    ///
    /// # Errors
    /// Fails with what the caller must mend.
    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        let _ = context;
        Ok(())
    }

    /// Returns method, host, path and parameters of this call.
    ///
    /// # Errors
    /// Fails with what the caller must mend.
    fn parts(
        &self,
        context: &ClientConfig,
        proof: <Self::Auth as Auth>::Input<'_>,
    ) -> Result<RequestParts, BuildError>;

    /// Reads `data` of a successful answer.
    ///
    /// # Errors
    /// Fails where `data` is not of the documented shape, with the path.
    fn decode(&self, data: &Value) -> Result<Self::Output, DecodeError>;

    /// Builds the whole request, ready to be sent.
    ///
    /// # Errors
    /// Fails with what the caller must mend; nothing was sent then.
    fn request(
        &self,
        context: &ClientConfig,
        proof: <Self::Auth as Auth>::Input<'_>,
    ) -> Result<http::Request<Vec<u8>>, BuildError> {
        self.check(context)?;
        let mut parts = self.parts(context, proof)?;
        parts.query = Self::Auth::query(proof, parts.query);
        parts.into_request(context)
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// Fails when the service refused or the answer is not of the documented shape.
    fn parse(&self, response: &http::Response<Vec<u8>>) -> Result<Self::Output, Error> {
        let data = self.decode_raw(response)?;
        Ok(self.decode(&data).map_err(|error| error.within("data"))?)
    }

    /// Reads `data` of an answer without a type.
    ///
    /// # Errors
    /// Fails when the service refused or the answer has no envelope.
    fn decode_raw(&self, response: &http::Response<Vec<u8>>) -> Result<Value, Error> {
        envelope::data(response)
    }
}
