//! The public key of tokens, as others read it: a JSON Web Key Set.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// The set of one Ed25519 key (RFC 7517, RFC 8037); `x` is the public key in base64url.
pub fn set(x: &str) -> String {
    let key = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": x,
        "kid": thumbprint(x),
        "use": "sig",
        "alg": "EdDSA",
    });
    json!({ "keys": [key] }).to_string()
}

/// The key's fingerprint: SHA-256 over its required members in the order of their names, without
/// spaces (RFC 7638, RFC 8037 appendix A.3).
pub fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.2 and A.3.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        assert_eq!(thumbprint(X), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_set_has_one_key_to_check_signatures_with() {
        let set: serde_json::Value = serde_json::from_str(&set(X)).unwrap();
        assert_eq!(set["keys"].as_array().unwrap().len(), 1);
        assert_eq!(set["keys"][0]["x"], X);
        assert_eq!(set["keys"][0]["use"], "sig");
        assert_eq!(set["keys"][0].get("d"), None);
    }
}
