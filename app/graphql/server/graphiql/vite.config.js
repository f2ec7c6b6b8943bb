import { defineConfig } from 'vite';

import { finishFiles } from './finish.js';

const NOTICES = [
  ['Monaco Editor: third-party notices', 'node_modules/monaco-editor/ThirdPartyNotices.txt'],
  ['Fonts: Codicons (CC BY 4.0, Microsoft Corporation) and Fira Code (SIL Open Font License 1.1, The Fira Code Project Authors)'],
];

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
  plugins: [finishFiles(NOTICES)],
});
