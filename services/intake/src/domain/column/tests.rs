use super::*;

fn directory() -> Directory {
    Directory {
        offices: [("110000-s".to_owned(), true)].into(),
        domains: ["7".to_owned()].into(),
        loaded: true,
        ..Directory::default()
    }
}

fn raw() -> RawColumn {
    RawColumn {
        column_id: "lan-jiang".to_owned(),
        name: "Letters".to_owned(),
        agency_id: "province".to_owned(),
        default_office_id: "110000-s".to_owned(),
        domains: vec!["7".to_owned()],
        origins: vec!["https://www.example.org".to_owned()],
        daily_quota: 100,
        minute_quota: 10,
        collated: false,
        open: true,
    }
}

fn fields(breaches: &[Breach]) -> Vec<&'static str> {
    breaches.iter().map(|breach| breach.field).collect()
}

#[test]
fn everything_that_is_wrong_with_a_column_is_told_at_once() {
    let now = Timestamp::UNIX_EPOCH;
    assert!(Column::make(&raw(), &directory(), Uuid::nil(), now).is_ok());
    let broken = RawColumn {
        column_id: "No".to_owned(),
        default_office_id: "nowhere".to_owned(),
        domains: vec!["99".to_owned()],
        origins: vec!["http://www.example.org".to_owned()],
        ..RawColumn::default()
    };
    let breaches = Column::make(&broken, &directory(), Uuid::nil(), now).unwrap_err();
    let expected = [
        "column.column_id",
        "column.name",
        "column.agency_id",
        "column.default_office_id",
        "column.domains",
        "column.origins",
        "column.daily_quota",
        "column.minute_quota",
    ];
    assert_eq!(fields(&breaches), expected);
}

#[test]
fn only_what_is_named_changes() {
    let now = Timestamp::UNIX_EPOCH;
    let column = Column::make(&raw(), &directory(), Uuid::nil(), now).unwrap();
    let wish = RawColumn { daily_quota: 7, open: false, ..RawColumn::default() };
    let paths = ["open".to_owned(), "daily_quota".to_owned()];
    let changed = column.changed(wish, &paths, &directory(), now).unwrap();
    assert_eq!((changed.daily_quota, changed.open, changed.version), (7, false, 2));
    assert_eq!(changed.name, column.name);
    let unknown = ["column_id".to_owned()];
    let refused = column.changed(raw(), &unknown, &directory(), now).unwrap_err();
    assert_eq!(fields(&refused), ["update_mask"]);
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    for good in ["https://a.example", "https://a.example:8443", "http://localhost:3000"] {
        assert!(is_origin(good), "{good}");
    }
    for bad in [
        "",
        "https://",
        "a.example",
        "https://a.example/",
        "https://A.example",
        "https://a:0",
        "https://a:x",
        "http://a.example",
        "https://a b",
        "https://*",
    ] {
        assert!(!is_origin(bad), "{bad}");
    }
}

#[test]
fn the_day_ends_at_midnight_in_china() {
    let at = |text: &str| until_tomorrow(text.parse().unwrap()).as_secs();
    assert_eq!(at("2026-01-01T15:59:59Z"), 1);
    assert_eq!(at("2026-01-01T16:00:00Z"), 86_400);
}

#[test]
fn a_token_goes_on_with_its_own_column_only() {
    let token = follow_token("one", 7);
    assert_eq!(read_follow_token("one", &token), Some(7));
    for (column, token) in [("two", token.as_str()), ("one", "00"), ("one", "")] {
        assert_eq!(read_follow_token(column, token), None);
    }
    let token = list_token("Letters", "lan-jiang");
    assert_eq!(read_list_token(&token), Some(("Letters".to_owned(), "lan-jiang".to_owned())));
    assert_eq!(read_list_token("zz"), None);
}
