//! What must always be true of this database. Each check counts breaches, so that a row which was
//! lost or changed behind the service's back is noticed from other rows; `liuyan verify` asks them
//! while nothing is being written, or repeats a check that failed.

/// A check, by name, and the query that counts its breaches.
pub type Check = (&'static str, &'static str);

/// All checks of this database. Kit's tables have checks of their own.
pub const CHECKS: &[Check] = &[
    (
        "every account that was put is there, with as many changes as it had",
        "select count(*) from (
             select subject, count(*) as changes from audit
             where action in ('account-put', 'password-changed', 'account-erased')
             group by subject
         ) as told
         full join accounts on account_id::text = subject
         where accounts.changes is distinct from told.changes",
    ),
    (
        "every erasure was told, and nothing is left of whom it was about",
        "select count(*) from accounts
         left join messaging.subjects on subject_id = account_id
         where coalesce(version, 0) <> (erased_at is not null)::int
            or (erased_at is not null and not exists (
                    select from audit where action = 'account-erased' and subject = account_id::text))
            or (erased_at is not null and exists (
                    select from sessions where sessions.account_id = accounts.account_id
                    and ended_at is null and idle_ends_at > erased_at))",
    ),
    (
        "an account has begun as many sessions as there were sign-ins",
        "select count(*) from accounts
         where sessions_begun <> (select count(*) from audit
                                  where action = 'signed-in' and subject = account_id::text)",
    ),
    (
        "an account has as many sessions as it counts",
        "select count(*) from accounts
         where sessions_begun - sessions_pruned
               <> (select count(*) from sessions where sessions.account_id = accounts.account_id)",
    ),
    (
        "a session has as many refresh tokens as it counts, the present ones among them",
        "select count(*) from sessions
         where token_count <> (select count(*) from refresh_tokens as tokens
                               where tokens.session_id = sessions.session_id)
            or siblings <> (select count(*) from refresh_tokens as tokens
                            where tokens.session_id = sessions.session_id
                              and tokens.generation = sessions.generation)",
    ),
    (
        "every refresh token and every session belongs to something",
        "select (select count(*) from refresh_tokens as tokens
                 where not exists (select from sessions where sessions.session_id = tokens.session_id))
              + (select count(*) from sessions
                 where not exists (select from accounts where accounts.account_id = sessions.account_id))",
    ),
    (
        "every agency that was added is there, with as many secrets as it was given",
        "select count(*) from (
             select subject, count(*) as secrets from audit
             where action in ('agency-created', 'secret-rotated')
             group by subject
         ) as told
         full join agencies on client_id = subject
         where agencies.secrets is distinct from told.secrets",
    ),
    (
        "there are as many counts of wrong tries as are counted",
        "select abs((select count(*) from attempts) - coalesce((select attempt_rows from totals), -1))",
    ),
    (
        "every answered request has its answer, unless it was pruned",
        "select count(*) from audit
         where request_id is not null
           and at >= (select requests_pruned_before from totals)
           and not exists (select from requests
                           where requests.request_id = audit.request_id and caller = actor)",
    ),
    (
        "every answer has its request in the audit log",
        "select count(*) from requests
         where not exists (select from audit
                           where audit.request_id = requests.request_id and actor = caller)",
    ),
    (
        "the audit log is one chain without gaps up to its head",
        "with linked as (
             select *, row_number() over (order by sequence) as expected,
                    coalesce(lag(hash) over (order by sequence), decode(repeat('00', 32), 'hex')) as before
             from audit
         )
         select (select count(*) from linked
                 where sequence <> expected or prev_hash <> before
                    or hash <> sha256(prev_hash || convert_to(concat_ws(chr(31), sequence,
                           (extract(epoch from at) * 1000000)::bigint, actor, action, subject,
                           coalesce(request_id::text, ''), detail), 'UTF8')))
              + (select count(*) from audit_head as head
                 where head.sequence <> coalesce((select max(sequence) from linked), 0)
                    or head.hash <> coalesce((select hash from linked order by sequence desc limit 1),
                                             decode(repeat('00', 32), 'hex')))
              + (select 1 - count(*) from audit_head)",
    ),
];
