//! Routes: the platform's, and an org's own.

use super::Backend;
use crate::fault::Fault;
use contract::api::routes::{
    ActivateRoute, CreateRoute, ExplainRoute, Route, RouteExplained, RouteOutcomes, RoutePlace,
    RouteVersion, UpdateRoute,
};
use contract::page::Page;

/// Whose: an org's by its slug, else the platform's.
type Owner<'a> = Option<&'a str>;

fn path<'a>(owner: Owner<'a>, rest: &[&'a str]) -> Vec<&'a str> {
    let root = owner.map_or_else(|| vec!["admin"], |org| vec!["orgs", org]);
    root.into_iter().chain(["routes"]).chain(rest.iter().copied()).collect()
}

impl Backend<'_> {
    /// # Errors
    /// `role.forbidden`.
    pub async fn routes(
        &self,
        owner: Owner<'_>,
        cursor: Option<String>,
    ) -> Result<Page<Route>, Fault> {
        self.page(&path(owner, &[]), &[], cursor).await
    }

    /// # Errors
    /// Not found.
    pub async fn route(&self, owner: Owner<'_>, route: &str) -> Result<Route, Fault> {
        self.get(&path(owner, &[route]), &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_route(
        &self,
        owner: Owner<'_>,
        key: &str,
        body: &CreateRoute,
    ) -> Result<Route, Fault> {
        self.post(&path(owner, &[]), key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_route(
        &self,
        owner: Owner<'_>,
        route: &str,
        version: i64,
        body: &UpdateRoute,
    ) -> Result<Route, Fault> {
        self.patch(&path(owner, &[route]), version, body).await
    }

    /// # Errors
    /// A conflict where the version cannot count any more; `object.version_stale`.
    pub async fn activate_route(
        &self,
        owner: Owner<'_>,
        route: &str,
        version: i64,
        body: &ActivateRoute,
    ) -> Result<Route, Fault> {
        self.patch(&path(owner, &[route, "active"]), version, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_route(&self, owner: Owner<'_>, route: &str) -> Result<(), Fault> {
        self.delete(&path(owner, &[route])).await
    }

    /// # Errors
    /// Not found.
    pub async fn route_versions(
        &self,
        owner: Owner<'_>,
        route: &str,
        cursor: Option<String>,
    ) -> Result<Page<RouteVersion>, Fault> {
        self.page(&path(owner, &[route, "versions"]), &[], cursor).await
    }

    /// What became of its calls in the last days.
    ///
    /// # Errors
    /// Not found.
    pub async fn route_outcomes(
        &self,
        owner: Owner<'_>,
        route: &str,
    ) -> Result<RouteOutcomes, Fault> {
        self.get(&path(owner, &[route, "outcomes"]), &[]).await
    }

    /// What an org's routes may name.
    ///
    /// # Errors
    /// `role.forbidden`.
    pub async fn route_places(&self, org: &str) -> Result<Vec<RoutePlace>, Fault> {
        self.get(&path(Some(org), &["places"]), &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn explain_route(&self, asked: &ExplainRoute) -> Result<RouteExplained, Fault> {
        self.post(&["routes", "explain"], "", asked).await
    }
}
