import { defineConfig } from 'vite';

import { finishFiles } from './finish.js';

export default defineConfig({
  base: './',
  publicDir: false,
  define: { __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    license: { fileName: 'assets/licenses.md' },
    chunkSizeWarningLimit: 6000,
    rolldownOptions: { input: 'src/main.js' },
  },
  plugins: [finishFiles()],
});
