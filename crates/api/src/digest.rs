//! Content digests: SHA-256 over canonical bytes.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Lower-case hex of the SHA-256 of `bytes`, without a prefix.
pub fn hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `sha256:<hex>` of `bytes`.
pub fn of_bytes(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// `sha256:<hex>` of a JSON value in canonical form: sorted keys, no whitespace.
pub fn of_json(value: &Value) -> String {
    of_bytes(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the API reference, section 7.4.
    #[test]
    fn digests_match_the_reference() {
        assert_eq!(
            of_bytes(b"not-tested\n"),
            "sha256:87d44d7049a641ab2a679409d36a87450c5197849e2b0515b8838c53f4db541b"
        );
    }

    #[test]
    fn key_order_does_not_change_a_digest() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a":[1,2]}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a":[1,2],"b":1}"#).unwrap();
        assert_eq!(of_json(&one), of_json(&two));
    }
}
