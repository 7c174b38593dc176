//! A configuration in a file, in the forms in which people have it: exported by the firewall (`<config>`), or as the XML API
//! answered (`<response>`), whole or in several parts.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{firewall::Configuration, id::AppName, service::L4};

use super::{
    applications::Catalogue,
    cursor::Cursor,
    objects::standard_ports,
    read::{Parts, Section},
    response::message,
    text::clean,
    xml::{Malformed, Nodes, Tag, parse},
    xpath::{DEVICE, Vsys},
};

/// Why a file is not the configuration of a firewall that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// There is nothing in it.
    #[error("it is empty: export the configuration again")]
    Empty,
    /// It is not XML, or not all of it.
    #[error("{0}: export the configuration again")]
    Malformed(#[from] Malformed),
    /// It is XML of another kind.
    #[error("`{0}` instead of `config`: it is no configuration of PAN-OS")]
    AnotherDocument(String),
    /// It is an answer of the XML API that refuses.
    #[error("it is a refusal of the firewall's (`{0}`): ask again for `/config`")]
    Refused(String),
    /// It is Panorama's.
    #[error(
        "it is the configuration of Panorama, not of a firewall: export that of the firewall that Panorama manages"
    )]
    Panorama,
    /// Another virtual system is asked for than there are.
    #[error("it has no virtual system `{}`: {}", .wanted.as_str(), remedy(.there))]
    NoVsys {
        /// Which one is asked for.
        wanted: Vsys,
        /// Which ones there are.
        there: BTreeSet<String>,
    },
}

fn remedy(there: &BTreeSet<String>) -> String {
    if there.is_empty() {
        return "export the whole configuration of the firewall".to_owned();
    }
    let names: Vec<_> = there.iter().map(|name| format!("`{name}`")).collect();
    format!("set `firewall.vsys` to one of {}", names.join(", "))
}

/// The configuration in the text of such a file, as one virtual system sees it.
///
/// # Errors
/// [`ExportError`] says what is wrong with it and what to do.
pub fn exported(text: &str, vsys: &Vsys) -> Result<Configuration, ExportError> {
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return Err(ExportError::Empty);
    }
    let mut cursor = Cursor::new(parse(text));
    let root = cursor.root()?;
    let mut export = Export::of(vsys);
    match root.name {
        "config" => export.parts(&mut cursor)?,
        "response" => match root.attribute("status").map(|status| &**status) {
            Some("success") => export.answer(&mut cursor)?,
            Some(_) | None => return Err(ExportError::Refused(message(&cursor.element(root)?))),
        },
        other => return Err(ExportError::AnotherDocument(clean(other))),
    }
    export.configuration()
}

/// What has been found in a file so far.
struct Export<'a, 'v> {
    wanted: &'v Vsys,
    own: Option<Section<'a>>,
    shared: Section<'a>,
    pushed: Section<'a>,
    /// Standard ports of applications that PAN-OS brings along; exports do not have them, answers may.
    predefined: BTreeMap<AppName, Option<Vec<L4>>>,
    vsys: BTreeSet<String>,
    manager: Manager,
}

/// Whose configuration it is.
#[derive(PartialEq, Eq)]
enum Manager {
    /// A firewall's, as far as can be seen.
    Firewall,
    /// One with device groups or templates in it.
    Panorama,
}

impl<'a, 'v> Export<'a, 'v> {
    fn of(wanted: &'v Vsys) -> Self {
        let (shared, pushed) = (Section::default(), Section::default());
        let (predefined, vsys) = (BTreeMap::new(), BTreeSet::new());
        Self { wanted, own: None, shared, pushed, predefined, vsys, manager: Manager::Firewall }
    }

    /// An answer of the XML API, the cursor standing in its `response` element.
    fn answer<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        cursor.children(|cursor, tag| match tag.name {
            "result" => cursor.children(|cursor, tag| match tag.name {
                "config" => self.parts(cursor),
                _ => self.part(&tag, cursor),
            }),
            _ => Ok(()),
        })
    }

    fn parts<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        cursor.children(|cursor, tag| self.part(&tag, cursor))
    }

    /// A child of `config`, or a virtual system by itself.
    fn part<N: Nodes<'a>>(&mut self, tag: &Tag<'a>, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        match tag.name {
            "shared" => self.shared = Section::read(cursor)?,
            "devices" => named_entry(cursor, DEVICE, |cursor| self.device(cursor))?,
            "vsys" => self.all_vsys(cursor)?,
            "entry" => self.vsys(tag.attribute("name").map_or("", |name| name), cursor)?,
            "panorama" => {
                let wanted = self.wanted.as_str();
                cursor.children(|cursor, tag| match tag.name {
                    "vsys" => named_entry(cursor, wanted, |cursor| {
                        self.pushed = Section::read(cursor)?;
                        Ok(())
                    }),
                    _ => Ok(()),
                })?;
            }
            "predefined" => cursor.children(|cursor, tag| match tag.name {
                "application" => self.applications(cursor),
                _ => Ok(()),
            })?,
            _ => {}
        }
        Ok(())
    }

    fn device<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        cursor.children(|cursor, tag| match tag.name {
            "vsys" => self.all_vsys(cursor),
            "device-group" | "template" | "template-stack" | "log-collector-group" => {
                self.manager = Manager::Panorama;
                Ok(())
            }
            _ => Ok(()),
        })
    }

    fn all_vsys<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        cursor.entries(|cursor, name| self.vsys(name, cursor))
    }

    fn vsys<N: Nodes<'a>>(&mut self, name: &str, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        if name == self.wanted.as_str() {
            self.own = Some(Section::read(cursor)?);
        }
        self.vsys.insert(clean(name));
        Ok(())
    }

    fn applications<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        cursor.entries(|cursor, name| {
            let ports = standard_ports(cursor)?;
            self.predefined.extend(name.parse().ok().map(|name: AppName| (name, ports)));
            Ok(())
        })
    }

    fn configuration(self) -> Result<Configuration, ExportError> {
        let Some(vsys) = self.own else {
            return Err(match self.manager {
                Manager::Panorama => ExportError::Panorama,
                Manager::Firewall => ExportError::NoVsys { wanted: self.wanted.clone(), there: self.vsys },
            });
        };
        let mut configuration = Parts { vsys, shared: self.shared, pushed: self.pushed }.resolve()?;
        Catalogue::of(self.predefined).complete(&mut configuration);
        Ok(configuration)
    }
}

fn named_entry<'a, N: Nodes<'a>>(
    cursor: &mut Cursor<'a, N>,
    wanted: &str,
    mut visit: impl FnMut(&mut Cursor<'a, N>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    cursor.entries(|cursor, name| if name == wanted { visit(cursor) } else { Ok(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(vsys: &[&str], rest: &str) -> String {
        let zone = |name: &&str| format!("<entry name='{name}'><zone><entry name='zone of {name}'/></zone></entry>");
        let vsys: String = vsys.iter().map(zone).collect();
        format!(
            "<config version='10.2.0' urldb='paloaltonetworks'><mgt-config><users><entry name='admin'/></users></mgt-config>\
             <shared><tag><entry name='everywhere'/></tag></shared><devices><entry name='localhost.localdomain'><network/>\
             <vsys>{vsys}</vsys></entry></devices>{rest}</config>"
        )
    }

    /// Zones and tags, or what is wrong.
    #[track_caller]
    fn check(text: &str, vsys: &str, expected: &str) {
        let said = match exported(text, &vsys.parse().unwrap()) {
            Ok(read) => {
                let zones = read.zones.iter().map(ToString::to_string);
                zones.chain(read.tags.keys().map(ToString::to_string)).collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn an_export_and_an_answer_say_the_same() {
        let export = configuration(
            &["vsys1", "vsys2"],
            "<panorama><vsys><entry name='vsys2'><tag><entry name='pushed'/></tag></entry></vsys></panorama>",
        );
        check(&export, "vsys1", "zone of vsys1, everywhere");
        check(&format!("\u{feff}<?xml version=\"1.0\"?>\n{export}\n"), "vsys2", "zone of vsys2, everywhere, pushed");
        check(
            &format!("<response status='success' code='19'><result total-count='1'>{export}</result></response>"),
            "vsys2",
            "zone of vsys2, everywhere, pushed",
        );
        let (_, parts) = export.split_once("</mgt-config>").unwrap();
        let parts = parts.strip_suffix("</config>").unwrap();
        check(
            &format!("<response status=\"success\"><result>{parts}</result></response>"),
            "vsys2",
            "zone of vsys2, everywhere, pushed",
        );
        let parts = "<entry name='vsys1'><zone><entry name='trust'/></zone></entry><shared><tag><entry name='aws'/></tag></shared>";
        check(&format!("<response status=\"success\"><result>{parts}</result></response>"), "vsys1", "trust, aws");
    }

    #[test]
    fn standard_ports_of_predefined_applications_are_taken_where_they_are_told() {
        let rule = "<rulebase><security><rules><entry name='r'><application><member>dns</member></application>\
                    <service><member>application-default</member></service><action>allow</action></entry></rules></security></rulebase>";
        let predefined = "<predefined><application><entry name='dns'><default><port><member>udp/53</member></port></default></entry>\
                          <entry name='ftp'><default><port><member>tcp/21</member></port></default></entry></application></predefined>";
        let text = format!(
            "<response status='success'><result><entry name='vsys1'>{rule}</entry>{predefined}</result></response>"
        );
        let read = exported(&text, &Vsys::default()).unwrap();
        let told: Vec<_> = read.standard_ports.iter().map(|(name, l4)| format!("{name} {}", l4[0])).collect();
        assert_eq!(told, ["dns udp 53"]);
    }

    #[test]
    fn what_is_no_configuration_of_a_firewall_is_named() {
        check(" \n\u{feff}", "vsys1", "it is empty: export the configuration again");
        check(
            "<config><devices><entry name='localhost",
            "vsys1",
            "the XML document ends early: export the configuration again",
        );
        check(
            "PK\u{3}\u{4}",
            "vsys1",
            "not well-formed XML (text instead of an element): export the configuration again",
        );
        check("<html><body/></html>", "vsys1", "`html` instead of `config`: it is no configuration of PAN-OS");
        check(
            "<response status='error' code='403'><result><msg>Invalid Credential</msg></result></response>",
            "vsys1",
            "it is a refusal of the firewall's (`Invalid Credential`): ask again for `/config`",
        );
        check(
            "<config><shared/></config>",
            "vsys1",
            "it has no virtual system `vsys1`: export the whole configuration of the firewall",
        );
        check(
            "<response status='success'><result/></response>",
            "vsys1",
            "it has no virtual system `vsys1`: export the whole configuration of the firewall",
        );
        check(
            &configuration(&["vsys1", "vsys3"], ""),
            "vsys2",
            "it has no virtual system `vsys2`: set `firewall.vsys` to one of `vsys1`, `vsys3`",
        );
        check(
            "<config><devices><entry name='localhost.localdomain'><device-group><entry name='edge'/></device-group>\
             <template><entry name='t'><config><devices><entry name='localhost.localdomain'><vsys><entry name='vsys1'/></vsys></entry></devices></config></entry></template>\
             </entry></devices><panorama/></config>",
            "vsys1",
            "it is the configuration of Panorama, not of a firewall: export that of the firewall that Panorama manages",
        );
    }
}
