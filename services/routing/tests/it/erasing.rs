//! A message that its author had erased leaves its case without a text, and out of sight.

use liuyan_kit::testing;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome},
    routing::v1 as routing,
};

use crate::helpers::{House, SOON, a_message, an_acceptance, asks, reason, view};

async fn settled(house: &House) {
    testing::eventually("the erasure is settled", SOON, || async {
        let waiting = "select (select count(*) from erasures where state = 'waiting')
                            + (select count(*) from withdrawals where state = 'waiting')";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
    let left =
        "select (select count(*) from cases where has_text) + (select count(*) from case_words)
                     + (select count(*) from requests where response <> '')";
    assert_eq!(house.count(left).await, 0);
    for (name, check) in liuyan_routing::CHECKS {
        assert_eq!(house.count(check).await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_answered_case_keeps_its_replies_and_is_seen_no_more() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.reply(&house.clerk("130102-g"), &case_id, "done").await.unwrap();
    // As intake says it: the wish to withdraw first, which comes too late here.
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    settled(&house).await;
    assert_eq!(reason(house.get_in_public(message.message_id).await), "CASE_NOT_FOUND");
    assert_eq!(house.count("select count(*) from replies").await, 1);
    let case = house.get(&house.operator(), message.message_id).await.unwrap();
    assert_eq!((view(&case).state(), case.public), (CaseState::Replied, false));
    let story = house.story(&case_id).await;
    assert_eq!(story.last().unwrap(), "case-text-changed r4 hidden");
    // Heard again it changes nothing.
    house.erase(message.message_id).await;
    settled(&house).await;
    assert_eq!(house.story(&case_id).await, story);
}

#[tokio::test]
async fn an_unanswered_case_ends_as_if_it_were_withdrawn() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    settled(&house).await;
    let case = house.get(&house.author(message.message_id), message.message_id).await.unwrap();
    assert_eq!((view(&case).outcome(), case.public), (Outcome::Withdrawn, false));
    assert_eq!(house.story(&case_id).await.last().unwrap(), "case-closed r2 hidden");
}

#[tokio::test]
async fn an_erasure_before_the_approval_is_a_tombstone() {
    let house = House::open().await;
    let message = a_message();
    house.erase(message.message_id).await;
    house.approve(&message).await;
    let case = house.case_of(message.message_id).await;
    settled(&house).await;
    assert!(!case.public);
    let story = house.story(&view(&case).case_id).await;
    assert_eq!(story, ["case-opened r1 hidden", "case-assigned r1 hidden"]);
}

/// Where in the whole database a word stands: each column of each table that can hold a text.
async fn places_of(house: &House, word: &str) -> Vec<String> {
    let mut connection = house.db().read().await.unwrap();
    let columns: Vec<(String, String, String, String)> = sqlx::query_as(
        "select table_schema::text, table_name::text, column_name::text, data_type::text
         from information_schema.columns join information_schema.tables using (table_schema, table_name)
         where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
           and data_type in ('text', 'character varying', 'ARRAY', 'json', 'jsonb', 'tsvector', 'bytea')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut places = Vec::new();
    for (schema, table, column, of) in columns {
        let holds = match of.as_str() {
            "bytea" => format!("position(convert_to($1, 'UTF8') in {column:?}) > 0"),
            _ => format!("position($1 in {column:?}::text) > 0"),
        };
        let query = format!("select exists (select from {schema:?}.{table:?} where {holds})");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(word);
        let found: bool = query.fetch_one(&mut *connection).await.unwrap();
        if found {
            places.push(format!("{table}.{column}"));
        }
    }
    places.sort();
    places
}

#[tokio::test]
async fn no_word_of_what_was_erased_or_of_what_officials_wrote_about_it_is_left_anywhere() {
    let house = House::open().await;
    let message = a_message().titled("a zebra at night");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let words = |what: &str| format!("{what} of the zebra");
    for (by, to) in [("130102-g", "130104-g"), ("130104-g", "130105-g")] {
        let (office_id, rule) = (to.to_owned(), words("rule 12"));
        let back = asks!(ReturnCaseRequest, &case_id, office_id: office_id, rule: rule);
        house.cases(&house.clerk(by)).return_case(back).await.unwrap();
    }
    let (office_id, because) = ("130104-g".to_owned(), words("The stable"));
    let decide = asks!(TransferCaseRequest, &case_id, office_id: office_id, reason: because);
    house.cases(&house.clerk("130100-g")).transfer_case(decide).await.unwrap();
    let clerk = house.clerk("130104-g");
    let (days, because) = (3, words("The stripes"));
    let more = asks!(ExtendDeadlineRequest, &case_id, days: days, reason: because);
    house.cases(&clerk).extend_deadline(more).await.unwrap();
    let (office_id, because) = ("130105-g".to_owned(), words("The hooves"));
    let help = asks!(InviteHelperRequest, &case_id, office_id: office_id, reason: because);
    house.cases(&clerk).invite_helper(help).await.unwrap();
    let supervisor = house.official(&["case:read", "case:supervise"], &["130100"], &[]);
    let mut cases = house.cases(&supervisor);
    let all = routing::ListPrecedentsRequest::default();
    let listed = cases.list_precedents(all).await.unwrap().into_inner().precedents;
    let retire = routing::RetirePrecedentRequest {
        request_id: liuyan_kit::id::v7(testing::now()).to_string(),
        precedent_id: listed[0].precedent_id.clone(),
        reason: words("The only case"),
    };
    cases.retire_precedent(retire).await.unwrap();
    let because = words("The fate");
    let watch = asks!(SuperviseCaseRequest, &case_id, reason: because);
    cases.supervise_case(watch).await.unwrap();
    let accept = an_acceptance(&case_id);
    house.cases(&clerk).accept_case(accept).await.unwrap();
    let question = words("Where is the stable");
    let pause = asks!(PauseCaseRequest, &case_id, question: question);
    house.cases(&clerk).pause_case(pause).await.unwrap();
    for place in ["acts.note", "cases.title", "precedents.retired_why", "transfers.reason"] {
        assert!(places_of(&house, "zebra").await.iter().any(|it| it == place), "{place}");
    }
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    settled(&house).await;
    assert_eq!(places_of(&house, "zebra").await, [""; 0]);
}
