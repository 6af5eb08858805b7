import { parseArgs } from 'node:util';
import { messageOf } from '#model/message.ts';
import { type Role, roles } from './role.ts';
import { StartError } from './start-error.ts';

export const usage = `Usage: ingot [api | conductor] [--port N] [--data FOLDER] [--config FILE] [--sim N]

  Without a word: everything in one process, with its own store.
  api            only the API; any number of them, behind a load balancer
  conductor      only a conductor; any number of them, each with its own [DEFAULT] host
                 These two meet in PostgreSQL ([database] connection) and NATS ([ingot] broker_url).

  --port N       where the API listens on 127.0.0.1 (default 6385; 0 takes a free port)
  --data FOLDER  everything that is kept (default ./var)
  --config FILE  settings in Ironic's form, such as an ironic.conf
  --sim N        N simulated machines with Redfish BMCs, to try it on

  With npm: npm start -- --port N
`;

export interface Arguments {
  role: Role;
  port?: number;
  data?: string;
  config?: string;
  sim: number;
}

/** Throws StartError with a sentence that says what is wrong. */
export function readArguments(given: string[]): Arguments | 'help' {
  const { values, positionals } = parseOrExplain(given);
  if (values.help) return 'help';
  const role = readRole(positionals);
  if (role === 'conductor' && values.port !== undefined)
    throw new StartError('--port is where the API listens, and a conductor has none.');
  if (role !== 'all-in-one' && values.sim !== undefined)
    throw new StartError(
      '--sim goes with everything in one process; npm run cluster has machines for several.',
    );
  return {
    role,
    sim: values.sim === undefined ? 0 : wholeNumber('--sim', values.sim, 1000),
    ...(values.port === undefined ? {} : { port: wholeNumber('--port', values.port, 65_535) }),
    ...(values.data === undefined ? {} : { data: values.data }),
    ...(values.config === undefined ? {} : { config: values.config }),
  };
}

function readRole([word = 'all-in-one', ...more]: string[]): Role {
  const role = roles.find((known) => known === word);
  if (role !== undefined && more.length === 0) return role;
  const wrong = role === undefined ? word : more.join(' ');
  throw new StartError(
    `'${wrong}' is nothing to start: api, conductor, or no word for everything in one process.`,
  );
}

function parseOrExplain(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        config: { type: 'string' },
        sim: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    // The first sentence says what is wrong; further ones are hints on the form of arguments.
    const reason = messageOf(cause).split(/\. |\.?\n/, 1)[0];
    throw new StartError(
      `${reason}. The options are --port, --data, --config and --sim; --help explains them.`,
      { cause },
    );
  }
}

function wholeNumber(option: string, value: string, most: number): number {
  const number = Number(value);
  if (value !== '' && Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new StartError(`${option} takes a whole number from 0 to ${most}, not '${value}'.`);
}
