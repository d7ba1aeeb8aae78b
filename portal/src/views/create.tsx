// A gateway from nothing: a form, and the ARM template it writes.
import { useState } from 'preact/hooks';
import { set_draft } from './change';

export interface Wanted {
  name: string; protocol: 'Http' | 'Https'; host: string; certificate: string; password: string;
  members: string; backend_protocol: 'Http' | 'Https'; backend_port: string; probe_path: string;
}

const kind = 'Microsoft.Network/applicationGateways';
const address = /^[0-9.]+$|:/;

// What stands in brackets would be an expression.
const literal = (text: string): string => (text.startsWith('[') && text.endsWith(']') ? `[${text}` : text);

// As Azure takes it: what it refers to outside the gateway has to be there.
export function template_of(wanted: Wanted): object {
  const here = (collection: string, name: string): object => ({ id: `[resourceId('${kind}/${collection}', '${wanted.name}', '${name}')]` });
  const https = wanted.protocol === 'Https';
  const members = wanted.members.split(/[\s,]+/).filter(Boolean);
  const any = /[*?]/.test(wanted.host);
  const by_name = members.length > 0 && members.every(member => !address.test(member));
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources: [{
      type: kind, apiVersion: '2024-01-01', name: wanted.name, location: '[resourceGroup().location]',
      properties: {
        sku: { name: 'Standard_v2', tier: 'Standard_v2', capacity: 2 },
        gatewayIPConfigurations: [{ name: 'gatewayIP', properties: { subnet: { id: `[resourceId('Microsoft.Network/virtualNetworks/subnets', '${wanted.name}-network', 'gateway')]` } } }],
        frontendIPConfigurations: [{ name: 'publicIP', properties: { publicIPAddress: { id: `[resourceId('Microsoft.Network/publicIPAddresses', '${wanted.name}-ip')]` } } }],
        frontendPorts: [{ name: 'port', properties: { port: https ? 443 : 80 } }],
        ...(https && { sslCertificates: [{ name: 'certificate', properties: { data: wanted.certificate, password: literal(wanted.password) } }] }),
        backendAddressPools: [{ name: 'pool', properties: { backendAddresses: members.map(member => (address.test(member) ? { ipAddress: member } : { fqdn: literal(member) })) } }],
        probes: [{ name: 'probe', properties: {
          protocol: wanted.backend_protocol, ...(by_name ? { pickHostNameFromBackendHttpSettings: true } : { host: any ? 'localhost' : literal(wanted.host) || 'localhost' }),
          path: wanted.probe_path, interval: 30, timeout: 30, unhealthyThreshold: 3 } }],
        backendHttpSettingsCollection: [{ name: 'settings', properties: {
          port: Number(wanted.backend_port), protocol: wanted.backend_protocol, cookieBasedAffinity: 'Disabled', requestTimeout: 30, ...(by_name && { pickHostNameFromBackendAddress: true }), probe: here('probes', 'probe') } }],
        httpListeners: [{ name: 'listener', properties: {
          frontendIPConfiguration: here('frontendIPConfigurations', 'publicIP'), frontendPort: here('frontendPorts', 'port'), protocol: wanted.protocol,
          ...(wanted.host && (any ? { hostNames: [wanted.host] } : { hostName: literal(wanted.host) })), ...(https && { sslCertificate: here('sslCertificates', 'certificate') }) } }],
        requestRoutingRules: [{ name: 'rule', properties: {
          ruleType: 'Basic', priority: 100, httpListener: here('httpListeners', 'listener'), backendAddressPool: here('backendAddressPools', 'pool'),
          backendHttpSettings: here('backendHttpSettingsCollection', 'settings') } }],
      },
    }],
  };
}

async function base64_of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  bytes.forEach(byte => { text += String.fromCharCode(byte); });
  return btoa(text);
}

const start: Wanted = { name: 'gateway', protocol: 'Http', host: '', certificate: '', password: '', members: '', backend_protocol: 'Http', backend_port: '80', probe_path: '/' };
// What stands for them where people read.
const words = { certificate: '(the certificate of the form)', password: '(its password)' };

export function Create() {
  const [wanted, set_wanted] = useState(start);
  const [file, set_file] = useState('');
  const set = (part: Partial<Wanted>): void => { set_wanted(before => ({ ...before, ...part })); };
  const shown = JSON.stringify(template_of({ ...wanted, ...words }), null, 2);
  const download = (): void => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(template_of(wanted), null, 2)], { type: 'application/json' }));
    link.download = `${wanted.name}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const members = wanted.members.split(/[\s,]+/).filter(Boolean);
  // Of an IPv6 address every colon is its own.
  const with_port = members.find(member => /^[^:]+:\d+$/.test(member));
  const whole = members.length > 0 && !with_port && Number(wanted.backend_port) >= 1 && Number(wanted.backend_port) <= 65535 && /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/.test(wanted.name) && (wanted.protocol === 'Http' || wanted.certificate !== '');
  return (
    <>
      <h2>Create a gateway</h2>
      <div class="columns">
        <form class="card" onSubmit={event => { event.preventDefault(); set_draft(shown, { [words.certificate]: wanted.certificate, [words.password]: literal(wanted.password) }); location.hash = '#/change'; }}>
          <fieldset>
            <legend>Gateway</legend>
            <label>Name <input required value={wanted.name} maxLength={80} onInput={event => { set({ name: event.currentTarget.value }); }} /></label>
          </fieldset>
          <fieldset>
            <legend>Frontend</legend>
            <label>Protocol and port <select value={wanted.protocol} onChange={event => { set({ protocol: event.currentTarget.value as 'Http' | 'Https' }); }}><option value="Http">HTTP, 80</option><option value="Https">HTTPS, 443</option></select></label>
            <label>Host name <input value={wanted.host} placeholder="any" onInput={event => { set({ host: event.currentTarget.value.trim() }); }} /></label>
            {wanted.protocol === 'Https' && (
              <>
                <label>Certificate (PFX) <input type="file" accept=".pfx,.p12" required={wanted.certificate === ''} onChange={event => {
                  const chosen = event.currentTarget.files?.[0];
                  if (chosen) { set_file(chosen.name); void base64_of(chosen).then(certificate => { set({ certificate }); }); }
                }} /></label>
                {file && <p class="soft">{file}</p>}
                <label>Its password <input type="password" autocomplete="off" value={wanted.password} onInput={event => { set({ password: event.currentTarget.value }); }} /></label>
              </>
            )}
          </fieldset>
          <fieldset>
            <legend>Backend pool</legend>
            <label>Members: addresses or names, one a line <textarea rows={3} required spellcheck={false} value={wanted.members} placeholder={'10.0.1.4\n10.0.1.5'} onInput={event => { set({ members: event.currentTarget.value }); }} /></label>
            {with_port && <p class="bad-text" role="alert">{with_port}: the port goes below, and is the same for all.</p>}
            <label>Protocol <select value={wanted.backend_protocol} onChange={event => { set({ backend_protocol: event.currentTarget.value as 'Http' | 'Https' }); }}><option value="Http">HTTP</option><option value="Https">HTTPS</option></select></label>
            <label>Port <input type="number" min={1} max={65535} required value={wanted.backend_port} onInput={event => { set({ backend_port: event.currentTarget.value }); }} /></label>
            <label>Health probe path <input required pattern="/.*" value={wanted.probe_path} onInput={event => { set({ probe_path: event.currentTarget.value }); }} /></label>
          </fieldset>
          <p>One Basic rule sends everything from the listener to the pool. WebSockets pass: there is nothing to switch on.</p>
          <p class="actions"><button class="primary" disabled={!whole}>See what it does</button></p>
        </form>
        <section class="card">
          <h3>The ARM template</h3>
          <p class="soft">As Azure takes it too, once the network and the address it names are there.</p>
          <pre tabIndex={0} role="group" aria-label="ARM template">{shown}</pre>
          <p class="actions">
            <button disabled={!whole} onClick={download}>Download</button> {wanted.protocol === 'Https' && <span class="soft">The file has the certificate and its password.</span>}
          </p>
        </section>
      </div>
    </>
  );
}
