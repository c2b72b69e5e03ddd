//! The walls between tenants, asked of the database itself.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;

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
    for role in ["app_tenant", "app_person", "app_system"] {
        for privilege in ["update", "delete", "truncate"] {
            let may: bool =
                sqlx::query_scalar("select has_table_privilege($1, 'audit_entries', $2)")
                    .bind(role)
                    .bind(privilege)
                    .fetch_one(&mut app.sql().await)
                    .await
                    .unwrap();
            assert!(!may, "{role} may {privilege}");
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
