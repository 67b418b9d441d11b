import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getMetadataStorage } from 'class-validator';
import { EnvDto } from './env.dto';
import { ConfigError, parseEnvironment, readEnvironment, seconds, settingsWithoutEffect } from './env';

type Values = Record<string, string | undefined>;

function refusal(values: Values): string {
  try {
    parseEnvironment(values);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('Nothing was refused');
}

const metadata = getMetadataStorage().getTargetValidationMetadatas(EnvDto, '', false, false, undefined);
const names = [...new Set(metadata.map(({ propertyName }) => propertyName))];
const defaults = new EnvDto() as unknown as Record<string, unknown>;
const numeric = names.filter((name) => metadata.some((one) => one.propertyName === name && one.name === 'isInt'));
const spans = names.filter((name) => /EXPIRES_IN$/.test(name));
const choices = ['NODE_ENV', 'LOG_LEVEL', 'PRESENCE_SCOPE'];

describe('the environment', () => {
  it('has kinds of settings that these tests know', () => {
    expect(numeric.length).toBeGreaterThan(20);
    expect(spans).toEqual(['JWT_EXPIRES_IN', 'GUEST_EXPIRES_IN']);
    expect(names).toEqual(expect.arrayContaining(choices));
  });

  it('gives the defaults where nothing is set, or set to nothing', () => {
    const empty = Object.fromEntries(names.map((name) => [name, '']));
    for (const values of [{}, empty, { PORT: undefined }]) {
      expect(parseEnvironment(values)).toEqual(new EnvDto());
    }
  });

  it('ignores what is no setting of ours', () => {
    expect(parseEnvironment({ PATH: '/bin', HOME: '/root', npm_config_x: '1', toString: 'x' })).toEqual(new EnvDto());
  });

  it.each(numeric)('takes %s as a whole number and nothing else', (name) => {
    const standing = defaults[name];
    if (typeof standing === 'number') {
      expect(parseEnvironment({ [name]: String(standing) })).toMatchObject({ [name]: standing });
    }
    for (const wrong of [
      'x',
      '1.5',
      '1e3',
      '0x10',
      '07',
      ' 7',
      '7 ',
      '+7',
      '-1',
      '--1',
      '99999999999999999999',
      'NaN',
    ]) {
      const message = refusal({ [name]: wrong });
      expect(message).toMatch(new RegExp(`^${name} `));
      expect(message).not.toContain('\n');
    }
  });

  it.each(spans)('takes %s as a duration and nothing else', (name) => {
    expect(parseEnvironment({ [name]: '90m' })).toMatchObject({ [name]: '90m' });
    for (const wrong of ['0', '0s', '-1h', '1.5h', '1 h', '1w', 'h', '1hh', '10000000000s']) {
      expect(refusal({ [name]: wrong })).toMatch(new RegExp(`^${name} .*90s, 15m, 24h or 7d$`));
    }
  });

  it.each(choices)('takes for %s what is listed', (name) => {
    for (const wrong of ['x', 'PRODUCTION', 'development ', '1']) {
      expect(refusal({ [name]: wrong })).toMatch(new RegExp(`^${name} must be one of`));
    }
  });

  it.each([
    ['SEED_DEMO_USERS', 'yes'],
    ['SEED_DEMO_USERS', '1'],
    ['SEED_DEMO_USERS', 'TRUE'],
    ['REDIS_PREFIX', 'a b'],
    ['REDIS_PREFIX', '{a}'],
    ['REDIS_PREFIX', 'x'.repeat(33)],
    ['JWT_ISSUER', 'a?b'],
    ['JWT_AUDIENCE', 'ü'],
    ['HOST', 'x'.repeat(5000)],
  ])('names %s in one line where it is %j', (name, wrong) => {
    const message = refusal({ [name]: wrong });
    expect(message).toMatch(new RegExp(`^${name} `));
    expect(message).not.toContain('\n');
  });

  it('knows true and false', () => {
    expect(parseEnvironment({ SEED_DEMO_USERS: 'true' }).SEED_DEMO_USERS).toBe(true);
    expect(parseEnvironment({ SEED_DEMO_USERS: 'false' }).SEED_DEMO_USERS).toBe(false);
    expect(parseEnvironment({}).SEED_DEMO_USERS).toBeUndefined();
  });
});

describe('names of older backends', () => {
  it.each([
    ['UPLOAD_PATH', 'UPLOAD_DIR', '/data', '/data', '/other'],
    ['MAX_CONNECTIONS_PER_IP', 'MAX_SOCKETS_PER_IP', '7', 7, '8'],
    ['SOCKET_PING_INTERVAL', 'SOCKET_PING_INTERVAL_MS', '7000', 7000, '8000'],
    ['SOCKET_PING_TIMEOUT', 'SOCKET_PING_TIMEOUT_MS', '7000', 7000, '8000'],
  ])('%s is read as %s', (alias, name, value, meant, other) => {
    expect(parseEnvironment({ [alias]: value })).toMatchObject({ [name]: meant });
    expect(parseEnvironment({ [alias]: value, [name]: '' })).toMatchObject({ [name]: meant });
    expect(parseEnvironment({ [alias]: '', [name]: value })).toMatchObject({ [name]: meant });
    expect(parseEnvironment({ [alias]: value, [name]: value })).toMatchObject({ [name]: meant });
    const conflict = refusal({ [alias]: value, [name]: other });
    expect(conflict).toContain(alias);
    expect(conflict).toContain(name);
    expect(conflict).not.toContain('\n');
  });

  it('are named where their value is wrong', () => {
    expect(refusal({ MAX_CONNECTIONS_PER_IP: 'many' })).toMatch(/^MAX_SOCKETS_PER_IP .*MAX_CONNECTIONS_PER_IP/);
  });

  it('make one address of Redis', () => {
    const url = (values: Values): string | undefined => parseEnvironment(values).REDIS_URL;
    expect(url({ REDIS_HOST: 'redis' })).toBe('redis://redis:6379');
    expect(url({ REDIS_HOST: '10.0.0.1', REDIS_PORT: '7000' })).toBe('redis://10.0.0.1:7000');
    const secret = url({ REDIS_HOST: 'redis', REDIS_USERNAME: 'me', REDIS_PASSWORD: 'p@ss/w:rd#1' });
    expect(new URL(secret ?? '').hostname).toBe('redis');
    expect(decodeURIComponent(new URL(secret ?? '').password)).toBe('p@ss/w:rd#1');
    expect(url({ REDIS_HOST: 'redis', REDIS_URL: 'redis://redis:6379' })).toBe('redis://redis:6379');
  });

  it.each(['REDIS_PORT', 'REDIS_USERNAME', 'REDIS_PASSWORD'])(
    'of Redis without a host stop the start: nobody who sets %s means memory',
    (name) => {
      expect(refusal({ [name]: '6379' })).toMatch(new RegExp(`^${name} .*REDIS_HOST`));
      expect(parseEnvironment({ [name]: '' }).REDIS_URL).toBeUndefined();
    },
  );

  it.each([
    ['redis://redis', {}, undefined],
    ['rediss://redis:6379/3', { REDIS_HOST: 'redis', REDIS_PORT: '6379' }, undefined],
    ['redis://me:p%40ss@redis:7000', { REDIS_USERNAME: 'me', REDIS_PASSWORD: 'p@ss', REDIS_PORT: '7000' }, undefined],
    ['redis://other', { REDIS_HOST: 'redis' }, 'REDIS_HOST'],
    ['redis://redis:7000', { REDIS_HOST: 'redis', REDIS_PORT: '7001' }, 'REDIS_PORT'],
    ['redis://redis', { REDIS_PASSWORD: 'secret' }, 'REDIS_PASSWORD'],
    ['redis://me:x@redis', { REDIS_USERNAME: 'you' }, 'REDIS_USERNAME'],
  ] as const)('of Redis beside %s are to say the same: %j', (REDIS_URL, parts, named) => {
    if (named === undefined) {
      expect(parseEnvironment({ REDIS_URL, ...parts }).REDIS_URL).toBe(REDIS_URL);
    } else {
      expect(refusal({ REDIS_URL, ...parts })).toBe(`${named} and REDIS_URL are both set and differ: remove ${named}`);
    }
  });

  it.each([
    ['REDIS_PORT', 'x'],
    ['REDIS_PORT', '70000'],
    ['REDIS_HOST', 'a b'],
  ])('of Redis that make no address stop the start: %s=%s', (name, value) => {
    expect(refusal({ REDIS_HOST: 'redis', [name]: value })).toContain(name);
  });

  it('without effect are listed, unless they are empty', () => {
    expect(
      settingsWithoutEffect({ MONGODB_URI: 'mongodb://x', SESSION_SECRET: 'x', COOKIE_SECRET: '', PORT: '1' }),
    ).toEqual(['MONGODB_URI', 'SESSION_SECRET']);
  });
});

describe('the .env file', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mayfly-env-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('is read, and the environment goes before it', () => {
    const file = join(directory, '.env');
    writeFileSync(file, '# a comment\nMAYFLY_TEST_ONE=from file\nMAYFLY_TEST_TWO="quoted # text"\nPATH=from file\n');
    const environment = readEnvironment(file);
    expect(environment).toMatchObject({ MAYFLY_TEST_ONE: 'from file', MAYFLY_TEST_TWO: 'quoted # text' });
    expect(environment.PATH).toBe(process.env.PATH);
  });

  it('need not be there', () => {
    expect(readEnvironment(join(directory, 'none'))).toEqual({ ...process.env });
  });
});

describe('a duration', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
  ])('of %s is %i seconds', (span, expected) => {
    expect(seconds(span)).toBe(expected);
  });
});
