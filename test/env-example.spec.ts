import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getMetadataStorage } from 'class-validator';
import { parse } from 'dotenv';
import { AppConfig } from '../src/config/app-config';
import { EnvDto } from '../src/config/env.dto';

const text = readFileSync(join(__dirname, '..', '.env.example'), 'utf8');
const example = parse(text);
const SECRET = 'a secret of the tests that has more than 32 characters';

const settings = (): string[] => {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(EnvDto, '', false, false);
  return [...new Set(metadata.map(({ propertyName }) => propertyName))];
};

/** Everything that a configuration says, comparable. */
function told(values: Record<string, string>): object {
  const { corsOrigins, ...rest } = AppConfig.from({ JWT_SECRET: SECRET, ...values });
  return { ...rest, corsOrigins: [...corsOrigins] };
}

/** The example over an environment in which only these are set. */
const withExample = (values: Record<string, string>): Record<string, string> => ({
  ...example,
  JWT_SECRET: SECRET,
  ...values,
});

describe('.env.example', () => {
  it('names every setting and nothing else', () => {
    expect(Object.keys(example).sort()).toEqual(settings().sort());
  });

  it('names no setting twice and has no comment behind a value', () => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toHaveLength(settings().length);
    expect(lines.filter((line) => !/^[A-Z][A-Z0-9_]*=[^\s#]*$/.test(line))).toEqual([]);
  });

  it('explains every setting on the lines above it', () => {
    const unexplained = text
      .split('\n\n')
      .map((block) => block.trim().split('\n'))
      .filter((lines) => lines.some((line) => /^[A-Z]/.test(line)) && !/^# [A-Za-z*]/.test(lines[0] ?? ''));
    expect(unexplained).toEqual([]);
  });

  it('has no secret', () => {
    expect(example.JWT_SECRET).toBe('');
  });

  it('changes nothing when it is copied as .env', () => {
    expect(told(withExample({}))).toEqual(told({}));
    expect(told(withExample({ NODE_ENV: 'production' }))).toEqual(told({ NODE_ENV: 'production' }));
  });

  it.each([
    ['UPLOAD_PATH', '/data'],
    ['FRONTEND_URL', 'https://app.example.com'],
    ['CLIENT_URL', 'https://app.example.com'],
    ['REDIS_HOST', 'redis'],
    ['MAX_CONNECTIONS_PER_IP', '7'],
    ['SOCKET_PING_INTERVAL', '7000'],
    ['SOCKET_PING_TIMEOUT', '7000'],
  ])('lists the alias %s, which has an effect', (alias, value) => {
    expect(text).toMatch(new RegExp(`^#   ${alias} `, 'm'));
    expect(told({ [alias]: value })).not.toEqual(told({}));
  });

  it('lists the names that have none, each of which is told at the start', () => {
    const [, list = ''] = /without effect here \(the log says so\): ([^.]*)\./.exec(text) ?? [];
    const names = list.split(/[,\s#]+/);
    const values = Object.fromEntries(names.map((name) => [name, 'x']));
    expect(AppConfig.from(values).withoutEffect).toEqual(names);
  });
});
