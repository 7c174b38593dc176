"""Objects that rules are made of, predefined ones, zones and interfaces."""

from panos import errors, network, objects, policies

from pan_os_python.common import OnFirewall, rule


class Objects(OnFirewall):
    MADE = [
        (objects.Tag, {"name": "prod", "color": "color5", "comments": "c"}),
        (objects.AddressObject, {"name": "host", "value": "10.0.1.25", "type": "ip-netmask", "tag": ["prod"]}),
        (objects.AddressObject, {"name": "range", "value": "10.0.1.1-10.0.1.9", "type": "ip-range"}),
        (objects.AddressObject, {"name": "named", "value": "www.example.com", "type": "fqdn", "description": "d"}),
        (objects.AddressGroup, {"name": "hosts", "static_value": ["host", "range"], "tag": ["prod"]}),
        (objects.AddressGroup, {"name": "tagged", "dynamic_value": "'prod' and 'web'"}),
        (objects.ServiceObject, {"name": "tcp-8443", "protocol": "tcp", "destination_port": "8443,9000-9010"}),
        (objects.ServiceObject, {"name": "udp-53", "protocol": "udp", "source_port": "1024-65535", "destination_port": "53"}),
        (objects.ServiceGroup, {"name": "services", "value": ["tcp-8443", "udp-53"]}),
        (objects.ApplicationObject, {"name": "own", "category": "business-systems", "subcategory": "management",
                                     "technology": "client-server", "risk": 2, "default_type": "port",
                                     "default_port": ["tcp/8443"]}),
        (objects.ApplicationGroup, {"name": "apps", "value": ["ssh", "own"]}),
        (objects.ApplicationFilter, {"name": "risky", "category": ["networking"], "risk": ["5"]}),
        (objects.SecurityProfileGroup, {"name": "profiles", "virus": ["default"], "spyware": ["strict"], "vulnerability": ["strict"]}),
        (objects.CustomUrlCategory, {"name": "urls", "url_value": ["example.com/"], "type": "URL List"}),
        (objects.Edl, {"name": "list", "edl_type": "ip", "source": "https://example.com/list", "repeat": "hourly"}),
        (objects.Region, {"name": "office", "address": ["203.0.113.0/24"]}),
        (objects.ScheduleObject, {"name": "night", "type": "recurring", "recurrence": "daily", "daily_time": ["00:00-06:00"]}),
        (objects.DynamicUserGroup, {"name": "users", "filter": "'prod'"}),
        (objects.LogForwardingProfile, {"name": "log", "description": "d"}),
    ]

    def test_each_kind_is_created_read_and_deleted(self):
        made = []
        for cls, told in self.MADE:
            new = self.fw.add(cls(**told))
            self.call(cls.__name__ + ".create", new.create)
            made.append((new, told))
        self.fw.commit(sync=True, exception=True)
        for new, told in made:
            cls = type(new)
            parent = self.login("admin")
            found = self.call(cls.__name__ + ".refreshall", cls.refreshall, parent)
            (seen,) = [one for one in found if one.name == told["name"]]
            for field, value in told.items():
                self.assertEqual(getattr(seen, field), value, (cls, field))
            one = parent.add(cls(told["name"]))
            self.call(cls.__name__ + ".refresh", one.refresh)
            self.assertTrue(one.equal(seen, compare_children=False), cls)
            self.assertIn(told["name"], self.running(cls, parent))
        for new, told in reversed(made):
            self.call(type(new).__name__ + ".apply", new.apply)
            self.call(type(new).__name__ + ".delete", new.delete)
        self.fw.commit(sync=True, exception=True)
        for cls in {cls for cls, _ in self.MADE}:
            left = {found.name for found in cls.refreshall(self.login("admin"))}
            self.assertFalse(left & {told["name"] for kind, told in self.MADE if kind is cls}, cls)

    def test_similar(self):
        several = [self.fw.add(objects.AddressObject(f"a-{number}", f"10.0.0.{number}")) for number in range(3)]
        self.call("AddressObject.create_similar", several[0].create_similar)
        self.assertEqual(len(objects.AddressObject.refreshall(self.login("admin"))), 3)
        several[1].value = "10.9.9.9"
        self.call("AddressObject.apply_similar", several[0].apply_similar)
        seen = {one.name: one.value for one in objects.AddressObject.refreshall(self.login("admin"))}
        self.assertEqual(seen["a-1"], "10.9.9.9")
        self.call("AddressObject.delete_similar", several[0].delete_similar)
        self.assertEqual(objects.AddressObject.refreshall(self.login("admin")), [])

    def test_references(self):
        host = self.fw.add(objects.AddressObject("host", "10.0.1.25"))
        host.create()
        new = self.rulebase().add(rule("i-1", destination=["host"]))
        new.create()
        self.refused("AddressObject.delete, while it is used", errors.PanDeviceXapiError,
                     "host cannot be deleted because of references from:", host.delete)
        self.call("AddressObject.rename", host.rename, "server")
        seen = self.rulebase(self.login("admin")).add(policies.SecurityRule("i-1"))
        seen.refresh()
        self.assertEqual(seen.destination, ["server"])
        new.delete()
        self.call("AddressObject.delete", host.delete)
        bad = self.fw.add(objects.ServiceObject("svc", "tcp", destination_port="70000"))
        self.refused("ServiceObject.create, a port that is none", errors.PanDeviceXapiError,
                     "svc -> protocol -> tcp -> port 70000 should be equal to or between 1 and 65535", bad.create)
        bad = self.fw.add(objects.AddressGroup("group", ["ghost"]))
        self.refused("AddressGroup.create, of nobody", errors.PanDeviceXapiError, "'ghost' is not a valid reference", bad.create)
        bad = self.fw.add(objects.AddressObject("bad/name", "10.0.0.1"))
        self.refused("AddressObject.create, a bad name", errors.PanDeviceXapiError, "bad/name is invalid", bad.create)
        bad = self.fw.add(objects.AddressObject("bad", "10.0.0.256"))
        self.refused("AddressObject.create, a bad address", errors.PanDeviceXapiError, "bad -> ip-netmask", bad.create)

    def test_predefined(self):
        predefined = self.fw.predefined
        self.assertEqual(self.call("Predefined.application", predefined.application, "ssh").default_port, ["tcp/22"])
        self.assertEqual(self.call("Predefined.service", predefined.service, "service-https").destination_port, "443")
        self.call("Predefined.refreshall_applications", predefined.refreshall_applications)
        self.assertIn("web-browsing", predefined.application_objects)
        self.call("Predefined.refreshall_services", predefined.refreshall_services)
        self.assertEqual(sorted(predefined.service_objects), ["service-http", "service-https"])
        self.call("Predefined.refreshall_tags", predefined.refreshall_tags)

    def test_network(self):
        zones = self.call("Zone.refreshall", network.Zone.refreshall, self.fw)
        self.assertEqual({zone.name: zone.interface for zone in zones},
                         {"untrust": ["ethernet1/1"], "trust": ["ethernet1/2"], "dmz": []})
        new = self.fw.add(network.EthernetInterface("ethernet1/3", mode="layer3", ip=("10.0.3.1/24",)))
        self.call("EthernetInterface.create", new.create)
        zone = self.call("EthernetInterface.set_zone", new.set_zone, "dmz", mode="layer3", refresh=True, update=True)
        self.assertEqual([str(one) for one in zone.interface], ["ethernet1/3"])
        router = self.call("EthernetInterface.set_virtual_router", new.set_virtual_router, "default", refresh=True, update=True)
        self.assertEqual([str(one) for one in router.interface], ["ethernet1/3"])
        (seen,) = self.call("EthernetInterface.refreshall", network.EthernetInterface.refreshall, self.login("admin"))
        self.assertEqual((seen.name, seen.ip), ("ethernet1/3", ["10.0.3.1/24"]))
        moon = self.fw.add(network.Zone("z" * 32, mode="layer3"))
        self.refused("Zone.create, long name", errors.PanDeviceXapiError, "can be at most 31 characters", moon.create)
