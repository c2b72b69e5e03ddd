//! Gateways whose process is gone: what they have of counters is set to what their calls used.

use super::counters::Least;
use super::run::{Recount, RecountError};
use super::used;
use crate::db::Tx as _;
use contract::id::{GatewayId, OrgId};

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
            self.counters().buried(*gateway, self.app().clock.now()).await?;
            tracing::info!(%gateway, "a gateway is gone, and what it did not use is free again");
        }
        // Redis may forget them, and what they used stays in the books.
        self.left.extend(self.counters().left().await?);
        Ok(gone.len())
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
