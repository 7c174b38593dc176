use super::*;

/// A firewall that Panorama manages: rules of its own between pushed ones, and names that mean different things.
const MANAGED: &str = "
    <config>
      <shared>
        <address><entry name='web'><ip-netmask>10.0.0.7</ip-netmask></entry></address>
        <address-group><entry name='shared webs'><static><member>web</member></static></entry></address-group>
      </shared>
      <devices><entry name='localhost.localdomain'><vsys><entry name='vsys1'>
        <zone><entry name='untrust'/><entry name='trust'/></zone>
        <address><entry name='web'><ip-netmask>10.0.0.8</ip-netmask></entry></address>
        <address-group>
          <entry name='circle'><static><member>back</member></static></entry>
          <entry name='back'><static><member>circle</member><member>10.0.0.5</member></static></entry>
        </address-group>
        <external-list><entry name='10.0.0.6'><type><ip/></type></entry></external-list>
        <application><entry name='own'><default><port><member>tcp/7000</member></port></default></entry></application>
        <rulebase><security><rules>RULES</rules></security></rulebase>
      </entry></vsys></entry></devices>
      <panorama><vsys><entry name='vsys1'>
        <address><entry name='pushed web'><ip-range>10.0.0.20-10.0.0.29</ip-range></entry><entry name='web'><ip-netmask>10.0.0.9</ip-netmask></entry></address>
        <pre-rulebase><security><rules>PRE</rules></security></pre-rulebase>
        <post-rulebase><security><rules>POST</rules></security></post-rulebase>
      </entry></vsys></panorama>
    </config>";

fn entry(name: &str, destination: &str, more: &str) -> String {
    let any = |column: &str| format!("<{column}><member>any</member></{column}>");
    let columns: String = ["from", "to", "source", "application", "service"]
        .into_iter()
        .filter(|column| !more.contains(&format!("<{column}>")))
        .map(any)
        .collect();
    format!(
        "<entry name='{name}'>{columns}<destination><member>{destination}</member></destination><action>allow</action>{more}</entry>"
    )
}

fn managed(pre: &str, own: &str, post: &str) -> Firewall {
    let config = MANAGED.replace("PRE", pre).replace("RULES", own).replace("POST", post);
    Firewall::running_configuration(&config).unwrap()
}

/// The first rule that a packet of application `own` to this address meets.
#[track_caller]
fn check(firewall: &mut Firewall, zones: (&str, &str), destination: &str, port: u16, expected: &str) {
    let (from, to) = zones;
    let command = format!(
        "<test><security-policy-match><from>{from}</from><to>{to}</to><source>198.51.100.7</source>\
         <destination>{destination}</destination><protocol>6</protocol><destination-port>{port}</destination-port>\
         <application>own</application></security-policy-match></test>"
    );
    let answer = firewall.as_admin("admin", &[("type", "op"), ("cmd", &command)], Moment::default()).text();
    let met = answer.split("<entry name=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(met.unwrap_or("none"), expected, "{answer}");
}

const IN: (&str, &str) = ("untrust", "trust");

#[test]
fn pushed_rules_stand_around_the_local_ones_and_look_at_home_first() {
    let mut firewall = managed(
        &entry("pre", "web", ""),
        &(entry("own", "web", "") + &entry("uses pushed", "pushed web", "")),
        &entry("post", "10.0.0.0/24", ""),
    );
    check(&mut firewall, IN, "10.0.0.9", 443, "pre");
    check(&mut firewall, IN, "10.0.0.8", 443, "own");
    check(&mut firewall, IN, "10.0.0.25", 443, "uses pushed");
    check(&mut firewall, IN, "10.0.0.7", 443, "post");
    check(&mut firewall, IN, "10.0.1.7", 443, "none");
}

#[test]
fn a_shared_group_means_what_is_shared() {
    let mut firewall = managed("", &entry("own", "shared webs", ""), "");
    check(&mut firewall, IN, "10.0.0.7", 443, "own");
    check(&mut firewall, IN, "10.0.0.8", 443, "none");
}

#[test]
fn groups_within_each_other_end_and_lists_may_be_named_like_addresses() {
    let mut firewall = managed("", &(entry("circle", "circle", "") + &entry("list", "10.0.0.6", "")), "");
    check(&mut firewall, IN, "10.0.0.5", 443, "circle");
    check(&mut firewall, IN, "10.0.0.6", 443, "none");
}

#[test]
fn an_intrazone_rule_has_no_destination_zones_of_its_own() {
    let zones = "<from><member>untrust</member></from><to><member>trust</member></to><rule-type>intrazone</rule-type>";
    let mut firewall = managed("", &entry("within", "any", zones), "");
    check(&mut firewall, ("untrust", "untrust"), "10.0.0.5", 443, "within");
    check(&mut firewall, IN, "10.0.0.5", 443, "none");
}

#[test]
fn application_default_knows_custom_applications() {
    let service = "<service><member>application-default</member></service>";
    let mut firewall = managed("", &entry("default", "any", service), "");
    check(&mut firewall, IN, "10.0.0.5", 7000, "default");
    check(&mut firewall, IN, "10.0.0.5", 7001, "none");
}

#[test]
fn what_no_firewall_would_commit_is_not_loaded() {
    let told = |config: &str| Firewall::running_configuration(config).unwrap_err().to_string();
    assert!(told("<config").starts_with("cannot load configuration at `/config`: not well-formed XML"));
    assert!(told("<response/>").ends_with("`response` instead of `config`"));
    let unknown = MANAGED.replace("RULES", &entry("own", "nobody", "")).replace("PRE", "").replace("POST", "");
    assert!(told(&unknown).contains("'nobody' is not a valid reference"));
    let rules = managed("", &entry("own", "web", ""), "").running().to_string();
    assert!(rules.contains("<entry name=\"own\" uuid=\""), "{rules}");
}
