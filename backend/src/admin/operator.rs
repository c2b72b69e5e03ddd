//! `admin make-operator`: the first of the platform's staff has nobody to ask.

use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::identity::store;

/// Makes the person with this address an operator. False when nobody has it.
///
/// # Errors
/// Postgres cannot be reached, or `out` cannot be written.
pub async fn run(
    app: &App,
    email: &str,
    out: &mut (impl std::io::Write + Send),
) -> anyhow::Result<bool> {
    let email = email.trim().to_lowercase();
    let mut tx = app.system_tx("make-operator", "somebody at the server asked for it").await?;
    let Some(account) = store::find_account(&mut tx, &email).await? else {
        writeln!(out, "Nobody has signed up with {email}. Sign up in the portal first.")?;
        return Ok(false);
    };
    store::set_operator(&mut tx, account.id).await?;
    let entry = Entry::new("make_operator", "person", account.id);
    audit::record(&mut tx, entry).await.map_err(|_| anyhow::anyhow!("the audit log refused"))?;
    tx.commit().await?;
    writeln!(out, "{email} is an operator now.")?;
    Ok(true)
}
