// Azure's client for Node against the gateway's REST API; says "ok FLOW" for each flow that came out as it does
// in Azure. ENDPOINT, TOKEN_FILE, PROPERTIES: a gateway's properties, as the REST API has them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { NetworkManagementClient } from "@azure/arm-network";

const token = readFileSync(process.env.TOKEN_FILE, "utf8").trim();
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600_000 }) };
const client = new NetworkManagementClient(credential, "s-1", { endpoint: process.env.ENDPOINT });
const gateways = client.applicationGateways;
const [group, name] = ["group", "gw"];

// The client's own shape: what the REST API has under "properties" stands beside the name.
function flat(value) {
  if (Array.isArray(value)) return value.map(flat);
  if (value === null || typeof value !== "object") return value;
  const { properties, ...rest } = value;
  return Object.fromEntries(Object.entries({ ...rest, ...(properties ?? {}) }).map(([key, inner]) => [key, flat(inner)]));
}

async function all(pages) {
  const out = [];
  for await (const each of pages) out.push(each);
  return out;
}

async function flow(title, run) {
  await run();
  console.log(`ok ${title}`);
}

const wanted = { location: "westeurope", tags: { made: "here" }, ...flat(JSON.parse(readFileSync(process.env.PROPERTIES, "utf8"))) };

await flow("createOrUpdate", async () => {
  const made = await gateways.createOrUpdate(group, name, wanted);
  assert.equal(made.provisioningState, "Succeeded");
  assert.equal(made.operationalState, "Running");
  assert.equal(made.httpListeners[0].name, "listener");
  assert.match(made.httpListeners[0].id, /\/applicationGateways\/gw\/httpListeners\/listener$/);
});

await flow("get", async () => {
  const got = await gateways.get(group, name);
  assert.equal(got.name, name);
  assert.deepEqual(got.tags, { made: "here" });
  assert.equal(got.requestRoutingRules[0].priority, 10);
  // What was read may be sent back as it is.
  const again = await gateways.createOrUpdate(group, name, got);
  assert.equal(again.etag, got.etag);
});

await flow("list", async () => assert.deepEqual((await all(gateways.list(group))).map((each) => each.name), [name]));
await flow("listAll", async () => assert.deepEqual((await all(gateways.listAll())).map((each) => each.name), [name]));

await flow("updateTags", async () => {
  const tagged = await gateways.updateTags(group, name, { tags: { stage: "test" } });
  assert.deepEqual(tagged.tags, { stage: "test" });
});

await flow("backendHealth", async () => {
  for (;;) {
    const health = await gateways.backendHealth(group, name, { expand: "BackendAddressPool" });
    const [pool] = health.backendAddressPools;
    assert.equal(pool.backendAddressPool.name, "pool");
    const [server] = pool.backendHttpSettingsCollection[0].servers;
    assert.equal(server.address, "127.0.0.1");
    if (server.health === "Up") break;
    assert.equal(server.health, "Unknown");
  }
});

await flow("backendHealthOnDemand", async () => {
  const got = await gateways.get(group, name);
  const health = await gateways.backendHealthOnDemand(group, name, {
    protocol: "Http",
    path: "/health",
    timeout: 10,
    backendAddressPool: { id: got.backendAddressPools[0].id },
    backendHttpSettings: { id: got.backendHttpSettingsCollection[0].id },
  });
  assert.equal(health.backendHealthHttpSettings.servers[0].health, "Up");
});

await flow("stop", async () => {
  await gateways.stop(group, name);
  assert.equal((await gateways.get(group, name)).operationalState, "Stopped");
});

await flow("start", async () => {
  await gateways.start(group, name);
  assert.equal((await gateways.get(group, name)).operationalState, "Running");
});

await flow("available", async () => {
  assert.ok((await gateways.listAvailableServerVariables()).body.includes("client_ip"));
  assert.ok((await gateways.listAvailableRequestHeaders()).body.length > 10);
  assert.ok((await gateways.listAvailableResponseHeaders()).body.length > 10);
  assert.equal((await gateways.listAvailableSslOptions()).defaultPolicy, "AppGwSslPolicy20220101");
  assert.equal((await all(gateways.listAvailableSslPredefinedPolicies())).length, 5);
  assert.equal((await gateways.getSslPredefinedPolicy("AppGwSslPolicy20170401S")).minProtocolVersion, "TLSv1_2");
  assert.deepEqual((await gateways.listAvailableWafRuleSets()).value, []);
});

await flow("refusal", async () => {
  const broken = structuredClone(wanted);
  broken.requestRoutingRules[0].httpListener.id += "x";
  await assert.rejects(async () => await gateways.createOrUpdate(group, name, broken), (error) => {
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, "InvalidResourceReference");
    assert.match(error.message, /listenerx/);
    return true;
  });
  await assert.rejects(async () => await gateways.get(group, "other"), (error) => error.statusCode === 404 && error.code === "ResourceNotFound");
});

await flow("delete", async () => {
  await gateways.delete(group, name);
  assert.deepEqual(await all(gateways.listAll()), []);
});
