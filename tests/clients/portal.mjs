// The portal in headless Chromium, driven as a person would: every page and every action, by the names that a screen reader hears.
// Environment: PORTAL, EMPTY (the portals of a gateway with traffic, and of one without a configuration), TOKEN, EMPTY_TOKEN, FACTS (a JSON file), PICTURES (a folder; may be empty).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { PORTAL, EMPTY, TOKEN, EMPTY_TOKEN, PICTURES } = process.env;
const facts = JSON.parse(readFileSync(process.env.FACTS, 'utf8'));
const patience = Number(process.env.PATIENCE ?? 15) * 1000;
const profile = mkdtempSync(join(tmpdir(), 'passerelle-portal-'));
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', args: flags, viewport: { width: 1280, height: 900 }, timeout: 60_000 });
browser.setDefaultTimeout(patience);

const trouble = [];
const watch = page => {
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) trouble.push(`console: ${message.text()} (${page.url()})`); });
  page.on('pageerror', error => trouble.push(`error: ${error.stack ?? error} (${page.url()})`));
  page.on('request', request => {
    const { host, protocol } = new URL(request.url());
    if (protocol !== 'data:' && ![new URL(PORTAL).host, new URL(EMPTY).host].includes(host)) trouble.push(`outside request: ${request.url()}`);
  });
  return page;
};
const check = (condition, what) => { if (!condition) throw new Error(what); };
const until = async (condition, what) => {
  const end = Date.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise(resolve => { setTimeout(resolve, 50); });
  }
};
const page = watch(browser.pages()[0] ?? await browser.newPage());
const open = async name => {
  await page.getByRole('link', { name, exact: true }).click();
  await until(async () => (await page.getByRole('link', { name, exact: true }).getAttribute('aria-current')) === 'page', `${name} is the page`);
};
const seen = text => page.getByText(text).first().waitFor();
const give_token = async token => {
  await page.getByRole('dialog').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Go on' }).click();
};
const picture = async name => {
  if (!PICTURES) return;
  await page.evaluate(() => { scrollTo(0, 0); });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(() => new Promise(resolve => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
};

const steps = {
  async overview() {
    await page.goto(PORTAL);
    await page.getByRole('heading', { name: facts.gateway }).waitFor();
    await until(async () => (await page.getByRole('status').first().textContent()) === 'ready', 'it is live');
    const figure = async name => (await page.locator('.figure', { hasText: name }).locator('dd').textContent()).replaceAll(',', '');
    await until(async () => (await figure('Open tunnels')) === String(facts.tunnels), 'all tunnels are counted');
    await until(async () => Number(await figure('Requests a second')) > 0, 'requests are seen');
    await until(async () => Number(await figure('Messages a second')) > 0, 'messages are seen');
    await until(async () => (await figure('Members up')) === facts.up, `members up: ${facts.up}`);
    for (const name of facts.nodes) check(await page.locator('.drawing svg text', { hasText: name }).count() > 0, `${name} is in the drawing`);
    check(await page.locator('.drawing .wire.live').count() > 0, 'traffic is on the drawing');
    check(await page.locator('.drawing .node.Down').count() > 0, 'who is down is on the drawing');
    check(await page.locator('.chart canvas').count() === 5, 'five charts');
    for (const name of facts.nodes) check((await page.locator('.tree').textContent()).includes(name), `${name} is in the list`);
    await page.getByRole('button', { name: 'As a list' }).click();
    await page.getByRole('list', { name: 'Pools and their members' }).getByText(facts.nodes.at(-1)).waitFor();
    await page.getByRole('button', { name: 'As a list' }).click();
    // The charts fill.
    await until(async () => Number(await page.locator('.chart').nth(1).locator('b').first().textContent()) > 0, 'the chart has values');
    await page.evaluate(() => new Promise(resolve => { setTimeout(resolve, 0); }));
    if (PICTURES) await page.waitForTimeout(25_000);
    await picture('overview');
  },
  async members() {
    await open('Members');
    await seen('Received');
    const card = address => page.locator('article', { hasText: address });
    check((await card(facts.down).textContent()).includes('Down'), 'who is down is told');
    check((await card(facts.drained).textContent()).includes('/health with Host: probe.test'), 'what was sent is told');
    await picture('members');
    await page.getByRole('button', { name: `Drain ${facts.drained}` }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    for (const wrong of ['not-the-token', `\u200b${TOKEN}`]) {
      await give_token(wrong);
      await seen('This is not the token.');
    }
    await give_token(TOKEN);
    await until(async () => (await card(facts.drained).textContent()).includes('Draining'), 'it drains');
    await page.getByRole('button', { name: `Resume ${facts.drained}` }).click();
    await until(async () => (await card(facts.drained).locator('.health').textContent()) === 'Up', 'it is back');
  },
  async tunnels() {
    await open('Tunnels');
    const rows = page.locator('table').first().locator('tbody tr');
    await until(async () => await rows.count() === facts.tunnels, 'all tunnels have a row');
    await page.getByLabel('Where').selectOption('client');
    await page.getByLabel('is', { exact: true }).fill(facts.client);
    await until(async () => await rows.count() === 1, 'one matches');
    await page.getByRole('button', { name: `Close the tunnel of ${facts.client}` }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.locator('table').last().locator('tbody tr', { hasText: facts.client }).getByText('closed by the operator').first().waitFor();
    await page.getByLabel('is', { exact: true }).fill('');
    await until(async () => await rows.count() === facts.tunnels - 1, 'one has gone');
    await picture('tunnels');
  },
  async certificates() {
    await open('Certificates');
    await seen('days left');
    check((await page.locator('tbody tr').first().textContent()).includes(facts.certificate), 'the certificate has a row');
    await picture('certificates');
  },
  async explain() {
    await open('Explain');
    await page.getByLabel('URL').fill('nonsense');
    await page.getByRole('button', { name: 'Explain' }).click();
    await seen('A URL begins with');
    await page.getByLabel('URL').fill(facts.url);
    await page.getByRole('button', { name: 'Explain' }).click();
    await seen('Forwarded to a member of');
    const answer = await page.getByRole('region', { name: 'What would happen' }).textContent();
    for (const word of facts.explained) check(answer.includes(word), `${word} is in: ${answer}`);
    await picture('explain');
    await page.getByLabel('URL').fill('http://anything.test:1234/');
    await page.getByRole('button', { name: 'Explain' }).click();
    await seen('Nobody answers');
  },
  async change() {
    await open('Change');
    const field = page.getByLabel('An ARM template');
    await field.fill(facts.broken);
    await page.getByRole('button', { name: 'See what it does' }).click();
    const place = page.getByRole('button', { name: `line ${facts.broken_line}`, exact: false });
    await place.first().waitFor();
    await seen('It would not be taken');
    check(await page.getByRole('button', { name: 'Apply' }).isDisabled(), 'what has errors cannot be applied');
    await place.first().click();
    const selected = await field.evaluate(area => area.value.slice(0, area.selectionStart).split('\n').length);
    check(selected === facts.broken_line, `line ${selected} is selected`);
    await picture('problems');
    await field.fill(facts.changed);
    await page.getByRole('button', { name: 'See what it does' }).click();
    await seen('stay untouched');
    const told = await page.getByRole('region', { name: 'What it would do' }).textContent();
    check(told.includes(facts.change), `the change is told: ${told}`);
    await picture('what-if');
    await page.getByRole('button', { name: 'Apply' }).click();
    await seen('It is in force.');
  },
  async create() {
    await page.goto(EMPTY);
    await page.getByRole('link', { name: 'Create a gateway' }).click();
    await page.getByLabel('Name', { exact: true }).fill('made-here');
    await page.getByLabel('Protocol and port').selectOption('HTTPS, 443');
    await page.getByLabel('Certificate (PFX)').setInputFiles({ name: 'site.pfx', mimeType: 'application/x-pkcs12', buffer: Buffer.from(facts.pfx, 'base64') });
    await page.getByLabel('Its password').fill(facts.password);
    await page.getByLabel('Members').fill('127.0.0.1');
    await page.getByLabel('Port', { exact: true }).fill(String(facts.member_port));
    await page.getByLabel('Health probe path').fill('/health');
    const shown = JSON.parse(await page.getByLabel('ARM template').textContent());
    check(shown.resources[0].properties.backendAddressPools[0].properties.backendAddresses[0].ipAddress === '127.0.0.1', 'the form writes the template');
    check(!(await page.content()).includes(facts.password), 'the password is not shown');
    await picture('create');
    await page.getByRole('button', { name: 'See what it does' }).click();
    await page.getByRole('heading', { name: 'Change the configuration' }).waitFor();
    await page.getByRole('button', { name: 'See what it does' }).click();
    check(!(await page.getByLabel('An ARM template').inputValue()).includes(facts.password), 'nor is it here');
    await give_token(EMPTY_TOKEN);
    await seen('listener listener');
    await page.getByRole('button', { name: 'Apply' }).click();
    await seen('It is in force.');
    await open('Overview');
    await page.getByRole('heading', { name: 'made-here' }).waitFor();
    check(await page.locator('.drawing .node .name', { hasText: 'listener' }).count() > 0, 'it is drawn');
  },
  async keyboard() {
    await page.goto(PORTAL);
    await page.getByRole('heading', { name: facts.gateway }).waitFor();
    await page.keyboard.press('Tab');
    check(await page.evaluate(() => document.activeElement.textContent) === 'To the content', 'the first stop leads to the content');
    await page.keyboard.press('Enter');
    check(await page.evaluate(() => document.activeElement.id) === 'main', 'it has led there');
    await page.goto(`${PORTAL}#/explain`);
    await page.getByLabel('URL').focus();
    await page.keyboard.type(facts.url);
    await page.keyboard.press('Enter');
    await seen('Forwarded to a member of');
    // Everything that can be worked has a name.
    for (const name of ['', 'members', 'tunnels', 'certificates', 'explain', 'change', 'create']) {
      await page.goto(`${PORTAL}#/${name}`);
      await page.getByRole('heading', { level: 2 }).first().waitFor({ state: 'attached' });
      const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, select, textarea')].filter(each =>
        !(each.ariaLabel || each.textContent.trim() || each.labels?.[0]?.textContent.trim())).map(each => each.outerHTML));
      check(nameless.length === 0, `without a name on ${name}: ${nameless}`);
    }
  },
  async phone() {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ['', 'members', 'tunnels', 'certificates', 'explain', 'change', 'create']) {
      await page.goto(`${PORTAL}#/${name}`);
      await page.getByRole('heading', { level: 2 }).first().waitFor({ state: 'attached' });
      await until(async () => (await page.getByRole('status').first().textContent()) === 'ready', 'it is live');
      if (name === '') await until(async () => (await page.locator('.figure').nth(1).locator('dd').textContent()) !== '–', 'it has figures');
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      check(width <= 390, `${name || 'overview'} is ${width} wide on a phone`);
      if (name === '') check(!await page.locator('.drawing svg').isVisible() && await page.locator('.tree').isVisible(), 'a list in place of the drawing');
      if (name === '' || name === 'tunnels') await picture(`phone-${name || 'overview'}`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  },
};

let code = 0;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok ${name}`);
  } catch (error) {
    console.error(`${name}: ${error.stack ?? error}`);
    console.error((await page.locator('body').innerText().catch(() => '')).slice(0, 3000));
    code = 1;
    break;
  }
}
for (const each of trouble) console.error(each);
await browser.close();
rmSync(profile, { recursive: true, force: true });
process.exit(code || (trouble.length > 0 ? 1 : 0));
