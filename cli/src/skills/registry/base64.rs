//! Base64 with padding, as signatures and Docker's credentials are written. Strict: one text for each value.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |n, i| {
            n << 8 | u32::from(*chunk.get(i).unwrap_or(&0))
        });
        for place in 0..4 {
            let six = (number >> (18 - 6 * place)) as usize & 0x3f;
            out.push(if place <= chunk.len() {
                char::from(ALPHABET[six])
            } else {
                '='
            });
        }
    }
    out
}

/// `None` for anything that `encode` would not have written.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut number = 0_u32;
        for place in 0..4 {
            let six = match chunk.get(place) {
                Some(byte) => ALPHABET.iter().position(|known| known == byte)?,
                None => 0,
            };
            number = number << 6 | u32::try_from(six).ok()?;
        }
        let bytes = [(number >> 16) as u8, (number >> 8) as u8, number as u8];
        out.extend(bytes.iter().take(chunk.len().checked_sub(1)?));
    }
    // Padding, and bits that stand for nothing.
    (encode(&out) == text).then_some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)).unwrap(), all);
    }

    #[test]
    fn each_value_has_one_text() {
        for text in [
            "Zg", "Zg=", "Zh==", "Zg===", "Z", "Zm9v\n", " Zm9v", "Zm9-", "====", "Zm9vZ===", "é",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
