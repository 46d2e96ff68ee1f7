//! Whether what databases say is kept elsewhere is there: each file of intake with its bytes, and each stretch of the
//! feed with its digest.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use liuyan_kit::objects::{self, Objects};
use sha2::{Digest as _, Sha256};

use super::{Databases, Finding, rows};
use crate::{board::Board, error::Error};

/// What the names of intake's files begin with.
const FILES: &str = "attachments";

pub(super) async fn run(board: &Board, databases: &Databases) -> Result<Vec<Finding>, Error> {
    let files: Vec<(String, i64)> = rows(
        databases.of("intake")?,
        "select attachment_id::text, size from attachments where not lost order by attachment_id",
    )
    .await?;
    let mut finding = Finding::new("every file that was taken is kept whole", "intake");
    finding.checked = files.len() as u64;
    let kept = match files.is_empty() {
        true => BTreeMap::new(),
        false => kept(&board.objects("intake")?)
            .await
            .map_err(Error::other("the files can't be listed"))?,
    };
    for (id, size) in files {
        match kept.get(&format!("{FILES}/{id}")) {
            None => finding.breach(format!("file {id} is gone")),
            Some(bytes) if i64::try_from(*bytes) != Ok(size) => {
                finding.breach(format!("file {id} has {bytes} bytes instead of {size}"));
            }
            Some(_) => {}
        }
    }
    Ok(vec![finding, stretches(board, databases).await?])
}

/// Every object of the feed is what its stretch says, and no other is there.
async fn stretches(board: &Board, databases: &Databases) -> Result<Finding, Error> {
    let kept: Vec<(String, i64, Vec<u8>)> = rows(
        databases.of("feed")?,
        "select object, bytes, digest from stretches where object is not null order by first_position",
    )
    .await?;
    let known: Vec<(String,)> = rows(
        databases.of("feed")?,
        "select object from (select unnest(array_append(leaving, writing)) as object from stretches) as known
         where object is not null",
    )
    .await?;
    let mut finding = Finding::new("every old stretch of the feed is kept whole", "feed");
    finding.checked = kept.len() as u64;
    let away = || Error::other("the objects of the feed can't be read");
    let objects = board.objects("feed")?;
    let listed = objects.list(liuyan_feed::app::export::FOLDER).map_err(away())?;
    let there: Vec<String> =
        listed.map_ok(|object| object.name).try_collect().await.map_err(away())?;
    for name in there {
        let is_kept = kept.iter().any(|(object, ..)| *object == name);
        if !is_kept && !known.iter().any(|(object,)| *object == name) {
            finding.breach(format!("object {name} belongs to no stretch"));
        }
    }
    for (object, bytes, digest) in kept {
        match digest_of(&objects, &object).await {
            Ok(found) if found == (bytes, digest) => {}
            Ok((found, _)) if found != bytes => {
                finding.breach(format!("object {object} has {found} bytes instead of {bytes}"));
            }
            Ok(_) => finding.breach(format!("object {object} has another digest")),
            Err(objects::Error::NotFound(_)) => {
                finding.breach(format!("object {object} is gone"));
            }
            Err(error) => return Err(away()(error)),
        }
    }
    Ok(finding)
}

/// The size and the SHA-256 of an object, read to its end.
async fn digest_of(objects: &Objects, name: &str) -> Result<(i64, Vec<u8>), objects::Error> {
    let mut content = objects.get(name).await?.content;
    let (mut bytes, mut digest) = (0, Sha256::new());
    while let Some(chunk) = content.try_next().await? {
        bytes += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        digest.update(&chunk);
    }
    Ok((bytes, digest.finalize().to_vec()))
}

/// All objects of intake's files with their sizes.
async fn kept(objects: &Objects) -> Result<BTreeMap<String, u64>, objects::Error> {
    let listed = objects.list(FILES)?;
    listed.map_ok(|object| (object.name, object.bytes)).try_collect().await
}
