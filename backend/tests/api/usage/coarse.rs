//! Sums for reports over months: whatever they are read from, pages say what the events say.

use super::open;
use crate::harness::{Caller, Shop, TestApp, entry};
use backend::billing::reconcile;
use backend::usage::{self, ingest};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::id::{AppId, KeyId, ModelId, ProductId, TeamId};
use contract::money::Usd;
use contract::role::Role;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Just before and just after edges of days and months, of which some are in no month's middle.
const CALLS: [&str; 9] = [
    "2026-03-29T01:30:00Z",
    "2026-03-31T23:59:59.999Z",
    "2026-04-01T00:00:00Z",
    "2026-04-15T10:00:00Z",
    "2026-04-30T23:59:59.999Z",
    "2026-05-01T00:00:00Z",
    "2026-05-31T22:30:00Z",
    "2026-06-01T00:00:00Z",
    "2026-06-10T08:00:00Z",
];
/// Whole months, months with edges, edges said in another zone, within a month, and hours.
const RANGES: [&str; 8] = [
    "from=2026-03-01&to=2026-07-01",
    "from=2026-04-01&to=2026-06-01",
    "from=2026-03-31&to=2026-06-02",
    "from=2026-04-01T01:00:00%2B02:00&to=2026-05-01T01:00:00%2B02:00",
    "from=2026-04-15&to=2026-04-16",
    "from=2025-06-10&to=2026-06-11",
    "bucket=hour&from=2026-03-31T23:00:00Z&to=2026-05-01T01:00:00Z",
    "bucket=hour&from=2026-05-31T22:00:00Z&to=2026-06-01T01:00:00Z",
];

struct Desk {
    app: TestApp,
    shop: Shop,
    /// Two keys, each of an app of its own.
    callers: [Caller; 2],
    told: usize,
}

/// Calls and nano-dollars by what they are grouped by.
type Sums = BTreeMap<String, (i64, i64)>;

impl Desk {
    async fn open() -> Self {
        let (app, shop, caller) = open().await;
        let owner = app.member(&caller.test_org(), Role::Owner).await;
        let second = json!({"name": "Second"});
        let second = owner.post("/v1/orgs/acme/apps", second).await.expect(201).json();
        let id = second["id"].as_str().unwrap();
        let key = json!({"app_id": id, "name": "calls", "env": "live"});
        let key = owner.post("/v1/orgs/acme/keys", key).await.expect(201).json();
        let key = key["key"]["id"].as_str().unwrap().parse().unwrap();
        let other = Caller { app: id.parse().unwrap(), key, ..caller };
        let mut desk = Self { app, shop, callers: [caller, other], told: 0 };
        for at in CALLS {
            desk.call(at).await;
        }
        desk.at("2026-06-10T12:00:00Z");
        desk
    }

    fn at(&self, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        self.app.clock.advance(at - self.app.clock.now());
    }

    /// A call at `at`, told and booked now.
    async fn call(&mut self, at: &str) {
        let now = self.app.clock.now();
        self.at(at);
        self.told += 1;
        let by = self.callers[self.told % 2];
        let tokens = 1_000 + u64::try_from(self.told).unwrap();
        let event = by.event(&self.app, &self.shop, tokens, 7);
        self.app.clock.advance(now.max(event.at) - self.app.clock.now());
        assert_eq!(ingest(&self.app.app, &[entry(self.told, &event)]).await.unwrap().new, 1);
    }

    async fn sum_up(&self) {
        while usage::refresh(&self.app.app).await.unwrap() > 0 {}
    }

    async fn stale(&self) -> i64 {
        self.app.count("usage_stale_days").await
    }

    /// Every page in every range, as it is answered.
    async fn pages(&self) -> Vec<(String, Value)> {
        let mut pages = Vec::new();
        // Somebody new of that name: a session does not last for months.
        sqlx::query(
            "update people set email = concat(id, '@gone.example') where email like 'owner@%'",
        )
        .execute(&mut self.app.sql().await)
        .await
        .unwrap();
        let owner = self.app.member(&self.callers[0].test_org(), Role::Owner).await;
        let mine = self.callers[0];
        let model = self.shop.model;
        for range in RANGES {
            let mut paths = vec![
                format!("usage?{range}"),
                format!("usage?{range}&app={}", mine.app),
                format!("usage?{range}&model={model}"),
                format!("usage?{range}&app={}&model={model}", mine.app),
                format!("costs?{range}&app={}&group_by=day", mine.app),
                format!("costs?{range}&team={}&group_by=app", mine.team),
            ];
            for groups in
                ["team", "app", "key", "model", "product", "day", "day,app", "key,day", "key,model"]
            {
                paths.push(format!("costs?{range}&group_by={groups}"));
            }
            for path in paths {
                let page = owner.get(&format!("/v1/orgs/acme/{path}")).await.expect(200);
                pages.push((path, page.json()));
            }
        }
        pages
    }

    async fn events(&self, path: &str, page: &Value, groups: &[&str]) -> Sums {
        let columns: Vec<String> = groups
            .iter()
            .map(|group| match *group {
                "day" => "to_char(at at time zone 'UTC', 'YYYY-MM-DD')".to_owned(),
                "bucket" if path.contains("bucket=hour") => {
                    "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:00:00Z')".to_owned()
                }
                "bucket" => "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"00:00:00Z')".to_owned(),
                group => format!("{group}_id::text"),
            })
            .collect();
        let mine = if path.contains("&app=") { self.callers[0].app.0 } else { uuid::Uuid::nil() };
        let text = format!(
            "select concat_ws(' ', {}), count(*), sum(cost_nanos)::bigint from usage_events
             where at >= $1 and at < $2 and ($3 = '{}' or app_id = $3) group by 1",
            columns.join(", "),
            uuid::Uuid::nil(),
        );
        let instant = |name: &str| page[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(instant("from"))
            .bind(instant("to"))
            .bind(mine)
            .fetch_all(&mut self.app.sql().await)
            .await
            .unwrap();
        rows.into_iter().map(|(group, calls, nanos)| (group, (calls, nanos))).collect()
    }

    /// Each page says what the events say, read one by one.
    async fn agree(&self, when: &str) {
        for (path, page) in self.pages().await {
            if path.starts_with("usage") {
                for (of, list) in [("model", "by_model"), ("app", "by_app"), ("bucket", "series")] {
                    let said = rows(&page[list], &[of]);
                    assert_eq!(
                        said,
                        self.events(&path, &page, &[of]).await,
                        "{when}: {list} of {path}"
                    );
                }
                let total: Sums = rows(&json!([page["totals"]]), &[]);
                let due = self.events(&path, &page, &["org"]).await;
                assert_eq!(
                    total.into_values().collect::<Vec<_>>(),
                    due.into_values().collect::<Vec<_>>(),
                    "{when}: the total of {path}"
                );
            } else {
                let groups: Vec<&str> = page["group_by"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|g| g.as_str().unwrap())
                    .collect();
                // In hours, rows by the day are rows by the hour that are called by their day.
                if path.contains("bucket=hour") && groups.contains(&"day") {
                    continue;
                }
                let said = rows(&page["rows"], &groups);
                assert_eq!(said, self.events(&path, &page, &groups).await, "{when}: {path}");
            }
        }
    }
}

/// What a list of a page says, by the objects themselves; empty buckets are left out.
fn rows(list: &Value, groups: &[&str]) -> Sums {
    let uuid = |group: &str, id: &str| match group {
        "team" => id.parse::<TeamId>().unwrap().0.to_string(),
        "app" => id.parse::<AppId>().unwrap().0.to_string(),
        "key" => id.parse::<KeyId>().unwrap().0.to_string(),
        "model" => id.parse::<ModelId>().unwrap().0.to_string(),
        "product" => id.parse::<ProductId>().unwrap().0.to_string(),
        _ => id.to_owned(),
    };
    let mut sums = Sums::new();
    for row in list.as_array().unwrap() {
        let told = row.get("totals").unwrap_or(row);
        let calls = told["requests"].as_i64().unwrap();
        if calls == 0 {
            continue;
        }
        let name = match (row.get("groups"), row.get("at"), row.get("id")) {
            (Some(ids), ..) => {
                let ids = ids.as_array().unwrap().iter().zip(groups);
                let ids = ids.map(|(id, group)| uuid(group, id["id"].as_str().unwrap()));
                ids.collect::<Vec<_>>().join(" ")
            }
            (_, Some(at), _) => at.as_str().unwrap().to_owned(),
            (.., Some(id)) => uuid(groups[0], id.as_str().unwrap()),
            _ => String::new(),
        };
        let nanos = told["cost_usd"].as_str().unwrap().parse::<Usd>().unwrap().0.0;
        assert_eq!(sums.insert(name, (calls, nanos)), None, "{list}");
    }
    sums
}

#[tokio::test]
async fn every_page_says_what_the_events_do_at_the_edges_of_days_and_months_and_after_late_ones() {
    let mut desk = Desk::open().await;
    desk.sum_up().await;
    // Nothing coarser is known yet: all is read by the day and the hour.
    assert_eq!((desk.stale().await, desk.app.count("usage_months").await), (9, 0));
    desk.agree("at first").await;
    desk.app.clock.advance(TimeDelta::minutes(1));
    desk.sum_up().await;
    assert_eq!(desk.stale().await, 1, "today is not over");
    assert!(desk.app.count("usage_months").await >= 4);
    desk.agree("once days are over").await;
    for late in ["2026-03-31T23:59:59.998Z", "2026-04-15T10:30:00Z", "2026-06-10T08:00:00.001Z"] {
        desk.call(late).await;
    }
    desk.sum_up().await;
    assert_eq!(desk.stale().await, 3, "days that changed rest for a minute");
    desk.agree("after late calls").await;
    desk.app.clock.advance(TimeDelta::minutes(1));
    desk.sum_up().await;
    assert_eq!(desk.stale().await, 1);
    desk.agree("once late calls are in every sum").await;
    desk.at("2026-06-11T00:00:00Z");
    desk.sum_up().await;
    assert_eq!(desk.stale().await, 0);
    assert_eq!(reconcile(&desk.app.app).await.unwrap().1, []);
}

#[tokio::test]
async fn a_year_is_told_as_before_when_its_events_are_no_longer_kept() {
    let desk = Desk::open().await;
    desk.sum_up().await;
    desk.at("2026-06-12T00:00:00Z");
    desk.sum_up().await;
    let before = desk.pages().await;
    desk.at("2027-12-01T00:00:00Z");
    backend::jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.app.count("usage_events").await, 0);
    for ((path, was), (_, is)) in before.into_iter().zip(desk.pages().await) {
        assert_eq!(was, is, "{path}");
    }
    assert_eq!(reconcile(&desk.app.app).await.unwrap().1, []);
}
