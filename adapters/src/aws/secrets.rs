//! The firewall's API key out of Secrets Manager.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, config::Builder};

use drawbridge_core::command::{Failure, Trouble};

use super::failure::failure;
use crate::secret::{ApiKey, SecretArn};

const CALL: &str = "GetSecretValue";

/// Fetches the key. The secret's text is the key, or a JSON object whose member `api_key` is. The secret may lie in another
/// region than the instances.
///
/// # Errors
/// The call failed, or the secret holds no key.
pub async fn fetch_api_key(config: &SdkConfig, secret: &SecretArn) -> Result<ApiKey, Failure> {
    let region = aws_config::Region::new(secret.region().to_owned());
    let client = Client::from_conf(Builder::from(config).region(region).build());
    let held = client.get_secret_value().secret_id(secret.as_str()).send().await;
    let held = held.map_err(|error| with_the_keys_right(failure(CALL, &error)))?;
    let text = held.secret_string.ok_or_else(|| not_a_key("a binary secret: store the API key as text"))?;
    key_in(&text).ok_or_else(|| not_a_key("a secret without an API key: store the key itself, or JSON with `api_key`"))
}

/// Secrets Manager refuses in the same words what the secret's policies do not allow, and what those of its KMS key do not (AWS KMS
/// developer guide, "Authorizing use of the KMS key": the caller needs `kms:Decrypt` unless it is the AWS managed key).
fn with_the_keys_right(failure: Failure) -> Failure {
    match failure {
        Failure { lasting, what: Trouble::AwsDenied { call } } => {
            let call = format!("{call}` or, if the secret has a key of its own, `kms:Decrypt");
            Failure { lasting, what: Trouble::AwsDenied { call } }
        }
        failure => failure,
    }
}

fn key_in(text: &str) -> Option<ApiKey> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(members)) => members.get("api_key")?.as_str()?.parse().ok(),
        Ok(_) | Err(_) => text.parse().ok(),
    }
}

fn not_a_key(code: &str) -> Failure {
    Trouble::Aws { call: CALL.to_owned(), code: code.to_owned() }.permanent()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use expect_test::{Expect, expect};

    use super::*;
    use crate::aws::server::{Answer, Server};

    #[track_caller]
    fn check(status: u16, body: &'static str, expected: &Expect) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let server = Server::start(move |_| Answer::json(status, body)).await;
            let arn = "arn:aws:secretsmanager:eu-north-1:111122223333:secret:firewall/key-AbCdEf".parse().unwrap();
            let fetched = fetch_api_key(&server.sdk_config(), &arn).await;
            assert!(server.requests()[0].head.contains("/eu-north-1/secretsmanager/"));
            match fetched {
                Ok(key) => key.expose().to_owned(),
                Err(failure) => format!("{:?}: {}", failure.lasting, failure.what),
            }
        });
        expected.assert_eq(&said);
    }

    /// Everything that is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_logged() {
        let log = Log::default();
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || written.clone());
        tracing::subscriber::with_default(subscriber.finish(), || {
            check(
                200,
                r#"{"SecretString":"LUFRPT0=","VersionStages":1}"#,
                &expect!["Transient: AWS answered `GetSecretValue` with an answer that cannot be read"],
            );
        });
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let ours: Vec<_> = log.lines().filter(|line| line.contains(" drawbridge::")).collect();
        assert!(ours.iter().any(|line| line.contains("AWS call failed")), "{log}");
        assert!(!ours.iter().any(|line| line.contains("LUFRPT0")), "{ours:#?}");
    }

    #[test]
    fn keys_are_text_or_a_member_of_json() {
        check(200, r#"{"SecretString":"LUFRPT0=\n"}"#, &expect!["LUFRPT0="]);
        check(200, r#"{"SecretString":"{\"api_key\":\"LUFRPT0=\"}"}"#, &expect!["LUFRPT0="]);
        check(200, r#"{"SecretString":"12345"}"#, &expect!["12345"]);
        check(
            200,
            r#"{"SecretString":"{\"key\":\"LUFRPT0=\"}"}"#,
            &expect![
                "Permanent: AWS answered `GetSecretValue` with a secret without an API key: store the key itself, or JSON with `api_key`"
            ],
        );
        check(
            200,
            r#"{"SecretBinary":"AAAA"}"#,
            &expect!["Permanent: AWS answered `GetSecretValue` with a binary secret: store the API key as text"],
        );
        check(
            400,
            r#"{"__type":"AccessDeniedException"}"#,
            &expect![
                "Permanent: AWS refuses `GetSecretValue` or, if the secret has a key of its own, `kms:Decrypt`: allow it in the role's policy"
            ],
        );
        check(
            400,
            r#"{"__type":"ResourceNotFoundException"}"#,
            &expect![
                "Permanent: AWS answered `GetSecretValue` with ResourceNotFoundException: check `firewall.api_key_secret_arn`, with the six characters at its end, and the region"
            ],
        );
    }
}
