//! Models that are trained on what was decided, and what they suggest.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, ModelState, RoutedBy, suggestion_service_client::SuggestionServiceClient,
};
use tonic_types::StatusExt as _;

use crate::helpers::{House, Message, SOON, a_message, reason, view};

type Suggestions = SuggestionServiceClient<liuyan_kit::grpc::Channel>;

fn public(house: &House) -> Suggestions {
    SuggestionServiceClient::new(house.board.channel("routing"))
}

fn editor(house: &House) -> Suggestions {
    let token = house.token(&["model:write"], &[]);
    SuggestionServiceClient::new(house.board.channel_as("routing", &token))
}

/// Messages of two domains, answered; their titles have words of the domain alone.
async fn decided(house: &House, many: usize) -> Vec<Message> {
    let matters = [
        ("6", ["bus stop", "late bus", "bus driver", "bus fare"]),
        ("14", ["school fees", "school meal", "teacher", "school place"]),
    ];
    let mut messages = Vec::new();
    for n in 0..many {
        let (domain, words) = matters[n % 2];
        let title = format!("{n} {} and {} here", words[n / 2 % 4], words[(n / 2 + 1 + n / 8) % 4]);
        let message = a_message().titled(title.leak()).about("enquiry", domain);
        house.approve(&message).await;
        messages.push(message);
    }
    let clerk = house.clerk("130102-g");
    for message in &messages {
        let case_id = view(&house.case_of(message.message_id).await).case_id.clone();
        house.reply(&clerk, &case_id, "It is done.").await.unwrap();
    }
    messages
}

fn request_id() -> String {
    id::v7(testing::now()).to_string()
}

fn a_training() -> routing::TrainModelRequest {
    routing::TrainModelRequest { request_id: request_id(), ..Default::default() }
}

fn a_publication(version: u32) -> routing::PublishModelRequest {
    routing::PublishModelRequest { version, request_id: request_id(), ..Default::default() }
}

fn a_way_back(version: u32) -> routing::RollBackModelRequest {
    routing::RollBackModelRequest { version, request_id: request_id(), ..Default::default() }
}

async fn models(house: &House) -> Vec<routing::Model> {
    let listed = editor(house).list_models(routing::ListModelsRequest::default()).await;
    listed.unwrap().into_inner().models
}

/// Waits until the newest model is trained, or is not to be had.
async fn trained(house: &House) -> routing::Model {
    testing::eventually("the model is trained", SOON * 3, || async {
        let newest = models(house).await.into_iter().next()?;
        (newest.state() != ModelState::Waiting).then_some(newest)
    })
    .await
}

async fn suggested(house: &House, title: &str) -> routing::SuggestRouteResponse {
    let request = routing::SuggestRouteRequest {
        title: title.to_owned(),
        office_id: "130102-g".to_owned(),
        kind: "enquiry".to_owned(),
        ..Default::default()
    };
    public(house).suggest_route(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn before_any_model_rules_and_people_decide_and_few_cases_make_none() {
    let house = House::open().await;
    let told = suggested(&house, "Where is the school?").await;
    assert_eq!((told.domain_by(), told.domain.as_str()), (RoutedBy::Triage, ""));
    assert_eq!((told.office_by(), told.office_id.as_str()), (RoutedBy::Rules, "130102-g"));
    assert_eq!((told.assigned_by.as_str(), told.model_version), ("office_chosen", 0));
    let nowhere = routing::SuggestRouteRequest {
        title: "Where?".to_owned(),
        domain: "7".to_owned(),
        ..Default::default()
    };
    let told = public(&house).suggest_route(nowhere).await.unwrap().into_inner();
    assert_eq!((told.domain_by(), told.domain_probability), (RoutedBy::Rules, 1.0));
    assert_eq!((told.office_by(), told.office_id.as_str()), (RoutedBy::Triage, ""));
    decided(&house, 4).await;
    let refused = editor(&house).train_model(a_training()).await.unwrap_err();
    let info = refused.get_details_localized_message().unwrap();
    assert!(info.message.contains('4') && info.message.contains("40"), "{info:?}");
    assert_eq!(reason::<()>(Err(refused)), "MODEL_TOO_FEW");
    assert_eq!(reason(public(&house).train_model(a_training()).await), "TOKEN_MISSING");
    let clerk = house.board.channel_as("routing", &house.clerk("130102-g"));
    let by_a_clerk = SuggestionServiceClient::new(clerk).train_model(a_training()).await;
    assert_eq!(reason(by_a_clerk), "SCOPE_MISSING");
    assert!(models(&house).await.is_empty());
    house.is_whole().await;
}

#[tokio::test]
async fn a_model_of_what_was_decided_tells_domains_until_it_is_taken_back() {
    let house = House::open().await;
    let messages = decided(&house, 48).await;
    // What its author had erased teaches nothing.
    house.wish_to_withdraw(messages[0].message_id).await;
    house.erase(messages[0].message_id).await;
    testing::eventually("the text is erased", SOON, || async {
        (house.count("select count(*) from cases where has_text").await == 47).then_some(())
    })
    .await;
    let training = a_training();
    let asked = editor(&house).train_model(training.clone()).await.unwrap().into_inner();
    let again = editor(&house).train_model(training).await.unwrap().into_inner();
    assert_eq!(asked.model.unwrap().version, again.model.unwrap().version);
    let model = trained(&house).await;
    assert_eq!((model.state(), model.examples, model.in_force), (ModelState::Trained, 47, false));
    assert!(model.figures.as_ref().unwrap().macro_f1 > 0.9, "{model:?}");
    assert_eq!(suggested(&house, "the school meal").await.model_version, 0);

    editor(&house).publish_model(a_publication(1)).await.unwrap();
    let told = suggested(&house, "Our SCHOOL meal").await;
    assert_eq!((told.domain_by(), told.domain.as_str()), (RoutedBy::Model, "14"), "{told:?}");
    assert_eq!((told.office_by(), told.model_version), (RoutedBy::Rules, 1));
    let word = told.words.iter().find(|word| "school".contains(&word.word)).unwrap();
    let span = word.spans[0];
    assert!(span.in_title && span.start >= 4 && span.end <= 10, "{word:?}");
    let replica = house.replica().await;
    assert!(replica.renew_models().await.unwrap() && !replica.renew_models().await.unwrap());

    let open = async |message: Message| house.a_case(&message).await;
    let without = open(a_message().titled("The school meal is cold").about("enquiry", "")).await;
    assert_eq!((view(&without).domain.as_str(), without.suggested_by), ("14", 1));
    let other = open(a_message().titled("the late bus again").about("enquiry", "16")).await;
    assert_eq!((view(&other).domain.as_str(), other.suggested_by), ("6", 1));
    let chosen = open(a_message().titled("The school meal is cold").about("enquiry", "7")).await;
    assert_eq!((view(&chosen).domain.as_str(), chosen.suggested_by), ("7", 0));
    let hidden = a_message().titled("The school meal is cold").about("enquiry", "").private();
    let hidden = open(hidden).await;
    assert_eq!((view(&hidden).domain.as_str(), hidden.suggested_by), ("", 0));
    // What a model told is no decision from which the next one learns.
    let clerk = house.clerk("130102-g");
    house.reply(&clerk, &view(&without).case_id, "It is warm now.").await.unwrap();
    editor(&house).train_model(a_training()).await.unwrap();
    assert_eq!(trained(&house).await.examples, 47);

    let back = editor(&house).roll_back_model(a_way_back(0)).await.unwrap().into_inner();
    assert_eq!(back.model, None);
    assert_eq!(suggested(&house, "the school meal").await.domain_by(), RoutedBy::Triage);
    house.is_whole().await;
}

#[tokio::test]
async fn only_a_whole_model_comes_in_force_and_each_request_once() {
    let house = House::open().await;
    decided(&house, 40).await;
    assert_eq!(reason(editor(&house).publish_model(a_publication(1)).await), "MODEL_NOT_FOUND");
    editor(&house).train_model(a_training()).await.unwrap();
    trained(&house).await;
    assert_eq!(reason(editor(&house).roll_back_model(a_way_back(1)).await), "MODEL_NEVER_IN_FORCE");
    let publication = a_publication(1);
    for _ in 0..2 {
        let put = editor(&house).publish_model(publication.clone()).await.unwrap().into_inner();
        assert!(put.model.unwrap().in_force);
    }
    assert_eq!(house.count("select count(*) from model_publications").await, 1);
    assert_eq!(reason(editor(&house).publish_model(a_publication(1)).await), "MODEL_IN_FORCE");
    let other = routing::PublishModelRequest { version: 2, ..publication };
    assert_eq!(reason(editor(&house).publish_model(other).await), "REQUEST_ID_REUSED");
    let evaluated = editor(&house).evaluate_model(routing::EvaluateModelRequest::default()).await;
    assert_eq!(reason(evaluated), "MODEL_TOO_FEW");
    house.advance_hours(1);
    decided(&house, 40).await;
    let evaluated = editor(&house).evaluate_model(routing::EvaluateModelRequest::default()).await;
    let evaluated = evaluated.unwrap().into_inner();
    let figures = evaluated.figures.unwrap();
    assert!(figures.cases == 40 && figures.macro_f1 > 0.9, "{figures:?}");
    assert_eq!(evaluated.labels.iter().map(|label| label.cases).sum::<u32>(), 40);

    // A replica that starts with damaged bytes has no model, rather than another one.
    let replica = house.replica().await;
    let damage = "update models set bytes = substr(bytes, 2) where version = 1";
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(damage)).execute(&mut *connection).await.unwrap();
    assert!(replica.renew_models().await.is_err());
    let broken = liuyan_routing::CHECKS.iter().filter(|(name, _)| name.contains("its bytes"));
    for (_, check) in broken {
        assert_eq!(house.count(check).await, 1);
    }
}

fn owned((field, reason): &(&str, &str)) -> (String, String) {
    ((*field).to_owned(), (*reason).to_owned())
}

/// What is wrong with a request, by field and reason.
async fn violations(house: &House, request: routing::SuggestRouteRequest) -> Vec<(String, String)> {
    let told = public(house).suggest_route(request).await;
    let told = told.err().and_then(|status| status.get_details_bad_request());
    let told = told.into_iter().flat_map(|it| it.field_violations);
    told.map(|it| (it.field, it.reason)).collect()
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_text_is_told_at_once() {
    let house = House::open().await;
    let request = routing::SuggestRouteRequest {
        title: "a".repeat(201),
        body: "b".repeat(4_001),
        office_id: "\0".to_owned(),
        ..Default::default()
    };
    let refused = public(&house).suggest_route(request).await.unwrap_err();
    let told = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = told.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["title", "body", "office_id"]);
    let unknown = [("domain", "99"), ("kind", "wish"), ("topic", "bus"), ("office_id", "nowhere")];
    let [domain, kind, topic, office_id] = unknown.map(|(_, code)| code.to_owned());
    let request = routing::SuggestRouteRequest {
        title: "Where?".to_owned(),
        body: String::new(),
        kind,
        domain,
        topic,
        office_id,
    };
    let told = violations(&house, request).await;
    let reasons = ["VALUE_UNKNOWN", "VALUE_UNKNOWN", "VALUE_UNKNOWN", "OFFICE_NOT_FOUND"];
    let expected: Vec<_> = unknown.iter().map(|(field, _)| *field).zip(reasons).collect();
    assert_eq!(told, expected.iter().map(owned).collect::<Vec<_>>());
    // A topic is one of its domain's; any, as long as no domain is chosen.
    for (domain, expected) in
        [("7", vec![]), ("", vec![]), ("14", vec![("topic", "VALUE_UNKNOWN")])]
    {
        let request = routing::SuggestRouteRequest {
            title: "Where?".to_owned(),
            domain: domain.to_owned(),
            topic: "供水".to_owned(),
            ..Default::default()
        };
        let told = violations(&house, request).await;
        assert_eq!(told, expected.iter().map(owned).collect::<Vec<_>>(), "{domain}");
    }
    let empty = routing::FindSimilarRequest { title: " ?!".to_owned(), ..Default::default() };
    let refused = public(&house).find_similar(empty).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].reason, "TEXT_EMPTY");
}
