//! Whom the program believes that it is the firewall.

use std::fs;

use drawbridge::panos::tls::Fingerprint;
use drawbridge_simulator::http::tls::Identity;
use expect_test::expect;
use tempfile::NamedTempFile;

use crate::stage::Stage;

/// A firewall with a certificate that it made itself, as firewalls come.
async fn self_signed() -> (Stage, Identity) {
    let identity = Identity::self_signed(&["127.0.0.1"]).unwrap();
    (Stage::with_certificate(&identity).await.with_work(), identity)
}

fn fingerprint(identity: &Identity) -> String {
    Fingerprint::of(identity.certificate_der()).to_string()
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (stage, _) = self_signed().await;
    for arguments in [&["plan"][..], &["apply"]] {
        let said = stage.fails(arguments).await;
        assert!(
            said.ends_with(
                "the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`"
            ),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_one_certificate_that_is_pinned_is_believed() {
    let (stage, identity) = self_signed().await;
    let stage = stage.set("DRAWBRIDGE_FIREWALL_FINGERPRINT", &fingerprint(&identity));
    assert_eq!(stage.run(&["plan"]).await.status, Some(2));
    let other = Identity::self_signed(&["127.0.0.1"]).unwrap();
    let stage = stage.set("DRAWBRIDGE_FIREWALL_FINGERPRINT", &fingerprint(&other));
    expect!["the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`"]
        .assert_eq(&stage.fails(&["plan"]).await);
}

/// The units of a pair have one each.
#[tokio::test]
async fn several_certificates_may_be_pinned() {
    let (stage, identity) = self_signed().await;
    let other = Identity::self_signed(&["127.0.0.1"]).unwrap();
    let both = [fingerprint(&other), fingerprint(&identity)].join(",");
    assert_eq!(stage.set("DRAWBRIDGE_FIREWALL_FINGERPRINT", &both).run(&["plan"]).await.status, Some(2));
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused_whoever_vouches_for_it() {
    let identity = Identity::self_signed(&["other.example.com"]).unwrap();
    let stage = Stage::with_certificate(&identity).await.with_work();
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, identity.certificate_pem()).unwrap();
    let stage = stage.set("DRAWBRIDGE_FIREWALL_CA_FILE", file.path().to_str().unwrap());
    expect!["the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`"]
        .assert_eq(&stage.fails(&["plan"]).await);
}

#[tokio::test]
async fn a_certificate_that_a_file_vouches_for_is_believed() {
    let (stage, identity) = self_signed().await;
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, identity.certificate_pem()).unwrap();
    let stage = stage.set("DRAWBRIDGE_FIREWALL_CA_FILE", file.path().to_str().unwrap());
    assert_eq!(stage.run(&["apply"]).await.status, Some(0));
    let stage = stage.set("DRAWBRIDGE_FIREWALL_CA_FILE", "/nowhere/ca.pem");
    expect!["`firewall.ca_file`: `/nowhere/ca.pem` cannot be read: No such file or directory (os error 2)"]
        .assert_eq(&stage.fails(&["plan"]).await);
}

/// Who names a file believes nobody else, not even whom the system believes.
#[tokio::test]
async fn a_file_is_believed_in_place_of_the_system() {
    let (stage, identity) = self_signed().await;
    let (system, file) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
    fs::write(&system, identity.certificate_pem()).unwrap();
    let stage = stage.set("SSL_CERT_FILE", system.path().to_str().unwrap());
    assert_eq!(stage.run(&["plan"]).await.status, Some(2));
    fs::write(&file, Identity::self_signed(&["127.0.0.1"]).unwrap().certificate_pem()).unwrap();
    let stage = stage.set("DRAWBRIDGE_FIREWALL_CA_FILE", file.path().to_str().unwrap());
    expect!["the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`"]
        .assert_eq(&stage.fails(&["plan"]).await);
}

#[tokio::test]
async fn who_verifies_nothing_is_warned() {
    let (stage, _) = self_signed().await;
    let stage = stage.set("DRAWBRIDGE_FIREWALL_VERIFY", "false");
    let ended = stage.run(&["plan"]).await;
    assert_eq!(ended.status, Some(2), "{ended:#?}");
    expect!["WARN the firewall's certificate is not verified: whoever stands in between can read the API key; set `firewall.fingerprint`"].assert_eq(ended.stderr.trim());
}
