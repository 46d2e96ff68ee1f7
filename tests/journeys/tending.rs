//! What an operator asks when something is wrong, or before it is.

use std::{collections::BTreeSet, fs, io::Read as _};

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::board::Board;

/// The lines of JSON among what a command printed.
fn lines(printed: &str) -> Vec<Value> {
    printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn state_of<'a>(findings: &'a [Value], place: &str, check: &str) -> &'a str {
    let found = findings.iter().find(|one| one["place"] == place && one["check"] == check);
    found.unwrap()["state"].as_str().unwrap()
}

#[tokio::test]
async fn the_doctor_finds_nothing_on_a_sound_board_and_names_what_is_broken() {
    let board = Board::start(&[]);
    let (code, printed) = board.liuyan(&["doctor"]);
    assert_eq!(code, 0, "{printed}");
    let findings = lines(&printed);
    for service in ["intake", "moderation", "routing", "notification", "stats", "feed", "identity"]
    {
        for check in
            ["configuration", "database", "durability", "schema", "bus", "clock", "readiness"]
        {
            assert_eq!(state_of(&findings, service, check), "ok", "{service}: {check}");
        }
    }
    assert_eq!(state_of(&findings, "portal", "readiness"), "ok");

    let mut stats = PgConnection::connect(&board.at.postgres["stats"]).await.unwrap();
    let forget =
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::raw_sql(forget).execute(&mut stats).await.unwrap();
    stats.close().await.unwrap();
    let (code, printed) = board.liuyan(&["doctor"]);
    assert_eq!(code, 1, "{printed}");
    assert_eq!(state_of(&lines(&printed), "stats", "schema"), "failed");
    assert_eq!(state_of(&lines(&printed), "feed", "schema"), "ok");

    let (code, printed) = board.liuyan(&["doctor", "feed"]);
    assert_eq!(code, 1, "without a configuration there is no database: {printed}");
    assert_eq!(state_of(&lines(&printed), "feed", "database"), "failed");
}

#[tokio::test]
async fn a_support_bundle_tells_of_every_service_and_holds_no_secret() {
    let board = Board::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    let file = path.to_str().unwrap();
    let (code, printed) = board.liuyan(&["support-bundle", "--file", file]);
    assert_eq!(code, 0, "{printed}");
    assert_eq!(lines(&printed)[0]["left_out"], Value::Array(Vec::new()), "{printed}");

    let mut secrets: Vec<String> =
        board.roles().iter().map(|role| board.password(role).1.to_owned()).collect();
    for url in board.at.postgres.values() {
        secrets.extend(url::Url::parse(url).unwrap().password().map(str::to_owned));
    }
    let mut names = BTreeSet::new();
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&path).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.insert(entry.path().unwrap().display().to_string());
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{:?} holds a secret", entry.path());
        }
        assert!(!text.contains("\"error\""), "{:?}: {text}", entry.path());
    }
    for file in ["findings.json", "README.txt", "intake/database.json", "portal/metrics.txt"] {
        assert!(names.contains(&format!("liuyan-support/{file}")), "{names:?}");
    }
    let (code, _) = board.liuyan(&["support-bundle", "--file", file]);
    assert_ne!(code, 0, "what is there is not written over");
}
