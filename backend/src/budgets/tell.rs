//! The job that tells people and programs of an alert.

use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use crate::notify::{self, mails};
use crate::webhooks;
use contract::api::budgets::BudgetAlert;
use contract::api::webhooks::EventKind;
use contract::id::EventId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Serialize, Deserialize)]
pub struct TellBudgetAlert {
    pub alert: EventId,
}

impl Job for TellBudgetAlert {
    const KIND: &'static str = "tell_budget_alert";

    /// Taking the alert and queueing what is told of it happen together or not at all, so a second
    /// run finds nothing left to tell.
    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("budgets", "tell of a budget's alert").await?;
        let Some((budget, alert)) = store::take_alert(&mut tx, self.alert).await? else {
            return Ok(());
        };
        let Some(row) = store::find(&mut tx, budget).await? else { return Ok(()) };
        let Some((slug, org, addresses)) = store::audience(&mut tx, row.org_id).await? else {
            return Ok(());
        };
        let page = app.config.public.portal_page(&format!("o/{slug}/budgets/{budget}"));
        let (from, until) = row.period(alert.period_from);
        let told = Told { row: &row, alert: &alert, org: &org, page: &page };
        for address in addresses {
            let mail = mails::budget_alert(&told.words(until));
            notify::queue(&mut tx, &address, &mail).await?;
        }
        let data = told.data((from, until));
        let event = webhooks::Event { id: alert.id, kind: EventKind::BudgetThresholdReached, data };
        webhooks::queue(&mut tx, row.org_id, &event).await?;
        Ok(tx.commit().await?)
    }
}

struct Told<'a> {
    row: &'a super::model::Row,
    alert: &'a BudgetAlert,
    org: &'a str,
    page: &'a str,
}

impl Told<'_> {
    fn words(&self, until: contract::Timestamp) -> mails::BudgetAlert<'_> {
        mails::BudgetAlert {
            org: self.org,
            budget: &self.row.name,
            percent: self.alert.percent,
            spent: self.alert.spent_usd,
            limit: self.alert.limit_usd,
            action: self.row.action,
            cheaper: self.row.downgrade_model_name.as_deref(),
            until: self.row.zone.local(until),
            zone: self.row.zone,
            page: self.page,
        }
    }

    fn data(&self, (from, until): (contract::Timestamp, contract::Timestamp)) -> Value {
        json!({
            "org_id": self.row.org_id,
            "budget_id": self.row.id,
            "budget_name": self.row.name,
            "percent": self.alert.percent,
            "spent_usd": self.alert.spent_usd,
            "limit_usd": self.alert.limit_usd,
            "period_from": from,
            "period_until": until,
            "action": self.row.action,
            "page": self.page,
        })
    }
}
