// The rules of the rooms: which part of the house may know which.
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '(\\.d\\.ts|\\.spec\\.ts|main\\.ts)$' },
      to: {},
    },
    {
      name: 'common-knows-no-feature',
      severity: 'error',
      from: { path: '^src/common/' },
      to: { path: '^src/(auth|users|presence|chat|attachments|operations|realtime|expiry)/' },
    },
    {
      name: 'storage-knows-no-feature',
      severity: 'error',
      from: { path: '^src/(storage|nodes|limits|expiry)/' },
      to: { path: '^src/(auth|users|presence|chat|attachments|operations|realtime)/' },
    },
    {
      name: 'realtime-knows-no-feature-but-tokens',
      severity: 'error',
      from: { path: '^src/realtime/' },
      to: { path: '^src/(users|presence|chat|attachments|operations)/' },
    },
    {
      name: 'engine-knows-no-transport',
      comment: 'The engine and its stores name no socket, request or event.',
      severity: 'error',
      from: { path: '^src/chat/(engine|memory|redis)/' },
      to: {
        path: '(^src/(realtime|presence|users|auth)/|node_modules/(express|socket\\.io|@nestjs/(websockets|platform-))|^src/chat/[^/]+\\.ts$)',
      },
    },
    {
      name: 'services-know-no-transport',
      severity: 'error',
      from: { path: '\\.service\\.ts$', pathNot: '^src/(realtime|operations)/' },
      to: { path: 'node_modules/(express|socket\\.io|@nestjs/(websockets|platform-))' },
    },
    {
      name: 'stores-through-their-service',
      comment: 'A feature needs another: its service, never its store.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/(auth|users|presence|chat)/.*(memory|redis)-', pathNot: '^src/$1/' },
    },
    {
      name: 'environment-through-config',
      severity: 'error',
      from: { pathNot: '^src/(config|main)' },
      to: { path: 'node_modules/dotenv' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
