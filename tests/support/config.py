"""A gateway's configuration, built up piece by piece."""


def reference(collection, name):
    return {"id": f"/applicationGateways/gw/{collection}/{name}"}


class Config:
    """A gateway's properties, built up."""

    def __init__(self):
        self.properties = {"frontendIPConfigurations": [{"name": "front"}], "frontendPorts": [], "sslCertificates": [], "httpListeners": [], "requestRoutingRules": [],
                           "urlPathMaps": [], "redirectConfigurations": [], "backendAddressPools": [], "backendHttpSettingsCollection": [], "probes": []}
        self.pools = {}
        self.add("probes", "probe", protocol="Http", host="probe.test", path="/health", interval=30, timeout=5, unhealthyThreshold=3)

    def add(self, collection, name, **properties):
        if all(element["name"] != name for element in self.properties[collection]):
            self.properties[collection].append({"name": name, "properties": properties})
        return reference(collection, name)

    def pool(self, name, *addresses):
        self.pools[name] = list(addresses)
        return self.add("backendAddressPools", name)

    def settings(self, name="settings", **properties):
        return self.add("backendHttpSettingsCollection", name, port=80, protocol="Http", probe=reference("probes", "probe"), **properties)

    def listener(self, name, port=80, protocol="Http", **properties):
        where = self.add("frontendPorts", f"port{port}", port=port)
        if protocol == "Https":
            properties.setdefault("sslCertificate", self.add("sslCertificates", "cert-" + name))
        return self.add("httpListeners", name, frontendIPConfiguration=reference("frontendIPConfigurations", "front"), frontendPort=where, protocol=protocol, **properties)

    def path_map(self, name, default, **rules):
        """`default` and each rule's second: what forward() or a redirect gives; its first: the paths."""
        properties = {"default" + key[0].upper() + key[1:]: value for key, value in default.items()}
        path_rules = [{"name": rule, "properties": {"paths": paths, **to}} for rule, (paths, to) in rules.items()]
        return self.add("urlPathMaps", name, **properties, pathRules=path_rules)

    def rule(self, name, listener, **properties):
        return self.add("requestRoutingRules", name, ruleType="PathBasedRouting" if "urlPathMap" in properties else "Basic", httpListener=listener, **properties)

    def template(self):
        return {"resources": [{"type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": self.properties}]}

    def local(self):
        ports = {str(p["properties"]["port"]): 0 for p in self.properties["frontendPorts"]}
        return {"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": ports, "backendPools": self.pools, "sslCertificates": {"*": "self-signed"}}


def forward(config, pool):
    return {"backendAddressPool": pool, "backendHttpSettings": config.settings()}
