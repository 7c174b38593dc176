//! The firewall's API key, in a type that cannot show it.

use std::{fmt, str::FromStr};

/// An API key of PAN-OS. Neither `Debug` nor `Display` shows it; [`ApiKey::expose`] is the only way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

/// A text that cannot be an API key. It does not repeat the text, which may be one with a slip in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Nothing but blanks.
    #[error("is empty: give the key that the firewall's `type=keygen` request returned")]
    Empty,
    /// Something that can be part of no HTTP header.
    #[error("holds blanks, control characters or letters beyond ASCII: a key is one line of base64")]
    Unsendable,
}

impl ApiKey {
    /// The key itself, for the header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Blanks around the key are no part of it: files and secrets tend to end with a line break.
impl FromStr for ApiKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let key = text.trim();
        if key.is_empty() {
            Err(NotAKey::Empty)
        } else if key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key.into()))
        } else {
            Err(NotAKey::Unsendable)
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_sendable_line_and_never_shown() {
        let key: ApiKey = " TFVSRT09a+/=\n".parse().unwrap();
        assert_eq!(key.expose(), "TFVSRT09a+/=");
        assert!(!format!("{key} {key:?} {:?}", Some(&key)).contains("TFV"));
        for (text, error) in [
            ("  \n", NotAKey::Empty),
            ("a b", NotAKey::Unsendable),
            ("a\r\nX-Evil: 1", NotAKey::Unsendable),
            ("schlüssel", NotAKey::Unsendable),
        ] {
            let refused = text.parse::<ApiKey>().unwrap_err();
            assert_eq!(refused, error);
            assert!(!refused.to_string().contains(text));
        }
    }
}
