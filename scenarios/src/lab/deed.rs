//! One deed of the story language, done in real time: what buttons do, and what somebody types.

use drawbridge_simulator::{
    firewall::Request,
    script::{Act, Deed, Scope, Script},
    world::{Performed, World},
    xml::Element,
};

use super::{
    Shared,
    drawbridge::News,
    hub::{Entry, Kind},
};

/// Does what a line says.
///
/// # Errors
/// What is wrong with it, and the remedy.
pub(super) fn perform(lab: &Shared, line: &str) -> Result<(), String> {
    for deed in read(line)? {
        perform_one(lab, &deed)?;
    }
    Ok(())
}

fn perform_one(lab: &Shared, deed: &Deed) -> Result<(), String> {
    match deed {
        Deed::Wait(_) => return Err("time is real here: nothing has to wait".to_owned()),
        Deed::Uninstall => {
            return Err("the firewall is a real one to the program: run `drawbridge uninstall` against it".to_owned());
        }
        Deed::Settled | Deed::Show(_) => return Err("the page shows that already; do something".to_owned()),
        Deed::Admin { name, act: Act::Commit(scope) } => return commit(&mut lab.world.lock(), name, *scope),
        Deed::Fault(_) | Deed::FailJob { .. } | Deed::Amid(_) => {
            lab.note(Entry::new(Kind::Fault, format!("armed: {deed}")));
        }
        Deed::Restart(_) | Deed::Ha(_) | Deed::TimeLimit(_) | Deed::Calm => {
            lab.note(Entry::new(Kind::Fault, deed.to_string()));
        }
        Deed::Call(_) | Deed::Deliver(_) | Deed::DeliverAgain | Deed::DeliverFile(_) | Deed::Notify(_) => {}
        Deed::StateChange { .. } | Deed::Apply(_) | Deed::Schedule | Deed::Admin { .. } => {}
    }
    let performed = lab.world.lock().perform(deed)?;
    match performed {
        Performed::Heard(event) => lab.hear(deed.to_string(), &event),
        Performed::Applied(limits) => {
            let _ = lab.news.send(News::look(&deed.to_string(), limits));
        }
        Performed::Done | Performed::Uninstalled | Performed::Asked(_) | Performed::Settled => {}
    }
    Ok(())
}

/// The deeds of one line.
fn read(line: &str) -> Result<Vec<Deed>, String> {
    let line = line.trim();
    if line.is_empty() || line.contains(['\n', '\r']) {
        return Err("give one line, such as `call StartInstances i-web-2`".to_owned());
    }
    let nothing = || format!("`{line}` is nothing that happens; try `call StartInstances i-web-2`");
    if line.starts_with('#') {
        return Err(nothing());
    }
    let script = Script::parse("line", &format!("{line}\n----\n")).map_err(|mistake| mistake.what)?;
    let deeds: Vec<_> = script.blocks.into_iter().flat_map(|block| block.deeds).map(|deed| deed.what).collect();
    if deeds.is_empty() { Err(nothing()) } else { Ok(deeds) }
}

/// An administrator asks for a commit, and does not wait for it: time is real.
fn commit(world: &mut World, admin: &str, scope: Scope) -> Result<(), String> {
    let Some(key) = world.firewall().key_of(admin) else {
        return Err(format!("there is no administrator `{admin}`"));
    };
    let members = Element::new("admin").with(Element::text("member", admin));
    let what = match scope {
        Scope::Own => Element::new("commit").with(Element::new("partial").with(members)),
        Scope::All => Element::new("commit"),
    };
    let parameters = [("type", "commit".to_owned()), ("cmd", what.to_string())];
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let answer = world.panos(&Request { parameters, key: Some(key), basic: None }).text();
    let answer = Element::parse(&answer).map_err(|malformed| malformed.to_string())?;
    if answer.attribute("status") == Some("success") {
        return Ok(());
    }
    Err(format!("the firewall refuses what `{admin}` wants: {}", words(&answer)))
}

/// All text of an answer.
fn words(element: &Element) -> String {
    let own = element.text.trim().to_owned();
    let parts = std::iter::once(own).chain(element.children.iter().map(words)).filter(|text| !text.is_empty());
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_deed_or_none() {
        assert_eq!(read(" call StartInstances i-1 ").unwrap()[0].to_string(), "call StartInstances i-1");
        for (line, why) in [
            ("", "give one line"),
            ("schedule\nschedule", "give one line"),
            ("cloud", "is nothing that happens"),
            ("# nothing", "is nothing that happens"),
            ("dance", "dance"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
