use super::*;

const COMPLAINT: &str = "complaint";

fn limits() -> Limits {
    Limits {
        title_min: 5,
        title_max: 50,
        body_min: 10,
        body_max: 1_000,
        demand_max: 200,
        details_max: 800,
        topic_max: 30,
        place_max: 100,
        remark_max: 200,
        name_max: 50,
    }
}

fn directory() -> Directory {
    Directory {
        offices: [("110000-s".to_owned(), true), ("closed".to_owned(), false)].into(),
        kinds: ["enquiry", "suggestion", COMPLAINT].map(str::to_owned).into(),
        domains: ["7".to_owned()].into(),
        consultations: [(Uuid::nil(), a_consultation())].into(),
        loaded: true,
    }
}

/// From a minute before now to a minute after it.
fn a_consultation() -> Consultation {
    let minute = jiff::SignedDuration::from_mins(1);
    Consultation {
        office_id: "110000-s".to_owned(),
        domain: "7".to_owned(),
        open: true,
        opens_at: now() - minute,
        closes_at: now() + minute,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_732_000_000).unwrap()
}

fn raw() -> Raw {
    Raw {
        office_id: "110000-s".to_owned(),
        kind: "enquiry".to_owned(),
        domain: "7".to_owned(),
        topic: String::new(),
        words: Words { title: "t".repeat(5), body: "b".repeat(10), ..Words::default() },
        place: None,
        remark: String::new(),
        visibility: Some(Visibility::Public),
        contact: None,
        channel: Some(Channel::Api),
        entrance: Entrance::Board,
        consultation_id: String::new(),
        locale: String::new(),
        occurred_at: None,
        files: Vec::new(),
        uploader: Ok(String::new()),
    }
}

fn refused(change: impl FnOnce(&mut Raw)) -> Vec<(&'static str, &'static str)> {
    let mut raw = raw();
    change(&mut raw);
    match Draft::parse(&raw, &limits(), &directory(), now()) {
        Ok(_) => Vec::new(),
        Err(breaches) => {
            breaches.iter().map(|breach| (breach.field, breach.rule.reason())).collect()
        }
    }
}

fn place(text: &str, location: Option<(f64, f64)>) -> Option<Place> {
    Some(Place { text: text.to_owned(), location, public: true })
}

fn contact(name: &str, phone: &str) -> Option<Contact> {
    Some(Contact { name: name.to_owned(), phone: phone.to_owned() })
}

type Change = Box<dyn FnOnce(&mut Raw)>;

fn set(change: impl FnOnce(&mut Raw) + 'static) -> Change {
    Box::new(change)
}

#[test]
fn every_field_is_refused_by_its_own_rule() {
    let table: Vec<(&str, &str, Change)> = vec![
        ("message.office_id", "FIELD_REQUIRED", set(|m| m.office_id.clear())),
        ("message.office_id", "OFFICE_UNKNOWN", set(|m| m.office_id = "nowhere".into())),
        ("message.office_id", "OFFICE_CLOSED", set(|m| m.office_id = "closed".into())),
        ("message.kind", "FIELD_REQUIRED", set(|m| m.kind.clear())),
        ("message.kind", "KIND_UNKNOWN", set(|m| m.kind = "gossip".into())),
        ("message.domain", "DOMAIN_UNKNOWN", set(|m| m.domain = "99".into())),
        ("message.topic", "FIELD_TOO_LONG", set(|m| m.topic = "t".repeat(31))),
        ("message.title", "FIELD_REQUIRED", set(|m| m.words.title = "   ".into())),
        ("message.title", "FIELD_TOO_SHORT", set(|m| m.words.title = "abcd".into())),
        ("message.title", "FIELD_TOO_LONG", set(|m| m.words.title = "t".repeat(51))),
        ("message.title", "FORBIDDEN_CHARACTER", set(|m| m.words.title = "abc\ndef".into())),
        ("message.body", "FIELD_REQUIRED", set(|m| m.words.body.clear())),
        ("message.body", "FIELD_TOO_SHORT", set(|m| m.words.body = "b".repeat(9))),
        ("message.body", "FIELD_TOO_LONG", set(|m| m.words.body = "b".repeat(1_001))),
        ("message.body", "FORBIDDEN_CHARACTER", set(|m| m.words.body.push('\u{202E}'))),
        ("message.demand", "ONLY_FOR_COMPLAINTS", set(|m| m.words.demand = "d".into())),
        ("message.details", "ONLY_FOR_COMPLAINTS", set(|m| m.words.details = "d".into())),
        ("message.place.text", "FIELD_TOO_LONG", set(|m| m.place = place(&"p".repeat(101), None))),
        (
            "message.place.location.latitude",
            "LATITUDE_OUT_OF_RANGE",
            set(|m| m.place = place("", Some((90.1, 0.0)))),
        ),
        (
            "message.place.location.latitude",
            "LATITUDE_OUT_OF_RANGE",
            set(|m| m.place = place("", Some((f64::NAN, 0.0)))),
        ),
        (
            "message.place.location.longitude",
            "LONGITUDE_OUT_OF_RANGE",
            set(|m| m.place = place("", Some((0.0, -180.5)))),
        ),
        ("message.remark", "FIELD_TOO_LONG", set(|m| m.remark = "r".repeat(201))),
        (
            "message.author.name",
            "FIELD_TOO_LONG",
            set(|m| m.contact = contact(&"n".repeat(51), "")),
        ),
        (
            "message.author.phone",
            "PHONE_MALFORMED",
            set(|m| m.contact = contact("", "12800000000")),
        ),
        ("message.author.phone", "PHONE_MALFORMED", set(|m| m.contact = contact("", "1380000000"))),
        (
            "message.author.phone",
            "PHONE_MALFORMED",
            set(|m| m.contact = contact("", "138000000000")),
        ),
        (
            "message.author.phone",
            "PHONE_MALFORMED",
            set(|m| m.contact = contact("", "1380000000٣")),
        ),
        ("message.visibility", "VALUE_UNKNOWN", set(|m| m.visibility = None)),
        ("message.channel", "VALUE_UNKNOWN", set(|m| m.channel = None)),
        ("message.locale", "LOCALE_MALFORMED", set(|m| m.locale = "中文".into())),
        ("historical.occurred_at", "TIME_MALFORMED", set(|m| m.occurred_at = Some(None))),
        (
            "historical.occurred_at",
            "TIME_IN_THE_FUTURE",
            set(|m| m.occurred_at = Some(Timestamp::from_second(1_732_000_001).ok())),
        ),
    ];
    for (field, reason, change) in table {
        assert_eq!(refused(change), [(field, reason)]);
    }
}

#[test]
fn the_ends_of_every_range_are_taken() {
    let table: Vec<Change> = vec![
        set(|_| {}),
        set(|m| m.domain.clear()),
        set(|m| m.words.title = "t".repeat(50)),
        set(|m| m.words.body = "b".repeat(1_000)),
        set(|m| m.topic = "t".repeat(30)),
        set(|m| m.place = place(&"p".repeat(100), Some((-90.0, 180.0)))),
        set(|m| m.remark = "r".repeat(200)),
        set(|m| m.contact = contact(&"n".repeat(50), "19999999999")),
        set(|m| m.contact = contact("", "13000000000")),
        set(|m| m.locale = "zh-Hans-CN".into()),
        set(|m| m.occurred_at = Some(Some(now()))),
    ];
    for (row, change) in table.into_iter().enumerate() {
        assert_eq!(refused(change), [], "row {row}");
    }
}

#[test]
fn a_complaint_has_two_parts_or_a_body() {
    let complaint = |body: &str, demand: &str, details: &str| {
        let words = Words {
            title: "t".repeat(5),
            body: body.to_owned(),
            demand: demand.to_owned(),
            details: details.to_owned(),
        };
        refused(move |m| {
            m.kind = COMPLAINT.to_owned();
            m.words = words;
        })
    };
    let (body, long) = ("b".repeat(10), "d".repeat(801));
    assert_eq!(complaint("", "demand", "details"), []);
    assert_eq!(complaint("", &"d".repeat(200), &"d".repeat(800)), []);
    assert_eq!(complaint(&body, "", ""), []);
    assert_eq!(
        complaint("", "", ""),
        [("message.demand", "FIELD_REQUIRED"), ("message.details", "FIELD_REQUIRED")]
    );
    assert_eq!(complaint("", "demand", " "), [("message.details", "FIELD_REQUIRED")]);
    assert_eq!(complaint(&body, "demand", "details"), [("message.body", "BODY_BESIDE_PARTS")]);
    assert_eq!(
        complaint("", &long, &long),
        [("message.demand", "FIELD_TOO_LONG"), ("message.details", "FIELD_TOO_LONG")]
    );
}

#[test]
fn everything_that_is_wrong_comes_at_once() {
    let fields: Vec<_> = refused(|m| {
        m.office_id.clear();
        m.kind.clear();
        m.words.title.clear();
        m.words.body.clear();
        m.contact = contact("\u{7}", "1");
    })
    .into_iter()
    .map(|(field, _)| field)
    .collect();
    assert_eq!(
        fields,
        [
            "message.office_id",
            "message.kind",
            "message.title",
            "message.body",
            "message.author.name",
            "message.author.phone",
        ]
    );
}

#[test]
fn a_phone_is_kept_as_it_is_dialled() {
    for given in [
        "13800001111",
        "１３８００００１１１１",
        "138 0000-1111",
        "+86 138 0000 1111",
        "００８６１３８００００１１１１",
    ] {
        let mut raw = raw();
        raw.contact = contact("", given);
        let draft = Draft::parse(&raw, &limits(), &directory(), now()).unwrap();
        assert_eq!(draft.contact.unwrap().phone, "13800001111", "{given}");
    }
}

#[test]
fn an_author_without_name_and_phone_is_none() {
    let mut raw = raw();
    raw.contact = contact("  ", " ");
    let draft = Draft::parse(&raw, &limits(), &directory(), now()).unwrap();
    assert_eq!(draft.contact, None);
    assert_eq!(draft.locale, "zh-CN");
}

#[test]
fn a_mended_text_has_paths_of_its_own() {
    let breaches = mend(&Words::default(), "enquiry", &limits()).unwrap_err();
    assert_eq!(breaches, [Breach::of("title", Rule::Required), Breach::of("body", Rule::Required)]);
}

#[test]
fn the_channel_follows_from_the_entrance() {
    let by_hotline = |operator: &str| Entrance::Hotline { operator: operator.to_owned() };
    let parsed = |entrance: Entrance, channel: Channel| {
        let raw = Raw { entrance, channel: Some(channel), ..raw() };
        Draft::parse(&raw, &limits(), &directory(), now()).map(|draft| draft.channel)
    };
    assert_eq!(parsed(by_hotline("A-17"), Channel::Api), Ok(Channel::Hotline));
    assert_eq!(parsed(by_hotline("A-17"), Channel::Hotline), Ok(Channel::Hotline));
    assert!(parsed(by_hotline("A-17"), Channel::Web).is_err());
    assert!(parsed(by_hotline("nobody"), Channel::Api).is_err());
    for reserved in [Channel::Hotline, Channel::Column] {
        assert!(parsed(Entrance::Board, reserved).is_err());
        // What an importer tells of earlier times is what was.
        let raw = Raw { channel: Some(reserved), occurred_at: Some(Some(now())), ..raw() };
        let draft = Draft::parse(&raw, &limits(), &directory(), now()).unwrap();
        assert_eq!(draft.channel, reserved);
    }
}

#[test]
fn a_message_of_a_consultation_is_a_suggestion_to_its_office_while_it_asks() {
    let kind = "suggestion".to_owned();
    let part = Raw { consultation_id: Uuid::nil().to_string(), kind, ..raw() };
    let of = |raw: &Raw, consultation: Consultation, at: Timestamp| {
        let consultations = [(Uuid::nil(), consultation)].into();
        let known = Directory { consultations, ..directory() };
        let parsed = Draft::parse(raw, &limits(), &known, at);
        parsed.map_err(|all| all.iter().map(|it| it.rule.reason()).collect::<Vec<_>>())
    };
    let begins = a_consultation().opens_at;
    let ends = a_consultation().closes_at;
    let moment = jiff::SignedDuration::from_micros(1);
    for at in [begins, now(), ends - moment] {
        let draft = of(&part, a_consultation(), at).unwrap();
        assert_eq!(draft.consultation_id, Some(Uuid::nil()));
    }
    for at in [begins - moment, ends] {
        assert_eq!(of(&part, a_consultation(), at), Err(vec!["CONSULTATION_CLOSED"]));
    }
    let shut = Consultation { open: false, ..a_consultation() };
    assert_eq!(of(&part, shut, now()), Err(vec!["CONSULTATION_CLOSED"]));
    let silent = Raw { domain: String::new(), ..part.clone() };
    assert_eq!(of(&silent, a_consultation(), now()).unwrap().domain, "7", "that of the question");
    let elsewhere = Consultation {
        office_id: "130000-s".to_owned(),
        domain: "6".to_owned(),
        ..a_consultation()
    };
    let asking = Raw { kind: "enquiry".to_owned(), ..part.clone() };
    let wrong = ["ONLY_SUGGESTIONS", "OFFICE_NOT_OF_CONSULTATION", "DOMAIN_NOT_OF_CONSULTATION"];
    assert_eq!(of(&asking, elsewhere, now()), Err(wrong.to_vec()));
    for unknown in ["x".to_owned(), Uuid::max().to_string()] {
        let unknown = Raw { consultation_id: unknown, ..part.clone() };
        assert_eq!(of(&unknown, a_consultation(), now()), Err(vec!["CONSULTATION_UNKNOWN"]));
    }
}
