import { createHash, randomBytes } from 'node:crypto';
import { AppConfig } from './app-config';
import { ConfigError } from './env';

const SECRET = 'dGhpcyBpcyBmaW5lLCBpdCBpcyByYW5kb20gZW5vdWdo';
const PRODUCTION = { NODE_ENV: 'production', JWT_SECRET: SECRET };

type Values = Record<string, string | undefined>;

/** The line that stops the start; undefined where nothing does. */
function refusal(values: Values): string | undefined {
  try {
    AppConfig.from({ JWT_SECRET: SECRET, ...values });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    return error.message;
  }
}

const origins = (values: Values): string[] => [...AppConfig.from({ JWT_SECRET: SECRET, ...values }).corsOrigins];

describe('the settings', () => {
  it('are frozen', () => {
    const config = AppConfig.from({});
    expect([Object.isFrozen(config), Object.isFrozen(config.env)]).toEqual([true, true]);
  });

  it('have the defaults of the contract', () => {
    const config = AppConfig.from({});
    expect(config).toMatchObject({
      production: false,
      jwtExpiresInS: 86_400,
      guestExpiresInS: 7200,
      seedDemoUsers: true,
      rateLimitPerSecond: 50,
      rateLimitBurst: 200,
      authRateLimitPerMinute: 30,
      publicUrl: undefined,
    });
    expect(AppConfig.from(PRODUCTION)).toMatchObject({
      production: true,
      seedDemoUsers: false,
      rateLimitPerSecond: 5,
      rateLimitBurst: 20,
      authRateLimitPerMinute: 3,
    });
  });

  it.each([
    ['MEDIA_RATE_LIMIT_PER_SECOND', 100],
    ['UPLOADS_PER_MINUTE', 10],
    ['SOCKET_EVENTS_PER_MINUTE', 100],
    ['SOCKET_EVENTS_BURST', 20],
    ['SOCKET_OTHER_EVENTS_PER_MINUTE', 600],
    ['MAX_MESSAGE_LENGTH', 5000],
    ['MESSAGE_TTL_MS', 3_600_000],
    ['MESSAGE_TTL_MIN_S', 1],
    ['MESSAGE_TTL_MAX_S', 2_592_000],
    ['MESSAGE_MAX_LIFETIME_S', 2_592_000],
    ['MAX_IMAGE_SIZE', 2 * 1024 ** 2],
    ['IMAGE_MAX_WIDTH', 1280],
    ['IMAGE_MAX_HEIGHT', 1280],
    ['IMAGE_QUALITY', 80],
    ['IMAGE_TTL_MS', 3_600_000],
    ['UPLOADS_MAX_BYTES', 5 * 1024 ** 3],
    ['UPLOADS_MAX_BYTES_PER_USER', 100 * 1024 ** 2],
    ['MAX_SOCKETS_PER_USER', 20],
    ['MAX_SOCKETS_PER_IP', 200],
    ['MAX_ACCOUNTS', 100_000],
    ['MAX_ROOMS_PER_USER', 500],
    ['MAX_MESSAGES_PER_ROOM', 10_000],
    ['MESSAGES_MAX_BYTES', 512 * 1024 ** 2],
    ['PRESENCE_GRACE_MS', 2000],
    ['ROOM_EMPTY_GRACE_MS', 30_000],
    ['TYPING_TIMEOUT_MS', 3000],
    ['JSON_BODY_LIMIT', 100 * 1024],
    ['SOCKET_MAX_PAYLOAD', 24 * 1024 ** 2],
    ['SOCKET_MAX_BUFFERED', 4 * 1024 ** 2],
    ['SOCKET_CONNECT_TIMEOUT_MS', 5000],
    ['SOCKET_PING_INTERVAL_MS', 10_000],
    ['SOCKET_PING_TIMEOUT_MS', 5000],
    ['BCRYPT_ROUNDS', 10],
    ['JWT_ISSUER', 'mayfly'],
    ['JWT_AUDIENCE', 'mayfly'],
    ['REDIS_PREFIX', 'mayfly'],
    ['PRESENCE_SCOPE', 'auto'],
  ] as const)('%s is %p where nobody sets it, in production too', (name, value) => {
    expect([AppConfig.from({}).env[name], AppConfig.from(PRODUCTION).env[name]]).toEqual([value, value]);
  });

  it('take a burst of four times the rate unless it is set', () => {
    expect(AppConfig.from({ RATE_LIMIT_PER_SECOND: '7' }).rateLimitBurst).toBe(28);
    expect(AppConfig.from({ RATE_LIMIT_PER_SECOND: '7', RATE_LIMIT_BURST: '9' }).rateLimitBurst).toBe(9);
  });

  it('that contradict each other stop the start', () => {
    expect(refusal({ MESSAGE_TTL_MIN_S: '10', MESSAGE_TTL_MAX_S: '9' })).toMatch(/^MESSAGE_TTL_MIN_S /);
    expect(refusal({ MESSAGE_TTL_MS: '61000', MESSAGE_MAX_LIFETIME_S: '60' })).toMatch(/^MESSAGE_TTL_MS /);
    expect(refusal({ ...PRODUCTION, SEED_DEMO_USERS: 'true' })).toMatch(/^SEED_DEMO_USERS /);
    expect(refusal({ ...PRODUCTION, SEED_DEMO_USERS: 'false' })).toBeUndefined();
  });
});

describe('JWT_SECRET', () => {
  it('is made anew for each start where none is set, but not in production', () => {
    const [one, two] = [AppConfig.from({ JWT_SECRET: '' }), AppConfig.from({})];
    expect([one.jwtSecretIsRandom, two.jwtSecretIsRandom]).toEqual([true, true]);
    expect(one.jwtSecret.length).toBeGreaterThanOrEqual(32);
    expect(one.jwtSecret).not.toBe(two.jwtSecret);
    expect(refusal({ NODE_ENV: 'production', JWT_SECRET: undefined })).toMatch(/^JWT_SECRET must be set/);
    expect(refusal({ NODE_ENV: 'production', JWT_SECRET: '' })).toMatch(/^JWT_SECRET must be set/);
  });

  it('has 32 characters or more in production', () => {
    const secret = randomBytes(16).toString('hex');
    expect(refusal({ NODE_ENV: 'production', JWT_SECRET: secret })).toBeUndefined();
    expect(refusal({ NODE_ENV: 'production', JWT_SECRET: secret.slice(1) })).toMatch(/^JWT_SECRET .*32/);
    expect(refusal({ JWT_SECRET: 'short' })).toBeUndefined();
  });

  it.each([
    'your-secret-key',
    'your_secret_key',
    'change-me',
    'changeme',
    'CHANGE_ME',
    'secret',
    'your_jwt_secret',
    'supersecret',
    'your-256-bit-secret',
    'your-super-secret-jwt-key-change-in-production',
    'your-super-secret-jwt-key-change-this-in-production',
    'your_super_secret_jwt_key_here_change_in_production',
    'supersecretkeythatnobodywilleverguess',
    'please-change-this-to-a-long-random-string',
    'please_change_this_secret_before_deploying',
    'change_this_secret_in_production_please',
    'changeme-changeme-changeme-changeme-changeme',
    'replace-with-a-long-random-string-of-32-chars',
    'use-a-long-random-string-of-at-least-32-characters',
    'generate-a-strong-random-secret-here',
    'a-string-secret-at-least-256-bits-long',
    'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.',
    'development-secret-do-not-use-in-production',
    'dev-only-jwt-signing-key-not-for-production',
    'my-very-secret-key-for-signing-json-web-tokens',
    'this-is-my-jwt-secret-for-the-chat-application',
    'some-default-secret-that-must-be-overridden',
    'YOUR_VERY_VERY_STRONG_AND_UNIQUE_SECRET_KEY_HERE',
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    '00000000-0000-0000-0000-000000000000',
    '01234567890123456789012345678901',
    '0123456789abcdef0123456789abcdef',
    '12345678901234567890123456789012',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'secretsecretsecretsecretsecretsecret',
    'passwordpasswordpasswordpassword',
  ])('is refused in production where an example has it: %s', (secret) => {
    expect(refusal({ NODE_ENV: 'production', JWT_SECRET: secret })).toMatch(/^JWT_SECRET /);
    // Outside production it is what somebody wants to try things with.
    expect(refusal({ JWT_SECRET: secret })).toBeUndefined();
  });

  it('that is random is never taken for an example', () => {
    for (let i = 0; i < 1000; i++) {
      const bytes = createHash('sha512')
        .update(`${i}`)
        .digest()
        .subarray(0, 24 + (i % 40));
      for (const JWT_SECRET of [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')]) {
        expect(refusal({ NODE_ENV: 'production', JWT_SECRET })).toBeUndefined();
      }
    }
  });
});

describe('the origins that may use the API', () => {
  it('are those of the usual development servers where none is set, but not in production', () => {
    expect(origins({}).sort()).toEqual([
      'http://127.0.0.1:3000',
      'http://127.0.0.1:5173',
      'http://localhost:3000',
      'http://localhost:5173',
    ]);
    expect(origins(PRODUCTION)).toEqual([]);
  });

  it('are exactly those listed, whatever they are written like', () => {
    const config = AppConfig.from({
      CORS_ORIGIN: ' https://Chat.example.com/ ,http://localhost:80, https://a.example:444,,',
    });
    expect([...config.corsOrigins].sort()).toEqual([
      'http://localhost',
      'https://a.example:444',
      'https://chat.example.com',
    ]);
    for (const origin of ['https://chat.example.com', 'https://a.example:444', undefined]) {
      expect(config.allowsOrigin(origin)).toBe(true);
    }
    for (const origin of [
      'http://chat.example.com',
      'https://chat.example.com.evil.example',
      'https://chat.example.com:8443',
      'https://a.example',
      'https://evil.example',
      'http://localhost:3000',
      'null',
      '',
    ]) {
      expect(config.allowsOrigin(origin)).toBe(false);
    }
  });

  it('are the union of all names of the setting', () => {
    const all = {
      CORS_ORIGIN: 'https://a.example',
      FRONTEND_URL: 'https://b.example',
      CLIENT_URL: 'https://c.example',
    };
    expect(origins(all).sort()).toEqual(['https://a.example', 'https://b.example', 'https://c.example']);
    expect(origins({ FRONTEND_URL: 'https://b.example/app' })).toEqual(['https://b.example']);
  });

  it('may be all of them outside production only', () => {
    expect(AppConfig.from({ CORS_ORIGIN: '*' }).allowsOrigin('https://anywhere.example')).toBe(true);
    expect(refusal({ ...PRODUCTION, CORS_ORIGIN: '*' })).toMatch(/^CORS_ORIGIN /);
    expect(refusal({ ...PRODUCTION, CORS_ORIGIN: 'https://a.example,*' })).toMatch(/^CORS_ORIGIN /);
  });

  it('always have that of PUBLIC_URL among them', () => {
    const config = AppConfig.from({ ...PRODUCTION, PUBLIC_URL: 'https://chat.example.com/mayfly/' });
    expect(config.allowsOrigin('https://chat.example.com')).toBe(true);
    expect(config.allowsOrigin('https://another.example')).toBe(false);
  });

  it.each([
    'localhost:3000',
    'chat.example.com',
    'https://',
    '/chat',
    'javascript:alert(1)',
    'data:text/html,x',
    'null',
  ])('cannot be %s', (origin) => {
    expect(refusal({ CORS_ORIGIN: `https://a.example,${origin}` })).toMatch(/^CORS_ORIGIN /);
  });
});

describe('PUBLIC_URL', () => {
  it('is kept with its path and without a slash at the end', () => {
    expect(AppConfig.from({ PUBLIC_URL: 'https://chat.example.com/' }).publicUrl).toBe('https://chat.example.com');
    expect(AppConfig.from({ PUBLIC_URL: 'http://example.com/chat//' }).publicUrl).toBe('http://example.com/chat');
    expect(AppConfig.from({ PUBLIC_URL: '' }).publicUrl).toBeUndefined();
  });

  it.each([
    'chat.example.com',
    '//chat.example.com',
    'ftp://chat.example.com',
    'javascript:alert(1)',
    'https://',
    '/chat',
  ])('cannot be %s', (url) => {
    expect(refusal({ PUBLIC_URL: url })).toMatch(/^PUBLIC_URL /);
  });
});

describe('REDIS_URL', () => {
  it.each(['redis://localhost:6379', 'rediss://user:secret@redis.example.com:6380/2'])('may be %s', (url) => {
    expect(AppConfig.from({ REDIS_URL: url }).env.REDIS_URL).toBe(url);
  });

  it.each(['localhost:6379', 'redis.example.com', 'http://localhost:6379', '/var/run/redis.sock'])(
    'cannot be %s',
    (url) => {
      expect(refusal({ REDIS_URL: url })).toMatch(/^REDIS_URL /);
    },
  );
});
