//! What the room for large things promises, in a folder and in an S3.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use liuyan_kit::{
    config,
    objects::{Error, Objects},
    testing,
};

mod s3;

const LIMIT: Duration = Duration::from_secs(20);
/// More than is sent at a time.
const LARGE: usize = 20 << 20;

/// What tests put can fail by itself.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the author hung up")]
    HungUp,
    #[error(transparent)]
    Objects(#[from] Error),
}

fn room(service: &str) -> (tempfile::TempDir, Objects) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(&config::Objects::in_folder(folder.path()), service).unwrap();
    (folder, objects)
}

/// Bytes that differ from place to place, in chunks of an odd size.
fn content(size: usize) -> (Vec<u8>, Vec<Result<Bytes, Fault>>) {
    let whole: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
    let chunks = whole.chunks(70_001).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    (whole, chunks)
}

async fn read(objects: &Objects, name: &str) -> Result<Vec<u8>, Error> {
    let object = objects.get(name).await?;
    let content: Vec<Bytes> = object.content.try_collect().await?;
    assert_eq!(object.bytes, content.iter().map(|chunk| chunk.len() as u64).sum::<u64>());
    Ok(content.concat())
}

async fn names(objects: &Objects, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> =
        objects.list(prefix).unwrap().map_ok(|listed| listed.name).try_collect().await.unwrap();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_put_is_what_is_read_small_and_large() {
    let (_folder, objects) = room("intake");
    keeps_and_gives(&objects).await;
}

#[tokio::test]
async fn an_s3_keeps_and_gives_the_same() {
    let bucket = s3::Bucket::default();
    let objects = Objects::open(&bucket.serve("bucket").await, "intake").unwrap();
    keeps_and_gives(&objects).await;
    assert_eq!(bucket.names(), ["all/intake/a/none", "all/intake/b/even", "all/intake/b/large"]);
    assert_eq!(bucket.uploads(), 0);
    // What fails is taken back, so that nobody pays for parts.
    let (_, mut chunks) = content(LARGE);
    chunks.push(Err(Fault::HungUp));
    assert!(matches!(objects.put("x", stream::iter(chunks)).await, Err(Fault::HungUp)));
    testing::eventually("no part is left", LIMIT, || async {
        (bucket.uploads() == 0 && bucket.aborted() == 1).then_some(())
    })
    .await;
    assert!(matches!(objects.get("x").await, Err(Error::NotFound(_))));
}

async fn keeps_and_gives(objects: &Objects) {
    for (name, size) in [("a/none", 0), ("a/small", 11), ("b/large", LARGE), ("b/even", 16 << 20)] {
        let (whole, chunks) = content(size);
        assert_eq!(objects.put(name, stream::iter(chunks)).await.unwrap(), size as u64);
        assert!(read(objects, name).await.unwrap() == whole, "{name}");
    }
    assert_eq!(names(objects, "").await, ["a/none", "a/small", "b/even", "b/large"]);
    assert_eq!(names(objects, "a").await, ["a/none", "a/small"]);
    objects.delete("a/small").await.unwrap();
    objects.delete("a/small").await.unwrap();
    assert!(matches!(read(objects, "a/small").await, Err(Error::NotFound(_))));
    assert_eq!(names(objects, "a").await, ["a/none"]);
}

#[tokio::test]
async fn a_put_that_fails_or_is_given_up_keeps_nothing() {
    let (folder, objects) = room("intake");
    let failing = |size| {
        let (_, mut chunks) = content(size);
        chunks.push(Err(Fault::HungUp));
        stream::iter(chunks)
    };
    for size in [10, LARGE] {
        assert!(matches!(objects.put("x", failing(size)).await, Err(Fault::HungUp)));
    }
    let (_, chunks) = content(LARGE);
    let endless = stream::iter(chunks).chain(stream::pending());
    let given_up = tokio::time::timeout(Duration::from_millis(300), objects.put("x", endless));
    assert!(given_up.await.is_err());
    assert!(names(&objects, "").await.is_empty());
    testing::eventually("no part is left", LIMIT, || async {
        let left = std::fs::read_dir(folder.path().join("intake")).unwrap().count();
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    let (folder, objects) = room("intake");
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    for name in ["", "../secret", "a/../../secret", "/secret", "a//b", "a/./b"] {
        let put = objects.put(name, stream::iter([Ok::<_, Fault>(Bytes::new())])).await;
        assert!(matches!(put, Err(Fault::Objects(Error::Name(_)))), "{name}: {put:?}");
        assert!(objects.get(name).await.is_err(), "{name}");
    }
}

#[test]
fn a_place_is_configured_once() {
    let open = |settings: &config::Objects| Objects::open(settings, "intake");
    assert!(matches!(open(&config::Objects::default()), Err(Error::Nowhere)));
    let both = config::Objects {
        endpoint: "https://s3.example".to_owned(),
        ..config::Objects::in_folder("/somewhere")
    };
    assert!(matches!(open(&both), Err(Error::Twice)));
    let no_bucket =
        config::Objects { endpoint: "https://s3.example".to_owned(), ..Default::default() };
    let error = open(&no_bucket).unwrap_err().to_string();
    assert!(error.contains("`objects.bucket` is not set"), "{error}");
}
