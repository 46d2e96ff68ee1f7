//! `liuyan dead-letters`: events that could not take effect.

use liuyan_kit::messaging::dead::{self, DeadLetter};
use liuyan_proto::DESCRIPTORS;
use prost_reflect::DescriptorPool;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    args::{self, Output},
    board::{Board, connection},
    error::Error,
    events, output,
};

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists them, service by service.
    List {
        /// Also those that were dealt with.
        #[arg(long)]
        all: bool,
    },
    /// Shows one with what it says and what went wrong.
    Show {
        /// The event's id.
        #[arg(value_parser = args::uuid)]
        event: Uuid,
    },
    /// Has one tried again; its successors follow if it takes effect.
    Retry {
        /// The event's id.
        #[arg(value_parser = args::uuid)]
        event: Uuid,
    },
    /// Gives one up for good; its successors go on without it.
    Discard {
        /// The event's id.
        #[arg(value_parser = args::uuid)]
        event: Uuid,
    },
}

#[derive(Debug, Serialize)]
struct Row {
    service: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

/// Runs the command.
pub(crate) async fn run(board: &Board, command: Command, output: Output) -> Result<(), Error> {
    match command {
        Command::List { all } => {
            let rows = find(board, all).await?;
            list(&rows, output);
            Ok(())
        }
        Command::Show { event } => {
            let rows = find(board, true).await?;
            let row = one(&rows, event)?;
            show(row, output)
        }
        Command::Retry { event } => {
            deal(board, event, "will be tried again", |connection, event| {
                Box::pin(dead::retry(connection, event))
            })
            .await
        }
        Command::Discard { event } => {
            deal(board, event, "was given up", |connection, event| {
                Box::pin(dead::discard(connection, event))
            })
            .await
        }
    }
}

async fn find(board: &Board, all: bool) -> Result<Vec<Row>, Error> {
    board.has_databases()?;
    let mut rows = Vec::new();
    for service in board.services() {
        let pool = board.database(service).await?;
        let mut connection = connection(&pool).await?;
        let letters = dead::list(&mut connection, all).await.map_err(Error::query)?;
        rows.extend(letters.into_iter().map(|letter| Row { service: service.to_owned(), letter }));
    }
    Ok(rows)
}

fn one(rows: &[Row], event: Uuid) -> Result<&Row, Error> {
    rows.iter()
        .find(|row| row.letter.event_id == event)
        .ok_or_else(|| Error::Usage(format!("there is no dead letter {event}")))
}

fn list(rows: &[Row], output: Output) {
    if rows.is_empty() && output == Output::Text {
        output::line("there are no dead letters");
        return;
    }
    let header = ["service", "event", "type", "state", "attempts", "waiting", "last error"];
    output::rows(output, &header, rows, |row| {
        vec![
            row.service.clone(),
            row.letter.event_id.to_string(),
            row.letter.kind.clone(),
            row.letter.state.clone(),
            row.letter.attempts.to_string(),
            row.letter.waiting.to_string(),
            row.letter.last_error.clone(),
        ]
    });
}

fn show(row: &Row, output: Output) -> Result<(), Error> {
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Error::other("the contracts"))?;
    let data = events::decoded(&pool, &row.letter.kind, &row.letter.payload);
    let value = json!({ "service": row.service, "letter": row.letter, "data": data });
    match output {
        Output::Json => output::json(&value),
        Output::Text => output::line(
            serde_json::to_string_pretty(&value).map_err(Error::other("the dead letter"))?,
        ),
    }
    Ok(())
}

/// Does something with a dead letter wherever it lies, in a transaction.
async fn deal(
    board: &Board,
    event: Uuid,
    told: &str,
    act: impl for<'c> Fn(
        &'c mut sqlx::PgConnection,
        Uuid,
    ) -> futures::future::BoxFuture<'c, Result<bool, sqlx::Error>>,
) -> Result<(), Error> {
    let mut found = false;
    for service in board.services() {
        let pool = board.database(service).await?;
        // The operator's tool is a process of its own: nobody hangs up on it.
        let mut connection = connection(&pool).await?;
        let mut tx = sqlx::Connection::begin(&mut *connection).await.map_err(Error::query)?;
        let done = act(&mut tx, event).await.map_err(Error::query)?;
        tx.commit().await.map_err(Error::query)?;
        if done {
            output::line(format_args!("{service}: {event} {told}"));
            found = true;
        }
    }
    if found {
        Ok(())
    } else {
        Err(Error::Usage(format!("there is no dead letter {event} that waits for a decision")))
    }
}
