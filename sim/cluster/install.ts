// Installs what a cluster needs beside Ingot and this machine lacks, before tests that want it at the same time.
import { ensureNats } from './nats.ts';
import { ensurePostgres } from './postgres.ts';

ensurePostgres();
ensureNats();
