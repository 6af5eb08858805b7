import { openSqliteStore, type Store, StoreError } from './store.ts';

/** Where the data is: a file of this machine, or a server. */
export type DatabasePlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

export interface StoreLimits {
  /** SQLite: how many writes share a commit at most. */
  readonly batch: number;
  /** How many writes may wait; one more is refused with TemporaryFailure. */
  readonly queue: number;
  /** PostgreSQL: how many sessions with the server this process has at most. */
  readonly connections: number;
}

/**
 * The place that `[database] connection` names; undefined for any other database. The driver that Ironic's URL names
 * after a plus sign is Python's, and says nothing about the server.
 */
export function databasePlace(connection: string): DatabasePlace | undefined {
  const path = /^sqlite:\/\/\/(.+)$/.exec(connection)?.[1];
  if (path !== undefined) return { kind: 'sqlite', path };
  const rest = /^postgres(?:ql)?(?:\+\w+)?:\/\/(.+)$/.exec(connection)?.[1];
  return rest === undefined ? undefined : { kind: 'postgres', url: `postgresql://${rest}` };
}

/** Opens what `[database] connection` names, bringing its tables up to date. Throws StoreError. */
export async function openStore(connection: string, limits: StoreLimits): Promise<Store> {
  const place = databasePlace(connection);
  switch (place?.kind) {
    case 'sqlite':
      return await openSqliteStore(place.path, limits);
    case 'postgres': {
      // Its driver is loaded only where it is needed: the embedded store starts sooner without it.
      const { openPostgresStore } = await import('./postgres-store.ts');
      return await openPostgresStore(place.url, limits);
    }
    case undefined:
      throw new StoreError(
        'of [database] connection',
        new Error('it has to begin with sqlite:/// and a path, or with postgresql:// and a server'),
      );
  }
}
