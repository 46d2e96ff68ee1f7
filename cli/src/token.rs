//! `liuyan token`: a token for trying the API.

use serde_json::json;

use crate::{args::Output, board::Board, error::Error, output};

/// What the token is to say.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What its holder may do, e.g. `case:work`; may be given several times.
    #[arg(long = "scope", required = true)]
    scopes: Vec<String>,
    /// The offices for which its holder works; may be given several times.
    #[arg(long = "office")]
    offices: Vec<String>,
    /// Who its holder is.
    #[arg(long, default_value = "trial")]
    subject: String,
}

/// Prints a token that is valid for an hour.
pub(crate) fn run(board: &Board, options: Options, output: Output) -> Result<(), Error> {
    let scopes: Vec<&str> = options.scopes.iter().map(String::as_str).collect();
    let token = board.token(&options.subject, &scopes, &options.offices)?;
    match output {
        Output::Text => output::line(token),
        Output::Json => output::json(&json!({ "token": token, "expires_in_seconds": 3600 })),
    }
    Ok(())
}
