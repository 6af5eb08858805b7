// Serves the API over a store that is thrown away, set as the reference was for the conformance kit: serve.ts PORT
import { startApi } from './api-under-test.ts';

const api = await startApi({
  port: Number(process.argv[2] ?? 0),
  settings: {
    DEFAULT: { default_network_interface: 'noop', default_storage_interface: 'noop' },
    agent: { require_tls: false },
    conductor: { automated_clean: false },
  },
});
console.log(api.url);
process.once('SIGTERM', () => void api[Symbol.asyncDispose]());
