//! What a firewall tells about itself.

use time::macros::format_description;

use super::{
    Call, Firewall, admins,
    answer::{Refusal, response, result, result_text},
    jobs::Work,
    settings::Ha,
};
use crate::xml::Element;

impl Firewall {
    /// The call that every client makes first. pan-os-python fails without `sw-version` in three parts, `model`, `serial`,
    /// `app-version` and `multi-vsys`.
    pub(super) fn system_info(&self, call: &Call<'_>) -> Element {
        let form = format_description!(
            "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
        );
        let time = call.now.formatted(form);
        let uptime = self.uptime(call);
        let (settings, hostname) = (&self.settings, self.hostname());
        let fields = [
            ("hostname", hostname),
            ("ip-address", "10.0.0.4"),
            ("netmask", "255.255.255.0"),
            ("default-gateway", "10.0.0.1"),
            ("is-dhcp", "yes"),
            ("ipv6-address", "unknown"),
            ("mac-address", "02:00:00:00:00:01"),
            ("time", &time),
            ("uptime", &uptime),
            ("devicename", hostname),
            ("family", "vm"),
            ("model", MODEL),
            ("serial", &settings.serial),
            ("vm-mac-base", "02:00:00:00:10:00"),
            ("vm-uuid", "EC200000-0000-0000-0000-000000000001"),
            ("vm-cpuid", "AWSMP:X:us-east-1"),
            ("vm-license", "VM-300"),
            ("vm-mode", "Amazon AWS"),
            ("cloud-mode", "cloud"),
            ("sw-version", &settings.version),
            ("app-version", "8971-9419"),
            ("av-version", "0"),
            ("threat-version", "8971-9419"),
            ("wildfire-version", "0"),
            ("url-filtering-version", "20261101.20001"),
            ("platform-family", "vm"),
            ("vpn-disable-mode", "off"),
            ("multi-vsys", self.multi_vsys()),
            ("operational-mode", "normal"),
            ("device-certificate-status", "None"),
        ];
        let fields = fields.map(|(name, value)| Element::text(name, value));
        result([Element::new("system").with_all(fields)])
    }

    /// The name that the running configuration gives it.
    fn hostname(&self) -> &str {
        let device = self.running.child("devices").and_then(|devices| devices.children.first());
        let name = device.and_then(|device| device.at(&["deviceconfig", "system", "hostname"]));
        name.map(|name| name.text.as_str()).unwrap_or(MODEL)
    }

    /// Whether more than one virtual system runs.
    fn multi_vsys(&self) -> &'static str {
        let devices = self.running.child("devices").map(|devices| devices.children.as_slice()).unwrap_or_default();
        let several = devices.iter().filter_map(|device| device.child("vsys")).any(|vsys| vsys.children.len() > 1);
        if several { "on" } else { "off" }
    }

    fn uptime(&self, call: &Call<'_>) -> String {
        let seconds = call.now.elapsed().saturating_sub(self.booted.elapsed()).as_secs();
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        format!("{} days, {}:{:02}:{:02}", hours / 24, hours % 24, minutes % 60, seconds % 60)
    }

    /// The answer to `type=version`.
    pub(super) fn version(&self) -> Element {
        result([
            Element::text("sw-version", &self.settings.version),
            Element::text("multi-vsys", self.multi_vsys()),
            Element::text("model", MODEL),
            Element::text("serial", &self.settings.serial),
        ])
    }

    pub(super) fn show_clock(call: &Call<'_>) -> Element {
        let form = format_description!(
            "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] UTC [year]"
        );
        result_text(call.now.formatted(form))
    }

    pub(super) fn chassis_ready(&self) -> Element {
        let is_booting = self.jobs.unfinished().any(|job| job.work == Work::AutoCommit);
        result_text(if is_booting { "no" } else { "yes" })
    }

    /// Everyone who is logged in: whoever has a key. The caller's entry has `self`.
    pub(super) fn show_admins(&self, call: &Call<'_>) -> Element {
        let entry = |name: &str| {
            let fields = [
                ("admin", name),
                ("from", "10.0.0.9"),
                ("type", "API"),
                ("session-start", "11/02 08:00:00"),
                ("idle-for", "00:00:00s"),
            ];
            let fields = fields.map(|(name, value)| Element::text(name, value));
            let is_caller = (name == call.admin).then(|| Element::text("self", "yes"));
            Element::new("entry").with_all(fields).with_all(is_caller)
        };
        result([Element::new("admins").with_all(self.admins.names().map(entry))])
    }

    pub(super) fn hash_password(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let password = command.at(&["password-hash", "password"]).map(|password| password.text.as_str());
        Ok(result([Element::text("phash", admins::password_hash(password.unwrap_or_default()))]))
    }

    /// Brings the running configuration to the peer, which has it at once.
    pub(super) fn sync_to_peer(&mut self) -> Result<Element, Refusal> {
        let Ha::Pair { running_sync, .. } = &mut self.settings.ha else {
            return Err(Refusal::without_code("HA not enabled"));
        };
        if running_sync == "synchronization in progress" {
            return Err(Refusal::new(13, "Another sync is in progress. Please try again later"));
        }
        *running_sync = "synchronized".to_owned();
        let words = "HA synchronization job has been queued on peer. Please check job status on peer.";
        Ok(response("success", None).with(Element::new("msg").with(Element::text("line", words))))
    }

    pub(super) fn ha_state(&self) -> Element {
        let Ha::Pair { local, peer, running_sync } = &self.settings.ha else {
            return result([Element::text("enabled", "no")]);
        };
        let local = Element::new("local-info")
            .with_all([Element::text("state", local), Element::text("state-sync", "Complete")]);
        let peer =
            Element::new("peer-info").with_all([Element::text("state", peer), Element::text("conn-status", "up")]);
        let group = Element::new("group").with_all([
            Element::text("mode", "Active-Passive"),
            local,
            peer,
            Element::text("running-sync", running_sync),
            Element::text("running-sync-enabled", "yes"),
        ]);
        result([Element::text("enabled", "yes"), group])
    }
}

const MODEL: &str = "PA-VM";
