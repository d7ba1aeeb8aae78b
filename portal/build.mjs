// Bundles the portal and writes it as one C++ source: node build.mjs OUT.cc
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
const bundled = await build({
  entryPoints: { app: join(here, 'src/main.tsx'), style: join(here, 'src/style.css') },
  bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, outdir: '/', legalComments: 'inline', logLevel: 'warning',
});
const licences = ['preact', 'uplot'].map(name => `${name}\n\n${readFileSync(join(here, 'node_modules', name, 'LICENSE'), 'utf8')}`).join('\n\n');
const files = [
  { path: '/index.html', type: 'text/html; charset=utf-8', body: readFileSync(join(here, 'src/index.html')) },
  { path: '/icon.svg', type: 'image/svg+xml', body: readFileSync(join(here, 'src/icon.svg')) },
  { path: '/licences.txt', type: 'text/plain; charset=utf-8', body: Buffer.from(licences) },
  ...bundled.outputFiles.map(file => ({
    path: file.path,
    type: file.path.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
    body: Buffer.from(file.contents),
  })),
];

// Octal, always three digits: no digit behind it can become part of it.
const literal = body => {
  const lines = [];
  for (let at = 0; at < body.length; at += 8192) {
    let line = '';
    for (const byte of body.subarray(at, at + 8192)) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += plain ? String.fromCharCode(byte) : '\\' + byte.toString(8).padStart(3, '0');
    }
    lines.push(`    "${line}"`);
  }
  return lines.join('\n');
};

let source = '// Made by portal/build.mjs.\n#include "admin/portal_files.h"\n\n#include <array>\n\nnamespace passerelle::admin {\nnamespace {\n\n';
files.forEach((file, i) => {
  source += `constexpr char file_${i}[] =\n${literal(file.body)};\n`;
});
source += `\nconstexpr std::array<PortalFile, ${files.length}> all = {{\n`;
files.forEach((file, i) => {
  const etag = createHash('sha256').update(file.body).digest('hex').slice(0, 16);
  source += `    {"${file.path}", "${file.type}", "\\"${etag}\\"", {file_${i}, sizeof(file_${i}) - 1}},\n`;
});
source += '}};\n\n}  // namespace\n\nstd::span<const PortalFile> portal_files() { return all; }\n\n}  // namespace passerelle::admin\n';
writeFileSync(out, source);
