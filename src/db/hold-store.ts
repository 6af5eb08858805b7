import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from './store.ts';

/**
 * Keeps every other process from using the embedded store of this path until it is disposed of, or this process ends,
 * however it ends. Two conductors of one name would each take the other's operations for what its earlier life left,
 * and do them a second time. Waits a moment for one that is on its way out; throws StoreError.
 */
export function holdStore(path: string, options: { patienceMilliseconds: number }): Disposable {
  mkdirSync(dirname(path), { recursive: true });
  const lock = new DatabaseSync(`${path}.lock`, { timeout: options.patienceMilliseconds });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new StoreError(path, 'another Ingot is using it; stop that one, or give this one its own --data');
  }
  return { [Symbol.dispose]: () => lock.close() };
}
