//! Whether what `scope` names is there. A name that is misspelt leaves everything out, and rules of ours go as if nobody
//! wanted them any more.

use drawbridge_core::{
    config::{Config, InstanceTag, Scope},
    inventory::Inventory,
};

use super::Report;

const SCOPE: &str = "scope";

/// Each name by itself; nothing where the settings do not limit what counts.
pub(super) fn check(config: &Config, inventory: &Inventory, report: &mut Report) {
    let Scope { vpcs, subnets, instance_tags } = &config.scope;
    for vpc in vpcs {
        known(&format!("`scope.vpcs`: {vpc}"), inventory.vpcs.contains_key(vpc), inventory, report);
    }
    for subnet in subnets {
        known(&format!("`scope.subnets`: {subnet}"), inventory.subnets.contains_key(subnet), inventory, report);
    }
    for tag in instance_tags {
        tagged(tag, inventory, report);
    }
}

fn known(named: &str, is_there: bool, inventory: &Inventory, report: &mut Report) {
    if is_there {
        return report.ok(SCOPE, named);
    }
    report.warn(
        SCOPE,
        format!(
            "{named} does not exist in {}: correct or remove it, rules of ours for what it leaves out are deleted",
            inventory.region
        ),
    );
}

fn tagged(tag: &InstanceTag, inventory: &Inventory, report: &mut Report) {
    let named = format!("`scope.instance_tags`: `{tag}`");
    match inventory.instances.values().filter(|instance| tag.is_on(instance)).count() {
        0 => report.warn(
            SCOPE,
            format!(
                "{named} is on no instance: correct or remove it, rules of ours for instances without it are deleted"
            ),
        ),
        1 => report.ok(SCOPE, format!("{named}, on 1 instance")),
        instances => report.ok(SCOPE, format!("{named}, on {instances} instances")),
    }
}
