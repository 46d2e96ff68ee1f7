//! Messages of the feed's contract as JSON, as they are written everywhere.

use liuyan_proto::json;
use prost::Message;
use serde_json::Value;

use crate::error::Error;

/// A message of `liuyan.feed.v1` by its name.
pub(crate) fn of(name: &str, message: &impl Message) -> Result<Value, Error> {
    let json = json::of(&format!("liuyan.feed.v1.{name}"), message);
    let json = json.map_err(Error::other("the contracts"))?;
    serde_json::to_value(json).map_err(Error::other("JSON"))
}
