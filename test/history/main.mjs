// `npm run check:history`: the same TypeScript that the tests run, translated as it is loaded.
import { createRequire } from 'node:module';
import '../support/typescript-child.cjs';

await createRequire(import.meta.url)('./cli.ts').main();
