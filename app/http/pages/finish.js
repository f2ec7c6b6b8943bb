import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Completes the licence texts with `notices`, pairs of a title and a file or nothing, and adds a compressed copy of each large file. */
export function finishFiles(notices = []) {
  let folder;
  return {
    name: 'finish-files',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      for (const [title, file] of notices) {
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
