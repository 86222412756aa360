//! Tokens: what stands in the place of a sealed value. `sealed:`, the class, `:` and 128 bits that only the run's key makes.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// How a token begins.
const HEAD: &str = "sealed:";

/// Characters of the last part: 128 bits, five a character.
const LENGTH: usize = 26;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What only this run knows.
pub(super) struct Key([u8; 32]);

impl Key {
    /// A fresh one, from the operating system.
    ///
    /// # Errors
    /// When it has none to give.
    pub(super) fn random() -> std::io::Result<Key> {
        let mut key = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut key)
            .map_err(|_| std::io::Error::other("the operating system gives no random bytes"))?;
        Ok(Key(key))
    }

    /// The token of a value: of its class, its kind (a text and a number are not the same) and its text.
    pub(super) fn token(&self, class: &str, kind: u8, text: &str) -> String {
        // No class holds a zero byte, so no two triples are written alike.
        let code = hmac(&self.0, &[class.as_bytes(), &[0, kind], text.as_bytes()]);
        let mut token = format!("{HEAD}{class}:");
        let (mut bits, mut held) = (0u32, 0);
        for byte in &code[..16] {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                token.push(letter(bits >> held));
            }
        }
        token.push(letter(bits << (5 - held)));
        token
    }
}

fn letter(five: u32) -> char {
    char::from(ALPHABET[(five & 31) as usize])
}

/// HMAC of RFC 2104 with SHA-256; keys are no longer than a block.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let mut inner = Sha256::new();
    inner.update(padded(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(padded(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// Whether a class may have that character.
pub(super) fn in_class(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// The end of what looks like a token and begins here.
fn end(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(HEAD)?.as_bytes();
    let class = rest.iter().take(33).take_while(|b| in_class(**b)).count();
    let code = rest.get(class + 1..class + 1 + LENGTH)?;
    let fits = (1..=32).contains(&class)
        && rest[class] == b':'
        && code.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    fits.then_some(HEAD.len() + class + 1 + LENGTH)
}

/// Whether the whole text looks like a token, of this run or not.
pub(super) fn looks_like(text: &str) -> bool {
    end(text) == Some(text.len())
}

/// Where in a text something looks like a token.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(HEAD)
        .filter_map(|(start, _)| Some(start..start + end(&text[start..])?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_rfc() {
        // RFC 4231, cases 1 and 2.
        let hex = |bytes: [u8; 32]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            hex(hmac(&[0x0b; 20], &[b"Hi There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_token_is_recognised_whole_and_within() {
        let key = Key::random().unwrap();
        let token = key.token("email", b's', "a@b.de");
        assert_eq!(token.len(), "sealed:email:".len() + 26);
        assert!(looks_like(&token));
        let text = format!("<{token}>{token}");
        let found: Vec<_> = in_text(&text).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(&text[found[1].clone()], token);
        for other in [
            "sealed:",
            "sealed:email:abc",
            "sealed:Email:aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "sealed::aaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(!looks_like(other), "{other}");
        }
    }
}
