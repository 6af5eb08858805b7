import assert from 'node:assert/strict';
import { addHistory } from './history.ts';
import { insertNode } from './nodes.ts';
import { testOnEach } from './testing/databases.ts';

const created_at = '2026-01-01T00:00:00.000000+00:00';

testOnEach(
  'the history of each node keeps to its limit, however the lines of several come',
  async (openStore) => {
    await using store = await openStore();
    const nodes = [crypto.randomUUID(), crypto.randomUUID()];
    await store.write(async (transaction) => {
      for (const uuid of nodes) {
        const node = { uuid, driver: 'fake-hardware', provision_state: 'manageable', created_at } as const;
        await insertNode(transaction, node);
      }
      for (let round = 0; round < 40; round += 1) {
        for (const node_uuid of nodes) {
          const line = { conductor: 'c', severity: 'ERROR', event_type: 'verify', user: null } as const;
          const uuid = crypto.randomUUID();
          await addHistory(transaction, { ...line, uuid, node_uuid, created_at, event: `${round}` }, 3);
        }
      }
    });
    for (const uuid of nodes) {
      const query = store.read.selectFrom('node_history').select('event').where('node_uuid', '=', uuid);
      assert.deepEqual(
        (await query.orderBy('id').execute()).map(({ event }) => event),
        ['37', '38', '39'],
      );
    }
  },
);
