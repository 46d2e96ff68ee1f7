//! Whether what databases say is kept elsewhere is there: each file of intake with its bytes.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use liuyan_kit::{
    config,
    objects::{self, Objects},
};

use super::{Databases, Finding, rows};
use crate::{board::Board, error::Error, services};

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
        false => kept(board).await.map_err(Error::other("the files can't be listed"))?,
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
    Ok(vec![finding])
}

/// All objects of intake's files with their sizes.
async fn kept(board: &Board) -> Result<BTreeMap<String, u64>, objects::Error> {
    let folder = services::objects_folder(&board.data_dir);
    let settings = config::Objects { folder, ..config::Objects::default() };
    let listed = Objects::open(&settings, "intake")?.list(FILES)?;
    listed.map_ok(|object| (object.name, object.bytes)).try_collect().await
}
