//! Operator: versions of models, other names for them, when names lead elsewhere, brown-outs, and
//! whose apps are concerned. Members of an org see what concerns their apps.

use super::shape;
use crate::id::{
    AliasId, AppId, BrownOutId, CutOverId, DeploymentId, ModelId, ModelVersionId, OrgId,
};
use crate::snapshot::{BrownOutAnswer, Lifecycle};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What becomes of a cut-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CutOverState {
    /// It is to come.
    Scheduled,
    Done,
    Cancelled,
}

/// What people were told of a model that goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum NoticeStep {
    Deprecated,
    /// A brown-out is to come.
    BrownOut,
    /// Its name is to lead elsewhere.
    CutOver,
    /// It goes within a week.
    SunsetSoon,
    Retired,
}

impl NoticeStep {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deprecated => "deprecated",
            Self::BrownOut => "brown_out",
            Self::CutOver => "cut_over",
            Self::SunsetSoon => "sunset_soon",
            Self::Retired => "retired",
        }
    }
}

shape! {
    /// A version of a model. Calls of `<model>@<label>` go to its deployments, and all calls of
    /// the model while its name leads there.
    pub struct ModelVersion {
        pub id: ModelVersionId,
        pub model_id: ModelId,
        /// Permanent.
        pub label: String,
        pub state: Lifecycle,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated_at: Option<DateTime<Utc>>,
        /// Until when it answers, where it is deprecated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sunset_at: Option<DateTime<Utc>>,
        pub deployment_ids: Vec<DeploymentId>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/admin/models/{model}/versions`: a version, as a draft.
    pub struct CreateModelVersion {
        /// 1 to 40 of `a-z 0-9 . _ -`.
        pub label: String,
    }

    /// `PATCH /v1/admin/model-versions/{version}`.
    pub struct UpdateModelVersion {
        pub state: Lifecycle,
        /// Only of one that is deprecated.
        #[serde(default)]
        pub sunset_at: Option<DateTime<Utc>>,
    }

    /// Another name for a model.
    pub struct Alias {
        pub id: AliasId,
        /// Permanent; no model has it.
        pub name: String,
        /// The name of a model, `<model>@<version>`, or another alias.
        pub to: String,
        /// The model that answers in the end.
        pub model_name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next: Option<CutOver>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/admin/aliases`. Where it leads is changed by a cut-over.
    pub struct CreateAlias {
        /// 1 to 100 of `a-z 0-9 . _ - / :`.
        pub name: String,
        /// The name of a model, `<model>@<version>`, or another alias.
        pub to: String,
    }

    /// A name leads elsewhere from an instant on, in every gateway at that instant.
    pub struct CutOver {
        pub id: CutOverId,
        /// The name of a model or an alias.
        pub name: String,
        /// Where it leads then: the name of a model, `<model>@<version>`, or of an alias.
        pub to: String,
        /// Where it led before; known once it is done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub before: Option<String>,
        pub at: DateTime<Utc>,
        pub state: CutOverState,
        /// The cut-over that it takes back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rolls_back: Option<CutOverId>,
        /// Whether it can be taken back now: its name still leads where it led it.
        pub is_reversible: bool,
        pub created_by_name: String,
        pub created_at: DateTime<Utc>,
        /// When it was done or cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ended_at: Option<DateTime<Utc>>,
    }

    /// `POST /v1/admin/cut-overs`.
    pub struct CreateCutOver {
        /// The name of a model or an alias.
        pub name: String,
        /// The name of a model, `<model>@<version>`, or, for an alias, of another alias. A model's
        /// own name leads back to its deployments that are of no version.
        pub to: String,
        /// Absent: now.
        #[serde(default)]
        pub at: Option<DateTime<Utc>>,
    }

    /// `POST /v1/admin/cut-overs/{cut_over}/rollback`: nothing is to be said.
    pub struct RollBackCutOver {}

    /// A while in which a share of a deprecated model's calls is refused.
    pub struct BrownOut {
        pub id: BrownOutId,
        pub model_id: ModelId,
        pub starts_at: DateTime<Utc>,
        pub ends_at: DateTime<Utc>,
        /// Of the calls, 1 to 100.
        pub percent: u8,
        pub answer: BrownOutAnswer,
    }

    /// `POST /v1/admin/models/{model}/brown-outs`.
    pub struct CreateBrownOut {
        pub starts_at: DateTime<Utc>,
        /// After its start, at most a week.
        pub ends_at: DateTime<Utc>,
        pub percent: u8,
        pub answer: BrownOutAnswer,
    }

    /// `GET /v1/admin/models/{model}/affected-apps`: an app that called the model in the last 30
    /// days, the latest first.
    pub struct AffectedApp {
        pub org_id: OrgId,
        pub org_slug: String,
        pub org_name: String,
        pub app_id: AppId,
        pub app_name: String,
        /// Calls of the last 30 days.
        pub requests: i64,
        pub last_at: DateTime<Utc>,
        /// What its people were told, and of each step when last.
        pub told: Vec<Told>,
    }

    pub struct Told {
        pub step: NoticeStep,
        pub at: DateTime<Utc>,
    }

    /// `GET /v1/orgs/{org}/apps/{app}/deprecations`: a deprecated or retired model that the app
    /// called in the last 30 days.
    pub struct AppDeprecation {
        pub model_id: ModelId,
        pub model_name: String,
        pub state: Lifecycle,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated_at: Option<DateTime<Utc>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sunset_at: Option<DateTime<Utc>>,
        /// What to use instead, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub successor: Option<String>,
        /// Calls of the last 30 days.
        pub requests: i64,
        pub last_at: DateTime<Utc>,
    }
}
