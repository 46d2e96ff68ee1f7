//! P9: how long a search and a list take among many messages, and how that grows.
//!
//! The messages are made up and come by COPY; their servers stay in a folder, so that they are made once.
//! Words are as frequent as in a language: the second half as often as the first, the third a third as
//! often. What is asked goes through routing's use cases, one after the other, on warm caches.

use std::{fmt::Write as _, path::PathBuf, time::Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use liuyan_kit::{
    auth::Caller,
    clock::SystemClock,
    db::{Db, Limits},
    service::Service as _,
};
use liuyan_local::{Options as Local, Servers};
use liuyan_routing::{
    Routing,
    app::{App, editing, loading, reading::Wanted, searching::Sought},
    config::Config,
    domain::{
        directory::{Directory, Office, Place},
        lists,
        search::{WAY, place, sample, words},
    },
};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use url::Url;
use uuid::Uuid;

use crate::report::{Row, quantile, round};

/// With how many messages the growth is compared.
const FEW: u64 = 10_000;
/// How many words there are, of how many characters, and how many of them a message has.
const VOCABULARY: u32 = 20_000;
const CHARACTERS: u32 = 3_000;
const LENGTH: usize = 50;
/// How many lines go at once.
const CHUNK: u64 = 5_000;
/// The columns that are given; the others are as they come.
const COLUMNS: &str = "case_id, message_id, number, office_id, division_code, city_code, province_code,
    kind, domain, topic, visibility, accused_office_ids, has_text, title, body, demand, details, place,
    public, submitted_at, opened_at, deadline_at, calendar_known, assigned_by, state, last_step_at,
    revision, changes, reply_count, custody_count, rating_count, request_count";

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Among how many messages; the promise is about 5,000,000.
    #[arg(long, default_value_t = 200_000)]
    messages: u64,
    /// How many times each thing is asked.
    #[arg(long, default_value_t = 400)]
    asked: u32,
    /// Where the servers stay with what was made.
    #[arg(long, default_value = "target/bench-routing")]
    folder: PathBuf,
}

/// Measures.
///
/// # Errors
/// If the servers don't start, or the data can't be made.
pub(crate) async fn run(options: Options) -> anyhow::Result<Vec<Row>> {
    let servers = liuyan_local::start(Local::new(&options.folder), &|_| {}).await?;
    let measured = measure(&servers, &options).await;
    servers.stop().await?;
    measured
}

/// What was measured among some messages, in microseconds, sorted.
struct Times {
    search: Vec<u64>,
    list: Vec<u64>,
    found: usize,
}

async fn measure(servers: &Servers, options: &Options) -> anyhow::Result<Vec<Row>> {
    let few = times(servers, FEW, options.asked).await?;
    let many = times(servers, options.messages, options.asked).await?;
    let millis = |sorted: &[u64], share| round(quantile(sorted, share) as f64 / 1_000.0);
    let row = |sorted: &[u64], most, what: &str| {
        let detail = json!({
            "what": what,
            "messages": options.messages,
            "asked": sorted.len(),
            "median_ms": millis(sorted, 0.5),
            "most_ms": millis(sorted, 1.0),
        });
        Row { unit: "ms", ..Row::at_most("P9", millis(sorted, 0.99), most, detail) }
    };
    let growth = |many: &[u64], few: &[u64], what: &str| {
        let (many, few) = (millis(many, 0.99), millis(few, 0.99));
        let detail = json!({ "what": what, "p99_ms": many, "p99_ms_of_few": few, "few": FEW });
        Row::at_most("P9", many / few.max(0.001), 3.0, detail)
    };
    anyhow::ensure!(many.found > 0, "nothing was found");
    Ok(vec![
        row(&many.search, 100.0, "search of a two-character word, p99"),
        row(&many.list, 10.0, "list of a division, p99"),
        growth(&many.search, &few.search, "growth of the search"),
        growth(&many.list, &few.list, "growth of the list"),
    ])
}

async fn times(servers: &Servers, messages: u64, asked: u32) -> anyhow::Result<Times> {
    let url = made(servers.postgres_url(), messages).await?;
    let db = Db::connect(&url, "bench", &Limits::default()).await?;
    let snapshot = editing::snapshot(&db).await?;
    let directory = snapshot.directory.clone();
    let defaults: toml::Table = toml::from_str(Routing::DEFAULTS)?;
    let config: Config = defaults.get("service").context("no settings")?.clone().try_into()?;
    let app = App::new(db.clone(), std::sync::Arc::new(SystemClock), snapshot, config)?;
    let caller = Caller::anonymous("zh-CN");
    let divisions: Vec<String> = directory.divisions().map(|it| it.code.clone()).collect();
    let mut chance = Chance(99);
    let (mut search, mut list, mut found) = (Vec::new(), Vec::new(), 0);
    // The first quarter warms up.
    for nth in 0..asked + asked / 4 {
        let query = word(chance.rank());
        let begun = Instant::now();
        found += app.search(&Sought { query, ..Sought::default() }).await?.hits.len();
        let searched = begun.elapsed();
        let code = divisions[chance.below(divisions.len())].clone();
        let wanted = Wanted { division_code: Some(code), ..Wanted::default() };
        let begun = Instant::now();
        app.cases(&caller, &wanted).await?;
        let listed = begun.elapsed();
        if nth >= asked / 4 {
            search.push(u64::try_from(searched.as_micros())?);
            list.push(u64::try_from(listed.as_micros())?);
        }
    }
    db.close().await;
    search.sort_unstable();
    list.sort_unstable();
    Ok(Times { search, list, found })
}

/// Numbers without pattern, the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, many: usize) -> usize {
        usize::try_from(self.next() % many.max(1) as u64).unwrap_or_default()
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A word's place by frequency: that of rank n comes a n-th as often as the first.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the vocabulary"
    )]
    fn rank(&mut self) -> u32 {
        f64::from(VOCABULARY).powf(self.share()) as u32 - 1
    }
}

/// A word of two Han characters.
fn word(rank: u32) -> String {
    // No two of them are alike.
    let spread = rank.wrapping_mul(7_919) % (CHARACTERS * CHARACTERS);
    let character = |n: u32| char::from_u32(0x4e00 + n).unwrap_or_default();
    [character(spread / CHARACTERS), character((spread + rank) % CHARACTERS)].iter().collect()
}

/// The database with so many messages, made if it is not there.
async fn made(server: &str, messages: u64) -> anyhow::Result<String> {
    let name = format!("routing_{messages}");
    let mut admin = PgConnection::connect(server).await?;
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&name)
            .fetch_one(&mut admin)
            .await?;
    let mut url = Url::parse(server)?;
    url.set_path(&name);
    let url = String::from(url);
    if there {
        admin.close().await?;
        return Ok(url);
    }
    // Under another name until it is whole.
    let making = format!("{name}_making");
    for statement in [
        format!("drop database if exists \"{making}\""),
        format!("create database \"{making}\" template template0 encoding 'UTF8' locale 'C.UTF-8'"),
    ] {
        admin.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    let mut at = Url::parse(server)?;
    at.set_path(&making);
    let db = Db::connect(at.as_str(), "bench", &Limits::default()).await?;
    db.migrate(Routing::migrator()).await?;
    let loaded = loading::load(&db, lists::embedded()?, liuyan_kit::testing::now()).await?;
    db.close().await;
    fill(at.as_str(), &loaded.snapshot.directory, messages).await?;
    let rename = format!("alter database \"{making}\" rename to \"{name}\"");
    admin.execute(sqlx::AssertSqlSafe(rename)).await?;
    admin.close().await?;
    Ok(url)
}

/// Copies messages in, and builds the index of words when all are there.
async fn fill(url: &str, directory: &Directory, messages: u64) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection
        .execute(
            "set synchronous_commit = off; set maintenance_work_mem = '1GB';
             set session_replication_role = replica; drop index case_words_by_word",
        )
        .await?;
    let offices: Vec<&Office> =
        directory.offices.iter().filter(|office| office.division_code.is_some()).collect();
    let mut chance = Chance(7);
    let mut begun = 0;
    while begun < messages {
        let end = messages.min(begun + CHUNK);
        let mut lines = Lines::default();
        for nth in begun..end {
            let office = offices[chance.below(offices.len())];
            lines.add(
                nth,
                office,
                &directory.place(office.division_code.as_deref()),
                &mut chance,
            )?;
        }
        lines.copy(&mut connection).await?;
        begun = end;
    }
    // Each by itself: several in one message would be a transaction, in which nothing is vacuumed.
    for statement in [
        "create index case_words_by_word on case_words using gin (words)",
        "vacuum (analyze) cases",
        "vacuum (analyze) case_words",
        "vacuum (analyze) custody",
    ] {
        connection.execute(statement).await.context("the index of words")?;
    }
    connection.close().await?;
    Ok(())
}

/// Lines of the tables, as COPY reads them.
#[derive(Default)]
struct Lines {
    openings: String,
    cases: String,
    custody: String,
    words: String,
}

impl Lines {
    fn add(
        &mut self,
        nth: u64,
        office: &Office,
        at: &Place,
        chance: &mut Chance,
    ) -> anyhow::Result<()> {
        let id = Uuid::from_u128((u128::from(nth) << 64) | 1);
        let message_id = Uuid::from_u128((u128::from(nth) << 64) | 2);
        // One a minute, so that an order by time is one.
        let minutes = i64::try_from(nth)?;
        let submitted = Timestamp::from_second(1_600_000_000 + minutes * 60)?;
        let body: String = (0..LENGTH).map(|_| word(chance.rank())).collect();
        let title: String = body.chars().take(10).collect();
        let or_null = |code: &Option<String>| code.clone().unwrap_or_else(|| "\\N".to_owned());
        let (division, city, province) =
            (or_null(&at.division_code), or_null(&at.city_code), or_null(&at.province_code));
        let office_id = &office.office_id;
        writeln!(
            self.openings,
            "{message_id}\tN{nth}\t{office_id}\thelp\t7\t\tpublic\t{submitted}\t{{}}\t1\t{submitted}\tdone\t{submitted}"
        )?;
        writeln!(
            self.cases,
            "{id}\t{message_id}\tN{nth}\t{office_id}\t{division}\t{city}\t{province}\thelp\t7\t\tpublic\t{{}}\tt\t{title}\t{body}\t\t\t\tt\t{submitted}\t{submitted}\t{submitted}\tt\toffice_chosen\tassigned\t{submitted}\t1\t1\t0\t1\t0\t0"
        )?;
        writeln!(self.custody, "{id}\t1\t{office_id}\t{submitted}\t\\N")?;
        let mut all = words(&body);
        all.extend(sample::of(id));
        all.push(place::office(office_id));
        all.push(place::kind("help"));
        all.push(place::domain("7"));
        let places = [&at.division_code, &at.city_code, &at.province_code];
        all.extend(places.into_iter().flatten().map(|code| place::division(code)));
        all.sort_unstable();
        all.dedup();
        write!(self.words, "{id}\t{submitted}\t{WAY}\t")?;
        for word in all {
            write!(self.words, "'{word}' ")?;
        }
        self.words.push('\n');
        Ok(())
    }

    async fn copy(self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let openings = "openings (message_id, number, office_id, kind, domain, topic, visibility,
            submitted_at, accused_office_ids, text_revision, approved_at, state, due_at)";
        let cases = format!("cases ({COLUMNS})");
        let custody = "custody (case_id, position, office_id, held_from, held_until)";
        let words = "case_words (case_id, submitted_at, way, words)";
        for (table, lines) in [
            (openings, self.openings),
            (cases.as_str(), self.cases),
            (custody, self.custody),
            (words, self.words),
        ] {
            let mut into = connection
                .copy_in_raw(&format!("copy {table} from stdin"))
                .await
                .context("copy")?;
            into.send(lines.into_bytes()).await?;
            into.finish().await?;
        }
        Ok(())
    }
}
