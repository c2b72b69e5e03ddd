//! The queue, seen through mail: the job that everybody meets.

use crate::harness::TestApp;
use backend::jobs;
use chrono::TimeDelta;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn mail_waits_while_there_is_no_server_and_is_tried_again_later_each_time() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    jobs::run_due(&app.app).await.unwrap();
    assert!(app.mail("ada@example.com").await.is_some());
    let tried =
        "jobs where kind = 'send_mail' and attempts = 1 and last_error like '%TOLLGATE_SMTP_URL%'";
    assert_eq!(app.count(tried).await, 1);
    jobs::run_due(&app.app).await.unwrap();
    assert_eq!(app.count(tried).await, 1);
    app.clock.advance(TimeDelta::seconds(1));
    jobs::run_due(&app.app).await.unwrap();
    assert_eq!(app.count("jobs where kind = 'send_mail' and attempts = 2").await, 1);
    for _ in 0..12 {
        app.clock.advance(TimeDelta::hours(1));
        jobs::run_due(&app.app).await.unwrap();
    }
    assert_eq!(app.count("jobs where kind = 'send_mail' and failed_at is not null").await, 1);
}

#[tokio::test]
async fn mail_arrives_and_its_link_is_forgotten() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", server.local_addr().unwrap());
    let app =
        TestApp::start_with(&["--smtp-url", &url, "--mail-from", "Gate <gate@example.com>"]).await;
    let received = Arc::new(Mutex::new(String::new()));
    let into = received.clone();
    tokio::spawn(async move {
        let (socket, _) = server.accept().await.unwrap();
        smtp(socket, &into).await;
    });
    let new = json!({"email": "ada@example.com", "password": "correct horse battery", "name": "Ada", "org_name": "Acme"});
    app.nobody().post("/v1/sign-up", new).await.expect(202);
    let token = app.token("ada@example.com", "verify").await;
    jobs::run_due(&app.app).await.unwrap();
    let mail = received.lock().unwrap().clone();
    assert!(
        mail.contains("From: Gate <gate@example.com>") || mail.contains("From: \"Gate\""),
        "{mail}"
    );
    assert!(mail.contains("To: ada@example.com") && mail.contains(&token[..20]), "{mail}");
    assert_eq!(app.count("jobs where kind = 'send_mail'").await, 0);
    assert_eq!(app.count("mails where sent_at is not null and body = ''").await, 1);
}

/// Just enough of a mail server.
async fn smtp(socket: TcpStream, into: &Mutex<String>) {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"220 test\r\n").await.unwrap();
    let (mut line, mut in_data) = (String::new(), false);
    while socket.read_line(&mut line).await.unwrap() > 0 {
        let answer: &[u8] = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                b"250 taken\r\n"
            }
            text if in_data => {
                into.lock().unwrap().push_str(&format!("{text}\n"));
                b""
            }
            "DATA" => {
                in_data = true;
                b"354 go\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        socket.write_all(answer).await.unwrap();
        line.clear();
    }
}

#[tokio::test]
async fn a_scheduled_job_is_queued_once_each_period_whoever_looks() {
    let app = TestApp::start().await;
    let (_, person) = app.person("ada@example.com", false).await;
    jobs::run_due(&app.app).await.unwrap();
    jobs::run_due(&app.app).await.unwrap();
    let slot = async || -> i64 {
        sqlx::query_scalar("select slot from job_slots where kind = 'forget_expired'")
            .fetch_one(&mut app.sql().await)
            .await
            .unwrap()
    };
    let first = slot().await;
    person.get("/v1/me").await.expect(200);
    app.clock.advance(TimeDelta::days(15));
    jobs::run_due(&app.app).await.unwrap();
    assert_eq!(slot().await - first, 15 * 24);
    assert_eq!(app.count("sessions").await, 0);
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_fails_for_good_and_stops_nobody() {
    let app = TestApp::start().await;
    sqlx::query(
        "insert into jobs (id, kind, payload, run_at, created_at)
         values (gen_random_uuid(), 'nonsense', 'null', $1, $1)",
    )
    .bind(app.clock.now())
    .execute(&mut app.sql().await)
    .await
    .unwrap();
    jobs::run_due(&app.app).await.unwrap();
    assert_eq!(app.count("jobs where kind = 'nonsense' and failed_at is not null").await, 1);
}
