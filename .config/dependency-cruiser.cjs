// Import rules between the folders of src/: the table in ARCHITECTURE.md. test/house.test.ts proves that each rule
// rejects a violation.
const rooms = {
  model: [],
  query: ['model'],
  export: ['model', 'view'],
  source: ['model'],
  sampler: ['model', 'source'],
  names: ['model', 'source'],
  store: ['model', 'query'],
  view: ['model', 'store', 'query'],
  tui: ['model', 'store', 'view', 'query'],
};

/** Rooms of src/source/linux/. None of them imports the files of that folder itself, which put them together. */
const linuxRooms = {
  netlink: [],
  proc: ['netlink'],
  owners: ['proc'],
  procnet: ['netlink', 'proc', 'owners'],
  namespaces: ['netlink', 'proc'],
  trace: ['netlink', 'proc'],
  act: ['netlink', 'proc'],
  confine: ['netlink'],
  names: ['netlink', 'proc', 'namespaces'],
  evidence: ['proc', 'namespaces'],
  firewall: ['evidence'],
  ledger: ['netlink', 'proc'],
  sockets: ['netlink', 'proc', 'owners', 'procnet', 'namespaces', 'ledger'],
  events: ['netlink', 'proc', 'owners', 'namespaces', 'trace', 'ledger', 'sockets'],
};

/** Rooms of src/source/macos/. None of them imports the files of that folder itself. */
const macosRooms = {
  native: [],
  table: [],
  owners: ['native', 'table'],
  act: ['native', 'owners'],
  events: ['native', 'table', 'owners'],
  nettop: ['owners'],
};

/** Rooms of src/view/. None of them imports the files of that folder itself. */
const viewRooms = {
  text: [],
  columns: ['text'],
  table: ['text', 'columns'],
  header: ['text', 'table'],
  panes: ['text', 'columns', 'table', 'header'],
};

/** Returns a rule for each room of a folder: it imports only the listed rooms of the same folder. */
const rulesOf = (folder, table, prefix = '') =>
  Object.entries(table).map(([room, allowed]) => ({
    name: `${prefix}${room}-imports-only-${allowed.join('-') || 'itself'}`,
    severity: 'error',
    from: { path: `^${folder}/${room}/` },
    to: { path: `^${folder}/`, pathNot: `^${folder}/(${[room, ...allowed].join('|')})/` },
  }));

/** Node modules that access files, processes, threads or the network. */
const systemModules = '^(node:)?(fs|fs/promises|child_process|net|dgram|http|https|tls|dns|worker_threads)$';

module.exports = {
  forbidden: [
    ...rulesOf('src', rooms),
    ...rulesOf('src/source/linux', linuxRooms, 'linux-'),
    ...rulesOf('src/source/macos', macosRooms, 'macos-'),
    ...rulesOf('src/view', viewRooms, 'view-'),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-tui-imports-blessed',
      severity: 'error',
      from: { pathNot: '^src/tui/' },
      to: { path: 'blessed' },
    },
    {
      name: 'only-sources-call-foreign-functions',
      severity: 'error',
      from: { pathNot: '^src/source/' },
      to: { path: 'koffi' },
    },
    {
      name: 'only-source-sampler-worker-and-cli-access-the-system',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(source|cli|(sampler|names)/worker)' },
      to: { path: systemModules },
    },
    {
      name: 'no-imports-between-platforms',
      severity: 'error',
      from: { path: '^src/source/([^/]+)/' },
      to: { path: '^src/source/[^/]+/', pathNot: '^src/source/$1/' },
    },
    {
      name: 'sampler-imports-only-the-source-table',
      severity: 'error',
      from: { path: '^src/sampler/' },
      to: { path: '^src/source/', pathNot: '^src/source/(types|index|native-gate|thread-cpu|confine)\\.ts$' },
    },
    {
      name: 'names-import-only-captured-packets',
      severity: 'error',
      from: { path: '^src/names/' },
      to: { path: '^src/source/', pathNot: '^src/source/(types|native-gate|captured-packets|confine)\\.ts$' },
    },
    {
      name: 'only-the-table-of-sources-names-a-platform',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/source/' },
      to: { path: '^src/source/[^/]+/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
