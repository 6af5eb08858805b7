// node open-and-close.ts CONNECTION: a process that opens a store, says how many nodes are in it, and ends.
import { openStore } from '../open-store.ts';

const [, , connection = ''] = process.argv;
await using store = await openStore(connection, { batch: 1, queue: 1, connections: 2 });
const nodes = await store.read.selectFrom('nodes').select('id').execute();
process.stdout.write(`${nodes.length}\n`);
