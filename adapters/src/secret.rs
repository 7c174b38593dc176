//! The firewall's API key, in a type that cannot show it, and where it may come from.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// An API key of PAN-OS. Neither `Debug` nor `Display` shows it; [`ApiKey::expose`] is the only way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

/// A text that cannot be an API key. It does not repeat the text, which may be one with a slip in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Nothing but blanks.
    #[error("it is empty: give the key that the firewall's `type=keygen` request returned")]
    Empty,
    /// Something that can be part of no HTTP header.
    #[error("it holds blanks, control characters or letters beyond ASCII: a key is one line of base64")]
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

/// Where the key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The settings themselves.
    Given(ApiKey),
    /// A file.
    File(PathBuf),
    /// AWS Secrets Manager.
    Secret(SecretArn),
}

/// Keys of PAN-OS are longer than this.
const KEY_LENGTH_MIN: usize = 40;

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("cannot read the API key from {path}: {source}; check `firewall.api_key_file`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It holds no key.
    #[error("{path} holds no API key: {source}")]
    NotAKey {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: NotAKey,
    },
}

impl ApiKey {
    /// Reads the key from a file that holds nothing else.
    ///
    /// # Errors
    /// [`KeyFileError`] names the file, never what it holds.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let name = || {
            // Who mistakes one setting for the other gives the key itself.
            let is_shown = path.is_absolute() || path.as_os_str().len() < KEY_LENGTH_MIN;
            if is_shown {
                format!("`{}`", path.display())
            } else {
                "a file of a long name (not repeated, it may be the key)".to_owned()
            }
        };
        let text = fs::read_to_string(path).map_err(|source| KeyFileError::Read { path: name(), source })?;
        text.parse().map_err(|source| KeyFileError::NotAKey { path: name(), source })
    }
}

/// A secret of AWS Secrets Manager: `arn:aws:secretsmanager:<region>:<account>:secret:<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretArn {
    arn: Box<str>,
    region: Box<str>,
}

/// A text that is no ARN of a secret. It does not repeat the text, which may be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not the ARN of a secret (`arn:aws:secretsmanager:<region>:<account>:secret:<name>`)")]
pub struct NotASecretArn;

impl SecretArn {
    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// The region where the secret lies.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl FromStr for SecretArn {
    type Err = NotASecretArn;

    fn from_str(text: &str) -> Result<Self, NotASecretArn> {
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "secretsmanager", region, _, "secret", name, ..] if !region.is_empty() && !name.is_empty() => {
                Ok(Self { arn: text.into(), region: (*region).into() })
            }
            _ => Err(NotASecretArn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_end_with_a_line_break_and_its_content_is_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "LUFRPT0=\n").unwrap();
        assert_eq!(ApiKey::from_file(file.path()).unwrap().expose(), "LUFRPT0=");
        fs::write(&file, "hunter 2").unwrap();
        assert!(!ApiKey::from_file(file.path()).unwrap_err().to_string().contains("hunter"));
        let said = |path: &str| ApiKey::from_file(Path::new(path)).unwrap_err().to_string();
        assert!(said("/nowhere/key").contains("`/nowhere/key`") && said("nowhere.key").contains("`nowhere.key`"));
        assert!(!said(&"LUFRPT1".repeat(20)).contains("LUFRPT1"));
    }

    #[test]
    fn a_secret_is_named_by_its_arn() {
        let arn: SecretArn =
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:firewall/key-AbCdEf".parse().unwrap();
        assert_eq!(arn.region(), "eu-west-1");
        for text in
            ["firewall/key", "arn:aws:ssm:eu-west-1:111122223333:parameter/key", "arn:aws:secretsmanager::1:secret:k"]
        {
            assert!(text.parse::<SecretArn>().is_err(), "{text}");
        }
    }

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
