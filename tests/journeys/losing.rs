//! A row that is lost anywhere is noticed: of every table that holds one, a row is deleted behind the
//! board's back, `liuyan verify` has to name a broken promise, and the row comes back.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::board::Board;

/// Tables of which no row has to be missed, each with its reason.
const PASSING: [(&str, &str); 0] = [];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_lost_anywhere_is_noticed() {
    let board = Board::start_with_samples(&[]);
    let (code, told) = board.liuyan(&["verify", "--wait", "60"]);
    assert_eq!(code, 0, "everything holds at first: {told}");

    let mut unnoticed = Vec::new();
    let (mut tried, mut empty, mut refused) = (0, Vec::new(), Vec::new());
    for (service, url) in &board.at.postgres {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for table in tables(&mut connection).await {
            let name = format!("{service}.{table}");
            if PASSING.iter().any(|(passing, _)| name.ends_with(passing)) {
                continue;
            }
            match lose(&mut connection, &table).await {
                Lost::Nothing => empty.push(name),
                Lost::Refused => refused.push(name),
                Lost::Row(row) => {
                    tried += 1;
                    let (code, _) = board.liuyan(&["verify", "--wait", "0"]);
                    if code != 1 {
                        unnoticed.push(name);
                    }
                    bring_back(&mut connection, &table, &row).await;
                }
            }
        }
    }
    assert!(tried > 60, "{tried} tables were tried; empty: {empty:?}; refused: {refused:?}");
    assert!(unnoticed.is_empty(), "nobody noticed a lost row of {unnoticed:?}");
    let (code, told) = board.liuyan(&["verify", "--wait", "60"]);
    assert_eq!(code, 0, "everything holds again: {told}");
}

/// All tables that hold rows themselves, partitions one by one.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select format('%I.%I', nspname, relname)
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where relkind = 'r' and nspname in ('public', 'messaging')
         order by 1",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

/// What became of an attempt to delete a row.
enum Lost {
    /// The table is empty.
    Nothing,
    /// Another row needs it, so the database itself refuses.
    Refused,
    /// It is gone.
    Row(Value),
}

async fn lose(connection: &mut PgConnection, table: &str) -> Lost {
    // Some rows are written every second: the row is locked first, so that it is still the same one.
    let sql = format!(
        "with chosen as (select ctid as place from {table} limit 1 for update)
         delete from {table} as lost using chosen where lost.ctid = chosen.place
         returning to_jsonb(lost)"
    );
    match sqlx::query_scalar(AssertSqlSafe(sql)).fetch_optional(connection).await {
        Ok(Some(row)) => Lost::Row(row),
        Ok(None) => Lost::Nothing,
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Lost::Refused,
        Err(error) => panic!("{table}: {error}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "no query is known for tables of any shape")]
async fn bring_back(connection: &mut PgConnection, table: &str, row: &Value) {
    let sql = format!(
        "insert into {table} overriding system value
         select * from jsonb_populate_record(null::{table}, $1) on conflict do nothing"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(row).execute(connection).await.unwrap();
}
