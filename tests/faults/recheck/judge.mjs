// Reads patterns as JSON from the standard input. Fails if the time of one is not linear in the length of the text.
import { readFileSync } from 'node:fs';
import { checkSync } from 'recheck';

const patterns = JSON.parse(readFileSync(0, 'utf8'));
const unsafe = patterns
  .map((pattern) => ({ ...pattern, result: checkSync(pattern.source, pattern.flags, { timeout: 20_000, randomSeed: 1 }) }))
  .filter(({ result }) => result.status !== 'safe');
for (const { place, source, result } of unsafe) {
  console.log(`${place}: ${result.status} ${result.complexity?.summary ?? result.error?.kind ?? ''}: ${source}`);
}
console.log(`${patterns.length - unsafe.length} of ${patterns.length} patterns take linear time.`);
process.exitCode = unsafe.length || !patterns.length ? 1 : 0;
