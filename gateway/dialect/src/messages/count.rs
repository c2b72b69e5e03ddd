//! Counting the tokens of a request without running it.

use super::{Host, Messages, read, write};
use crate::Invalid;
use crate::convert::{Address, Malformed, Provider};
use crate::loss::Losses;
use crate::neutral::Request;
use serde::Deserialize;
use serde_json::json;

/// Reads a request whose tokens are to be counted: as one to run, without a bound of output.
///
/// # Errors
/// [`Invalid`] with the field.
pub fn read_count(body: &[u8]) -> Result<Request, Invalid> {
    read::request(body, &Address::default())
}

/// The answer to it.
#[must_use]
pub fn count_body(input_tokens: u64) -> Vec<u8> {
    json!({"input_tokens": input_tokens}).to_string().into_bytes()
}

/// The count in a provider's answer.
///
/// # Errors
/// [`Malformed`]: it holds none.
pub fn read_count_answer(body: &[u8]) -> Result<u64, Malformed> {
    #[derive(Deserialize)]
    struct Count {
        input_tokens: u64,
    }
    Ok(serde_json::from_slice::<Count>(body)?.input_tokens)
}

impl Messages {
    /// Where the host counts tokens; `None`: it does not.
    #[must_use]
    pub const fn count_path(self) -> Option<&'static str> {
        match self.host {
            Host::Direct => Some("/messages/count_tokens"),
            Host::Vertex => Some("/publishers/anthropic/models/count-tokens:rawPredict"),
            Host::Bedrock => None,
        }
    }

    /// Writes a request whose tokens are to be counted. Its body names the model, whoever the host.
    ///
    /// # Errors
    /// As of a request to run.
    pub fn write_count(
        self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        let mut body = write::body(Host::Direct, request, to, losses)?;
        body.retain(|name, _| {
            matches!(
                name.as_str(),
                "model"
                    | "messages"
                    | "system"
                    | "tools"
                    | "tool_choice"
                    | "thinking"
                    | "output_config"
                    | "mcp_servers"
                    | "cache_control"
            )
        });
        if let Some(version) = self.host.version() {
            body.insert("anthropic_version".into(), version.into());
        }
        serde_json::to_vec(&body).map_err(|error| Invalid::at("body", error.to_string()))
    }
}
