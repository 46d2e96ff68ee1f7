//! Choices of offices: requests in, answers out.

use liuyan_kit::{auth::Caller, clock::to_proto};
use liuyan_proto::liuyan::moderation::v1 as proto;
use prost::Message as _;

use super::{
    decode,
    parse::{self, listing},
    rules::{RuleGrpc, call},
};
use crate::{
    app::policies::Choice,
    domain::standing::{Passing, Policy},
    error::{Error, Faults},
};

impl RuleGrpc {
    pub(super) async fn policies(
        &self,
        request: proto::ListOfficePoliciesRequest,
    ) -> Result<proto::ListOfficePoliciesResponse, Error> {
        let mut faults = Faults::default();
        let size = listing::size(&mut faults, request.page_size);
        // A page begins after the office that the one before ended with.
        let token = &request.page_token;
        let right = token.is_empty() || parse::is_office(token);
        faults.check(right, "page_token", "PAGE_TOKEN_INVALID");
        faults.end()?;
        let mut policies = self.app().list_policies(token, size + 1).await?;
        let more = policies.len() > size as usize;
        policies.truncate(size as usize);
        let last = policies.last().filter(|_| more);
        Ok(proto::ListOfficePoliciesResponse {
            next_page_token: last.map(|policy| policy.office_id.clone()).unwrap_or_default(),
            policies: policies.iter().map(told).collect(),
            default_passing: passing(self.app().default_passing()).into(),
            sample_of_ten_thousand: self.app().config.work.sample_of_ten_thousand,
        })
    }

    pub(super) async fn put_policy(
        &self,
        caller: &Caller,
        request: proto::PutOfficePolicyRequest,
    ) -> Result<proto::PutOfficePolicyResponse, Error> {
        let mut faults = Faults::default();
        parse::checked_id(&mut faults, "request_id", &request.request_id);
        let policy = request.policy.clone().unwrap_or_default();
        let right = parse::is_office(&policy.office_id);
        faults.check(right, "policy.office_id", "OFFICE_MALFORMED");
        let passing = match policy.passing() {
            proto::Passing::Nobody => Some(Passing::Nobody),
            proto::Passing::Trusted => Some(Passing::Trusted),
            proto::Passing::Everybody => Some(Passing::Everybody),
            proto::Passing::Unspecified => None,
        };
        faults.check(passing.is_some(), "policy.passing", "VALUE_UNKNOWN");
        faults.end()?;
        let call = call(caller, "PutOfficePolicy", &request, &request.request_id)?;
        let choice = Choice {
            office_id: policy.office_id,
            passing: passing.unwrap_or(Passing::Nobody),
            etag: policy.etag,
        };
        let answer = self.app().put_policy(call, choice, |policy| {
            proto::PutOfficePolicyResponse { policy: Some(told(policy)) }.encode_to_vec()
        });
        decode(&answer.await?)
    }
}

fn told(policy: &Policy) -> proto::OfficePolicy {
    proto::OfficePolicy {
        office_id: policy.office_id.clone(),
        passing: passing(policy.passing).into(),
        set_by: policy.set_by.clone(),
        set_at: Some(to_proto(policy.set_at)),
        etag: policy.etag(),
    }
}

fn passing(passing: Passing) -> proto::Passing {
    match passing {
        Passing::Nobody => proto::Passing::Nobody,
        Passing::Trusted => proto::Passing::Trusted,
        Passing::Everybody => proto::Passing::Everybody,
    }
}
