//! The job that sends a message to a webhook.

use super::store::{self, Attempt, Waiting};
use super::{address, seal_context, sign};
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{ATTEMPTS_MAX, Job, JobError};
use anyhow::anyhow;
use contract::id::DeliveryId;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use std::error::Error as _;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
pub struct SendWebhook {
    pub delivery: DeliveryId,
}

/// Why a receiver did not take a message.
#[derive(Debug)]
struct Untaken {
    status: Option<u16>,
    why: String,
    /// It never will.
    is_final: bool,
}

impl Job for SendWebhook {
    const KIND: &'static str = "send_webhook";

    /// A crash between the receiver's yes and ours sends it twice, under the same id.
    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("webhooks", "send a message").await?;
        let Some(waiting) = store::find_waiting(&mut tx, self.delivery).await? else {
            return Ok(());
        };
        drop(tx);
        let sent = send(app, &waiting).await;
        let mut tx = app.system_tx("webhooks", "note how a message went").await?;
        let is_last = waiting.attempts + 1 >= ATTEMPTS_MAX;
        let attempt = match &sent {
            Ok(status) => {
                Attempt { status: Some(*status), error: None, delivered: true, is_final: true }
            }
            Err(untaken) => Attempt {
                status: untaken.status,
                error: Some(&untaken.why),
                delivered: false,
                is_final: is_last || untaken.is_final,
            },
        };
        store::set_attempt(&mut tx, self.delivery, &attempt).await?;
        // "Gone": by the rules of Standard Webhooks, the receiver wants no more.
        if attempt.status == Some(StatusCode::GONE.as_u16()) {
            store::disable(&mut tx, waiting.webhook).await?;
        }
        let is_final = attempt.is_final;
        tx.commit().await?;
        match sent {
            Ok(_) => Ok(()),
            Err(untaken) if is_final => Err(JobError::fail(anyhow!(untaken.why))),
            Err(untaken) => Err(JobError::retry(anyhow!(untaken.why))),
        }
    }
}

/// Sends it once; the receiver's status when it is 2xx.
async fn send(app: &App, waiting: &Waiting) -> Result<u16, Untaken> {
    let ours = |why: &str| Untaken { status: None, why: why.to_owned(), is_final: true };
    let url = Url::parse(&waiting.url).map_err(|_| ours("The address is not one."))?;
    // Of this attempt, so that receivers can refuse old ones.
    let timestamp = app.clock.now().timestamp();
    let id = waiting.event.to_string();
    let signature = signatures(app, waiting, &id, timestamp)
        .ok_or_else(|| ours("The secret does not open; exchange it for a new one."))?;
    let client = client(app, &url).await?;
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(waiting.body.clone());
    // What the receiver says beyond its status is not read.
    let answer = request.send().await.map_err(|error| lost(&error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(status.as_u16());
    }
    let why = match status.as_u16() {
        300..=399 => "The receiver redirects, which is not followed. Use the address it names.",
        410 => "The receiver says that it is gone. The webhook is disabled.",
        _ => "The receiver did not answer with 2xx.",
    };
    let is_final = status == StatusCode::GONE;
    Err(Untaken { status: Some(status.as_u16()), why: why.to_owned(), is_final })
}

/// One signature for each secret that signs now; `None`: one of them does not open.
fn signatures(app: &App, waiting: &Waiting, id: &str, timestamp: i64) -> Option<String> {
    let master = &app.config.secrets.master_key;
    let secrets = [Some(&waiting.secret), waiting.old_secret.as_ref()];
    let signed: Option<Vec<String>> = secrets
        .into_iter()
        .flatten()
        .map(|sealed| {
            let secret = master.open(&seal_context(waiting.webhook), sealed).ok()?;
            sign::signature(secret.expose_str()?, id, timestamp, &waiting.body)
        })
        .collect();
    Some(signed?.join(" "))
}

/// A client that connects only to the addresses that were judged, whatever the host's name means a
/// moment later.
async fn client(app: &App, url: &Url) -> Result<Client, Untaken> {
    let soft = |why: String| Untaken { status: None, why, is_final: false };
    let local = app.config.webhooks.webhook_private;
    let addresses = address::resolve(url, local)
        .await
        .map_err(|nowhere| soft(format!("Not sent: {nowhere}.")))?;
    let mut builder = Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("tollgate");
    if let Some(name) = url.domain() {
        builder = builder.resolve_to_addrs(name, &addresses);
    }
    builder.build().map_err(|error| soft(format!("No HTTP client can be made: {error}.")))
}

fn lost(error: &reqwest::Error) -> Untaken {
    let mut cause = String::new();
    let mut source = error.source();
    while let Some(inner) = source {
        cause = inner.to_string();
        source = inner.source();
    }
    let why = if error.is_timeout() {
        "No answer within 10 seconds.".to_owned()
    } else if error.is_connect() {
        format!("No connection: {cause}.")
    } else {
        format!("The connection broke: {cause}.")
    };
    Untaken { status: None, why, is_final: false }
}
