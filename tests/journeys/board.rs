//! A board in a process of its own, and what a stranger uses to speak with it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use liuyan_proto::liuyan::identity::v1::{
    IssueTokenRequest, SignInRequest, identity_service_client::IdentityServiceClient,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use tonic::transport::{Channel, Endpoint};

/// How long the board may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the board says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) http: String,
    pub(crate) grpc: BTreeMap<String, String>,
    pub(crate) postgres: BTreeMap<String, String>,
    accounts: Vec<Account>,
    agency: Agency,
}

#[derive(Debug, Deserialize)]
struct Account {
    role: String,
    name: String,
    password: String,
}

#[derive(Debug, Deserialize)]
struct Agency {
    client_id: String,
    client_secret: String,
}

/// A board that runs; it ends with this.
pub(crate) struct Board {
    pub(crate) at: Addresses,
    child: Child,
    data: tempfile::TempDir,
    /// Two boards at the same time would only wait for each other.
    _turn: MutexGuard<'static, ()>,
}

/// The command, as it was built for these tests.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_liuyan");

impl Board {
    /// Starts a board without sample messages.
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        Self::up(&["--no-samples"], environment)
    }

    /// Starts a board with sample messages and what became of them.
    pub(crate) fn start_with_samples(environment: &[(&str, &str)]) -> Self {
        Self::up(&[], environment)
    }

    fn up(options: &[&str], environment: &[(&str, &str)]) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["--output", "json", "--data-dir"])
            .arg(data.path().join("board"))
            .args(["up", "--http-port", "0"])
            .args(options)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the board came up; what hinders it stands above");
        let at = serde_json::from_str(&line).unwrap();
        Self { at, child, data, _turn: turn }
    }

    /// The processes of its servers, as it announces them now.
    pub(crate) fn processes(&self) -> BTreeMap<String, u32> {
        #[derive(Deserialize)]
        struct Announced {
            processes: BTreeMap<String, u32>,
        }
        let file = self.data.path().join("board/board.json");
        let read = std::fs::read(file).unwrap();
        serde_json::from_slice::<Announced>(&read).unwrap().processes
    }

    /// Runs the command against this board; gives its exit code and what it printed.
    pub(crate) fn liuyan(&self, arguments: &[&str]) -> (i32, String) {
        let done = Command::new(PROGRAM)
            .args(["--output", "json", "--data-dir"])
            .arg(self.data.path().join("board"))
            .args(arguments)
            .output()
            .unwrap();
        let told = format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        (done.status.code().unwrap_or(-1), told)
    }

    /// The board's folder.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.data.path().join("board")
    }

    /// A channel to a service.
    pub(crate) async fn channel(&self, service: &str) -> Channel {
        let address = &self.at.grpc[service];
        Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
    }

    /// The roles that somebody can sign in with.
    pub(crate) fn roles(&self) -> Vec<&str> {
        self.at.accounts.iter().map(|account| account.role.as_str()).collect()
    }

    /// Name and password of somebody with this role.
    pub(crate) fn password(&self, role: &str) -> (&str, &str) {
        let account = self.at.accounts.iter().find(|account| account.role == role).unwrap();
        (&account.name, &account.password)
    }

    /// The access token of somebody with this role.
    pub(crate) async fn token(&self, role: &str) -> String {
        let (name, password) = self.password(role);
        let mut identity = IdentityServiceClient::new(self.channel("identity").await);
        let request = SignInRequest { name: name.to_owned(), password: password.to_owned() };
        let session = identity.sign_in(request).await.unwrap().into_inner().session;
        session.unwrap().access_token
    }

    /// Who the agency is, and its secret.
    pub(crate) fn agency(&self) -> (&str, &str) {
        (&self.at.agency.client_id, &self.at.agency.client_secret)
    }

    /// The access token of the agency.
    pub(crate) async fn agency_token(&self) -> String {
        let Agency { client_id, client_secret } = &self.at.agency;
        let mut identity = IdentityServiceClient::new(self.channel("identity").await);
        let request = IssueTokenRequest {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scope: String::new(),
        };
        identity.issue_token(request).await.unwrap().into_inner().access_token
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let began = Instant::now();
        while began.elapsed() < STOP_LIMIT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
