//! What roles and agencies may do, and where. This is the only table of it.

use uuid::Uuid;

/// What somebody does on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Writes messages.
    Citizen,
    /// Works on the cases of some offices.
    Clerk,
    /// Sees the cases of all offices of some divisions.
    Supervisor,
    /// Reviews messages.
    Moderator,
    /// Reviews messages, also on the grounds that need experience.
    SeniorModerator,
    /// Keeps the directory and the code lists.
    Editor,
    /// Keeps accounts and agencies.
    Administrator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Citizen,
        Self::Clerk,
        Self::Supervisor,
        Self::Moderator,
        Self::SeniorModerator,
        Self::Editor,
        Self::Administrator,
    ];

    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Clerk => "clerk",
            Self::Supervisor => "supervisor",
            Self::Moderator => "moderator",
            Self::SeniorModerator => "senior_moderator",
            Self::Editor => "editor",
            Self::Administrator => "administrator",
        }
    }

    /// Reads that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// The scopes that it stands for. A person never gets what services say to each other
    /// (`text:read`, `contact:read`, `messaging:confirm`), nor what only an author or an import has.
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Citizen => &["account"],
            Self::Clerk => &["account", "case:work", "case:read", "message:on_behalf"],
            Self::Supervisor => &["account", "case:read", "case:supervise"],
            Self::Moderator => &["account", "review:work"],
            Self::SeniorModerator => &["account", "review:work", "review:senior", "rules:edit"],
            Self::Editor => {
                &["account", "directory:write", "column:write", "model:write", "stats:recount"]
            }
            Self::Administrator => &[
                "account",
                "account:write",
                "agency:write",
                "author:manage",
                "column:write",
                "delivery:manage",
            ],
        }
    }

    /// Whether it is for certain offices or divisions.
    pub fn has_places(self) -> bool {
        matches!(self, Self::Clerk | Self::Supervisor)
    }
}

/// The scopes of some roles together, each once.
pub fn scopes(roles: &[Role]) -> Vec<&'static str> {
    let mut all = Vec::new();
    for scope in roles.iter().flat_map(|role| role.scopes()) {
        if !all.contains(scope) {
            all.push(*scope);
        }
    }
    all
}

/// The scopes that an agency may have at all. The database knows them, too: a new one needs a migration
/// of `agencies_scopes_known`.
pub const OF_AGENCIES: &[&str] = &[
    "feed:read",
    "message:submit",
    "message:on_behalf",
    "case:work",
    "case:read",
    "webhook:manage",
];

/// Scopes that no RPC is closed with, but that a handler asks for, or that a stream is chosen by.
pub const FINER: &[&str] = &["case:read", "review:senior", "message:on_behalf"];

/// What the scope begins with by which this service knows the caller's own session again. Only this
/// service has to let itself grant it.
const SESSION: &str = "session:";

/// The scope that names a session.
pub fn session_scope(session_id: Uuid) -> String {
    format!("{SESSION}{session_id}")
}

/// The session that a caller's scopes name.
pub fn session_of(scopes: &[String]) -> Option<Uuid> {
    scopes.iter().find_map(|scope| scope.strip_prefix(SESSION)?.parse().ok())
}

/// Where somebody does what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// For which offices; an office stands for those under it as well.
    pub offices: Vec<String>,
    /// For which divisions, with those below them.
    pub divisions: Vec<String>,
}

/// The most offices, and the most divisions, of one account or agency: they travel in every token.
pub const MOST_PLACES: usize = 20;
/// The longest id of an office.
const LONGEST_OFFICE: usize = 64;
/// The longest code of a division: GB/T 2260 with GB/T 10114 and the codes of villages.
const LONGEST_DIVISION: usize = 12;

impl Places {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.offices.is_empty() && self.divisions.is_empty()
    }

    /// What is wrong with them for these roles: there have to be some exactly if a role has them.
    pub fn fault(&self, roles: &[Role]) -> Option<&'static str> {
        match (roles.iter().any(|role| role.has_places()), self.is_empty()) {
            (true, true) => Some("PLACES_MISSING"),
            (false, false) => Some("PLACES_WITHOUT_ROLE"),
            _ => None,
        }
    }
}

/// Whether this can be the id of an office; whether there is such an office only the directory knows.
pub fn is_office(id: &str) -> bool {
    let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
    (1..=LONGEST_OFFICE).contains(&id.len()) && id.bytes().all(known)
}

/// Whether this can be the code of a division.
pub fn is_division(code: &str) -> bool {
    (2..=LONGEST_DIVISION).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use liuyan_proto::method::METHODS;

    use super::*;

    fn exists(scope: &str) -> bool {
        METHODS.iter().any(|method| method.scopes.contains(&scope)) || FINER.contains(&scope)
    }

    #[test]
    fn every_scope_that_is_granted_opens_something() {
        let granted = Role::ALL.iter().flat_map(|role| role.scopes()).chain(OF_AGENCIES);
        let unknown: Vec<_> = granted.filter(|scope| !exists(scope)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn a_finer_scope_is_one_that_no_rpc_is_closed_with() {
        for scope in FINER {
            assert!(METHODS.iter().all(|method| !method.scopes.contains(scope)), "{scope}");
        }
    }

    #[test]
    fn no_person_and_no_agency_gets_what_is_between_services() {
        let all = Role::ALL.iter().flat_map(|role| role.scopes()).chain(OF_AGENCIES);
        for scope in all {
            assert!(!scope.starts_with("author:message") && !scope.contains('*'), "{scope}");
            assert!(!scope.starts_with(SESSION), "{scope}");
            for between in
                ["text:read", "text:public", "contact:read", "messaging:confirm", "message:import"]
            {
                assert_ne!(*scope, between);
            }
        }
        for scope in ["account", "account:write", "agency:write"] {
            assert!(!OF_AGENCIES.contains(&scope));
        }
    }

    #[test]
    fn roles_add_up_and_nothing_is_told_twice() {
        let both = scopes(&[Role::Clerk, Role::Moderator]);
        assert_eq!(both, ["account", "case:work", "case:read", "message:on_behalf", "review:work"]);
        assert_eq!(scopes(&[]), Vec::<&str>::new());
    }

    #[test]
    fn clerks_and_supervisors_have_places_and_nobody_else_does() {
        let somewhere = Places { offices: vec!["110000-s".into()], divisions: Vec::new() };
        for role in Role::ALL {
            let has = matches!(role, Role::Clerk | Role::Supervisor);
            assert_eq!(Places::default().fault(&[role]).is_none(), !has, "{role:?}");
            assert_eq!(somewhere.fault(&[role]).is_none(), has, "{role:?}");
        }
        assert_eq!(somewhere.fault(&[Role::Citizen, Role::Clerk]), None);
    }

    #[test]
    fn a_session_is_known_again_by_its_scope() {
        let id = Uuid::from_u128(7);
        assert_eq!(session_of(&["account".into(), session_scope(id)]), Some(id));
        assert_eq!(session_of(&["session:*".into(), "account".into()]), None);
    }
}
