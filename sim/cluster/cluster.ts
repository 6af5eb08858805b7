// The service as an operator scales it out: a database, a broker, APIs behind a load balancer, and conductors, each a
// process of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, merged } from './configuration-file.ts';
import { freePort } from './free-port.ts';
import { IngotProcess } from './ingot-process.ts';
import { type LoadBalancer, startLoadBalancer } from './load-balancer.ts';
import { type Nats, startNats } from './nats.ts';
import { type Postgres, startPostgres } from './postgres.ts';

export interface ClusterOptions {
  /** Below it every process has a folder with its configuration, data and log. */
  readonly folder: string;
  readonly apis?: number;
  readonly conductors?: number;
  /** Goes into the configuration of every process. */
  readonly configuration?: Configuration;
  /** Told what is being started. */
  readonly tell?: (what: string) => void;
}

export interface Cluster extends AsyncDisposable {
  /** Of the load balancer: any API that takes requests answers. */
  readonly url: string;
  readonly apis: readonly IngotProcess[];
  readonly conductors: readonly IngotProcess[];
  readonly postgres: Postgres;
  readonly nats: Nats;
  /** Starts one conductor more. */
  addConductor(): Promise<IngotProcess>;
  /** Ends everything in order, and takes the data away that is not in `folder`. */
  stop(): Promise<void>;
}

/** Whatever ends this process ends all of them; disposing of the cluster kills them. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, apis: apiCount = 2, conductors: conductorCount = 3, tell = () => {} } = options;
  await using starting = new AsyncDisposableStack();
  tell('PostgreSQL');
  const postgres = starting.adopt(await startPostgres(), async (each) => await each.remove());
  tell('NATS');
  const nats = starting.adopt(await startNats(), async (each) => await each.stop());

  const ports = await Promise.all(Array.from({ length: apiCount }, async () => await freePort()));
  const balancer: LoadBalancer = starting.use(await startLoadBalancer(ports));
  const common: Configuration = {
    DEFAULT: { my_ip: '127.0.0.1' },
    database: { connection: postgres.url },
    service_catalog: { endpoint_override: balancer.url },
    ingot: { broker_url: nats.url },
  };
  const make = (role: 'api' | 'conductor', number: number, own: Configuration = {}): IngotProcess => {
    const name = `${role}-${number}`;
    const configuration = merged(common, options.configuration ?? {}, { DEFAULT: { host: name } }, own);
    return new IngotProcess({ role, folder: join(folder, name), configuration });
  };
  const apis = ports.map((port, index) => make('api', index + 1, { api: { port } }));
  const conductors = Array.from({ length: conductorCount }, (_, index) => make('conductor', index + 1));

  mkdirSync(folder, { recursive: true });
  tell(`${apiCount} APIs and ${conductorCount} conductors`);
  await Promise.all([...apis, ...conductors].map(async (each) => await starting.use(each).start()));
  const running = starting.move();
  const dispose = async (): Promise<void> => await running.disposeAsync();
  return {
    url: balancer.url,
    apis,
    conductors,
    postgres,
    nats,
    async addConductor() {
      const added = make('conductor', conductors.length + 1);
      running.use(added);
      conductors.push(added);
      await added.start();
      return added;
    },
    async stop() {
      // Conductors first: while an API is there, nobody is turned away who asks what becomes of a node.
      await Promise.all(conductors.map(async (each) => await each.stop()));
      await Promise.all(apis.map(async (each) => await each.stop()));
      await dispose();
    },
    [Symbol.asyncDispose]: dispose,
  };
}
