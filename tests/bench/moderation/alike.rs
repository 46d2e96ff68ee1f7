//! Near-duplicates among a million: how many are found, how many are wrong, and how long one
//! search takes.

use std::time::Instant;

use liuyan_kit::db::{Db, Limits};
use liuyan_local::{Options, Servers};
use liuyan_moderation::{
    Moderation,
    likeness::Fingerprint,
    rules::{Files, RuleSet},
    screen::Screener,
    text::Text,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::random::Random;
use crate::report::{Row, median, round};

/// Of what ordinary messages are made.
pub(crate) const SENTENCES: &[&str] = &[
    "小区东门外的路灯坏了很久，晚上回家一片漆黑。",
    "请尽快派人维修，谢谢领导！",
    "人行道的地砖松动，雨天一踩就溅水。",
    "楼下的烧烤店营业到凌晨，油烟和噪音影响休息。",
    "已经向物业反映多次，一直没有人管。",
    "孩子今年上小学，不知道需要准备哪些材料。",
    "河边的工厂夜里偷偷排污水，味道刺鼻。",
    "公交车晚高峰很久才来一辆，车上挤得满满的。",
    "希望有关部门给一个明确的答复。",
    "村里的水渠堵了两年，下雨就淹庄稼。",
    "单位拖欠工资，十几个人等着钱过年。",
    "医院挂号窗口太少，排队要排一上午。",
    "新修的路不到半年就裂了，骑车很危险。",
    "学校门口放学时特别堵，建议错峰放学。",
    "供热公司的人来看过一次，再没有下文。",
];
const SUBJECTS: &[&str] = &[
    "路灯",
    "水管",
    "电梯",
    "围墙",
    "公园",
    "厕所",
    "桥栏",
    "井盖",
    "树枝",
    "垃圾站",
    "停车场",
    "菜市场",
    "幼儿园",
    "图书馆",
    "养老院",
    "加油站",
    "变电箱",
    "排水沟",
    "信号灯",
    "公交站",
    "健身器材",
    "充电桩",
    "快递柜",
    "宣传栏",
];
const PLACES: &[&str] = &[
    "幸福里",
    "光明村",
    "东风街",
    "河西路",
    "新华巷",
    "人民桥",
    "解放大道",
    "团结社区",
    "和平新村",
    "长江二路",
    "胜利广场",
    "青年公寓",
    "建设小区",
    "文化宫",
    "南门口",
    "北大街",
];
const ENDS: &[&str] = &[
    "坏了没有人修",
    "占道影响通行",
    "夜里噪音很大",
    "漏水已经半个月",
    "被车撞歪了",
    "存在安全隐患",
    "气味难闻",
    "太暗看不清",
    "收费不合理",
    "一直没有开放",
    "挡住了消防通道",
    "积水严重",
];

/// The most characters that stand in for others.
const CHANGED: usize = 10;
/// How many searches are timed.
const SEARCHES: usize = 300;
/// How many pairs are looked at for what is found and what is wrong.
const PAIRS: usize = 400;

/// An ordinary message by chance.
fn message(random: &mut Random) -> String {
    let mut body = String::new();
    for _ in 0..random.within(3, 7) {
        let part: &str = random.pick::<&str>(PLACES);
        body.push_str(part);
        body.push_str(&random.digits(2));
        body.push_str("号附近的");
        let part: &str = random.pick::<&str>(SUBJECTS);
        body.push_str(part);
        let part: &str = random.pick::<&str>(ENDS);
        body.push_str(part);
        body.push('，');
        // What people write between is as different as they are.
        for _ in 0..random.within(8, 30) {
            let code = 0x4e00 + random.below(2_500) * random.below(1_000) / 1_000;
            body.extend(u32::try_from(code).ok().and_then(char::from_u32));
        }
    }
    let part: &str = random.pick::<&str>(SENTENCES);
    body.push_str(part);
    body
}

/// The same with every tenth character changed, left out or doubled.
fn changed(random: &mut Random, body: &str) -> String {
    let mut chars: Vec<char> = body.chars().collect();
    for _ in 0..chars.len() * CHANGED / 100 {
        let at = random.below(chars.len());
        match random.below(4) {
            0 => {
                chars.remove(at);
            }
            1 => chars
                .insert(at, random.pick_char("的了在是有和就不人都一个上也很到说要去你会着没看好")),
            _ => chars[at] = random.pick_char("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"),
        }
    }
    chars.into_iter().collect()
}

struct Made<'a> {
    screener: &'a Screener,
    shortest: usize,
}

impl Made<'_> {
    fn print(&self, body: &str) -> anyhow::Result<Fingerprint> {
        let text = Text { body: body.to_owned(), ..Text::default() };
        Fingerprint::of(&text, self.screener.variants(), self.shortest)
            .ok_or_else(|| anyhow::anyhow!("the text is too short"))
    }
}

/// Measures among `many` fingerprints.
///
/// # Errors
/// The servers' or the database's.
pub(crate) async fn run(seed: u64, many: usize) -> anyhow::Result<Vec<Row>> {
    let screener = Screener::new(RuleSet::parse(&Files::current())?)?;
    let least = screener.limits().duplicate_likeness;
    let made = Made { screener: &screener, shortest: screener.limits().duplicate_shortest };
    let folder = tempfile::tempdir()?;
    let servers = liuyan_local::start(
        Options { temporary: true, ..Options::new(folder.path().to_owned()) },
        &|_| {},
    )
    .await?;
    let url = database(&servers).await?;
    let db = Db::connect(&url, "bench", &Limits::default()).await?;
    db.migrate(<Moderation as liuyan_kit::service::Service>::migrator()).await?;
    db.close().await;
    let mut connection = PgConnection::connect(&url).await?;
    let mut random = Random::new(seed);
    let mut kept = Vec::new();
    fill(&mut connection, &made, &mut random, many, &mut kept).await?;

    let (mut found, mut wrong, mut times) = (0_u32, 0_u32, Vec::new());
    for at in 0..PAIRS.max(SEARCHES) {
        let (number, body) = &kept[at % kept.len()];
        let near = made.print(&changed(&mut random, body))?;
        let (hits, time) = search(&mut connection, &near, least).await?;
        times.push(time);
        found += u32::from(hits.contains(number));
        let other = made.print(&message(&mut random))?;
        let (hits, time) = search(&mut connection, &other, least).await?;
        times.push(time);
        wrong += u32::from(!hits.is_empty());
    }
    connection.close().await?;
    servers.stop().await?;
    let pairs = f64::from(u32::try_from(PAIRS.max(SEARCHES))?);
    let detail = |what: &str| json!({ "what": what, "fingerprints": many, "pairs": pairs, "changed_percent": CHANGED });
    times.sort_by(f64::total_cmp);
    let mut timing = detail("near-duplicates, one search");
    timing["p99_ms"] = json!(round(times[times.len() * 99 / 100]));
    Ok(vec![
        Row::at_least("P11", f64::from(found) / pairs, 0.95, detail("near-duplicates, recall")),
        Row::at_most("P11", f64::from(wrong) / pairs, 0.01, detail("near-duplicates, false")),
        Row { unit: "ms", ..Row::at_most("P11", median(&times), 10.0, timing) },
    ])
}

async fn database(servers: &Servers) -> anyhow::Result<String> {
    let mut admin = PgConnection::connect(servers.postgres_url()).await?;
    let make = "create database alike template template0 encoding 'UTF8' locale 'C.UTF-8'";
    sqlx::raw_sql(make).execute(&mut admin).await?;
    admin.close().await?;
    let mut url = url::Url::parse(servers.postgres_url())?;
    url.set_path("alike");
    Ok(url.into())
}

/// Fills the tables by COPY; the index is made afterwards, as it would be for a restored database.
/// Keeps some texts to change.
async fn fill(
    connection: &mut PgConnection,
    made: &Made<'_>,
    random: &mut Random,
    many: usize,
    kept: &mut Vec<(String, String)>,
) -> anyhow::Result<()> {
    use std::fmt::Write as _;
    sqlx::raw_sql("drop index fingerprints_by_band").execute(&mut *connection).await?;
    for from in (0..many).step_by(20_000) {
        let (mut reviews, mut prints) = (String::new(), String::new());
        for at in from..many.min(from + 20_000) {
            let body = message(random);
            let print = made.print(&body)?;
            let id = uuid::Uuid::from_u128((7 << 76) | (2 << 62) | at as u128);
            writeln!(
                reviews,
                "{id}\tN{at}\tx\tx\tx\tx\tpublic\t\t2026-05-01\t1\tapproved\t2026-05-01\trules\t2026-05-01\tt"
            )?;
            let bands: Vec<String> = print.bands.iter().map(i32::to_string).collect();
            writeln!(
                prints,
                "{id}\t2026-05-01\t{{{}}}\t\\\\x{}",
                bands.join(","),
                hex::encode(print.signature)
            )?;
            if kept.len() < PAIRS && at % (many / PAIRS).max(1) == 0 {
                kept.push((format!("N{at}"), body));
            }
        }
        let columns =
            "copy reviews (message_id, number, office_id, kind, domain, topic, visibility,
            author_id, submitted_at, revision, state, due_at, decided_by, decided_at, fingerprinted)
            from stdin";
        let mut copy = connection.copy_in_raw(columns).await?;
        copy.send(reviews.into_bytes()).await?;
        copy.finish().await?;
        let columns = "copy fingerprints (message_id, seen_at, bands, signature) from stdin";
        let mut copy = connection.copy_in_raw(columns).await?;
        copy.send(prints.into_bytes()).await?;
        copy.finish().await?;
    }
    let index = "set maintenance_work_mem = '512MB';
        create index fingerprints_by_band on fingerprints using gin (bands) with (fastupdate = off);
        analyze";
    sqlx::raw_sql(index).execute(connection).await?;
    Ok(())
}

/// One search, by the query of the service; gives what is like it, and the milliseconds it took.
async fn search(
    connection: &mut PgConnection,
    print: &Fingerprint,
    least: f64,
) -> anyhow::Result<(Vec<String>, f64)> {
    const QUERY: &str = include_str!("../../../services/moderation/src/queries/candidates.sql");
    let begun = Instant::now();
    let rows: Vec<(i64, String, String, time::OffsetDateTime, Vec<u8>)> =
        sqlx::query_as(AssertSqlSafe(QUERY))
            .bind(vec![uuid::Uuid::max()])
            .bind(vec![time::OffsetDateTime::from_unix_timestamp(1_777_700_000)?])
            .bind(print.bands.to_vec())
            .bind(i32::try_from(print.bands.len())?)
            .bind(false)
            .fetch_all(connection)
            .await?;
    let alike = rows
        .into_iter()
        .filter(|(.., signature)| print.likeness(signature) >= least)
        .map(|(_, number, ..)| number)
        .collect();
    Ok((alike, begun.elapsed().as_secs_f64() * 1_000.0))
}
