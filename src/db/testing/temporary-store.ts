import type { Store } from '../store.ts';
import { openTestStore } from './databases.ts';

/** An embedded store in a temporary folder that goes away with it. */
export async function openTemporaryStore(): Promise<Store> {
  return await openTestStore('sqlite');
}
