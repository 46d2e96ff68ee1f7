//! Whether the log has a receipt: as the board proves it now, or by a proof that was saved.

use std::{fs, path::Path, time::Duration};

use liuyan_intake::domain::log::{
    Hash,
    head::{self, Head},
    proof::Proof,
    tree,
};
use liuyan_proto::liuyan::intake::v1::{
    GetConsistencyProofRequest, GetInclusionProofRequest, GetTreeHeadRequest,
    intake_service_client::IntakeServiceClient,
};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use super::{Found, Keyring, check};
use crate::{board::Board, error::Error};

/// How long connecting and one call may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Asks a board where its log has the receipt, and whether the log continues the head in the file
/// `kept`.
pub(super) async fn ask(
    dir: &Path,
    address: Option<&str>,
    leaf: &Hash,
    keyring: &Keyring,
    kept: Option<&Path>,
) -> Result<Found, Error> {
    let channel = match address {
        Some(address) => open(address).await?,
        None => Board::find(dir)?.open("intake").await?,
    };
    let mut intake = IntakeServiceClient::new(channel);
    let told = intake
        .get_tree_head(GetTreeHeadRequest {})
        .await
        .map_err(Error::call("asking for the head of the log"))?
        .into_inner();
    let origin = told.verifier_key.split('+').next().unwrap_or_default();
    let known = keyring.log_key(origin);
    let key_known = known.is_some();
    let key = known.unwrap_or(told.verifier_key);
    let newest = head::open(&told.checkpoint, &key).map_err(check)?;
    let request =
        GetInclusionProofRequest { leaf_hash: leaf.to_vec().into(), tree_size: newest.size };
    let answer = intake.get_inclusion_proof(request).await.map_err(refused)?.into_inner();
    let path: Option<Vec<Hash>> =
        answer.hashes.iter().map(|hash| hash.as_ref().try_into().ok()).collect();
    let path = path.ok_or_else(|| Error::Check("the board's proof is malformed".to_owned()))?;
    // The proof must lead to the head that was read: what the board says of sizes is not believed.
    let proof = Proof { index: answer.index, path, checkpoint: told.checkpoint };
    let head = proof.check(leaf, &key).map_err(check)?;
    let continues = match kept {
        Some(file) => Some(continues(&mut intake, file, &head, &key).await?),
        None => None,
    };
    Ok(Found { index: proof.index, head, key_known, continues })
}

/// Checks that `now` continues the head that somebody has kept; gives the size of that one.
async fn continues(
    intake: &mut IntakeServiceClient<Channel>,
    file: &Path,
    now: &Head,
    key: &str,
) -> Result<u64, Error> {
    let text = fs::read_to_string(file)
        .map_err(|error| Error::Usage(format!("{} cannot be read: {error}", file.display())))?;
    let kept = head::open(&text, key)
        .map_err(|fault| Error::Check(format!("the head in {}: {fault}", file.display())))?;
    if kept.size > now.size {
        return Err(Error::Check(format!(
            "the log has {} entries and had {}: entries were taken back. Keep both heads, and complain",
            now.size, kept.size
        )));
    }
    let path = if kept.size == 0 || kept.size == now.size {
        Vec::new()
    } else {
        let request = GetConsistencyProofRequest { first: kept.size, second: now.size };
        let answer = intake
            .get_consistency_proof(request)
            .await
            .map_err(Error::call("asking whether the log continues what was kept"))?
            .into_inner();
        let path: Option<Vec<Hash>> =
            answer.hashes.iter().map(|hash| hash.as_ref().try_into().ok()).collect();
        path.ok_or_else(|| Error::Check("the board's proof is malformed".to_owned()))?
    };
    let proven = match kept.size {
        0 => true,
        size if size == now.size => kept.root_hash == now.root_hash,
        size => {
            tree::proves_consistency((size, &kept.root_hash), (now.size, &now.root_hash), &path)
        }
    };
    if proven {
        return Ok(kept.size);
    }
    Err(Error::Check(
        "the log does not continue the head that was kept: its past was changed. Keep both heads, and \
         complain"
            .to_owned(),
    ))
}

async fn open(address: &str) -> Result<Channel, Error> {
    Endpoint::from_shared(address.to_owned())
        .map_err(|error| Error::Usage(format!("{address} is no address: {error}")))?
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
        .connect()
        .await
        .map_err(|error| Error::Unreachable(format!("{address} does not answer: {error}")))
}

/// Why the board proves nothing.
fn refused(status: tonic::Status) -> Error {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    match (status.code(), reason.as_str()) {
        (_, "ENTRY_WAITING") => Error::Check(
            "the receipt is not in a signed head of the log yet; it is promised within a minute: ask \
             again soon"
                .to_owned(),
        ),
        (Code::NotFound, _) => Error::Check(
            "the log does not have this receipt, though the board signed it: keep it, and complain"
                .to_owned(),
        ),
        _ => Error::call("asking for a proof")(status),
    }
}

/// Checks a proof that was saved.
pub(super) fn saved(file: &Path, leaf: &Hash, keyring: &Keyring) -> Result<Found, Error> {
    let text = fs::read_to_string(file)
        .map_err(|error| Error::Usage(format!("{} cannot be read: {error}", file.display())))?;
    let proof = Proof::parse(&text).map_err(check)?;
    let origin = proof.checkpoint.lines().next().unwrap_or_default();
    let key = keyring.log_key(origin).ok_or_else(|| {
        Error::Usage("the key of the log is not known: name it with --log-key".to_owned())
    })?;
    let head = proof.check(leaf, &key).map_err(check)?;
    Ok(Found { index: proof.index, head, key_known: true, continues: None })
}
