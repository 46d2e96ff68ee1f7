use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use uuid::Uuid;

use super::*;
use crate::domain::{number::Number, receipt::statement};

fn kept() -> Kept {
    let facts = Facts {
        board: "liuyan",
        message_id: Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001),
        number: Number::from_bits(0x0123_4567_89AB_CDEF),
        office_id: "110000-s",
        submitted_at: Timestamp::from_microsecond(1_732_000_000_120_000).unwrap(),
        occurred_at: None,
        content_hash: [5; 32],
    };
    Kept {
        statement: statement(&facts).into_bytes(),
        salt: [6; 32],
        key_id: "0123456789abcdef".to_owned(),
        signature: [7; 64],
    }
}

fn json() -> serde_json::Value {
    let kept = kept();
    serde_json::json!({
        "messageId": "01920000-0000-7000-8000-000000000001",
        "number": "28T5-CY4T-QKFF-4",
        "officeId": "110000-s",
        "submittedAt": "2024-11-19T07:06:40.12Z",
        "contentHash": STANDARD.encode([5; 32]),
        "salt": STANDARD.encode(kept.salt),
        "statement": STANDARD.encode(&kept.statement),
        "keyId": kept.key_id,
        "signature": STANDARD.encode(kept.signature),
        "leafHash": STANDARD.encode(kept.leaf_hash()),
    })
}

#[test]
fn a_receipt_is_read_however_a_machine_kept_it() {
    let text = kept().to_string();
    for written in [
        text.clone(),
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n"),
        format!("\u{FEFF}{text}"),
        json().to_string(),
        serde_json::to_string_pretty(&json()).unwrap(),
    ] {
        assert_eq!(Kept::parse(written.as_bytes()), Ok(kept()), "{written}");
    }
}

#[test]
fn what_was_changed_is_no_receipt_any_more() {
    let text = kept().to_string();
    for (from, to, fault) in [
        ("2024-11-19", "2024-11-9", Fault::Statement),
        ("board: liuyan\n", "", Fault::Statement),
        ("salt: 06", "salt: 07", Fault::Contradiction("leaf")),
        ("office: 110000-s", "office: 120000-s", Fault::Contradiction("leaf")),
        ("salt: 0606", "salt: 06", Fault::Form),
        ("salt", "Salt", Fault::Form),
        ("\n\n", "\n", Fault::Form),
        ("signature: ", "signature:  ", Fault::Form),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_eq!(Kept::parse(changed.as_bytes()), Err(fault), "{changed}");
    }
    assert_eq!(Kept::parse(format!("{text}more\n").as_bytes()), Err(Fault::Form));
    assert_eq!(Kept::parse(&[0xFF]), Err(Fault::NoText));
    assert_eq!(Kept::parse(&[b'a'; 20_000]), Err(Fault::TooLong));
}

#[test]
fn what_stands_in_clear_beside_the_statement_must_be_what_is_signed() {
    for (field, value) in [
        ("number", "28T5-CY4T-QKFF-5"),
        ("officeId", "120000-s"),
        ("submittedAt", "2024-11-18T07:06:40.12Z"),
        ("occurredAt", "2024-11-18T07:06:40.12Z"),
        ("messageId", "01920000-0000-7000-8000-000000000002"),
        ("contentHash", "AAAA"),
        ("leafHash", "AAAA"),
    ] {
        let mut changed = json();
        changed[field] = value.into();
        let refused = Kept::parse(changed.to_string().as_bytes());
        assert_eq!(refused, Err(Fault::Contradiction(field)));
    }
    let mut more = json();
    more["remark"] = "paid".into();
    assert_eq!(Kept::parse(more.to_string().as_bytes()), Err(Fault::Form));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Kept::parse(&bytes).is_err());
    }

    #[test]
    fn one_wrong_byte_never_gives_another_receipt(at in 0_usize..600, byte in any::<u8>()) {
        let mut bytes = kept().to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Kept::parse(&bytes) {
            // The statement is bound by the leaf; what is left is bound by the signature.
            prop_assert_eq!(&read.statement, &kept().statement);
            prop_assert_eq!(read.salt, kept().salt);
        }
    }

    #[test]
    fn what_is_read_is_written_as_it_was(
        salt in any::<[u8; 32]>(), half in any::<[u8; 32]>(), key_id in "[0-9a-f]{16}",
    ) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&half);
        let one = Kept { salt, key_id, signature, ..kept() };
        prop_assert_eq!(Kept::parse(one.to_string().as_bytes()), Ok(one));
    }
}
