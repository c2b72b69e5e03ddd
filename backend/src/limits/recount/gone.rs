//! Gateways whose process is gone: what they have of counters is set to what their calls used.

use super::counters::Least;
use super::run::{Recount, RecountError};
use super::used;
use crate::db::Tx as _;
use chrono::TimeDelta;
use contract::id::{GatewayId, OrgId};

/// Gateways that are gone are remembered for longer than anybody asks who served an org lately.
const LEFT_KEPT: TimeDelta = TimeDelta::days(1);

impl Recount {
    /// Does so for every gateway that was said to be gone since. Says for how many.
    ///
    /// # Errors
    /// Postgres or Redis cannot be reached.
    pub async fn bury(&mut self) -> Result<usize, RecountError> {
        let gone = self.counters().gone().await?;
        for gateway in &gone {
            for org in self.all_orgs().await? {
                if self.counters().has_drawn(org, *gateway).await? {
                    self.set_to_use(org, *gateway).await?;
                }
            }
            self.note_left(*gateway).await?;
            self.counters().strike(&[*gateway]).await?;
            self.counters().buried(*gateway, self.app().clock.now()).await?;
            self.left(*gateway);
            tracing::info!(%gateway, "a gateway is gone, and what it did not use is free again");
        }
        Ok(gone.len())
    }

    /// Redis may forget it, and what it used stays in the books.
    async fn note_left(&self, gateway: GatewayId) -> Result<(), RecountError> {
        let mut tx = self.app().system_tx("recount", "note a gateway that is gone").await?;
        let (now, old) = (tx.now(), tx.now() - LEFT_KEPT);
        sqlx::query!("delete from gateways_left where left_at < $1", old)
            .execute(tx.conn())
            .await?;
        sqlx::query!(
            "insert into gateways_left (gateway_id, left_at) values ($1, $2)
             on conflict (gateway_id) do nothing",
            gateway.0,
            now,
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn set_to_use(&self, org: OrgId, gateway: GatewayId) -> Result<(), RecountError> {
        let now = self.counters().time(org).await?;
        let mut tx =
            self.app().system_tx("recount", "sum up what a dead gateway's calls used").await?;
        let limits = used::limits(&mut tx, org).await?;
        let sums = used::of_gateway(&mut tx, org, gateway, &limits, now).await?;
        let keys = used::keys(&mut tx, org, &limits, now).await?;
        tx.commit().await?;
        let exact: Vec<(String, i64)> = keys
            .into_iter()
            .map(|key| {
                let used = sums.iter().find(|least: &&Least| least.key == key);
                let used = used.map_or(0, |least| least.used);
                (key, used)
            })
            .collect();
        Ok(self.counters().set(org, gateway, &exact).await?)
    }
}
