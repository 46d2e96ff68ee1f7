//! What must always be true of this database. Each check counts breaches, so that a row which was
//! lost or changed behind the service's back is noticed from other rows; `liuyan verify` asks them
//! while nothing is being written, or repeats a check that failed.

/// A check, by name, and the query that counts its breaches.
pub type Check = (&'static str, &'static str);

/// All checks of this database. Kit's tables have checks of their own.
pub const CHECKS: &[Check] = &[
    (
        "every message that was heard has a review",
        "select count(*) from messaging.positions
         where source = 'intake'
           -- What has a name and is no message, such as a column, has an id of version 5.
           and substr(positions.subject_id::text, 15, 1) <> '5'
           and not exists (select from reviews where message_id = subject_id)
           and not exists (select from messaging.dead_letters as dead
                           where dead.source = 'intake' and dead.subject_id = positions.subject_id)",
    ),
    (
        "every review was heard of",
        "select count(*) from reviews
         where not exists (select from messaging.positions
                           where source = 'intake' and subject_id = message_id)",
    ),
    (
        "a review has as many hits as it counts",
        "select count(*) from reviews
         where hit_count <> (select count(*) from hits where hits.message_id = reviews.message_id)",
    ),
    (
        "a review has as many redactions as it counts",
        "select count(*) from reviews
         where redaction_count <> (select count(*) from redactions
                                   where redactions.message_id = reviews.message_id)",
    ),
    (
        "a review has as many decisions as it counts",
        "select count(*) from reviews
         where decision_count <> (select count(*) from decisions
                                  where decisions.message_id = reviews.message_id)",
    ),
    (
        "a decision has as many spans as it counts",
        "select count(*) from decisions
         where span_count <> (select count(*) from decision_spans as spans
                              where spans.message_id = decisions.message_id
                                and spans.decision_ordinal = decisions.ordinal)",
    ),
    (
        "nothing that accuses somebody, or is for senior moderators, was approved by rules",
        "select count(*) from reviews
         where decided_by = 'rules' and (senior_only or accused_office_ids <> '{}')",
    ),
    (
        "of each message exactly what happened was said",
        "select count(*) from reviews left join messaging.subjects on subject_id = message_id
         where coalesce(version, 0) <> decision_count + redacted_count
               + (decided_by is not distinct from 'rules')::int + (state = 'withdrawn')::int
               + (select coalesce(sum(1 + (decided_by is not null)::int + (overdue_at is not null)::int), 0)
                  from appeals where appeals.message_id = reviews.message_id)",
    ),
    (
        "a review has as many appeals as it counts",
        "select count(*) from reviews
         where appeal_count <> (select count(*) from appeals
                                where appeals.message_id = reviews.message_id)",
    ),
    (
        "exactly the reviews that are appealed against have an open appeal against their last decision",
        "select count(*) from reviews
         where (state = 'appealed')
               <> exists (select from appeals
                          where appeals.message_id = reviews.message_id and appeals.state = 'open'
                            and decision_ordinal = decision_count)",
    ),
    (
        "every appeal is against a decision not to publish, and was decided by somebody else",
        "select count(*) from appeals
         where not exists (select from decisions
                           where decisions.message_id = appeals.message_id
                             and ordinal = decision_ordinal and decision <> 'publish'
                             and decisions.decided_by is distinct from appeals.decided_by)",
    ),
    (
        "what waits has nobody on it who may not decide",
        "select count(*) from reviews
         where state = 'appealed'
           and exists (select from decisions
                       where decisions.message_id = reviews.message_id
                         and decisions.decided_by = claimed_by)",
    ),
    (
        "a list of grounds has as many rows as it counts",
        "select count(*) from data_sets
         where name = 'grounds'
           and row_count <> (select count(*) from grounds where grounds.version = data_sets.version)",
    ),
    (
        "data that were loaded are there",
        "select count(*) from audit
         where action = 'data-loaded'
           and not exists (select from data_sets where name || '=' || version = detail)",
    ),
    (
        "every review was read by rules that were loaded",
        "select count(*) from reviews
         where rules_version <> 0
           and not exists (select from data_sets
                           where name = 'rules' and version = rules_version)",
    ),
    (
        "an office's last choice is there",
        "select count(*) from (
             select distinct on (office_id) split_part(split_part(detail, ' ', 1), '=', 2) as office_id, detail
             from audit where action = 'policy-set' order by office_id, sequence desc
         ) as last
         where not exists (
             select from office_policies as chosen
             where chosen.office_id = last.office_id
               and last.detail in (
                   'office=' || chosen.office_id || ' clean_passes=' || chosen.clean_passes,
                   'office=' || chosen.office_id || ' clean_passes=' || chosen.clean_passes
                       || ' trusted_passes=' || chosen.trusted_passes)
         )",
    ),
    (
        "every answered request has its answer",
        "select count(*) from audit
         where request_id is not null
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
                           (extract(epoch from at) * 1000000)::bigint, actor, action,
                           coalesce(message_id::text, ''), coalesce(request_id::text, ''), detail), 'UTF8')))
              + (select count(*) from audit_head as head
                 where head.sequence <> coalesce((select max(sequence) from linked), 0)
                    or head.hash <> coalesce((select hash from linked order by sequence desc limit 1),
                                             decode(repeat('00', 32), 'hex')))
              + (select 1 - count(*) from audit_head)",
    ),
    (
        "every set of rules has its number, and every number that was used its set",
        "select (select count(*) from rule_sets
                 where not exists (select from data_sets
                                   where name = 'rules' and data_sets.version = rule_sets.version))
              + (select count(*) from (select version from rule_publications
                                       union select version from rule_trials
                                       union select base_version from rule_trials) as used
                 where not exists (select from rule_sets where rule_sets.version = used.version))",
    ),
    (
        "a set of rules is in force, and every publication is there",
        "select (select count(*) from (select from rule_sets limit 1) as one
                 where not exists (select from rule_publications))
              + (select coalesce(max(ordinal), 0) - count(*) from rule_publications)
              + (select count(*) from audit
                 where action in ('rules-published', 'rules-rolled-back')
                   and not exists (select from rule_publications
                                   where published_by = actor and published_at = at))
              + (select count(*) from rule_publications
                 where not exists (select from audit
                                   where at = published_at and actor = published_by
                                     and action in ('data-loaded', 'rules-published', 'rules-rolled-back')))",
    ),
    (
        "every trial that was begun is there",
        "select count(*) from audit
         where action = 'rules-tried'
           and not exists (select from rule_trials
                           where detail = 'rules=' || version || ' trial=' || trial_id)",
    ),
    (
        "a trial has as many counts and examples as it counts",
        "select count(*) from rule_trials as trials
         where rule_count <> (select count(*) from rule_trial_rules as rules
                              where rules.trial_id = trials.trial_id)
            or example_count <> (select count(*) from rule_trial_examples as examples
                                 where examples.trial_id = trials.trial_id)",
    ),
    (
        "a message has the fingerprint that it says it has",
        "select count(*) from reviews full join fingerprints using (message_id)
         where coalesce(fingerprinted, false) <> (fingerprints.bands is not null)",
    ),
];
