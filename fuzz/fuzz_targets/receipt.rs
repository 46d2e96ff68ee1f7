//! The parser of receipts and that of proofs take whatever a stranger sends; what they read they
//! write again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use liuyan_intake::domain::{log::proof::Proof, receipt::file::Kept};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(kept) = Kept::parse(bytes) {
        assert_eq!(Kept::parse(kept.to_string().as_bytes()), Ok(kept));
    }
    if let Some(proof) = std::str::from_utf8(bytes).ok().and_then(|text| Proof::parse(text).ok()) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
});
