//! A visitor as the author of one message.

use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::intake::v1::{IssueAuthorTokenRequest, LookUpMessageRequest, Message};

use crate::{error::Error, session::Proof, visit::Visit};

/// The message, and the means to act as its author for ten minutes.
#[derive(Debug)]
pub(crate) struct Author {
    pub(crate) message: Message,
    pub(crate) token: String,
}

/// The visitor as the author of `number`: by what they have shown before, or, if `message_id` says
/// which it is, by being signed in.
///
/// # Errors
/// [`Error::ProofMissing`] if they have shown nothing that is still good.
pub(crate) async fn author(v: &Visit, number: &str, message_id: &str) -> Result<Author, Error> {
    let now = v.now();
    let proof = v.proofs().of(number, now).cloned();
    let proof = proof.or_else(|| {
        let signed_in = v.session().is_some() && !message_id.is_empty();
        signed_in.then(|| Proof::Account(message_id.to_owned()))
    });
    let proof = proof.ok_or(Error::ProofMissing)?;
    match ask(v, number, &proof).await {
        // A number that is not the message's own would show one message under the name of another.
        Ok(author) if author.message.number == number => {
            v.prove(number, proof);
            Ok(author)
        }
        Ok(_) => Err(Error::ProofMissing),
        Err(error) if matches!(error.class(), Class::Exhausted) || error.class().passes() => {
            Err(error)
        }
        Err(error) if error.class() == Class::Internal => Err(error),
        Err(_) => {
            v.disprove(number);
            Err(Error::ProofMissing)
        }
    }
}

async fn ask(v: &Visit, number: &str, proof: &Proof) -> Result<Author, Error> {
    let mut intake = v.app().backend.intake();
    let (message, token) = match proof {
        Proof::Code(code) => {
            let request =
                LookUpMessageRequest { number: number.to_owned(), access_code: code.clone() };
            let answer = intake.look_up_message(v.call_own_from(request)).await?.into_inner();
            (answer.message, answer.author_token)
        }
        Proof::Account(message_id) => {
            let request = IssueAuthorTokenRequest { message_id: message_id.clone() };
            let answer = intake.issue_author_token(v.call(request)).await?.into_inner();
            (answer.message, answer.author_token)
        }
    };
    Ok(Author { message: message.ok_or(Error::NotFound)?, token })
}
