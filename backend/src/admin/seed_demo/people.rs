//! Who can sign in: an operator, and two orgs with a member of every role, teams, and apps with
//! keys that work.

use super::catalogue::Simulator;
use super::file::{Demo, DemoApp, DemoMember, DemoOrg, Login};
use super::refused;
use crate::app::App;
use crate::catalog::subscriptions;
use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use crate::identity::password::Password;
use crate::identity::store::{self as people, SignUpRow};
use crate::orgs::{self, apps, members, teams};
use crate::{entropy, keys};
use contract::api::apps::CreateApp;
use contract::api::catalog::{Plan, Subscribe};
use contract::api::keys::CreateKey;
use contract::api::orgs::CreateTeam;
use contract::id::{AppId, KeyId, OrgId, PersonId, TeamId};
use contract::key::{KeyEnv, ParsedKey};
use contract::role::Role;
use contract::snapshot::SubscriptionState;

/// An org to make.
pub struct OrgPlan {
    name: &'static str,
    slug: &'static str,
    /// Team, its cost centre, its app.
    teams: &'static [(&'static str, &'static str, &'static str)],
}

pub const ORGS: &[OrgPlan] = &[
    OrgPlan {
        name: "Acme",
        slug: "acme",
        teams: &[
            ("Support", "CC-100", "Support assistant"),
            ("Research", "CC-200", "Paper search"),
        ],
    },
    OrgPlan { name: "Globex", slug: "globex", teams: &[("Sales", "4711", "Offer writer")] },
];

/// An org that was made, with what its usage needs.
pub struct Org {
    pub id: OrgId,
    pub apps: Vec<OrgApp>,
    pub shown: DemoOrg,
}

pub struct OrgApp {
    pub id: AppId,
    pub team_id: TeamId,
    pub key_id: KeyId,
}

pub async fn operator(app: &App, earlier: &Demo) -> anyhow::Result<Login> {
    let (id, login) = person(app, earlier, "operator@tollgate.example", "Olga Operator").await?;
    let mut tx = app.system_tx("seed-demo", "name the operator").await?;
    people::set_operator(&mut tx, id).await?;
    tx.commit().await?;
    Ok(login)
}

pub async fn org(
    app: &App,
    plan: &OrgPlan,
    earlier: &Demo,
    simulator: &Simulator,
) -> anyhow::Result<Org> {
    let mut shown = Vec::new();
    let mut everybody = Vec::new();
    for (role, name) in [
        (Role::Owner, "Owen Owner"),
        (Role::Admin, "Ada Admin"),
        (Role::Developer, "Dev Developer"),
        (Role::Finance, "Fay Finance"),
        (Role::Auditor, "Aud Auditor"),
    ] {
        let email = format!("{}@{}.example", role.as_str(), plan.slug);
        let (id, login) = person(app, earlier, &email, name).await?;
        everybody.push((id, role));
        shown.push(DemoMember { email: login.email, password: login.password, role });
    }
    let owner = everybody.first().map(|(id, _)| *id);
    let owner = owner.ok_or_else(|| anyhow::anyhow!("an org without an owner"))?;
    let (id, mut tx) = enter(app, plan, owner).await?;
    for (person, role) in everybody {
        if members::store::find_for_update(&mut tx, person).await?.is_none() {
            members::store::insert(&mut tx, person, role).await?;
        }
    }
    let (mut apps, mut shown_apps) = (Vec::new(), Vec::new());
    for (team, cost_center, name) in plan.teams {
        let team_id = team_of(&mut tx, team, cost_center).await?;
        let app_id = app_of(&mut tx, team_id, name, &simulator.pro).await?;
        let (key_id, key) = key_of(&mut tx, app, app_id, earlier.key(plan.slug, name)).await?;
        apps.push(OrgApp { id: app_id, team_id, key_id });
        shown_apps.push(DemoApp { name: (*name).to_owned(), key });
    }
    tx.commit().await?;
    let shown = DemoOrg { slug: plan.slug.to_owned(), members: shown, apps: shown_apps };
    Ok(Org { id, apps, shown })
}

/// A person whose password is known: made where missing, given a new password where the one in
/// the file does not fit.
async fn person(
    app: &App,
    earlier: &Demo,
    email: &str,
    name: &str,
) -> anyhow::Result<(PersonId, Login)> {
    let mut tx = app.system_tx("seed-demo", "make the people of the demo").await?;
    let account = people::find_account(&mut tx, email).await?;
    let known = earlier.password(email).map(str::to_owned);
    if let (Some(account), Some(password)) = (&account, &known) {
        let fits = Password::new(password).is_of(Some(&account.password_hash)).await;
        if fits.map_err(refused)? {
            return Ok((account.id, Login { email: email.to_owned(), password: password.clone() }));
        }
    }
    let words = data_encoding::BASE32_NOPAD.encode(&entropy::bytes::<10>()).to_lowercase();
    let password = format!("demo-{words}");
    let password_hash = Password::new(&password).hash().await.map_err(refused)?;
    let id = if let Some(account) = account {
        people::set_password_hash(&mut tx, account.id, &password_hash).await?;
        account.id
    } else {
        let id = tx.new_id(PersonId::new);
        let new = SignUpRow {
            email: email.to_owned(),
            name: name.to_owned(),
            org_name: String::new(),
            password_hash,
        };
        people::insert_person(&mut tx, id, &new).await?;
        id
    };
    tx.commit().await?;
    Ok((id, Login { email: email.to_owned(), password }))
}

/// Inside the org, made where it is missing.
async fn enter(app: &App, plan: &OrgPlan, owner: PersonId) -> anyhow::Result<(OrgId, TenantTx)> {
    let mut tx = app.system_tx("seed-demo", "make the orgs of the demo").await?;
    if let Some(id) = orgs::store::find_id(&mut tx, plan.slug).await? {
        return Ok((id, tx.enter(id, Role::Owner).await?));
    }
    let (org, tx) = orgs::create::open(tx, owner, plan.name).await.map_err(refused)?;
    Ok((org.id, tx))
}

async fn team_of(tx: &mut TenantTx, name: &str, cost_center: &str) -> anyhow::Result<TeamId> {
    let known = teams::store::list(tx, PageQuery::first()).await?;
    if let Some(team) = known.into_iter().find(|team| team.name == name) {
        return Ok(team.id);
    }
    let new = CreateTeam { name: name.to_owned(), cost_center: Some(cost_center.to_owned()) };
    Ok(teams::create::create(tx, &new).await.map_err(refused)?.id)
}

async fn app_of(
    tx: &mut TenantTx,
    team_id: TeamId,
    name: &str,
    pro: &[Plan],
) -> anyhow::Result<AppId> {
    let known = apps::store::list(tx, PageQuery::first()).await?;
    if let Some(app) = known.into_iter().find(|app| app.name == name) {
        return Ok(app.id);
    }
    let new = CreateApp {
        name: name.to_owned(),
        team_id: Some(team_id),
        description: "Part of the demo.".to_owned(),
    };
    let app = apps::create::create(tx, &new).await.map_err(refused)?;
    for plan in pro {
        let current = subscriptions::store::list(tx, Some(app.id), &PageQuery::first()).await?;
        let starter = current.into_iter().find(|subscription| {
            subscription.product_id == plan.product_id
                && subscription.state == SubscriptionState::Active
        });
        if let Some(starter) = starter {
            subscriptions::cancel::cancel(tx, starter.id).await.map_err(refused)?;
        }
        let new = Subscribe { app_id: app.id, plan_id: plan.id };
        subscriptions::create::create(tx, &new).await.map_err(refused)?;
    }
    Ok(app.id)
}

/// The key in the file while it works, else a new one.
async fn key_of(
    tx: &mut TenantTx,
    app: &App,
    app_id: AppId,
    earlier: Option<&str>,
) -> anyhow::Result<(KeyId, String)> {
    let pepper = &app.config.secrets.key_pepper;
    if let Some((text, parsed)) = earlier.and_then(|text| Some((text, ParsedKey::parse(text)?))) {
        let hash = pepper.hash(&parsed);
        if let Some(id) = keys::store::find_live(tx, parsed.public_id, &hash).await? {
            return Ok((id, text.to_owned()));
        }
    }
    let new = CreateKey { app_id, name: "Demo".to_owned(), env: KeyEnv::Live, expires_at: None };
    let created = keys::create::create(tx, pepper, &new).await.map_err(refused)?;
    Ok((created.key.id, created.secret))
}
