//! Versions and names of models, brown-outs, and whose apps a model's end concerns.

use super::Backend;
use crate::fault::Fault;
use contract::api::lifecycle::{
    AffectedApp, Alias, AppDeprecation, BrownOut, CreateAlias, CreateBrownOut, CreateCutOver,
    CreateModelVersion, CutOver, ModelVersion, UpdateModelVersion,
};
use contract::page::Page;
use serde_json::json;

impl Backend<'_> {
    /// # Errors
    /// Not found for everybody who is no operator, like all of these but the last.
    pub async fn aliases(&self, cursor: Option<String>) -> Result<Page<Alias>, Fault> {
        self.page(&["admin", "aliases"], &[], cursor).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_alias(&self, key: &str, body: &CreateAlias) -> Result<Alias, Fault> {
        self.post(&["admin", "aliases"], key, body).await
    }

    /// # Errors
    /// A conflict where another name leads to it.
    pub async fn delete_alias(&self, alias: &str) -> Result<(), Fault> {
        self.delete(&["admin", "aliases", alias]).await
    }

    /// Of all names, or of one.
    ///
    /// # Errors
    /// See [`Backend::aliases`].
    pub async fn cut_overs(
        &self,
        name: Option<&str>,
        cursor: Option<String>,
    ) -> Result<Page<CutOver>, Fault> {
        let filter: Vec<_> = name.map(|name| ("name", name.to_owned())).into_iter().collect();
        self.page(&["admin", "cut-overs"], &filter, cursor).await
    }

    /// # Errors
    /// Refusals of fields; a conflict where one is scheduled.
    pub async fn create_cut_over(&self, key: &str, body: &CreateCutOver) -> Result<CutOver, Fault> {
        self.post(&["admin", "cut-overs"], key, body).await
    }

    /// # Errors
    /// A conflict where it is not to come any more.
    pub async fn cancel_cut_over(&self, cut_over: &str) -> Result<(), Fault> {
        self.delete(&["admin", "cut-overs", cut_over]).await
    }

    /// # Errors
    /// A conflict where it cannot be taken back.
    pub async fn roll_back_cut_over(&self, cut_over: &str, key: &str) -> Result<CutOver, Fault> {
        self.post(&["admin", "cut-overs", cut_over, "rollback"], key, &json!({})).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_model_version(
        &self,
        model: &str,
        key: &str,
        body: &CreateModelVersion,
    ) -> Result<ModelVersion, Fault> {
        self.post(&["admin", "models", model, "versions"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; a conflict for a step that there is not.
    pub async fn update_model_version(
        &self,
        id: &str,
        version: i64,
        body: &UpdateModelVersion,
    ) -> Result<ModelVersion, Fault> {
        self.patch(&["admin", "model-versions", id], version, body).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_brown_out(
        &self,
        model: &str,
        key: &str,
        body: &CreateBrownOut,
    ) -> Result<BrownOut, Fault> {
        self.post(&["admin", "models", model, "brown-outs"], key, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_brown_out(&self, brown_out: &str) -> Result<(), Fault> {
        self.delete(&["admin", "brown-outs", brown_out]).await
    }

    /// # Errors
    /// Not found.
    pub async fn affected_apps(
        &self,
        model: &str,
        cursor: Option<String>,
    ) -> Result<Page<AffectedApp>, Fault> {
        self.page(&["admin", "models", model, "affected-apps"], &[], cursor).await
    }

    /// The models that go away and that an app of the org calls.
    ///
    /// # Errors
    /// Not found.
    pub async fn app_deprecations(
        &self,
        org: &str,
        app: &str,
    ) -> Result<Vec<AppDeprecation>, Fault> {
        self.get(&["orgs", org, "apps", app, "deprecations"], &[]).await
    }
}
