//! It is chosen for offices whose messages pass.

use std::sync::Arc;

use liuyan_moderation::RuleGrpc;
use liuyan_proto::liuyan::moderation::v1::{
    self as proto, OfficePolicy, Passing, rule_service_server::RuleService,
};
use tonic::Status;

use crate::helpers::{Bench, CLEAN, a_message, bench, fields, reason, request_id, with_scopes};

async fn put(bench: &Bench, policy: OfficePolicy) -> Result<OfficePolicy, Status> {
    let request = proto::PutOfficePolicyRequest { request_id: request_id(), policy: Some(policy) };
    Ok(send(bench, request).await?.policy.unwrap())
}

async fn send(
    bench: &Bench,
    request: proto::PutOfficePolicyRequest,
) -> Result<proto::PutOfficePolicyResponse, Status> {
    let service = RuleGrpc::new(Arc::clone(&bench.app));
    let answer = service.put_office_policy(with_scopes("eve", &["rules:edit"], request)).await?;
    Ok(answer.into_inner())
}

async fn list(bench: &Bench, page_size: i32, token: &str) -> proto::ListOfficePoliciesResponse {
    let request = proto::ListOfficePoliciesRequest { page_size, page_token: token.into() };
    let service = RuleGrpc::new(Arc::clone(&bench.app));
    let answer = service.list_office_policies(with_scopes("ann", &["review:work"], request));
    answer.await.unwrap().into_inner()
}

fn policy(office_id: &str, passing: Passing) -> OfficePolicy {
    OfficePolicy { office_id: office_id.into(), passing: passing.into(), ..OfficePolicy::default() }
}

#[tokio::test]
async fn a_choice_takes_effect_on_what_comes_after_it_and_is_listed() {
    let bench = bench().await;
    let office = a_message(CLEAN).event.office_id;
    let chosen = put(&bench, policy(&office, Passing::Nobody)).await.unwrap();
    assert_eq!((chosen.passing(), chosen.set_by.as_str()), (Passing::Nobody, "identity/eve"));
    let waits = bench.submit(&a_message(CLEAN)).await;
    bench.screen().await;
    put(&bench, policy(&office, Passing::Everybody)).await.unwrap();
    bench.approved(&a_message(CLEAN)).await;
    assert_eq!(bench.state(waits).await, "held", "what waits goes on waiting");
    for other in ["a-1", "b-2"] {
        put(&bench, policy(other, Passing::Trusted)).await.unwrap();
    }
    let first = list(&bench, 2, "").await;
    assert_eq!((first.default_passing(), first.sample_of_ten_thousand), (Passing::Everybody, 0));
    let rest = list(&bench, 2, &first.next_page_token).await;
    let all = [first.policies, rest.policies].concat();
    let offices: Vec<_> = all.iter().map(|one| (one.office_id.as_str(), one.passing())).collect();
    let trusted = Passing::Trusted;
    assert_eq!(
        offices,
        [(office.as_str(), Passing::Everybody), ("a-1", trusted), ("b-2", trusted)]
    );
    assert_eq!(rest.next_page_token, "");
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn who_has_not_seen_the_last_choice_does_not_change_it() {
    let bench = bench().await;
    let first = put(&bench, policy("a-1", Passing::Trusted)).await.unwrap();
    let second =
        put(&bench, OfficePolicy { etag: first.etag.clone(), ..policy("a-1", Passing::Nobody) });
    let second = second.await.unwrap();
    assert_ne!(first.etag, second.etag);
    let late = OfficePolicy { etag: first.etag, ..policy("a-1", Passing::Everybody) };
    let refused = put(&bench, late).await.unwrap_err();
    assert_eq!(reason(&refused), "POLICY_CHANGED");
    assert_eq!(list(&bench, 0, "").await.policies, [second]);
}

#[tokio::test]
async fn a_choice_is_made_once_however_often_it_is_sent_and_stands_in_the_audit_log() {
    let bench = bench().await;
    let request = proto::PutOfficePolicyRequest {
        request_id: request_id(),
        policy: Some(policy("a-1", Passing::Trusted)),
    };
    let first = send(&bench, request.clone()).await.unwrap();
    assert_eq!(send(&bench, request.clone()).await.unwrap(), first);
    let other =
        proto::PutOfficePolicyRequest { policy: Some(policy("a-1", Passing::Nobody)), ..request };
    let refused = send(&bench, other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    let audited =
        "select count(*) from audit where action = 'policy-set' and actor = 'identity/eve'
                   and detail = 'office=a-1 clean_passes=false trusted_passes=true'";
    assert_eq!(bench.count(audited).await, 1);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_choice_is_told_at_once() {
    let bench = bench().await;
    let request = proto::PutOfficePolicyRequest {
        request_id: "x".into(),
        policy: Some(policy("no office", Passing::Unspecified)),
    };
    let refused = send(&bench, request).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id", "policy.office_id", "policy.passing"]);
}
