//! Names that stand for several things.

use super::*;

/// The local rule with these columns, and the same rule pushed, where a virtual system, shared, and Panorama have these
/// objects.
#[track_caller]
fn check(columns: &[(&str, &str)], [own, shared, pushed]: [&str; 3], expected: &str) {
    let rule = rule(columns);
    let pushed_rule = rule.replace("rulebase>", "pre-rulebase>");
    let read = configuration(
        &format!("{rule}{own}"),
        &format!(
            "<shared>{shared}</shared><panorama><vsys><entry name='vsys1'>{pushed}{pushed_rule}</entry></vsys></panorama>"
        ),
    );
    assert_eq!(read.rules.iter().map(line).collect::<Vec<_>>(), [expected, expected]);
}

fn address(name: &str, value: &str) -> String {
    format!("<address><entry name='{name}'><ip-netmask>{value}</ip-netmask></entry></address>")
}

fn group(name: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|member| format!("<member>{member}</member>")).collect();
    format!("<address-group><entry name='{name}'><static>{members}</static></entry></address-group>")
}

fn service(name: &str, port: &str) -> String {
    format!("<service><entry name='{name}'><protocol><tcp><port>{port}</port></tcp></protocol></entry></service>")
}

#[test]
fn what_panorama_means_in_another_way_can_mean_either() {
    let to_web = &[("destination", "web")][..];
    let [narrow, wide] = ["10.9.9.9", "10.0.0.0/8"].map(|value| address("web", value));
    let unknown = "Allow any>any any -> ? any any | address `web`";
    check(to_web, [&narrow, "", &wide], unknown);
    check(to_web, ["", &wide, &narrow], unknown);
    check(to_web, [&narrow, "", &group("web", &["10.9.9.9"])], unknown);
    // The same in all scopes means that.
    check(to_web, [&narrow, &narrow, &narrow], "Allow any>any any -> 10.9.9.9 any any | ");
    let members = [group("web", &["10.9.9.9", "10.9.9.8"]), group("web", &["10.9.9.8", "10.9.9.9"])];
    check(to_web, [&members[0], "", &members[1]], "Allow any>any any -> 10.9.9.8/31 any any | ");
    // A member of a group can be such a name.
    let same = group("all", &["web"]);
    check(
        &[("destination", "all")],
        [&format!("{same}{narrow}"), "", &format!("{same}{wide}")],
        "Allow any>any any -> ? any any | address `web`",
    );
    // Without Panorama a virtual system's own wins.
    check(to_web, [&narrow, &wide, ""], "Allow any>any any -> 10.9.9.9 any any | ");
}

#[test]
fn services_and_applications_of_panorama_too() {
    let [https, other] = ["443", "81"].map(|port| service("web", port));
    let by_web = &[("service", "web")][..];
    check(by_web, [&other, "", &https], "Allow any>any any -> any any ? | service `web`");
    check(by_web, [&https, "", &https], "Allow any>any any -> any any tcp 443 | ");
    let apps = |members: &str| {
        format!(
            "<application-group><entry name='web'><members><member>{members}</member></members></entry></application-group>"
        )
    };
    let as_web = &[("application", "web")][..];
    check(as_web, [&apps("ssl"), "", &apps("ssh")], "Allow any>any any -> any ? any | application `web`");
    check(as_web, [&apps("ssl"), "", &apps("ssl")], "Allow any>any any -> any ssl any | ");
}

/// A rule of ours gets another object then: nobody takes this one for what it says.
#[test]
fn a_service_that_panorama_means_in_another_way_is_listed_without_ports() {
    let tag = "<tag><member>aws</member></tag></entry></service>";
    let own = service("tcp_81", "81").replace("</entry></service>", tag);
    let listed = |pushed: &str| {
        let panorama = format!("<panorama><vsys><entry name='vsys1'>{pushed}</entry></vsys></panorama>");
        let read = configuration(&own, &panorama);
        let facts = &read.services[&"tcp_81".parse().unwrap()];
        (facts.l4.len(), facts.tags.len())
    };
    assert_eq!(listed(""), (1, 1));
    assert_eq!(listed(&service("tcp_81", "81")), (1, 1));
    assert_eq!(listed(&service("tcp_81", "443")), (0, 1));
}

#[test]
fn a_region_and_an_address_of_one_name_can_mean_either() {
    let region = "<region><entry name='home'><address><member>192.0.2.0/24</member></address></entry></region>";
    let home = address("home", "0.0.0.0/0");
    let from_home = &[("source", "home")][..];
    let unknown = "Allow any>any ? -> any any any | address `home`";
    check(from_home, [&format!("{region}{home}"), "", ""], unknown);
    check(from_home, [&format!("{home}{region}"), "", ""], unknown);
    check(from_home, [&home, region, ""], unknown);
    check(from_home, [region, &home, ""], unknown);
    let italy = address("IT", "0.0.0.0/0");
    check(&[("source", "IT")], [&italy, "", ""], "Allow any>any ? -> any any any | address `IT`");
    // A data centre is none.
    let centre = address("DC", "10.9.9.9");
    check(&[("source", "DC")], [&centre, "", ""], "Allow any>any 10.9.9.9 -> any any any | ");
    let italy = group("IT", &["10.9.9.9"]);
    check(&[("source", "IT")], [&italy, "", ""], "Allow any>any ? -> any any any | address `IT`");
}
