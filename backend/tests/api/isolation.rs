//! The walls between tenants, asked of the database itself.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;
use sqlx::Connection as _;

#[tokio::test]
async fn every_table_with_an_org_is_walled_by_force() {
    let app = TestApp::start().await;
    let open: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
         where c.relkind in ('r', 'p')
           and not (c.relrowsecurity and c.relforcerowsecurity and exists (
             select 1 from pg_policy p where p.polrelid = c.oid
               and 'app_tenant'::regrole = any (p.polroles)
               and pg_get_expr(p.polqual, p.polrelid) = '(org_id = (current_setting(''app.org_id''::text))::uuid)'
               and pg_get_expr(p.polwithcheck, p.polrelid) = '(org_id = (current_setting(''app.org_id''::text))::uuid)'))",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    assert!(app.count("pg_policy").await > 10);
}

#[tokio::test]
async fn no_view_looks_over_the_wall() {
    let app = TestApp::start().await;
    let views: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
         where c.relkind = 'v' and not coalesce(c.reloptions @> array['security_invoker=true'], false)",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap();
    assert_eq!(views, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_appended_is_never_changed() {
    let app = TestApp::start().await;
    for table in ["audit_entries", "route_versions"] {
        for role in ["app_tenant", "app_person", "app_system"] {
            for privilege in ["update", "delete", "truncate"] {
                let may: bool = sqlx::query_scalar("select has_table_privilege($1, $2, $3)")
                    .bind(role)
                    .bind(table)
                    .bind(privilege)
                    .fetch_one(&mut app.sql().await)
                    .await
                    .unwrap();
                assert!(!may, "{role} may {privilege} {table}");
            }
        }
    }
}

#[tokio::test]
async fn another_org_is_answered_like_one_that_is_not_there() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let owner = app.member(&ours, Role::Owner).await;
    let absent = "org_00000000000000000000000000";
    let mut answers = Vec::new();
    for named in ["theirs", theirs.id.to_string().as_str(), "nowhere", absent, "%00", "org_x"] {
        let path = format!("/v1/orgs/{named}/teams");
        let reply = owner.post(&path, json!({"name": "X"})).await.refused("object.not_found");
        answers.push(reply.comparable());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

/// Behind the API: what a forgotten WHERE would meet.
#[tokio::test]
async fn a_tenants_transaction_sees_and_writes_no_other_orgs_rows() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    for org in [&ours, &theirs] {
        let owner = app.member(org, Role::Owner).await;
        let path = |what: &str| format!("/v1/orgs/{}/{what}", org.slug);
        let key = json!({"app_id": org.app, "name": "k", "env": "live"});
        owner.post(&path("keys"), key).await.expect(201);
        let invitation = json!({"email": "x@example.com", "role": "developer"});
        owner.post(&path("invitations"), invitation).await.expect(201);
    }
    let mut sql = app.sql().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege('app_tenant', c.oid, 'select') order by 1",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    let mut tx = sql.begin().await.unwrap();
    sqlx::query(
        "select set_config('role', 'app_tenant', true), set_config('app.org_id', $1, true)",
    )
    .bind(ours.id.0.to_string())
    .execute(&mut *tx)
    .await
    .unwrap();
    for table in &tables {
        let foreign = format!("select count(*) from {table} where org_id is distinct from $1");
        let foreign: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(foreign))
            .bind(ours.id.0)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(foreign, 0, "{table}");
    }
    let moved =
        sqlx::query("update teams set org_id = $1").bind(theirs.id.0).execute(&mut *tx).await;
    assert!(moved.unwrap_err().to_string().contains("row-level security"));
    drop(tx);
    for table in ["teams", "apps", "api_keys", "invitations", "memberships", "audit_entries"] {
        assert!(tables.iter().any(|name| name == table), "{table}");
        let both = format!("(select distinct org_id from {table} where org_id is not null) t");
        assert_eq!(app.count(&both).await, 2, "{table} was not put to the test");
    }
}

#[tokio::test]
async fn a_tenants_transaction_without_an_org_fails_instead_of_seeing_nothing() {
    let app = TestApp::start().await;
    app.org("acme").await;
    let mut sql = app.sql().await;
    let mut tx = sql.begin().await.unwrap();
    sqlx::query("set local role app_tenant").execute(&mut *tx).await.unwrap();
    let seen = sqlx::query("select * from teams").fetch_all(&mut *tx).await;
    assert!(seen.unwrap_err().to_string().contains("app.org_id"));
}
