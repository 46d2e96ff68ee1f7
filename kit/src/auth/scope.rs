//! Scopes and the patterns that stand for many of them: `text:read`, `author:*`, `*`.

/// Whether `pattern` stands for `scope` (and for everything that `scope` stands for).
pub(super) fn covers(pattern: &str, scope: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => scope.starts_with(prefix),
        None => pattern == scope,
    }
}

/// Whether `pattern` stands for at least one scope that begins with `prefix`.
pub(super) fn may_cover(pattern: &str, prefix: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => beginning.starts_with(prefix) || prefix.starts_with(beginning),
        None => pattern.starts_with(prefix),
    }
}

/// What is both claimed by a token and granted to its issuer.
pub(super) fn intersection<'s>(
    claimed: impl Iterator<Item = &'s str>,
    granted: &[String],
) -> Vec<String> {
    let mut both = Vec::new();
    for claim in claimed {
        for grant in granted {
            let common = if covers(grant, claim) {
                claim
            } else if covers(claim, grant) {
                grant
            } else {
                continue;
            };
            if !both.iter().any(|known| known == common) {
                both.push(common.to_owned());
            }
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_more_than_the_issuer_may_grant() {
        let granted = ["text:read".to_owned(), "author:*".to_owned()];
        for (claimed, effective) in [
            ("text:read", vec!["text:read"]),
            ("text:*", vec!["text:read"]),
            ("*", vec!["text:read", "author:*"]),
            ("author:message/1", vec!["author:message/1"]),
            ("desk:use", vec![]),
            ("auth*", vec!["author:*"]),
            ("", vec![]),
        ] {
            assert_eq!(intersection(claimed.split(' '), &granted), effective, "{claimed}");
        }
    }

    #[test]
    fn a_star_stands_for_anything_at_the_end_only() {
        assert!(covers("desk:*", "desk:use"));
        assert!(!covers("desk:*", "desks"));
        assert!(!covers("*:use", "desk:use"));
        assert!(!covers("desk:use", "desk:*"));
    }
}
