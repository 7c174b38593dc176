use super::*;

fn nat(name: &str) -> String {
    format!("{VSYS}/rulebase/nat/rules/entry[@name='{name}']")
}

/// The content of a rule that leads what comes to `destination` on to `translated`.
fn leads(destination: &str, service: &str, translated: &str) -> String {
    format!(
        "<from><member>untrust</member></from><to><member>untrust</member></to><source><member>any</member></source>\
         <destination><member>{destination}</member></destination><service>{service}</service><nat-type>ipv4</nat-type>\
         <destination-translation>{translated}</destination-translation>"
    )
}

fn to(address: &str, port: &str) -> String {
    format!("<translated-address>{address}</translated-address><translated-port>{port}</translated-port>")
}

/// A firewall with an address object `web` and a committed NAT rule `in` that names it.
fn story() -> Story {
    let mut story = Story::new();
    let web = "<entry name='web'><ip-netmask>10.0.1.10</ip-netmask></entry>";
    assert_eq!(story.set("alice", &format!("{VSYS}/address"), web), SUCCEEDED);
    assert_eq!(story.set("alice", &nat("in"), &leads("203.0.113.7", "tcp_80", &to("web", "8080"))), SUCCEEDED);
    story.commit_own("alice");
    story
}

#[test]
fn nat_rules_are_kept_committed_and_shown() {
    let mut story = story();
    let shown = story.show(&nat("in"));
    assert!(shown.contains("<entry name=\"in\" uuid=") && shown.contains(&to("web", "8080")), "{shown}");
    assert!(story.show(VSYS).contains(&to("web", "8080")));

    assert_eq!(story.delete("alice", &nat("in")), SUCCEEDED);
    assert!(story.show(&nat("in")).contains("web") && !story.get(&nat("in")).contains("web"));
    story.commit_own("alice");
    assert!(story.show(&nat("in")).contains("No such node"));
}

#[track_caller]
fn check_refused(content: &str, line: &str) {
    let mut story = Story::new();
    let answer = story.set("alice", &nat("n"), content);
    assert!(
        answer.starts_with("<response status=\"error\" code=\"12\">") && answer.contains(line),
        "{answer}\nlacks {line}"
    );
    assert!(!story.get(&nat("n")).contains("entry"));
}

#[test]
fn what_a_nat_rule_names_must_be_there() {
    let whole = leads("any", "any", &to("10.0.1.10", "80"));
    check_refused(&whole.replace("untrust", "nowhere"), " n -&gt; from 'nowhere' is not a valid reference");
    check_refused(
        &leads("nobody", "any", &to("10.0.1.10", "80")),
        " n -&gt; destination 'nobody' is not a valid reference",
    );
    check_refused(
        &leads("any", "nothing", &to("10.0.1.10", "80")),
        " n -&gt; service 'nothing' is not a valid reference",
    );
    check_refused(
        &leads("any", "any", &to("nobody", "80")),
        " n -&gt; destination-translation -&gt; translated-address 'nobody' is not a valid reference",
    );
    check_refused(
        "<source-translation><static-ip><translated-address>nobody</translated-address></static-ip></source-translation>",
        " n -&gt; source-translation -&gt; static-ip -&gt; translated-address 'nobody' is not a valid reference",
    );
}

#[test]
fn nat_rules_keep_to_their_form() {
    check_refused(&leads("any", "any", &to("10.0.1.10", "80-81")), "translated-port '80-81' is invalid");
    check_refused(
        &leads("any", "any", &to("10.0.1.10", "0")),
        "translated-port 0 should be equal to or between 1 and 65535",
    );
    check_refused("<nat-type>nat46</nat-type>", " n -&gt; nat-type 'nat46' is not an allowed keyword");
    check_refused("<weather>fair</weather>", " n -&gt; weather unexpected here");

    let mut story = Story::new();
    assert_eq!(story.set("alice", &nat("half"), "<service>any</service>"), SUCCEEDED);
    let answer = story.commit_own("alice");
    assert!(answer.contains("enqueued"), "{answer}");
    let job = story.op("alice", "<show><jobs><all/></jobs></show>");
    assert!(job.contains("half is missing 'from'") || job.contains("half is missing &apos;from&apos;"), "{job}");
}

#[test]
fn what_nat_rules_name_is_not_deleted() {
    let mut story = story();
    for (object, place) in [
        (format!("{VSYS}/address/entry[@name='web']"), "in -&gt; destination-translation -&gt; translated-address"),
        (format!("{VSYS}/service/entry[@name='tcp_80']"), "in -&gt; service"),
        (format!("{VSYS}/zone/entry[@name='untrust']"), "in -&gt; from"),
    ] {
        let answer = story.delete("alice", &object);
        assert!(
            answer.contains("code=\"10\"") && answer.contains(&format!("nat -&gt; rules -&gt; {place}")),
            "{answer}"
        );
    }
}
