// The borders: which folder may import which. A test reads this table against every import in the tree.

/** Folder → the folders it may name. A folder may always import from itself. */
export const layers = {
  'src/model': [],
  'src/config': ['src/model'],
  'src/protocol': ['src/model'],
  'src/db': ['src/model', 'src/config', 'src/protocol'],
  'src/rpc': ['src/model', 'src/config', 'src/protocol'],
  'src/bmc': ['src/config'],
  'src/images': ['src/model', 'src/config', 'src/protocol'],
  'src/network': ['src/model', 'src/config', 'src/protocol'],
  'src/auth': ['src/model', 'src/config', 'src/protocol'],
  'src/drivers': [
    'src/model',
    'src/config',
    'src/protocol',
    'src/db',
    'src/bmc',
    'src/images',
    'src/network',
  ],
  'src/conductor': [
    'src/model',
    'src/config',
    'src/protocol',
    'src/db',
    'src/rpc',
    'src/bmc',
    'src/images',
    'src/network',
    'src/auth',
    'src/drivers',
  ],
  'src/api': ['src/model', 'src/config', 'src/protocol', 'src/db', 'src/rpc', 'src/auth', 'src/images'],
  'src/agent': ['src/model', 'src/protocol', 'src/images'],
  'src/bin': [
    'src/model',
    'src/config',
    'src/protocol',
    'src/db',
    'src/rpc',
    'src/bmc',
    'src/images',
    'src/network',
    'src/auth',
    'src/drivers',
    'src/conductor',
    'src/api',
    'src/agent',
    'sim',
  ],
  // The simulator knows the product only by its wire: what firmware, a BMC and a client would see.
  sim: ['src/model', 'src/config', 'src/protocol'],
  bench: ['src/model', 'sim'],
  tools: ['src/model', 'src/config', 'src/protocol'],
} satisfies Record<string, readonly string[]>;

/** Tests may look at more than the code they test: at the simulator and at any layer of the product. */
export const testsMayImportAnything = /\.test\.ts$|^test\/|\/testing\//;
