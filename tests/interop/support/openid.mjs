// A certified OpenID provider (npm `oidc-provider`) on loopback, for tests. Its configuration is the JSON file that is
// named; people are read from a file at each turn, so that a test changes them as a directory would.
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const config = JSON.parse(fs.readFileSync(process.argv[2]));

// A clock that is off, for what the provider signs and for its sessions alike.
if (config.skew_seconds) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + config.skew_seconds * 1000;
}

const require = createRequire(path.join(config.modules, 'package.json'));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

// The package's own guard calls no address on loopback, and our names are in nobody's DNS.
function tell(url, { dispatcher, ...options }) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, {
      method: options.method,
      headers: Object.fromEntries(new Headers(options.headers)),
      ca: fs.readFileSync(config.roots),
      lookup: (_host, how, done) =>
        how.all ? done(null, [{ address: config.client_address, family: 4 }]) : done(null, config.client_address, 4),
    }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve(new Response(chunks.length ? Buffer.concat(chunks) : null, { status: answer.statusCode })));
    });
    request.on('error', reject);
    request.end(options.body === undefined ? undefined : String(options.body));
  });
}

const provider = new Provider(config.issuer, {
  clients: [config.client],
  jwks: JSON.parse(fs.readFileSync(config.keys)),
  cookies: { keys: ['not a secret: a test'] },
  scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  ttl: { AccessToken: config.token_seconds, IdToken: config.token_seconds, Session: 3600, Grant: 3600 },
  features: {
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
  },
  fetch: tell,
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  findAccount: async (_context, id) => {
    const person = JSON.parse(fs.readFileSync(config.people))[id];
    return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
  },
});
for (const event of ['grant.error', 'authorization.error', 'server_error', 'backchannel.error', 'backchannel.success']) {
  provider.on(event, (_context, error) => console.log(event, error?.message ?? '', error?.error_description ?? ''));
}
// Which session of the provider's it is, which no browser is told.
provider.on('grant.success', (context) => console.log('sid', context.oidc.entities.AuthorizationCode?.sid));
const [host, port] = config.listen.split(':');
const server = https.createServer({ key: fs.readFileSync(config.key), cert: fs.readFileSync(config.certificate) }, provider.callback());
const listen = () => server.listen(Number(port), host, () => console.log('listening'));
listen();
// Away, or back with all that it knows; meanwhile nothing else would keep it alive.
setInterval(() => {}, 60_000);
process.on('SIGUSR2', () => {
  if (!server.listening) return listen();
  server.close(() => console.log('away'));
  server.closeAllConnections();
});
process.on('SIGTERM', () => process.exit(0));
