import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const NOTICES = [
  ['Monaco Editor: third-party notices', 'node_modules/monaco-editor/ThirdPartyNotices.txt'],
  ['Fonts: Codicons (CC BY 4.0, Microsoft Corporation) and Fira Code (SIL Open Font License 1.1, The Fira Code Project Authors)'],
];

/** Completes the licence texts and adds a compressed copy of each large file. */
function finishFiles() {
  let folder;
  return {
    name: 'finish-files',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      for (const [title, file] of NOTICES) {
        appendFileSync(join(folder, 'assets/licenses.md'), `\n## ${title}\n\n${file ? readFileSync(file, 'utf8') : ''}`);
      }
      for (const name of readdirSync(join(folder, 'assets'))) {
        const content = readFileSync(join(folder, 'assets', name));
        if (content.length > 4096) {
          writeFileSync(join(folder, 'assets', `${name}.gz`), gzipSync(content, { level: 9 }));
        }
      }
    },
  };
}

export default defineConfig({
  base: './',
  publicDir: false,
  worker: { format: 'es' },
  build: {
    outDir: process.env.GRAPHIQL_DIST ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    license: { fileName: 'assets/licenses.md' },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: 'src/main.jsx',
      // GraphiQL makes the spoken names of its icons from the names of its functions.
      output: { keepNames: true },
      onLog(level, log, handler) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
      },
    },
  },
  plugins: [finishFiles()],
});
