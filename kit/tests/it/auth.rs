//! What tokens promise.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    auth::{Caller, Claims, Refusal, Signer, Verifier, generate_key},
    clock::ManualClock,
    config::{Auth, Issuer},
    testing,
};
use uuid::Uuid;

struct House {
    clock: Arc<ManualClock>,
    signer: Signer,
    verifier: Verifier,
}

fn issuer(name: &str, public_key: String, scopes: &[&str]) -> Issuer {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Issuer { name: name.to_owned(), public_key, public_key_file: None, scopes }
}

fn auth(issuers: Vec<Issuer>) -> Auth {
    Auth { issuers, ..testing::settings().auth }
}

fn house(grants: &[&str]) -> House {
    let clock = ManualClock::at(Timestamp::from_second(1_764_000_000).unwrap());
    let (private, public) = generate_key().unwrap();
    let signer = Signer::new("alpha", &private, clock.clone()).unwrap();
    let verifier =
        Verifier::new(&auth(vec![issuer("alpha", public, grants)]), clock.clone()).unwrap();
    House { clock, signer, verifier }
}

fn claims(scopes: &[&str]) -> Claims {
    Claims {
        sub: "somebody".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        offices: vec!["o1".to_owned()],
        divisions: vec!["d1".to_owned()],
        lifetime: Duration::from_secs(60),
    }
}

#[test]
fn a_token_proves_who_calls_and_what_they_may() {
    let house = house(&["text:read", "case:*"]);
    let token = house.signer.sign(&claims(&["text:read", "case:work", "case:see"]));
    let caller = house.verifier.verify(&token).unwrap();
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str()), ("alpha", "somebody"));
    assert!(caller.has("text:read") && caller.has("case:work") && !caller.has("case:delete"));
    assert!(caller.acts_for("o1") && !caller.acts_for("o2"));
    assert!(!caller.is_anonymous());
}

#[test]
fn an_issuer_grants_no_more_than_it_may() {
    let house = house(&["text:read"]);
    let caller = house.verifier.verify(&house.signer.sign(&claims(&["*"]))).unwrap();
    assert_eq!(caller.scopes, ["text:read"]);
    let caller = house.verifier.verify(&house.signer.sign(&claims(&["vault:open"]))).unwrap();
    assert!(caller.scopes.is_empty());
}

#[test]
fn a_token_ends() {
    let house = house(&["*"]);
    let token = house.signer.sign(&claims(&["text:read"]));
    assert!(house.verifier.verify(&token).is_ok());
    house.clock.advance(SignedDuration::from_secs(64));
    assert!(house.verifier.verify(&token).is_ok(), "within the leeway");
    house.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(house.verifier.verify(&token), Err(Refusal::Expired));
}

#[test]
fn a_token_from_the_future_is_refused() {
    let house = house(&["*"]);
    house.clock.advance(SignedDuration::from_secs(100));
    let token = house.signer.sign(&claims(&["text:read"]));
    house.clock.advance(SignedDuration::from_secs(-100));
    assert!(matches!(house.verifier.verify(&token), Err(Refusal::Invalid(_))));
}

#[test]
fn the_token_of_a_stranger_is_refused() {
    let (ours, theirs) = (house(&["*"]), house(&["*"]));
    let same_name = theirs.signer.sign(&claims(&["text:read"]));
    assert!(matches!(ours.verifier.verify(&same_name), Err(Refusal::Invalid(_))));
    let (private, _) = generate_key().unwrap();
    let other_name = Signer::new("mallory", &private, ours.clock.clone()).unwrap();
    let token = other_name.sign(&claims(&["text:read"]));
    assert!(matches!(ours.verifier.verify(&token), Err(Refusal::Invalid(_))));
}

#[test]
fn no_part_of_a_token_can_be_changed() {
    let house = house(&["*"]);
    let token = house.signer.sign(&claims(&["text:read"]));
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());

    let mut richer = decode(parts[1]);
    richer["scope"] = "vault:open".into();
    let mut elsewhere = decode(parts[1]);
    elsewhere["aud"] = "others".into();
    let mut unsigned = decode(parts[0]);
    unsigned["alg"] = "none".into();
    let mut symmetric = decode(parts[0]);
    symmetric["alg"] = "HS256".into();
    for forged in [
        format!("{}.{}.{}", parts[0], encode(&richer), parts[2]),
        format!("{}.{}.{}", parts[0], encode(&elsewhere), parts[2]),
        format!("{}.{}.", encode(&unsigned), parts[1]),
        format!("{}.{}.{}", encode(&symmetric), parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        "..".to_owned(),
        String::new(),
        "x".repeat(10_000),
    ] {
        assert!(matches!(house.verifier.verify(&forged), Err(Refusal::Invalid(_))), "{forged}");
    }
}

#[test]
fn a_token_for_another_house_is_refused() {
    let house = house(&["*"]);
    let (private, public) = generate_key().unwrap();
    let verifier =
        Verifier::new(&auth(vec![issuer("alpha", public, &["*"])]), house.clock.clone()).unwrap();
    let key = jsonwebtoken::EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
    let sign = |audience: &str| {
        let claims = serde_json::json!({
            "iss": "alpha", "sub": "somebody", "aud": audience, "scope": "text:read",
            "iat": 1_764_000_000, "exp": 1_764_000_060, "jti": Uuid::nil(),
        });
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    assert!(verifier.verify(&sign("liuyan")).is_ok());
    assert!(matches!(verifier.verify(&sign("others")), Err(Refusal::Invalid(_))));
}

#[test]
fn keys_can_be_changed_without_a_gap() {
    let house = house(&["*"]);
    let (private, public) = generate_key().unwrap();
    let new = Signer::new("alpha", &private, house.clock.clone()).unwrap();
    let both = auth(vec![
        issuer("alpha", house.signer.public_key(), &["text:read"]),
        issuer("alpha", public, &["text:read"]),
    ]);
    let verifier = Verifier::new(&both, house.clock.clone()).unwrap();
    for signer in [&house.signer, &new] {
        assert!(verifier.verify(&signer.sign(&claims(&["text:read"]))).is_ok());
    }
}

#[test]
fn a_wrong_key_is_refused_by_the_name_of_its_issuer() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    for key in ["", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
        let settings = auth(vec![issuer("beta", key.to_owned(), &["*"])]);
        let error = Verifier::new(&settings, clock.clone()).unwrap_err().to_string();
        assert!(error.contains("beta"), "{error}");
    }
    assert!(Signer::new("alpha", "no key", clock).is_err());
}

#[test]
fn an_author_is_author_of_one_message() {
    let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let author = Caller {
        subject: "author".to_owned(),
        scopes: vec![format!("author:message/{mine}")],
        ..Caller::anonymous("en")
    };
    assert!(author.author_of(mine));
    assert!(!author.author_of(other));
    assert!(!Caller::anonymous("en").author_of(mine));
}
