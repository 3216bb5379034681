import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleFunction, writePackage } from '../cdk/bundles.ts';
import { functionNames } from '../cdk/packages.ts';
import { buildConsole, writeConsole } from '../console/build/build-console.ts';

// Builds dist/, which is what `npm pack` packs: the library, the command, the local runtime and the CDK construct as JavaScript,
// since Node runs no TypeScript under node_modules, their types, and the functions that the construct deploys. Usage: node scripts/build-package.ts

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Folders whose types the library's users see. */
const typedFolders = ['cdk', 'lib/client', 'lib/live', 'lib/records', 'lib/lines', 'lib/providers'];

/** What the code reads beside itself, at the same place from it as in the source. */
const assets = ['lib/pipeline/batch.asl.json', ...globSync('examples/*.jsonl', { cwd: root })];

function compile(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
}

function removeForeignTypes(): void {
  for (const path of globSync('**/*.d.ts', { cwd: dist }))
    if (!typedFolders.some((folder) => path.startsWith(`${folder}/`))) rmSync(join(dist, path));
}

/** tsc rewrites the extensions of imports in JavaScript, but not in types. */
function rewriteTypeImports(): void {
  for (const path of globSync('**/*.d.ts', { cwd: dist })) {
    const text = readFileSync(join(dist, path), 'utf8');
    writeFileSync(join(dist, path), text.replaceAll(/((?:from|import) ?\(?["']\.{1,2}\/[^"']+)\.ts(["'])/g, '$1.js$2'));
  }
}

function copyAssets(): void {
  for (const path of assets) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    cpSync(join(root, path), join(dist, path));
  }
}

/** The code reads the version, and which packages are optional, from the package.json above it. */
function writeManifest(): void {
  const { name, version, type, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = { name, version, type, private: true, peerDependencies };
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** What the CDK construct deploys: an app that uses it has neither these sources nor esbuild. */
function packFunctions(): void {
  for (const name of functionNames) writePackage(join(dist, 'cdk/functions', name), bundleFunction(name));
}

/** What `batchdrop start` serves to browsers. */
function packConsole(): void {
  writeConsole(join(dist, 'console/files'), buildConsole());
}

function copyLauncher(): void {
  cpSync(new URL('./launcher.cjs', import.meta.url), join(dist, 'batchdrop.cjs'));
  chmodSync(join(dist, 'batchdrop.cjs'), 0o755);
}

rmSync(dist, { recursive: true, force: true });
compile();
removeForeignTypes();
rewriteTypeImports();
copyAssets();
writeManifest();
copyLauncher();
packFunctions();
packConsole();
